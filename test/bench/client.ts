// The load client as a function: builds the C program where a compiler and OpenSSL's headers are, else uses the Node one.
// The client shares the machine's cores with what it measures, and what it takes draws all ratios towards 1. Measured on two
// cores, C against Node: 0.9 against 1.3 ms of CPU for a handshake, 0.6 against 1.0 ms for a megabyte, and no event loop in
// the latency. So the C program comes first, and the report says which one ran.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { originName } from './certificates.ts';
import { findCommand } from '../support/find-command.ts';
import type { Way, WayName, Workspace } from './workspace.ts';

/** What to load with: `amount` is seconds, or samples for each way with `latency`. */
export type Load = {
  readonly mode: 'connect' | 'keepalive' | 'download' | 'latency';
  readonly amount: number;
  readonly connections: number;
  readonly path: string;
};

/** What one way did. `count`: finished requests; `bytes`: body bytes; `samplesMs`: only with `latency`. */
export type Tally = {
  readonly way: WayName;
  readonly count: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly errors: number;
  readonly firstError: string;
  readonly protocol: string;
  readonly samplesMs: readonly number[];
};

export type LoadClient = {
  /** One line for people. */
  readonly name: string;
  /** Runs the load against the ways, one after the other (interleaved with `latency`); throws when the client itself fails. */
  run(load: Load, ways: readonly Way[]): Promise<readonly Tally[]>;
};

/** The best load client this machine can run. */
export async function makeClient(space: Workspace): Promise<LoadClient> {
  const program = join(space.folder, 'load-client');
  const compiler = findCommand('cc');
  const source = fileURLToPath(new URL('load-client.c', import.meta.url));
  const built = compiler === null ? null : await space.run(compiler, ['-O2', '-o', program, source, '-lssl', '-lcrypto', '-lpthread'], 60_000);
  if (built?.code === 0) return client(space, 'C over OpenSSL, blocking threads', [program]);
  const why = built === null ? 'no C compiler here' : `load-client.c was not built: ${built.stderr.trim().split('\n')[0] ?? ''}`;
  return client(space, `Node (${why}; it takes more of the shared CPU and draws all ratios towards 1)`, [
    process.execPath, fileURLToPath(new URL('load-client.ts', import.meta.url)),
  ]);
}

function client(space: Workspace, name: string, [file, ...first]: readonly [string, ...string[]]): LoadClient {
  const run = async (load: Load, ways: readonly Way[]) => {
    const args = [
      ...first, load.mode, String(load.amount), String(load.connections), load.path, originName,
      ...ways.map((way) => `${way.name}=${way.port},${way.rootFile},${way.authority ?? '-'}`),
    ];
    // A sample takes milliseconds and a round `amount` seconds; the rest is for a way that stands still until the client gives up.
    const limitMs = 60_000 + load.amount * (load.mode === 'latency' ? 100 : 2_000) * ways.length;
    const { code, stdout, stderr } = await space.run(file, args, limitMs);
    if (code !== 0) throw new Error(`the load client failed (${load.mode}): ${stderr.trim() || `exit code ${code ?? 'none'}`}`);
    return stdout.trim().split('\n').map(parseTally);
  };
  return { name, run };
}

function parseTally(line: string): Tally {
  const value: unknown = JSON.parse(line);
  if (!isTally(value)) throw new Error(`the load client printed something else: ${line}`);
  return value;
}

function isTally(value: unknown): value is Tally {
  return typeof value === 'object' && value !== null && 'way' in value && 'count' in value && 'samplesMs' in value;
}
