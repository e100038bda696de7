// Handshakes of the agent with itself, on loopback: whether this device's OpenSSL, root and clock let a certificate under the root work at all.
// Not for what apps trust (native/trust-store/handshakes).
import * as tls from 'node:tls';
import type { SelfTestRow } from '../../core/diagnostics/tls-selftest.ts';
import type { Authority } from './authority.ts';
import { mintCheckLeaves } from './check-leaf.ts';
import { createCheckServers } from './check-servers.ts';
import type { IssuedLeaf } from './leaf-contexts.ts';

/** For one handshake, which takes milliseconds. */
const limitMs = 2_000;
/** Longer than all of them. */
const leafLivesMs = 60_000;
/** Ours come one after the other; whoever else finds the port is not to take its place. */
const mostConnections = 8;

/** Both versions, each with a certificate under the root and with a stranger's. Rejects where the root can sign nothing or no port is free. */
export async function testOwnTls(root: Authority, now: number, onIssue: (leaf: Omit<IssuedLeaf, 'bytes'>) => void): Promise<readonly SelfTestRow[]> {
  const { key, own, stranger } = mintCheckLeaves(root, now, leafLivesMs, onIssue);
  const rows: SelfTestRow[] = [];
  const servers = createCheckServers(mostConnections);
  try {
    for (const [under, cert] of [['the root', own], ['a stranger', stranger]] as const) {
      const server = tls.createServer({ key, cert, minVersion: 'TLSv1.2', handshakeTimeout: limitMs }, (socket) => void socket.on('error', () => undefined).end());
      server.on('tlsClientError', () => undefined);
      const port = await servers.open(server);
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) rows.push({ version, under, ...await shake(port, version, root.certificatePem) });
    }
  } finally {
    servers.end();
  }
  return rows;
}

function shake(port: number, version: SelfTestRow['version'], ca: string): Promise<Omit<SelfTestRow, 'version' | 'under'>> {
  const begun = performance.now();
  return new Promise((done) => {
    const end = (outcome: SelfTestRow['outcome'], cipher: string | null, code: string | null): void => {
      socket.destroy();
      done({ outcome, cipher, code, ms: Math.round(performance.now() - begun) });
    };
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca, minVersion: version, maxVersion: version, timeout: limitMs }, () => end('established', socket.getCipher().standardName, null));
    socket.once('timeout', () => end('failed', null, 'ETIMEDOUT'));
    // What OpenSSL's verification says has no ERR_ or syscall before it.
    socket.once('error', (error: NodeJS.ErrnoException) => end(verification.test(error.code ?? '') ? 'refused' : 'failed', null, error.code ?? error.message));
  });
}

const verification = /^(?:UNABLE_TO|CERT_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|ERR_TLS_CERT_ALTNAME)/;
