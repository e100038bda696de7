// What every fault stands on: an origin, a home with a policy and a fixed port, real agents in it, and what has to hold after a fault.
// Not for the faults themselves (one file per group).
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
/** A host that policy wants inspected or not reached at all. */
export const must = 'must.pinlight.test';
const bundled = join(repository, 'build/out/agent/main.mjs');
const watchdogBundle = join(repository, 'build/out/agent/watchdog.mjs');
/** As it ships, where it was built; else the sources. */
export const agentScript = existsSync(bundled) ? bundled : join(repository, 'electron/agent/main.ts');
export const watchdogScript = existsSync(watchdogBundle) ? watchdogBundle : join(repository, 'electron/watchdog/main.ts');

/** After a fault an app has to get somewhere within this time, and a closed port has to say no within the other. */
export const probeMs = 5_000;
export const refusalMs = 1_000;
const startMs = 20_000;
/** An agent lets connections end for 10 s and closes within 5 s (agent/main.ts); its watchdog gives it 2 s more, and nobody outlives that by as much again. */
const endMs = 35_000;
/** What may have grown: open files above the baseline, after 60 s, and resident memory, by this factor. */
const growth = { files: 5, memory: 1.2 };

export type Origins = { readonly authority: TestAuthority; readonly byHost: Readonly<Record<string, Origin>>; close(): Promise<void> };

/** The servers that every home's policy leads to. */
export async function openOrigins(): Promise<Origins> {
  const authority = createTestAuthority();
  const byHost = Object.fromEntries(await Promise.all([shop, must].map(async (host) => [host, await startOrigin(authority, host)] as const)));
  return { authority, byHost, close: async () => {
    for (const origin of Object.values(byHost)) await origin.close();
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

export type HomeOptions = {
  /** Names beside those of `openOrigins`, `name:443` → `127.0.0.1:port`. */
  readonly targets?: Readonly<Record<string, string>>;
  /** A state folder to begin with. */
  readonly from?: string;
  /** `closed`: every host is one that has to be inspected. */
  readonly failMode?: 'open' | 'closed';
  /** Whose home it is. */
  readonly uid?: number;
};

export async function makeHome(origins: Origins, options: HomeOptions = {}): Promise<Home> {
  const { targets = {}, from, failMode = 'open', uid } = options;
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-faults-'));
  if (from !== undefined) cpSync(from, folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  const port = await freePort();
  const [policyFile, rootFile] = [`${folder}-policy.json`, `${folder}-servers.pem`];
  writeFileSync(rootFile, origins.authority.rootPem);
  const localTargets = { ...Object.fromEntries(Object.entries(origins.byHost).map(([host, origin]) => [`${host}:443`, `127.0.0.1:${origin.port}`])), ...targets };
  writeFileSync(policyFile, JSON.stringify({
    version: 1, defaults: { onUnknownApp: 'inspect', failMode },
    rules: [{ id: 'must', when: { host: must, port: 443 }, do: 'inspect', mustInspect: true }, { id: 'all', when: { port: 443 }, do: 'inspect', mustInspect: failMode === 'closed' }],
    network: { port, localTargets, upstreamRoots: [rootFile] },
  }));
  if (uid !== undefined) for (const path of [folder, policyFile, rootFile]) chownSync(path, uid, uid);
  return { folder, policyFile, port, origins, copy: () => makeHome(origins, { ...options, from: folder }), remove: () => {
    for (const path of [folder, policyFile, rootFile]) rmSync(path, { recursive: true, force: true });
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
  /** Ends it in order, or at once, with all that it has started; then its store has to be sound and its words quiet. Answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};
export type StartOptions = {
  /** A file system put over the state folder in a mount namespace of its own: options of tmpfs. */
  readonly mount?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Open files at most. */
  readonly files?: number;
  readonly watchdog?: boolean;
  /** Another user than this process's, with nothing else in the environment. */
  readonly account?: { readonly uid: number; readonly env: Readonly<Record<string, string>> };
};

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export type Launched = {
  readonly child: ChildProcess;
  errors(): string;
  /** Exit code, null after a signal; once nobody writes to its outputs any more. */
  readonly ended: Promise<number | null>;
};

/** Starts an agent and does not wait for it. */
export function launch(home: Home, { account, ...options }: StartOptions = {}): Launched {
  const script = options.watchdog === true ? watchdogScript : agentScript;
  const main = [process.execPath, ...agentNodeArguments(repository), script, '--policy', home.policyFile, '--ready-json'];
  const inside = options.mount === undefined ? main : ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o ${options.mount} none "$PINLIGHT_HOME" && exec "$@"`, 'sh', ...main];
  const [command = '', ...args] = options.files === undefined ? inside : ['sh', '-c', `ulimit -n ${options.files} && exec "$@"`, 'sh', ...inside];
  const env = account === undefined ? { ...process.env, NODE_OPTIONS: '', ...options.env } : account.env;
  const child = spawn(command, args, {
    env: { ...env, PINLIGHT_HOME: home.folder }, stdio: ['ignore', 'pipe', 'pipe'], ...(account === undefined ? {} : { uid: account.uid, gid: account.uid, cwd: '/' }),
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  // An output that nobody reads never closes.
  child.stdout.resume();
  alive.add(child);
  const ended = new Promise<number | null>((done) => { child.once('close', (code) => done(code)); });
  void ended.then(() => alive.delete(child));
  return { child, ended, errors: () => errors };
}

/** A start that must not come about: its exit code and words, among which there is no stack. */
export async function failedStart(home: Home, options: StartOptions = {}): Promise<{ readonly code: number | null; readonly errors: string }> {
  const { ended, errors } = launch(home, options);
  const code = await within(startMs, ended, 'it did not end');
  quietWords(errors());
  return { code, errors: errors() };
}

/** Starts an agent and waits until it is ready; throws with its words when it ends instead. */
export async function start(home: Home, options: StartOptions = {}): Promise<Running> {
  const { child, ended, errors } = launch(home, options);
  let out = '';
  const line = await Promise.race([
    new Promise<string>((done) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('\n')) done(out.slice(0, out.indexOf('\n')));
      });
    }),
    ended.then((code) => { throw new Error(`the agent ended with ${code}: ${errors()}`); }),
    after(startMs).then(() => { throw new Error(`the agent was not ready within ${startMs} ms: ${errors()}`); }),
  ]);
  const ready = JSON.parse(line) as { pid: number; control: string };
  const seen = (path: string): string => (options.mount === undefined ? path : `/proc/${ready.pid}/root${path}`);
  const client = createControlClient({ controlPath: seen(ready.control) });
  const { agent } = await client.call('status', {}, {});
  const running: Running = {
    home, child, pid: ready.pid, client, fingerprint: agent.root.fingerprint, errors, inside: (name) => seen(join(home.folder, name)),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const code = await within(endMs, ended, 'it did not end');
      quiet(running);
      // A file system of its own is gone with it.
      if (options.mount === undefined) storeSound(home.folder, 'left');
      return code;
    },
  };
  return running;
}

/** An app that trusts our root: what it gets, in one word. Rejects when it gets nothing within 5 s. */
export async function probe(running: Pick<Running, 'home' | 'inside'>, host = shop): Promise<'inspected' | 'passed'> {
  const own = running.inside('root.pem');
  const { authority, byHost } = running.home.origins;
  const ca = [authority.rootPem, ...(existsSync(own) ? [readFileSync(own, 'utf8')] : [])];
  const seen = await within(probeMs, fetchThrough(running.home.port, `${host}:443`, { ca }), 'the app got nothing');
  if (!seen.text.includes(`hello from ${host}`)) throw new Error(`the app got ${JSON.stringify(seen.text.slice(0, 100))}`);
  return seen.fingerprint === await fetchDirect(byHost[host]?.port ?? 0, host) ? 'passed' : 'inspected';
}

const directPrints = new Map<number, Promise<string>>();
/** SHA-256 of the origin's own certificate. */
function fetchDirect(port: number, host: string): Promise<string> {
  const known = directPrints.get(port) ?? new Promise((done, fail) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: host, rejectUnauthorized: false }, () => {
      done(socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase() ?? '');
      socket.destroy();
    });
    socket.once('error', fail);
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

/**
 * Throws unless SQLite's own check finds the store sound. `left` by an agent that has ended: a copy with its write-ahead log is read, so that
 * nothing touches the file; `inUse`: read beside the agent. No store at all is sound: a start may be cut before there is one.
 */
function storeSound(folder: string, how: 'left' | 'inUse'): void {
  if (!existsSync(join(folder, 'pinlight.db'))) return;
  const copy = mkdtempSync(join(tmpdir(), 'pinlight-store-'));
  try {
    if (how === 'left') for (const name of ['pinlight.db', 'pinlight.db-wal']) if (existsSync(join(folder, name))) cpSync(join(folder, name), join(copy, name));
    const database = how === 'left' ? new Database(join(copy, 'pinlight.db')) : new Database(join(folder, 'pinlight.db'), { readonly: true });
    try {
      const found = String(database.pragma('integrity_check(1)', { simple: true }));
      if (found !== 'ok') throw new Error(found);
    } finally {
      database.close();
    }
  } catch (error) {
    throw new Error(`the store: ${(error as Error).message}`, { cause: error });
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

const warmUp = { visits: 200, atOnce: 10 };

/**
 * What an agent holds when its pools and its young generation have filled, which some hundred connections do: 60 MB more than at its start.
 * The most memory on the way there, because a collection just before the last look would count for less.
 */
export async function baseline(running: Running): Promise<Baseline> {
  let megabytes = 0;
  for (let visits = 0; visits < warmUp.visits; visits += warmUp.atOnce) {
    await Promise.all(Array.from({ length: warmUp.atOnce }, () => fetchThrough(running.home.port, `${shop}:443`)));
    megabytes = Math.max(megabytes, measure(running.pid).megabytes);
  }
  // The thread that reads the log stays for a minute after each question.
  await running.client.call('connections', { limit: '1' }, {});
  return { files: openFiles(running.pid), megabytes: Math.max(megabytes, measure(running.pid).megabytes) };
}

/** Resident memory that a fault may leave behind, in MB. */
export function mostMegabytes(before: Baseline): number {
  return before.megabytes * growth.memory;
}

/**
 * Everything that has to hold after a fault that left the agent running: the app, policy and root, descriptors and memory, the store, a quiet log.
 * `expected`: what the app gets; null = either. Where it passes uninspected, a host that must be inspected has to be refused at once.
 */
export async function soundAfter(running: Running, before: Baseline, expected: 'inspected' | 'passed' | null): Promise<void> {
  const got = await probe(running);
  if (expected !== null && got !== expected) throw new Error(`the app was ${got} instead of ${expected}`);
  if (got === 'passed') await mustRefused(running);
  const { agent } = await within(probeMs, running.client.call('status', {}, {}), 'the control API says nothing');
  if (agent.root.fingerprint !== running.fingerprint) throw new Error('the root is another one');
  if (agent.policy.rules !== 2 || agent.policy.files.length !== 1) throw new Error(`the policy is not the one of the file: ${JSON.stringify(agent.policy)}`);
  await until(`open files of the agent go back to ${before.files} + ${growth.files}`, () => openFiles(running.pid) <= before.files + growth.files, 60_000);
  await until(`memory of the agent goes back to ${Math.round(mostMegabytes(before))} MB`, () => measure(running.pid).megabytes <= mostMegabytes(before), 60_000);
  // A question has everything written. SQLite finds no file of another mount namespace, so that one is copied in this quiet moment.
  await running.client.call('connections', { limit: '1' }, {});
  storeSound(running.inside(''), running.inside('') === running.home.folder ? 'inUse' : 'left');
  quiet(running);
}

/** What must be inspected and cannot be is not let through, and the app is told so at once. */
async function mustRefused({ home }: Running): Promise<void> {
  const got = await within(refusalMs, fetchThrough(home.port, `${must}:443`).then(({ text }) => text, () => null), 'the must-inspect host is neither reached nor refused');
  if (got !== null) throw new Error(`the must-inspect host was reached: ${JSON.stringify(got.slice(0, 100))}`);
}

/** No unhandled rejection, no fault of our own: those print a stack or a line of level 50. */
export function quiet(running: Running): void {
  quietWords(running.errors());
  const log = running.inside('agent.log');
  if (!existsSync(log) || statSync(log).size === 0) return;
  const fault = readFileSync(log, 'utf8').split('\n').find((line) => /"level":(50|60)/.test(line));
  if (fault !== undefined) throw new Error(`agent.log: ${fault.slice(0, 600)}`);
}

/** Throws when standard error holds a stack. */
export function quietWords(errors: string): void {
  if (/^\s+at |Unhandled|Uncaught|FATAL/m.test(errors)) throw new Error(`standard error: ${errors.slice(0, 600)}`);
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
