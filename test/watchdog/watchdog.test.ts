// The real watchdog over the real agent, with steering in a home of its own: hangs, kills, crash loops and Ctrl-C, as a user without rights.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createControlClient } from '../../electron/client/control-client.ts';
import { crashLoopExitCode, crashLoopExitVariable } from '../../electron/contract/agent-arguments.ts';
import { linesOf, runPinlight } from '../cli/run-pinlight.ts';
import { parseJournal, unfinishedIn } from '../../native/undo-journal/index.ts';
import { repository } from '../support/agent.ts';

const possible = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('gsettings', ['--version']).status === 0;
if (!possible) console.log('skipped: needs Linux, gsettings and root, which gives its rights up for the watchdog');

const nobody = 65_534;
let folder: string;
let env: Record<string, string>;
let watchdog: { readonly process: ChildProcess; readonly ready: () => readonly Ready[]; readonly said: () => string };
const at = (...names: string[]): string => path.join(folder, ...names);
const socket = (): string => at('state/run/control.sock');
type Ready = { readonly pid: number; readonly port: number };

beforeAll(() => {
  if (!possible) return;
  folder = mkdtempSync(path.join(tmpdir(), 'watchdog-'));
  for (const name of ['home', 'state']) mkdirSync(at(name), { mode: 0o700 });
  writeFileSync(at('policy.json'), '{"version":1,"network":{"port":0}}');
  for (const name of ['', 'home', 'state', 'policy.json']) chownSync(at(name), nobody, nobody);
  env = { PATH: '/usr/bin:/bin', HOME: at('home'), PINLIGHT_HOME: at('state'), GSETTINGS_BACKEND: 'keyfile', XDG_CURRENT_DESKTOP: 'GNOME' };
});
afterAll(async () => {
  if (!possible) return;
  if (watchdog.process.exitCode === null && watchdog.process.signalCode === null) {
    watchdog.process.kill('SIGTERM');
    await once(watchdog.process, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Starts it and waits for the agent. */
async function start(): Promise<Ready> {
  const child = spawn(process.execPath, [path.join(repository, 'electron/watchdog/main.ts'), '--policy', at('policy.json'), '--ready-json'], { env, uid: nobody, gid: nobody, cwd: '/' });
  const lines = linesOf(child);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  watchdog = { process: child, said: () => said, ready: () => lines.map((line) => {
    const { pid, proxy }: { pid: number; proxy: string[] } = JSON.parse(line);
    return { pid, port: Number(/:(\d+)$/.exec(proxy[0] ?? '')?.[1]) };
  }) };
  return ready(0);
}

/** Starts one that ends by itself. */
function startInVain(...args: readonly string[]) {
  return spawnSync(process.execPath, [path.join(repository, 'electron/watchdog/main.ts'), ...args], { env, uid: nobody, gid: nobody, cwd: '/', encoding: 'utf8' });
}

/** The agent of the start with this number. */
async function ready(number: number): Promise<Ready> {
  await expect.poll(() => watchdog.ready().length, { timeout: 15_000, interval: 20 }).toBeGreaterThan(number);
  return watchdog.ready()[number] as Ready;
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const client = connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
    client.on('connect', () => client.destroy());
  });
}

function pacInForce(): string {
  const get = (key: string): string => spawnSync('gsettings', ['get', 'org.gnome.system.proxy', key], { env, uid: nobody, gid: nobody, cwd: '/', encoding: 'utf8' }).stdout.trim();
  return get('mode') === "'auto'" ? get('autoconfig-url').replaceAll("'", '') : 'none';
}

const steered = (port: number): RegExp => new RegExp(`^http://127\\.0\\.0\\.1:${port}/pinlight\\.pac\\?v=\\d+$`);
const inForce = (port: number): Promise<void> => expect.poll(pacInForce, { timeout: 15_000 }).toMatch(steered(port));

test.runIf(possible)('an agent that is stopped is noticed, its port closes, and another takes over under a new address', async () => {
  const first = await start();
  expect(await runPinlight(['steer', 'on', '--setting', 'gnome'], { home: at('state'), uid: nobody, env })).toMatchObject({ code: 0 });
  await inForce(first.port);
  const before = pacInForce();
  process.kill(first.pid, 'SIGSTOP');
  const stopped = performance.now();
  await expect.poll(() => answers(first.port), { timeout: 10_000, interval: 20 }).toBe(false);
  expect(performance.now() - stopped).toBeLessThan(10_000);
  const second = await ready(1);
  expect(second.pid).not.toBe(first.pid);
  await inForce(second.port);
  expect(pacInForce()).not.toBe(before);
}, 60_000);

test.runIf(possible)('killed, the agent is there again within seconds', async () => {
  const { pid } = watchdog.ready().at(-1) as Ready;
  process.kill(pid, 'SIGKILL');
  const killed = performance.now();
  const next = await ready(2);
  expect(performance.now() - killed).toBeLessThan(5_000);
  expect(await answers(next.port)).toBe(true);
  await inForce(next.port);
}, 60_000);

test.runIf(possible)('killed for the third time within a minute it stays off: everything is put back, and the next start tells', async () => {
  const { pid } = watchdog.ready().at(-1) as Ready;
  process.kill(pid, 'SIGKILL');
  const [code] = await once(watchdog.process, 'exit') as [number];
  expect(code).toBe(crashLoopExitCode);
  expect(watchdog.said()).toContain('for the third time within a minute: it stays off');
  expect(pacInForce()).toBe('none');
  const { port } = await start();
  const { warnings } = await createControlClient({ controlPath: socket() }).call('status', {}, {});
  expect(warnings.map((warning) => warning.code)).toContain('crash-loop');
  expect(existsSync(at('state/crash-loop.json'))).toBe(false);
  // Asked for and never ended: it comes again with the agent.
  await inForce(port);
}, 60_000);

test.runIf(possible)('a watchdog that is killed takes its agent with it, and the next one finds everything in order', async () => {
  const { pid, port } = watchdog.ready()[0] as Ready;
  watchdog.process.kill('SIGKILL');
  await expect.poll(() => answers(port), { timeout: 10_000, interval: 20 }).toBe(false);
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
  // A PAC whose proxy is gone sends browsers direct, so it may stay.
  expect(pacInForce()).toMatch(steered(port));
  const next = await start();
  await inForce(next.port);
}, 60_000);

test.runIf(possible)('Ctrl-C leaves no process, no socket and no setting', async () => {
  const { pid, port } = watchdog.ready()[0] as Ready;
  watchdog.process.kill('SIGINT');
  const [code] = await once(watchdog.process, 'exit') as [number];
  expect([code, await answers(port), existsSync(socket()), existsSync(`/proc/${pid}`), pacInForce()]).toEqual([0, false, false, false, 'none']);
  expect(JSON.parse(readFileSync(at('state/steer/wanted.json'), 'utf8'))).toMatchObject({ settings: ['gnome'] });
}, 60_000);

test.runIf(possible)('a second watchdog says that Pinlight runs, and touches nothing of the first', async () => {
  const { port } = await start();
  await inForce(port);
  expect(startInVain('--policy', at('policy.json'))).toMatchObject({ status: 0, stdout: expect.stringContaining('Pinlight is running already') });
  expect([await answers(port), steered(port).test(pacInForce())]).toEqual([true, true]);
}, 60_000);

test.runIf(possible)('one that cannot start because of its arguments touches nothing of a running one either', async () => {
  const { port } = watchdog.ready()[0] as Ready;
  expect(startInVain('--no-such-option')).toMatchObject({ status: 2, stderr: expect.stringContaining('--no-such-option') });
  expect([await answers(port), steered(port).test(pacInForce())]).toEqual([true, true]);
}, 60_000);

test.runIf(possible)('ended by `pinlight stop`, it puts everything back as well', async () => {
  const exit = once(watchdog.process, 'exit') as Promise<[number]>;
  expect(await runPinlight(['stop'], { home: at('state'), uid: nobody, env })).toMatchObject({ code: 0 });
  expect((await exit)[0]).toBe(0);
  expect(pacInForce()).toBe('none');
}, 60_000);

test.runIf(possible)('where a service manager spares no exit code but 0, a watchdog that gives up ends with that', async () => {
  env = { ...env, [crashLoopExitVariable]: '0' };
  await start();
  for (let crash = 0; crash < 3; crash += 1) process.kill((await ready(crash)).pid, 'SIGKILL');
  const [code] = await once(watchdog.process, 'exit') as [number];
  expect([code, watchdog.said().includes('it stays off'), pacInForce()]).toEqual([0, true, 'none']);
}, 60_000);

describe.runIf(possible)('after a restart of the device, an agent that cannot start', () => {
  const taken = createServer();
  const database = (): string => at('state/pinlight.db');
  const wanted = (): Record<string, unknown> => JSON.parse(readFileSync(at('state/steer/wanted.json'), 'utf8')) as Record<string, unknown>;
  beforeEach(async () => {
    const { port } = await start();
    await inForce(port);
    // In force is not yet written down as done, and what is not done is taken back: the setting's own change, and the one around all.
    await expect.poll(() => unfinishedIn(parseJournal(readFileSync(at('state/undo/steer.jsonl'), 'utf8')))).toEqual([]);
    watchdog.process.kill('SIGKILL');
    await expect.poll(() => answers(port), { timeout: 10_000, interval: 20 }).toBe(false);
    expect(pacInForce()).toMatch(steered(port));
  }, 60_000);
  afterEach(() => {
    writeFileSync(at('policy.json'), '{"version":1,"network":{"port":0}}');
    if (taken.listening) taken.close();
    if (existsSync(at('state/kept.db'))) {
      rmSync(database(), { recursive: true });
      renameSync(at('state/kept.db'), database());
    }
  });
  const takePort = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    writeFileSync(at('policy.json'), `{"version":1,"network":{"port":${(taken.address() as AddressInfo).port}}}`);
  };

  test.each<[string, string, () => void | Promise<void>]>([
    ['because its port is somebody else\'s', 'port-taken', takePort],
    ['because its state cannot be used', 'state-unusable', () => {
      renameSync(database(), at('state/kept.db'));
      mkdirSync(database());
    }],
  ])('%s leaves no setting behind, and remembers what was asked for', async (_name, code, prepare) => {
    await prepare();
    expect(startInVain('--policy', at('policy.json'))).toMatchObject({ status: 1, stderr: expect.stringContaining(`[${code}]`) });
    expect(pacInForce()).toBe('none');
    expect(wanted()).toMatchObject({ settings: ['gnome'] });
  }, 60_000);

  test('leaves the settings where policy fails closed', async () => {
    writeFileSync(at('state/steer/wanted.json'), JSON.stringify({ ...wanted(), failMode: 'closed' }));
    const before = pacInForce();
    await takePort();
    expect(startInVain('--policy', at('policy.json'))).toMatchObject({ status: 1 });
    expect(pacInForce()).toBe(before);
  }, 60_000);
});
