// What every fault stands on: an origin, a home with a policy and a fixed port, real agents in it, and what has to hold after a fault.
// Not for the faults themselves (one file per group).
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import * as tls from 'node:tls';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createControlClient, type ControlClient } from '../../electron/client/control-client.ts';
import { agentNodeArguments } from '../../electron/contract/agent-arguments.ts';
import { residentMB } from '../bench/peers/pinlight.ts';
import { fetchThrough } from '../routes/stage.ts';
import { repository } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { portOf } from '../support/port-of.ts';

export const shop = 'shop.pinlight.test';
const bundled = join(repository, 'build/out/agent/main.mjs');
const watchdogBundle = join(repository, 'build/out/agent/watchdog.mjs');
/** As it ships, where it was built; else the sources. */
export const agentScript = existsSync(bundled) ? bundled : join(repository, 'electron/agent/main.ts');
export const watchdogScript = existsSync(watchdogBundle) ? watchdogBundle : join(repository, 'electron/watchdog/main.ts');

/** After a fault an app has to get somewhere within this time (facts/security.md section 4), and a closed port has to say no within the other. */
export const probeMs = 5_000;
const refusalMs = 1_000;
const startMs = 20_000;

export type Origins = { readonly authority: TestAuthority; readonly origin: Origin; close(): Promise<void> };

/** The server that every home's policy leads to. */
export async function openOrigins(): Promise<Origins> {
  const authority = createTestAuthority();
  const origin = await startOrigin(authority, shop);
  return { authority, origin, close: async () => {
    await origin.close();
    authority.close();
  } };
}

export type Home = {
  readonly folder: string;
  readonly policyFile: string;
  readonly port: number;
  readonly origins: Origins;
  /** Another home with a copy of this one's state, policy and a port of its own. */
  copy(): Promise<Home>;
  remove(): void;
};

/** `targets`: names beside the shop's, `name:443` → `127.0.0.1:port`. `from`: a state folder to begin with. */
export async function makeHome(origins: Origins, targets: Readonly<Record<string, string>> = {}, from: string | null = null): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-faults-'));
  if (from !== null) cpSync(from, folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  const port = await freePort();
  const policyFile = `${folder}-policy.json`;
  writeFileSync(policyFile, JSON.stringify({
    version: 1, defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'all', when: { port: 443 }, do: 'inspect' }],
    network: { port, localTargets: { [`${shop}:443`]: `127.0.0.1:${origins.origin.port}`, ...targets }, upstreamRoots: [origins.authority.rootFile] },
  }));
  return { folder, policyFile, port, origins, copy: () => makeHome(origins, targets, folder), remove: () => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(policyFile, { force: true });
  } };
}

export type Running = {
  readonly home: Home;
  readonly child: ChildProcess;
  /** The agent itself: behind a shell, a mount namespace or a watchdog it is another process than `child`. */
  readonly pid: number;
  readonly client: ControlClient;
  readonly fingerprint: string;
  /** A path of the state folder as seen from here. */
  inside(name: string): string;
  /** What it wrote to standard error. */
  errors(): string;
  /** Ends it in order, or at once. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};
export type StartOptions = {
  /** A file system put over the state folder in a mount namespace of its own: options of tmpfs. */
  readonly mount?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Open files at most. */
  readonly files?: number;
  readonly watchdog?: boolean;
};

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Starts an agent and does not wait for it. */
export function launch(home: Home, options: StartOptions = {}): ChildProcess {
  const script = options.watchdog === true ? watchdogScript : agentScript;
  const main = [process.execPath, ...agentNodeArguments(repository), script, '--policy', home.policyFile, '--ready-json'];
  const inside = options.mount === undefined ? main : ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o ${options.mount} none "$PINLIGHT_HOME" && exec "$@"`, 'sh', ...main];
  const [command = '', ...args] = options.files === undefined ? inside : ['sh', '-c', `ulimit -n ${options.files} && exec "$@"`, 'sh', ...inside];
  const child = spawn(command, args, { env: { ...process.env, NODE_OPTIONS: '', ...options.env, PINLIGHT_HOME: home.folder }, stdio: ['ignore', 'pipe', 'pipe'] });
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  return child;
}

/** Starts an agent and waits until it is ready; throws with its words when it ends instead. */
export async function start(home: Home, options: StartOptions = {}): Promise<Running> {
  const child = launch(home, options);
  let out = '';
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  const ended = exitOf(child);
  const line = await Promise.race([
    new Promise<string>((done) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('\n')) done(out.slice(0, out.indexOf('\n')));
      });
    }),
    ended.then((code) => { throw new Error(`the agent ended with ${code}: ${errors}`); }),
    after(startMs).then(() => { throw new Error(`the agent was not ready within ${startMs} ms: ${errors}`); }),
  ]);
  const ready = JSON.parse(line) as { pid: number; control: string };
  const seen = (path: string): string => (options.mount === undefined ? path : `/proc/${ready.pid}/root${path}`);
  const client = createControlClient({ controlPath: seen(ready.control) });
  const { agent } = await client.call('status', {}, {});
  return {
    home, child, pid: ready.pid, client, fingerprint: agent.root.fingerprint, errors: () => errors, inside: (name) => seen(join(home.folder, name)),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}

export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done(child.exitCode);
    else child.once('exit', (code) => done(code));
  });
}

/** An app that trusts our root: what it gets, in one word. Rejects when it gets nothing within 5 s. */
export async function probe(running: Pick<Running, 'home' | 'inside'>, host = shop): Promise<'inspected' | 'passed'> {
  const own = running.inside('root.pem');
  const { authority } = running.home.origins;
  const ca = [authority.rootPem, ...(existsSync(own) ? [readFileSync(own, 'utf8')] : [])];
  const seen = await within(probeMs, fetchThrough(running.home.port, `${host}:443`, { ca }), 'the app got nothing');
  if (!seen.text.includes(`hello from ${host}`)) throw new Error(`the app got ${JSON.stringify(seen.text.slice(0, 100))}`);
  const direct = await fetchDirect(running.home.origins.origin.port);
  return seen.fingerprint === direct ? 'passed' : 'inspected';
}

const directPrints = new Map<number, Promise<string>>();
/** SHA-256 of the origin's own certificate. */
function fetchDirect(port: number): Promise<string> {
  const known = directPrints.get(port) ?? new Promise((done) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: shop, rejectUnauthorized: false }, () => {
      done(socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase() ?? '');
      socket.destroy();
    });
  });
  directPrints.set(port, known);
  return known;
}

/** The port says no at once: an app that may go direct does, one that may not is told so. */
export async function refused(home: Home): Promise<void> {
  const from = performance.now();
  const code = await within(refusalMs, new Promise<string>((done) => {
    const socket = net.connect(home.port, '127.0.0.1', () => {
      socket.destroy();
      done('it was accepted');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  }), 'the port says nothing');
  if (code !== 'ECONNREFUSED') throw new Error(`the port of a dead agent: ${code} after ${Math.round(performance.now() - from)} ms`);
}

/** `ok` of SQLite's own check, on a copy with its write-ahead log: nothing here touches the agent's file. */
export function storeCheck(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'pinlight-store-'));
  try {
    for (const name of ['pinlight.db', 'pinlight.db-wal']) if (existsSync(join(folder, name))) cpSync(join(folder, name), join(copy, name));
    const database = new Database(join(copy, 'pinlight.db'));
    try {
      return String(database.pragma('integrity_check(1)', { simple: true }));
    } finally {
      database.close();
    }
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

export type Baseline = { readonly files: number; readonly megabytes: number };

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function measure(pid: number): Baseline {
  return { files: openFiles(pid), megabytes: residentMB(pid) ?? 0 };
}

/**
 * Everything that has to hold after a fault that left the agent running: descriptors and memory, the app, rows, policy and root, a quiet log.
 * `expected`: what the app gets; null = either. `megabytes`: growth that is allowed.
 */
export async function soundAfter(running: Running, before: Baseline, expected: 'inspected' | 'passed' | null, megabytes = 60): Promise<void> {
  const got = await probe(running);
  if (expected !== null && got !== expected) throw new Error(`the app was ${got} instead of ${expected}`);
  const { agent } = await within(probeMs, running.client.call('status', {}, {}), 'the control API says nothing');
  if (agent.root.fingerprint !== running.fingerprint) throw new Error('the root is another one');
  if (agent.policy.rules !== 1 || agent.policy.files.length !== 1) throw new Error(`the policy is not the one of the file: ${JSON.stringify(agent.policy)}`);
  // facts/security.md section 4: 5 above the baseline after 60 s at most.
  await until(`open files of the agent go back to ${before.files} + 5`, () => openFiles(running.pid) <= before.files + 5, 60_000);
  await until(`memory of the agent goes back to ${Math.round(before.megabytes)} + ${megabytes} MB`, () => measure(running.pid).megabytes <= before.megabytes + megabytes, 30_000);
  quiet(running);
}

/** No unhandled rejection, no fault of our own: those print a stack or a line of level 50. */
export function quiet(running: Running): void {
  const trouble = running.errors().split('\n').find((line) => /^\s+at |Unhandled|Uncaught|FATAL/.test(line));
  if (trouble !== undefined) throw new Error(`standard error: ${running.errors().slice(0, 600)}`);
  const log = running.inside('agent.log');
  if (!existsSync(log) || statSync(log).size === 0) return;
  const fault = readFileSync(log, 'utf8').split('\n').find((line) => /"level":(50|60)/.test(line));
  if (fault !== undefined) throw new Error(`agent.log: ${fault.slice(0, 600)}`);
}

/** Waits for a condition; fails with `what`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`did not happen within ${ms / 1_000} s: ${what}`);
    await after(50);
  }
}

/** The promise, or an error with `what` when it takes longer. */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([promise, new Promise<never>((_, fail) => { timer = setTimeout(() => fail(new Error(`${what} within ${ms} ms`)), ms); })]);
  } finally {
    clearTimeout(timer);
  }
}

export function after(ms: number): Promise<void> {
  return new Promise((done) => { setTimeout(done, ms).unref(); });
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1', () => {
      const port = portOf(server);
      server.close(() => done(port));
    });
  });
}
