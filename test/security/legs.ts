// What the rows about TLS stand on: an agent, servers of any kind on loopback, a front for programs that know no proxy, and a count of what held.
// Not a product part.
import { spawn, type ChildProcess } from 'node:child_process';
import type { X509Certificate } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { isAbsolute, join } from 'node:path';
import Database from 'better-sqlite3';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { findCommand } from '../support/find-command.ts';
import { createTestAuthority, open, startOrigin, type TestAuthority } from '../support/origins.ts';
import { connectThrough, until } from '../support/tunnel.ts';
import type { RowResult } from './registry.ts';
import { canConnect, freePort } from './situation-servers.ts';

/** Everything is inspected, and what cannot be is blocked: nothing that is seen then comes from the server. */
export const mustInspectAll = [{ id: 'all', do: 'inspect', mustInspect: true }];
export const inspectAll = [{ id: 'all', do: 'inspect' }];

export type ServerFiles = { readonly port: number; readonly key: string; readonly cert: string; readonly folder: string };

export type Legs = {
  readonly authority: TestAuthority;
  /** HOST:443 of the agents that start after this. */
  readonly targets: Map<string, number>;
  /** A TLS server of Node; answers HTTP unless told otherwise. */
  origin(host: string, options?: Parameters<typeof startOrigin>[2]): Promise<void>;
  /** A server that speaks anything. */
  plain(host: string, onConnection: (socket: net.Socket) => void): Promise<number>;
  /** A server program with a certificate for the host; waits until it listens. `input`: what it reads first. */
  program(host: string, key: 'ec' | 'rsa', command: (files: ServerFiles) => readonly string[], input?: string): Promise<void>;
  agent(rules: readonly unknown[], options?: { defaults?: object; home?: string; before?: readonly string[] }): Promise<TestAgent>;
  /** A TCP port that is the host, through the agent. */
  front(agent: TestAgent, host: string): Promise<number>;
};

/** Runs `work` and closes whatever it has opened. */
export async function withLegs<T>(work: (legs: Legs) => Promise<T>): Promise<T> {
  const authority = createTestAuthority();
  const targets = new Map<string, number>();
  const closers: (() => unknown)[] = [() => authority.close()];
  const plain: Legs['plain'] = async (host, onConnection) => {
    const server = await open(net.createServer({ allowHalfOpen: true, noDelay: true }, onConnection), host);
    closers.push(() => server.close());
    targets.set(host, server.port);
    return server.port;
  };
  try {
    return await work({
      authority, targets, plain,
      origin: async (host, options) => {
        const origin = await startOrigin(authority, host, options);
        closers.push(() => origin.close());
        targets.set(host, origin.port);
      },
      program: async (host, key, command, input = '') => {
        const folder = mkdtempSync(join(authority.folder, 'server-'));
        const files = { port: await freePort(), folder, key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
        const leaf = authority.leaf(host, { rsa: key === 'rsa' });
        writeFileSync(files.key, leaf.key);
        writeFileSync(files.cert, leaf.cert);
        const [name = '', ...args] = command(files);
        const child = spawn(pathOf(name), args, { stdio: ['pipe', 'ignore', 'ignore'], cwd: folder });
        closers.push(() => ended(child));
        child.stdin.on('error', () => undefined).write(input);
        await until(`${args.join(' ')} listens`, () => canConnect(files.port));
        targets.set(host, files.port);
      },
      agent: async (rules, { defaults, ...options } = {}) => {
        const agent = await startTestAgent({
          defaults: { onUnknownApp: 'inspect', ...defaults }, rules,
          network: { upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries([...targets].map(([host, port]) => [`${host}:443`, `127.0.0.1:${port}`])) },
        }, options);
        closers.push(() => agent.stop());
        return agent;
      },
      front: (agent, host) => plain(`front ${host}`, (socket) => {
        connectThrough(agent.proxyPort, host).then((tunnel) => {
          socket.pipe(tunnel).pipe(socket);
          tunnel.on('error', () => socket.destroy()).once('close', () => socket.destroySoon());
          socket.on('error', () => tunnel.destroy()).once('close', () => tunnel.destroySoon());
        }, () => socket.destroy());
      }),
    });
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once('exit', () => done());
    child.kill('SIGKILL');
  });
}

function pathOf(command: string): string {
  const path = isAbsolute(command) ? command : findCommand(command);
  if (path === null) throw new Error(`${command} is not installed`);
  return path;
}

/** Both outputs of a program, together. `input` is written at once, then its standard input is closed, unless `hold`. */
export function run(command: readonly string[], options: { input?: string; hold?: boolean; timeoutMs?: number; env?: Record<string, string>; cwd?: string } = {}): Promise<{ code: number | null; text: string }> {
  const [name = '', ...args] = command;
  return new Promise((done, fail) => {
    const child = spawn(pathOf(name), args, { env: { ...process.env, ...options.env }, ...(options.cwd === undefined ? {} : { cwd: options.cwd }), timeout: options.timeoutMs ?? 20_000 });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { text += chunk.toString('latin1'); });
    child.stdin.on('error', () => undefined);
    if (options.hold === true) child.stdin.write(options.input ?? '');
    else child.stdin.end(options.input ?? '');
    child.once('error', fail);
    child.once('close', (code) => done({ code, text }));
  });
}

/** openssl s_client through the agent; what it has negotiated, null when nothing. */
export async function sClient(agent: TestAgent, host: string, args: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<{ version: string; suite: string; resumed: boolean; text: string } | { version: null; resumed: false; text: string }> {
  const { text } = await run(['openssl', 's_client', '-proxy', agent.proxy, '-connect', `${host}:443`, '-servername', host, ...args], options);
  const match = /^(New|Reused), (\S+), Cipher is (\S+)$/m.exec(text);
  if (match === null || match[3] === '(NONE)') return { version: null, resumed: false, text };
  return { version: match[2] as string, suite: match[3] as string, resumed: match[1] === 'Reused', text };
}

/** The newest connection to a host, as the agent has written it down. */
export function lastRow(agent: TestAgent, host: string): Promise<ConnectionRow> {
  return until(`a connection to ${host} is written down`, async () => (await agent.client.call('connections', { filter: `host = ${host}`, limit: '1' }, {})).rows[0]);
}

/** Hosts of the issuance log, as often as they got a leaf. Asks for connections first: that has everything written. */
export async function issued(agent: TestAgent): Promise<readonly string[]> {
  await agent.client.call('connections', { limit: '1' }, {});
  const database = new Database(join(agent.home, 'pinlight.db'), { readonly: true });
  try {
    return database.prepare<[], { host: string }>('SELECT host FROM issued_leaves ORDER BY at').all().map(({ host }) => host);
  } finally {
    database.close();
  }
}

/** Is it a leaf of ours? Ask the socket for its certificate once: Node forgets after the first answer. */
export function isOurs(certificate: X509Certificate | undefined): boolean {
  return certificate?.issuer.startsWith('O=Pinlight\nCN=Pinlight root for ') === true;
}

type Seen = string | number | boolean | null | readonly (string | number)[];
export type Tally = { check(what: string, held: boolean, seen?: Seen): void; failed(): number; result(detail: string): RowResult };

/** Counts what was tried and names what did not hold. */
export function createTally(): Tally {
  const failures: string[] = [];
  let tried = 0;
  return {
    check: (what, held, seen) => {
      tried += 1;
      if (!held) failures.push(seen === undefined ? what : `${what} (${String(seen).replaceAll(/\s+/g, ' ').slice(0, 300)})`);
    },
    failed: () => failures.length,
    result: (detail) => ({ tried, failed: failures.length, detail: [detail, ...failures.map((failure) => `NOT: ${failure}`)].join('; ') }),
  };
}
