// `pinlight capture on | off | status`: transparent capture on Linux, by rules of the kernel that whoever runs this (root) puts in and takes out.
// `release` and `resume` are the service's own (native/service/systemd-unit.ts): what holds while its agent is away, and what was asked for again.
// Not for the rules themselves (native/packet-capture) and not for programs that obey a proxy setting (`pinlight steer`).
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { captureFolder, openCapture, readCapture, readWantedCapture } from '../../../native/packet-capture/index.ts';
import type { Capture, CaptureSettings, CaptureState } from '../../../native/packet-capture/index.ts';
import { createToolRunner } from '../../../native/trust-store/run-tool.ts';
import { agentStartMs } from '../../contract/agent-arguments.ts';
import { PinlightError } from '../../contract/errors.ts';
import { findListener, serviceClient, whatResumes, whyUnheard } from '../capture-listener.ts';
import type { CaptureListener } from '../capture-listener.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { counted } from '../phrases.ts';

type OnOptions = { readonly user: readonly string[]; readonly group: readonly string[]; readonly port: readonly string[] };

export function addCaptureCommand(program: Command, context: CliContext): void {
  const capture = program.command('capture').description('bring connections of chosen users to Pinlight without their programs knowing of a proxy (Linux, root)');
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  capture.command('on')
    .description('redirect connections to port 443, and refuse QUIC, for these users and groups')
    .option('--user <name>', 'a login name or uid; may be repeated', collect, [])
    .option('--group <name>', 'a group or gid: programs whose own group it is; may be repeated', collect, [])
    .option('--port <number>', 'ports of the targets, 443 where none is named; may be repeated', collect, [])
    .addHelpText('after', '\nThe agent needs a port for them: `network.transparentPort` in the policy. It has to run as a user of its own, whose connections stay as\nthey are. With the service of the machine it lasts until `capture off`, whatever happens to agent, service or system: while the agent is\naway, these users go direct (defaults.failMode "open" in the policy) or are refused at once ("closed"). With an agent that was started by\nhand the rules stay while it is dead, and these users reach nothing on these ports; they end with a restart of the system, and with the\ninstallation of a service.\n\nExamples:\n  $ sudo pinlight capture on --user ann\n  $ sudo pinlight capture on --group staff --port 443 --port 8443\n')
    .action((options: OnOptions) => on(context, options));
  capture.command('off')
    .description('take the rules away; exit code 1 when that failed')
    .addHelpText('after', '\nWorks without an agent.\n\nExample:\n  $ sudo pinlight capture off\n')
    .action(() => off(context));
  capture.command('status')
    .description('whose connections are redirected; exit code 1 when nobody\'s are, or when no agent takes them')
    .addHelpText('after', '\nExample:\n  $ sudo pinlight capture status\n')
    .action(async () => show(context, await readCapture(process.env), []));
  capture.command('release', { hidden: true }).description('for the service: what policy wants while no agent is there').action(() => release(context));
  capture.command('resume', { hidden: true }).description('for the service: what was asked for, once its agent listens').action(() => resume(context));
}

async function on(context: CliContext, options: OnOptions): Promise<void> {
  if (options.user.length + options.group.length === 0) throw new PinlightError('bad-request', 'Name whose connections are to be captured: --user NAME or --group NAME.');
  const ports = (options.port.length === 0 ? ['443'] : options.port).map(Number);
  if (!ports.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535)) throw new PinlightError('bad-request', 'A port is a whole number from 1 to 65535.');
  await withCapture(context, async (capture) => {
    const listener = await findListener(context.client);
    await install(capture, { ports, uids: await idsOf('passwd', options.user), gids: await idsOf('group', options.group) }, listener);
    await show(context, await capture.check(), capture.recovered);
    if (listener.guarded) context.output.line(listener.failMode === 'open' ? 'While its agent is away, the service takes the rules out: the policy fails open.' : 'While its agent is away, the service has these connections refused: the policy fails closed.');
    else if (listener.failMode === 'open') context.output.line('The policy fails open, which rules of the kernel do not do by themselves: without the agent these users reach nothing on these ports until `pinlight capture off`. The service of the machine sees to it (`sudo pinlight service install`).');
  });
}

async function install(capture: Capture, who: Pick<CaptureSettings, 'uids' | 'gids' | 'ports'>, { listenerPort, agentUid, failMode, guarded }: CaptureListener): Promise<void> {
  if (who.uids.includes(agentUid)) {
    throw new PinlightError('bad-request', `The agent itself runs as uid ${agentUid}, whose connections cannot be captured: run it as a user of its own (\`pinlight service install\`).`);
  }
  const result = await capture.install({ settings: { uids: who.uids, gids: who.gids, ports: who.ports, listenerPort, agentUid }, failMode }, guarded);
  if (result.kind === 'failed') throw new PinlightError('capture-failed', sentence(result.why));
}

async function release(context: CliContext): Promise<void> {
  // Nobody asked for capture on this device, as on most: the service starts and stops without a trace of it.
  if (!existsSync(captureFolder)) return;
  await withCapture(context, async (capture) => {
    const result = await capture.release();
    if (result.kind === 'failed') throw new PinlightError('capture-failed', sentence(result.why));
  });
}

async function resume(context: CliContext): Promise<void> {
  const wanted = readWantedCapture();
  if (wanted === null) return;
  const listener = await untilListens();
  await withCapture(context, async (capture) => {
    // `capture off` may have come while we waited.
    if (readWantedCapture() !== null) await install(capture, wanted.settings, listener);
  });
}

/** As long as the watchdog waits for a start. Nothing is captured then that was not before. */
async function untilListens(): Promise<CaptureListener> {
  for (const deadline = performance.now() + agentStartMs; ; await delay(100)) {
    try {
      return await findListener(serviceClient());
    } catch (thrown) {
      if (!(thrown instanceof PinlightError) || thrown.code === 'bad-policy' || performance.now() > deadline) throw thrown;
    }
  }
}

async function off(context: CliContext): Promise<void> {
  await withCapture(context, async (capture) => {
    const result = await capture.uninstall();
    if (result.kind === 'failed') throw new PinlightError('capture-failed', sentence(result.why));
    context.output.data({ on: false, settings: null, recovered: capture.recovered });
    context.output.line('No connection is captured; no rule of Pinlight\'s is left.', 'strong');
  });
}

async function show(context: CliContext, state: CaptureState, recovered: Capture['recovered']): Promise<void> {
  if (state.kind === 'unreadable') throw new PinlightError(/not permitted/iu.test(state.why) ? 'not-permitted' : 'capture-failed', sentence(state.why));
  const settings = state.kind === 'on' ? state.settings : null;
  const wanted = readWantedCapture();
  const unheard = settings === null ? null : whyUnheard(settings);
  const resumes = wanted !== null && (state.kind === 'off' || settings?.listenerPort === null) ? (await whatResumes()).words : null;
  context.output.data({ on: settings !== null, settings, wanted, unheard, resumes, recovered });
  if (settings === null) {
    context.output.line(state.kind === 'foreign' ? 'There is a table "inet pinlight" that is not as Pinlight makes it: `pinlight capture off` takes it away.' : 'No connection is captured.', 'strong');
    if (wanted !== null && resumes !== null) context.output.line(`It is asked for, for ${whose(wanted.settings)}. ${resumes}`);
    return context.finish(exitCodes.negative);
  }
  context.output.line(`Connections of ${whose(settings)} to ${counted(settings.ports.length, 'port')} (${settings.ports.join(', ')}) are captured.`, 'strong');
  if (settings.listenerPort !== null) context.output.line(`They go to port ${settings.listenerPort} of the agent (uid ${settings.agentUid}), which has to run; QUIC is refused to them.`);
  if (unheard === null) return;
  context.output.line(`${unheard} ${resumes ?? 'Start the agent.'} \`pinlight capture off\` ends it.`, 'bad');
  context.finish(exitCodes.negative);
}

function whose({ uids, gids }: CaptureSettings): string {
  return [...uids.map((uid) => `uid ${uid}`), ...gids.map((gid) => `gid ${gid}`)].join(', ');
}

async function withCapture(context: CliContext, use: (capture: Capture) => Promise<void>): Promise<void> {
  if (process.platform !== 'linux') throw new PinlightError('bad-request', 'Capture without a proxy setting exists on Linux alone; `pinlight steer` works on every system.');
  if (process.geteuid?.() !== 0) throw new PinlightError('not-permitted', 'Only root may change the rules of the kernel.');
  const opened = await openCapture({ env: process.env, now: context.now });
  if (opened.kind !== 'capture') throw new PinlightError(opened.kind === 'in-use' ? 'steering-busy' : 'state-unusable', sentence(opened.why));
  try {
    for (const why of opened.capture.recovered.flatMap(({ left }) => left)) context.output.note(`Not taken back: ${why}`);
    await use(opened.capture);
  } finally {
    opened.capture.close();
  }
}

/** Numbers for names, as the system knows them; a number stands for itself, also where nobody has a name for it. */
function idsOf(database: 'passwd' | 'group', names: readonly string[]): Promise<readonly number[]> {
  const tools = createToolRunner(process.env, 'pinlight-capture');
  return Promise.all(names.map(async (name) => {
    if (/^\d{1,9}$/u.test(name)) return Number(name);
    const found = await tools.run('getent', ['--', database, name], { timeoutMs: 10_000 });
    const id = found.kind === 'ended' && found.code === 0 ? Number(found.output.split(':')[2]) : Number.NaN;
    if (!Number.isInteger(id)) throw new PinlightError('bad-request', `There is no ${database === 'passwd' ? 'user' : 'group'} "${name}".`);
    return id;
  }));
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
