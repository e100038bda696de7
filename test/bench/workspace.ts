// What the bench starts and writes: child programs, their temporary folder, free ports; and the end of all of them.
// Not for what the programs are told to do (peers/).
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findCommand } from '../support/find-command.ts';

/** A way to the origin: where the load client connects, what it trusts, and what it asks for by CONNECT (null = nothing). */
export type Way = {
  readonly name: WayName;
  readonly port: number;
  readonly rootFile: string;
  readonly authority: string | null;
};
export type WayName = 'direct' | 'sslsplit' | 'squid' | 'pinlight';

/** A peer that runs, or the reason why its column stays empty. `pid`: the process whose memory counts. */
export type Started =
  | { readonly kind: 'started'; readonly way: Way; readonly pid: number }
  | { readonly kind: 'missing'; readonly name: WayName; readonly why: string };

export type Program = { readonly child: ChildProcess; readonly pid: number; readonly logFile: string };
/** `readsOutput`: the caller reads standard output; otherwise it is thrown away. `measured`: a proxy, which gets a core of its own. */
export type StartOptions = { readonly env?: NodeJS.ProcessEnv; readonly readsOutput?: boolean; readonly measured?: boolean };
export type Finished = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** How long a program may take to end by itself before its group is killed, in ms: an agent closes its store within one. */
const graceMs = 3_000;
/** How long a program may take to open its port, in ms: squid prepares its certificate database first. */
const startMs = 15_000;

/** The bench's temporary folder and every program started in it; `close` ends the programs and removes the folder. */
export class Workspace {
  /** Others may pass through it: squid gives up root and must still reach its own sub-folder. */
  readonly folder = mkdtempSync(join(tmpdir(), 'pinlight-bench-'));
  readonly #programs = new Set<Program>();
  #closed = false;
  readonly #atExit = () => this.#killAll();

  /**
   * The core of the measured proxy, and the one that origin and load client share; null where they can't be kept apart. Without
   * this the load client's threads and the proxy fight for the same two cores, and the scheduler decides the ratios.
   */
  readonly cores: { readonly measured: string; readonly others: string } | null;

  /** `pinned` false leaves everything to the scheduler. */
  constructor(pinned: boolean) {
    this.cores = pinned && availableParallelism() >= 2 && findCommand('taskset') !== null ? { measured: '1', others: '0' } : null;
    chmodSync(this.folder, 0o711);
    process.on('exit', this.#atExit);
  }

  /** A sub-folder of the workspace, made if it is not there; absolute path. */
  subfolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /**
   * Starts a program in a process group of its own, so that its children end with it. Standard error goes straight to a log
   * file: sslsplit writes a line for each connection, and reading them here would cost the measured machine.
   */
  start(label: string, file: string, args: readonly string[], options: StartOptions = {}): Program {
    this.#mustBeOpen();
    const logFile = join(this.folder, `${label}.log`);
    const log = openSync(logFile, 'a');
    const output = options.readsOutput === true ? 'pipe' : 'ignore';
    const [command, ...words] = this.#onCore(options.measured === true, [file, ...args]);
    const child = spawn(command, words, { cwd: this.folder, env: options.env ?? process.env, detached: true, stdio: ['ignore', output, log] });
    closeSync(log);
    const program = { child, pid: child.pid ?? 0, logFile };
    // Without a pid it never ran; 'error' then carries the reason and there is nothing to end.
    child.on('error', (error) => appendFileSync(logFile, `${error.message}\n`));
    if (child.pid !== undefined) this.#programs.add(program);
    return program;
  }

  /** taskset execs what it is given, so the pid stays the program's. */
  #onCore(measured: boolean, command: readonly [string, ...string[]]): readonly [string, ...string[]] {
    if (this.cores === null) return command;
    return ['taskset', '-c', measured ? this.cores.measured : this.cores.others, ...command];
  }

  /** Runs a program to its end, at most `limitMs`; a program that cannot be started answers code null. */
  async run(file: string, args: readonly string[], limitMs: number): Promise<Finished> {
    this.#mustBeOpen();
    const [command, ...words] = this.#onCore(false, [file, ...args]);
    const child = spawn(command, words, { cwd: this.folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => { output.stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { output.stderr += text; });
    const program = { child, pid: child.pid ?? 0, logFile: '' };
    if (child.pid !== undefined) this.#programs.add(program);
    const timer = setTimeout(() => signalGroup(program.pid, 'SIGKILL'), limitMs);
    const code = await new Promise<number | null>((resolve) => {
      child.on('close', (ended) => resolve(ended));
      child.on('error', (error) => { output.stderr += error.message; resolve(null); });
    });
    clearTimeout(timer);
    this.#programs.delete(program);
    return { code, ...output };
  }

  /** Ends every program (first politely) and removes the folder. May be called more than once. */
  async close(): Promise<void> {
    this.#closed = true;
    const programs = [...this.#programs];
    for (const { pid } of programs) signalGroup(pid, 'SIGTERM');
    const until = performance.now() + graceMs;
    while (programs.some(({ child }) => child.exitCode === null && child.signalCode === null) && performance.now() < until) await delay(20);
    // What is left of a group: helpers whose leader went without them.
    this.#killAll();
    process.off('exit', this.#atExit);
  }

  /** Closing happens at any moment (Ctrl-C); nothing may start after it, for nobody would end it. */
  #mustBeOpen(): void {
    if (this.#closed) throw new Error('the bench is ending');
  }

  /** Synchronous, because it is also what happens when the bench itself breaks. */
  #killAll(): void {
    for (const { pid } of this.#programs) signalGroup(pid, 'SIGKILL');
    this.#programs.clear();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A TCP port on 127.0.0.1 that nobody holds at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** Waits until the program accepts connections on the port; null then, otherwise why it does not, with its last words. */
export async function waitForPort(program: Program, port: number): Promise<string | null> {
  const until = performance.now() + startMs;
  while (performance.now() < until) {
    if (await accepts(port)) return null;
    if (program.child.exitCode !== null || program.pid === 0) return `it ended at once: ${lastWords(program)}`;
    await delay(20);
  }
  return `port ${port} stayed closed for ${startMs / 1000} s: ${lastWords(program)}`;
}

/** The last lines a program wrote to standard error. */
export function lastWords(program: Program): string {
  return readFileSync(program.logFile, 'utf8').trim().split('\n').slice(-3).join(' | ') || 'it said nothing';
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (pid === 0) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: it has ended already, which is what is wanted.
  }
}
