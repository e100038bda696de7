// `pinlight steer on | off | status`: brings this device's programs to the proxy, puts back what was there, and says what holds.
// Settings are changed by whoever runs this (and by the watchdog, which is the same person), never by the agent. Not for how: native/system-proxy.
import { get } from 'node:http';
import { homedir } from 'node:os';
import { text } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { managedBrowsers } from '../../../native/system-proxy/browser-network-policy.ts';
import { isPutBack, openSteering, vpnInterfaces } from '../../../native/system-proxy/steering.ts';
import type { SteerRequest, SteerRow, Steering } from '../../../native/system-proxy/steering.ts';
import { pathsOfThisProcess } from '../../client/state-folder.ts';
import { PinlightError } from '../../contract/errors.ts';
import { pacPath } from '../../core/steering/pac.ts';
import { mayInspect } from '../../core/steering/reach.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { counted } from '../phrases.ts';
import type { Tone } from '../table.ts';

type Options = { readonly setting: readonly string[] };
type OnOptions = Options & { readonly tools?: boolean; readonly port?: number; readonly quicOff?: boolean };

/** Another `pinlight steer`, or the watchdog, is waited for this long: changing every setting takes about a second. */
const otherMs = 5_000;
const pacMs = 3_000;

export function addSteerCommand(program: Command, context: CliContext): void {
  const steer = program.command('steer').description('bring the programs of this device to the proxy, and put back what was there');
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  const withSettings = (command: Command): Command => command
    .option('--setting <name>', 'only this setting or kind of setting, as `pinlight steer status` names it; may be repeated', collect, []);

  withSettings(steer.command('on'))
    .description('set the system\'s proxy by PAC; with --tools also the variables that command-line tools read')
    .option('--tools', 'set http_proxy and https_proxy in new sessions as well: such programs fail while the agent is down')
    .option('--port <number>', 'port of the proxy, for a caller who is not the one that runs the agent', readPort)
    .option('--quic-off', 'with --port: switch QUIC off in browsers, as policy inspects them')
    .addHelpText('after', `
Each setting is changed by itself, read back, and put back when that fails. What was set before is kept, and put back by \`pinlight steer off\`,
when the agent ends, and after a crash. Somebody else's proxy is never replaced unless the policy names it (network.upstreamProxy).
Without an agent, browsers that follow a PAC go direct (failMode open).

Examples:
  $ pinlight steer on
  $ pinlight steer on --tools
  $ pinlight steer on --setting gnome
`)
    .action((options: OnOptions) => on(context, options));
  withSettings(steer.command('off'))
    .description('put every setting back to what it was; works without the agent')
    .addHelpText('after', '\nExample:\n  $ pinlight steer off\n')
    .action((options: Options) => off(context, options));
  withSettings(steer.command('status'))
    .description('what is steered, what somebody else has set, and what happens while the agent is down; exit code 1 when it is not as asked')
    .addHelpText('after', '\nExamples:\n  $ pinlight steer status\n  $ pinlight steer status --json\n')
    .action((options: Options) => status(context, options));
}

async function on(context: CliContext, options: OnOptions): Promise<void> {
  const request = await requestOf(context, options);
  if (!(await servesPac(request.port))) {
    throw new PinlightError('agent-not-running', `No proxy of Pinlight's answers on 127.0.0.1:${request.port}, so nothing was changed.`);
  }
  await withSteering(context, options, async (steering) => {
    const result = await steering.on(request);
    if (result.kind === 'stood-down') {
      const found = result.found.map(({ setting, words }) => `${setting}: ${words}`).join('; ');
      throw new PinlightError('other-proxy', result.plain
        ? `Another proxy is set here, so nothing was changed (${found}).`
        : `Another proxy is set here that the agent cannot go through, so nothing was changed (${found}).`);
    }
    const { rows } = result;
    const steered = rows.filter((row) => row.state === 'steered').length;
    context.output.data({ on: steered > 0, wanted: steering.wanted(), recovered: steering.recovered, settings: rows });
    context.output.line(`${counted(steered, 'setting')} of ${rows.length} ${steered === 1 ? 'brings' : 'bring'} programs to 127.0.0.1:${request.port}, or ${steered === 1 ? 'protects' : 'protect'} them there.`, 'strong');
    tell(context, rows);
    tellFailMode(context, request.failMode, rows);
    conclude(context, rows, 'on', options.tools === true, request);
  });
}

async function off(context: CliContext, options: Options): Promise<void> {
  await withSteering(context, options, async (steering) => {
    const rows = await steering.off();
    const restored = rows.filter((row) => row.done === 'restored').length;
    context.output.data({ on: steering.wanted() !== null, recovered: steering.recovered, settings: rows });
    context.output.line(restored === 0 ? 'No setting was steered.' : `Put back ${counted(restored, 'setting')}. Programs that are running may go on as they began.`, 'strong');
    tell(context, rows);
    conclude(context, rows, 'off', false, null);
  });
}

async function status(context: CliContext, options: Options): Promise<void> {
  await withSteering(context, options, async (steering) => {
    const [wanted, rows] = [steering.wanted(), await steering.status()];
    const answers = wanted !== null && await servesPac(wanted.port);
    const bringing = rows.filter((row) => row.kind !== 'browser-policy' && row.state === 'steered');
    // Asked for, put back at the end of the agent, and to come again with it.
    const suspended = wanted !== null && !answers && isPutBack(wanted, rows);
    const vpn = vpnInterfaces();
    const closed = wanted?.failMode === 'closed' ? { enforcedIn: closedIn(rows), notEnforceableIn: openIn(rows) } : null;
    context.output.data({ on: wanted !== null, suspended, proxyAnswers: answers, wanted, failClosed: closed, vpn, recovered: steering.recovered, settings: rows });
    context.output.line(wanted === null ? 'Steering is off.'
      : suspended ? 'Steering is asked for, and put back while the agent is down: it comes again with it.'
        : `Steering is on: ${counted(bringing.length, 'setting')} ${bringing.length === 1 ? 'brings' : 'bring'} programs to 127.0.0.1:${wanted.port}${answers ? '' : ', where no proxy answers now'}.`, 'strong');
    tell(context, rows);
    if (wanted !== null) tellFailMode(context, wanted.failMode, rows);
    if (vpn.length > 0) context.output.line(`A VPN is up (${vpn.join(', ')}): the agent's own connections take it as every program's do. If it sets a proxy, steering stands down.`);
    const missing = wanted !== null && !suspended && rows.some((row) => wanted.settings.includes(row.setting) && row.state !== 'steered');
    if (missing || (wanted === null && rows.some((row) => row.state === 'steered' || row.state === 'outdated'))) context.finish(exitCodes.negative);
  });
}

async function requestOf(context: CliContext, options: OnOptions): Promise<SteerRequest> {
  if (options.port !== undefined) {
    return { port: options.port, failMode: 'open', tools: options.tools === true, quicOff: options.quicOff === true ? managedBrowsers.map(({ name }) => name) : [], browsersByPolicy: false, chained: false };
  }
  const [{ agent }, { policy }] = [await context.client.call('status', {}, {}), await context.client.call('policy', {}, {})];
  const { failMode } = policy.defaults;
  return {
    port: Number(/:(\d+)$/.exec(agent.proxy[0] ?? '')?.[1]), failMode,
    // A PAC fails open; only a fixed proxy keeps tools closed.
    tools: options.tools === true || failMode === 'closed',
    quicOff: managedBrowsers.filter((browser) => mayInspect(policy, browser)).map(({ name }) => name),
    browsersByPolicy: process.geteuid?.() === 0,
    chained: policy.network.upstreamProxy !== 'direct' && policy.network.upstreamProxy !== 'system',
  };
}

/** Whether a proxy of Pinlight's answers on this port with its PAC. */
function servesPac(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: pacPath, agent: false, signal: AbortSignal.timeout(pacMs) }, (response) => {
      text(response).then((body) => resolve(response.statusCode === 200 && body.startsWith('function FindProxyForURL')), () => resolve(false));
    });
    request.on('error', () => resolve(false));
  });
}

async function withSteering(context: CliContext, options: Options, use: (steering: Steering) => Promise<void>): Promise<void> {
  const opened = await openSteering({ stateFolder: pathsOfThisProcess(false).stateFolder, home: homedir(), env: process.env, only: options.setting, now: context.now, waitMs: otherMs });
  switch (opened.kind) {
    case 'in-use': throw new PinlightError('steering-busy', `${opened.why}.`);
    case 'unusable': throw new PinlightError('state-unusable', `${opened.why}.`);
    case 'no-such-setting': throw new PinlightError('bad-request', `${opened.why}.`);
    case 'steering':
  }
  const { steering } = opened;
  try {
    for (const { subject, left } of steering.recovered) context.output.note(left.length === 0 ? `${subject}: an interrupted change was put right` : `${subject}: an interrupted change is not put right yet: ${left.join('; ')}`);
    await use(steering);
    if (steering.recovered.some(({ left }) => left.length > 0)) context.finish(exitCodes.negative);
  } finally {
    steering.close();
  }
}

function tell(context: CliContext, rows: readonly SteerRow[]): void {
  context.output.line();
  context.output.table(
    [{ title: 'Setting' }, { title: 'State' }, { title: 'Done' }, { title: 'Where' }, { title: 'Detail' }],
    rows.map((row) => [row.setting, { text: stateWords[row.state], tone: stateTones[row.state] }, { text: doneWords[row.done], tone: doneTones[row.done] }, row.path ?? '-', row.detail]),
  );
  context.output.line();
}

function tellFailMode(context: CliContext, failMode: SteerRequest['failMode'], rows: readonly SteerRow[]): void {
  if (failMode === 'open') return context.output.line('While the agent is down, programs that follow a PAC go direct (fail-open).');
  const loose = openIn(rows);
  context.output.line(loose.length === 0 ? 'While the agent is down, programs are refused (fail-closed).'
    : `Policy says fail-closed. Fail-closed not enforceable in ${loose.join(', ')}: where a PAC cannot be reached, its programs go direct.`, loose.length === 0 ? 'plain' : 'warn');
}

function closedIn(rows: readonly SteerRow[]): readonly string[] {
  return rows.filter((row) => row.state === 'steered' && row.enforcesClosed).map((row) => row.setting);
}

function openIn(rows: readonly SteerRow[]): readonly string[] {
  return rows.filter((row) => row.state === 'steered' && !row.enforcesClosed).map((row) => row.setting);
}

/** Exit code, and the command for what needs more rights. */
function conclude(context: CliContext, rows: readonly SteerRow[], verb: 'on' | 'off', tools: boolean, request: SteerRequest | null): void {
  const troubles = rows.filter((row) => row.done === 'refused' || row.done === 'failed');
  const rights = troubles.filter((row) => row.needsRights);
  if (rights.some((row) => row.kind === 'browser-policy') && verb === 'on') {
    context.output.line('Until a browser has its policy, web pages in it may reach services of this device through the proxy\'s address.', 'warn');
  }
  if (rights.length > 0) {
    const flags = request === null ? '' : ` --port ${request.port}${tools ? ' --tools' : ''}${request.quicOff.length > 0 ? ' --quic-off' : ''}`;
    context.output.line(`${counted(rights.length, 'setting')} ${rights.length === 1 ? 'needs' : 'need'} more rights:`, 'warn');
    context.output.line(`  sudo ${context.command} steer ${verb}${rights.map((row) => ` --setting ${row.setting}`).join('')}${flags}`);
  }
  if (troubles.length > 0) context.finish(rights.length === troubles.length ? exitCodes.notPermitted : exitCodes.negative);
}

function readPort(typed: string): number {
  const port = Number(typed);
  if (!/^\d{1,5}$/.test(typed) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be a whole number from 1 to 65535.');
  return port;
}

const stateWords: Readonly<Record<SteerRow['state'], string>> = { steered: 'steered', outdated: 'outdated', off: 'off', taken: 'another proxy', unreadable: 'unreadable' };
const stateTones: Readonly<Record<SteerRow['state'], Tone>> = { steered: 'good', outdated: 'warn', off: 'dim', taken: 'warn', unreadable: 'bad' };
const doneWords: Readonly<Record<SteerRow['done'], string>> = { nothing: '-', steered: 'steered', restored: 'put back', refused: 'left as it is', failed: 'put back' };
const doneTones: Readonly<Record<SteerRow['done'], Tone>> = { nothing: 'dim', steered: 'good', restored: 'good', refused: 'warn', failed: 'bad' };
