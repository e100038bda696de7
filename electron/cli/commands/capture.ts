// `pinlight capture on | off | status`: transparent capture on Linux, by rules of the kernel that whoever runs this (root) puts in and takes out.
// Not for the rules themselves (native/packet-capture) and not for programs that obey a proxy setting (`pinlight steer`).
import type { Command } from 'commander';
import { openCapture, readCapture } from '../../../native/packet-capture/index.ts';
import type { Capture, CaptureSettings, CaptureState } from '../../../native/packet-capture/index.ts';
import { createProcessAttribution } from '../../../native/process-attribution/index.ts';
import { createToolRunner } from '../../../native/trust-store/run-tool.ts';
import { pathsOfThisProcess } from '../../client/state-folder.ts';
import { PinlightError } from '../../contract/errors.ts';
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
    .addHelpText('after', '\nThe agent needs a port for them: `network.transparentPort` in the policy. It has to run as a user of its own, whose connections stay as\nthey are. The rules last until `capture off` or a restart of the system, also while the agent is dead: those users then reach nothing\non these ports.\n\nExamples:\n  $ sudo pinlight capture on --user ann\n  $ sudo pinlight capture on --group staff --port 443 --port 8443\n')
    .action((options: OnOptions) => on(context, options));
  capture.command('off')
    .description('take the rules away; exit code 1 when that failed')
    .addHelpText('after', '\nWorks without an agent.\n\nExample:\n  $ sudo pinlight capture off\n')
    .action(() => off(context));
  capture.command('status')
    .description('whose connections are redirected; exit code 1 when nobody\'s are')
    .addHelpText('after', '\nExample:\n  $ sudo pinlight capture status\n')
    .action(async () => show(context, await readCapture(process.env), []));
}

async function on(context: CliContext, options: OnOptions): Promise<void> {
  if (options.user.length + options.group.length === 0) throw new PinlightError('bad-request', 'Name whose connections are to be captured: --user NAME or --group NAME.');
  const ports = (options.port.length === 0 ? ['443'] : options.port).map(Number);
  if (!ports.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535)) throw new PinlightError('bad-request', 'A port is a whole number from 1 to 65535.');
  await withCapture(context, async (capture) => {
    const { failMode, ...listener } = await findListener(context);
    const settings: CaptureSettings = { ...listener, ports, uids: await idsOf('passwd', options.user), gids: await idsOf('group', options.group) };
    if (settings.uids.includes(settings.agentUid)) {
      throw new PinlightError('bad-request', `The agent itself runs as uid ${settings.agentUid}, whose connections cannot be captured: run it as a user of its own (\`pinlight service install\`).`);
    }
    const result = await capture.install(settings);
    if (result.kind === 'failed') throw new PinlightError('capture-failed', sentence(result.why));
    show(context, await capture.check(), capture.recovered);
    if (failMode === 'open') context.output.line('The policy fails open, which rules of the kernel do not do by themselves: without the agent these users reach nothing on these ports until `pinlight capture off`.');
  });
}

async function off(context: CliContext): Promise<void> {
  await withCapture(context, async (capture) => {
    const result = await capture.uninstall();
    if (result.kind === 'failed') throw new PinlightError('capture-failed', sentence(result.why));
    context.output.data({ on: false, settings: null, recovered: capture.recovered });
    context.output.line('No connection is captured; no rule of Pinlight\'s is left.', 'strong');
  });
}

function show(context: CliContext, state: CaptureState, recovered: Capture['recovered']): void {
  if (state.kind === 'unreadable') throw new PinlightError(/not permitted/iu.test(state.why) ? 'not-permitted' : 'capture-failed', sentence(state.why));
  const settings = state.kind === 'on' ? state.settings : null;
  context.output.data({ on: settings !== null, settings, recovered });
  if (settings === null) {
    context.output.line(state.kind === 'foreign' ? 'There is a table "inet pinlight" that is not as Pinlight makes it: `pinlight capture off` takes it away.' : 'No connection is captured.', 'strong');
    return context.finish(exitCodes.negative);
  }
  const whose = [...settings.uids.map((uid) => `uid ${uid}`), ...settings.gids.map((gid) => `gid ${gid}`)].join(', ');
  context.output.line(`Connections of ${whose} to ${counted(settings.ports.length, 'port')} (${settings.ports.join(', ')}) are captured.`, 'strong');
  context.output.line(`They go to port ${settings.listenerPort} of the agent (uid ${settings.agentUid}), which has to run; QUIC is refused to them.`);
}

async function withCapture(context: CliContext, use: (capture: Capture) => Promise<void>): Promise<void> {
  if (process.platform !== 'linux') throw new PinlightError('bad-request', 'Capture without a proxy setting exists on Linux alone; `pinlight steer` works on every system.');
  if (process.geteuid?.() !== 0) throw new PinlightError('not-permitted', 'Only root may change the rules of the kernel.');
  const opened = await openCapture({ stateFolder: pathsOfThisProcess(false).stateFolder, env: process.env, now: context.now });
  if (opened.kind !== 'capture') throw new PinlightError(opened.kind === 'in-use' ? 'steering-busy' : 'state-unusable', sentence(opened.why));
  try {
    for (const why of opened.capture.recovered.flatMap(({ left }) => left)) context.output.note(`Not taken back: ${why}`);
    await use(opened.capture);
  } finally {
    opened.capture.close();
  }
}

/** The port that policy gives to captured connections, and who listens there, as the kernel sees it: it has to be the agent. */
async function findListener(context: CliContext): Promise<Pick<CaptureSettings, 'listenerPort' | 'agentUid'> & { readonly failMode: 'open' | 'closed' }> {
  const [{ policy }, { agent }] = await Promise.all([context.client.call('policy', {}, {}), context.client.call('status', {}, {})]);
  const { transparentPort } = policy.network;
  if (transparentPort === 0) throw new PinlightError('bad-request', 'The agent has no port for captured connections: set network.transparentPort in the policy (18444, say) and start the agent again.');
  const attribution = createProcessAttribution();
  const owner = attribution.listenerOf(transparentPort);
  attribution.close();
  if (owner.kind !== 'process' || owner.pid !== agent.pid || owner.uid === null) throw new PinlightError('bad-request', `The agent does not listen on port ${transparentPort} yet: start it again.`);
  return { listenerPort: transparentPort, agentUid: owner.uid, failMode: policy.defaults.failMode };
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
