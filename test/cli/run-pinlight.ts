// Runs the real `pinlight` program for tests. Not a test.
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const pinlightFile = fileURLToPath(new URL('../../electron/cli/pinlight.mjs', import.meta.url));

export type RunOptions = {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly uid?: number;
  /** The Node that starts the bin; default: the one that runs the tests. */
  readonly node?: string;
  readonly file?: string;
};

export type RunResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Starts it with an environment of nothing but a PATH, UTC and PINLIGHT_HOME. */
export function startPinlight(args: readonly string[], options: RunOptions): ChildProcessWithoutNullStreams {
  return spawn(options.node ?? process.execPath, [options.file ?? pinlightFile, ...args], {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env['PATH'], TZ: 'UTC', PINLIGHT_HOME: options.home, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
}

/** Runs it to its end. */
export async function runPinlight(args: readonly string[], options: RunOptions): Promise<RunResult> {
  const child = startPinlight(args, options);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

/** Collects what a running one prints, line by line. */
export function linesOf(child: ChildProcessWithoutNullStreams): string[] {
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return lines;
}
