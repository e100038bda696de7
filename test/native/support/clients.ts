// A loopback server and real client programs for the tests of native/. Not a proxy and not TLS: a look-up only needs an open connection.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { connectionOf } from '../../../native/process-attribution/index.ts';
import type { Connection } from '../../../native/process-attribution/index.ts';

/** Environment of a client: only what it needs to run, because a test machine may set trust variables of its own. */
export const bareEnv: Record<string, string> = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C' };

/** Path of a program in /usr/bin or /bin; null, and one line that says so, when it is not installed. */
export function programOrSkip(name: string): string | null {
  for (const folder of ['/usr/bin', '/bin']) {
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return path.join(folder, name);
    } catch {
      // Next folder.
    }
  }
  console.log(`skipped: ${name} is not installed`);
  return null;
}

/** Real path of a program's executable, through every link. */
export function realProgram(file: string): string {
  return realpathSync(file);
}

export type Accepted = { readonly connection: Connection; readonly socket: net.Socket };

export type Loopback = {
  readonly port: number;
  /** The next connection, in order of arrival. */
  next(): Promise<Accepted>;
  close(): Promise<void>;
};

/** Listens on a free port of the address; accepted connections stay open and silent until closed. */
export async function openLoopback(address = '127.0.0.1'): Promise<Loopback> {
  const queue: Accepted[] = [];
  const waiting: ((accepted: Accepted) => void)[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket)).resume();
    const accepted = { socket, connection: connectionOf(socket) };
    const waiter = waiting.shift();
    if (waiter === undefined) queue.push(accepted);
    else waiter(accepted);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, address, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    port: bound.port,
    next: () => {
      const ready = queue.shift();
      return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** Starts a client quietly; the caller stops it. */
export function startClient(command: string, args: readonly string[], options: { env?: Record<string, string>; cwd?: string; uid?: number; gid?: number } = {}): ChildProcess {
  return spawn(command, [...args], { stdio: ['ignore', 'ignore', 'ignore'], env: options.env ?? bareEnv, cwd: options.cwd ?? '/', ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }) });
}

/** Stops a client and waits until it is gone. */
export function stopClient(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** A self-signed root, PEM and DER, made by openssl in the folder; its key is thrown away with the folder. */
export function makeRoot(folder: string, name: string): { readonly pemFile: string; readonly derFile: string } {
  const pemFile = path.join(folder, `${name}.pem`);
  const derFile = path.join(folder, `${name}.der`);
  const quiet = { stdio: 'ignore' as const };
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-keyout', path.join(folder, `${name}.key`), '-out', pemFile, '-subj', `/CN=${name}`,
  ], quiet);
  execFileSync('openssl', ['x509', '-in', pemFile, '-outform', 'der', '-out', derFile], quiet);
  return { pemFile, derFile };
}
