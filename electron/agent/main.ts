// The agent as a process: arguments, signals, the lines it prints. Not for anything the agent does (start-agent.ts).
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { doWithoutFastBins } from '../../native/memory/malloc.ts';
import { keepMemoryPrivate } from '../../native/secret-store/private-memory.ts';
import { adviceHere, errorBody } from '../contract/errors.ts';
import { ownCommands } from '../contract/own-command.ts';
import { resolvePaths } from '../contract/paths.ts';
import { installFolder, ownVersion } from './install-folder.ts';
import { startIdleMemory } from './idle-memory.ts';
import { startAgent, type Agent } from './start-agent.ts';

const usage = `Usage: node electron/agent/main.ts [--policy FILE]... [--service] [--ready-json] [--log-level LEVEL]

Runs Pinlight's agent in the foreground until Ctrl-C. State: PINLIGHT_HOME, else the user's state folder.
  --policy FILE      read this policy instead of the managed and the user's files; may be given more than once
  --service          the machine-wide service: /var/lib/pinlight, /run/pinlight; without policy it inspects nothing
  --ready-json       print one line of JSON when ready instead of words
  --log-level LEVEL  error, warn, info (default) or debug
  --offline-bundle   run nothing: write the bundle of an agent that is not running
`;

// A package holds no build/run.mjs; a clone has no `pinlight` on the path.
const command = existsSync(join(installFolder, 'build', 'run.mjs')) ? ownCommands.source : ownCommands.packaged;

// A relay makes short-lived buffers by the hundred megabytes a second, which V8 counts as pressure on the old heap: it then marks that
// heap, which has nothing to free, some 25 times a second. Marking only when the old heap itself is full, and a young generation in which a
// connection lives and dies, gave 1.6 times the bulk throughput and 50 MB less memory (`npm run bench`). What lives long is some 15 MB: the
// heap may grow by half of that before it is marked, not to the threefold that V8 allows; 25 MB less for 1 % of a connection's time.
const heapFlags = ['--min-semi-space-size=16', '--semi-space-growth-factor=1', '--minor-gc-task-trigger=80', '--no-incremental-marking', '--heap-growing-percent=50'];
// A connection calls most functions once: V8 would interpret them for thousands of connections. Compiled sooner, each costs a tenth less.
const compilerFlags = ['--invocation-count-for-maglev=100', '--invocation-count-for-turbofan=600'];
for (const flag of [...heapFlags, ...compilerFlags]) setFlagsFromString(flag);
doWithoutFastBins();
keepMemoryOutOfCores();
keepMemoryPrivate();
/** Below the unit's TimeoutStopSec of 20 s (native/service/systemd-unit.ts) by the 5 s that the rest of the end may take, and some. */
const drainMs = 10_000;
await run();

/** Key and plaintext are in memory: a core file of this process shall hold none of it (core(5), Linux; other systems write none by default). */
function keepMemoryOutOfCores(): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // A container without a writable /proc: the rest of the protection stands.
  }
}

async function run(): Promise<void> {
  const options = readArguments();
  let agent: Agent | null = null;
  let ending = false;
  const end = (code: number, drain = 0, asked = true): void => {
    if (ending) return;
    ending = true;
    // What a stuck peer or disk holds up must not keep the process: 5 s, then out.
    setTimeout(() => process.exit(code), drain + 5_000).unref();
    Promise.resolve(agent?.close(drain, asked)).then(() => process.exit(code), () => process.exit(70));
  };
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => end(0));
  // How a service manager ends it, for an upgrade as well: what is being answered may come to its end.
  process.on('SIGTERM', () => end(0, drainMs));
  // The watchdog was killed: nobody would notice a hang any more, and a closed port sends programs direct.
  process.on('disconnect', () => end(0, 0, false));
  try {
    const service = options.service ?? false;
    const paths = resolvePaths({
      env: process.env, platform: process.platform, homedir: homedir(), tmpdir: tmpdir(), cwd: process.cwd(), service,
      hash: (text) => createHash('sha256').update(text).digest('hex'),
    });
    const what = { paths, policyFiles: options.policy ?? [], version: ownVersion() };
    // An agent that runs does not need it; its bundles are made in a thread.
    if (options['offline-bundle'] === true) return await (await import('./offline-bundle.ts')).writeOfflineBundle(what);
    agent = await startAgent({ ...what, logLevel: options['log-level'] ?? 'info', onStopRequest: () => end(0) });
    startIdleMemory();
    if (options['ready-json'] === true) {
      const { proxy, root, controlPath, pid } = agent.state();
      console.log(JSON.stringify({ ready: true, proxy, root: root.certificatePath, control: controlPath, pid }));
    } else console.log(banner(agent));
  } catch (error) {
    const body = errorBody(error);
    const advice = adviceHere(body, command);
    // A second start is no failure: protection is running.
    if (body.code === 'agent-already-running') {
      console.log(`Pinlight is running already, so nothing was started: ${body.message}.\n  ${advice}`);
      process.exit(0);
    }
    console.error(`pinlight: ${body.message} [${body.code}]\n  ${advice}`);
    if (body.code === 'bug' && error instanceof Error) console.error(error.stack);
    process.exit(body.code === 'bug' ? 70 : 1);
  }
}

function readArguments() {
  try {
    const { values } = parseArgs({ options: {
      policy: { type: 'string', multiple: true }, service: { type: 'boolean' }, 'ready-json': { type: 'boolean' }, 'log-level': { type: 'string' }, 'offline-bundle': { type: 'boolean' }, help: { type: 'boolean' },
    } });
    if (values.help === true) {
      console.log(usage);
      process.exit(0);
    }
    return values;
  } catch (error) {
    console.error(`pinlight: ${(error as Error).message}\n\n${usage}`);
    return process.exit(2);
  }
}

function banner(agent: Agent): string {
  const { proxy, root, controlPath, policy, stateFolder } = agent.state();
  const first = proxy[0] ?? '';
  return [
    'Pinlight is running. Ctrl-C ends it; no setting of this machine was changed.', '',
    ...agent.snapshot().warnings.filter((warning) => warning.severity === 'error').map((warning) => `  ${warning.title}: ${warning.text}\n`),
    `  proxy             ${proxy.join('  ')}`,
    `  root certificate  ${root.certificatePath}`,
    `  fingerprint       ${root.fingerprint}`,
    `  control socket    ${controlPath}`,
    `  policy            ${policy.origin}, ${policy.rules} rule${policy.rules === 1 ? '' : 's'}`,
    `  state             ${stateFolder}`, '',
    '  point a program at it:',
    `    curl --proxy http://${first} --cacert ${quoted(root.certificatePath)} https://example.com/`,
    `  see the window:   ${command} open`,
    `  see it here:      ${command} watch`, '',
  ].join('\n');
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
