// Servers on loopback for `pinlight trust status --handshake`: `localhost` under the device's root, and beside each a stranger whom nobody trusts.
// Keys stay here, so the caller can sign nothing; it is told what each server met, and all end with its request, connections too.
// Not for which programs are asked (native/trust-store/handshakes).
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { PinlightError } from '../../contract/errors.ts';
import type { HandshakeLine } from '../../contract/routes.ts';
import type { Authority } from '../ca/authority.ts';
import { mintCheckLeaves } from '../ca/check-leaf.ts';
import { createCheckServers } from '../ca/check-servers.ts';
import type { IssuedLeaf } from '../ca/leaf-contexts.ts';

export type HandshakeCheck = {
  /** The user of a service who asks; null = an administrator. */
  readonly owner: string | null;
  readonly root: Authority;
  /** Pairs of servers wanted; a bad request is thrown as PinlightError. */
  readonly pairs: number;
  /** ms since the epoch. */
  readonly now: number;
  readonly onIssue: (leaf: Omit<IssuedLeaf, 'bytes'>) => void;
};

/** More programs than any device has; each pair is two listening sockets. */
const mostPairs = 64;
/** All callers together; a check takes seconds. A user has one, and the last is for administrators. */
const mostChecks = 4;
/** Bytes that may wait for a caller who does not read what it asked for. */
const backlogLimit = 256 * 1024;
/** A caller that hangs keeps its servers no longer. */
const longestMs = 300_000;
/** A program opens one connection, a browser a handful; three programs are asked at a time. */
const connectionLimits = { server: 16, check: 64 } as const;
/** Characters of what a program says of itself. */
const sayLimit = 200;

/** Serves checks, a few at a time. Rejects with PinlightError where nothing can be served. */
export function createHandshakeChecks(): (response: ServerResponse, check: HandshakeCheck) => Promise<void> {
  const running: (string | null)[] = [];
  return async (response, check) => {
    const { owner } = check;
    if (!Number.isInteger(check.pairs) || check.pairs < 1 || check.pairs > mostPairs) throw new PinlightError('bad-request', `pairs must be a whole number from 1 to ${mostPairs}`);
    if (running.length >= mostChecks - (owner === null ? 0 : 1) || (owner !== null && running.includes(owner))) throw new PinlightError('checks-busy', 'handshakes are being checked for others');
    const tell = (line: HandshakeLine): void => {
      if (response.writableLength > backlogLimit) response.destroy();
      if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`);
    };
    const servers = createCheckServers(connectionLimits.check);
    const end = (): void => {
      clearTimeout(limit);
      servers.end();
      running.splice(running.indexOf(owner), 1);
    };
    running.push(owner);
    const limit = setTimeout(() => response.destroy(), longestMs);
    response.once('close', end);
    const ports = await Promise.all(serversFor(check, tell).map((server) => servers.open(server))).catch((error: NodeJS.ErrnoException) => {
      throw new PinlightError('checks-busy', `no server could be opened for them (${error.code ?? error.message})`);
    });
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    tell({ kind: 'ready', root: check.root.fingerprint, pairs: Array.from({ length: check.pairs }, (_, index) => ({ own: ports[2 * index] ?? 0, stranger: ports[2 * index + 1] ?? 0 })) });
  };
}

/** One under the root and one under a key made for the moment, in turn. */
function serversFor({ root, pairs, now, onIssue }: HandshakeCheck, tell: (line: HandshakeLine) => void): readonly Server[] {
  const { key, own, stranger } = mintCheckLeaves(root, now, longestMs, onIssue);
  return Array.from({ length: pairs }, () => [own, stranger]).flat().map((leaf) => serverFor(key, leaf, tell));
}

function serverFor(key: string, cert: string, tell: (line: HandshakeLine) => void): Server {
  const server = createServer({ key, cert, minVersion: 'TLSv1.2', handshakeTimeout: 15_000, headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    tell({ kind: 'asked', port: portOf(server), path: (request.url ?? '').slice(0, sayLimit), agent: (request.headers['user-agent'] ?? '').slice(0, sayLimit) });
    response.writeHead(200, { 'content-type': 'text/plain', connection: 'close' }).end('Pinlight\n');
  });
  server.maxConnections = connectionLimits.server;
  // Who was turned away has met nobody.
  server.on('connection', (socket) => !socket.destroyed && tell({ kind: 'met', port: portOf(server) }));
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => tell({ kind: 'failed', port: portOf(server), code: error.code ?? '' }));
  return server;
}

function portOf(server: Server): number {
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? 0 : bound.port;
}
