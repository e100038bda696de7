// Serves the situations: one real TLS server each, on loopback. Not a product part.
import { spawn } from 'node:child_process';
import { constants } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { findCommand } from '../support/find-command.ts';
import { portOf } from '../support/port-of.ts';
import { until } from '../support/tunnel.ts';
import type { Chain, Situation } from './situations.ts';

export type SituationServer = {
  readonly port: number;
  /** From now on the server shows this chain; only servers of ours can. */
  present(chain: Chain): void;
  close(): Promise<void>;
};

/** `folder`: for files of foreign programs. Throws where the program is missing or cannot serve this. */
export async function serveSituation(situation: Situation, chain: Chain, staple: Buffer | null, folder: string): Promise<SituationServer> {
  return situation.program === undefined ? serveHere(chain, staple) : serveWith(situation.program, chain, folder);
}

const contextOf = (chain: Chain): tls.SecureContextOptions => ({
  key: chain[0].keyPem, cert: chain.map(({ pem }) => pem).join(''), ciphers: 'DEFAULT:@SECLEVEL=0', secureOptions: constants.SSL_OP_NO_TICKET,
});

function serveHere(chain: Chain, staple: Buffer | null): Promise<SituationServer> {
  const sockets = new Set<net.Socket>();
  const server = tls.createServer(contextOf(chain), (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'));
  });
  server.on('tlsClientError', () => undefined);
  if (staple !== null) server.on('OCSPRequest', (_certificate, _issuer, answer: (error: Error | null, response: Buffer) => void) => answer(null, staple));
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({
    port: portOf(server), present: (next) => server.setSecureContext(contextOf(next)),
    close: () => new Promise((closed) => {
      server.close(() => closed());
      for (const socket of sockets) socket.destroy();
    }),
  })));
}

async function serveWith(program: NonNullable<Situation['program']>, chain: Chain, folder: string): Promise<SituationServer> {
  const port = await freePort();
  const place = join(folder, `server-${port}`);
  mkdirSync(place);
  const [cert, key, more] = ['cert.pem', 'key.pem', 'more.pem'].map((name) => join(place, name)) as [string, string, string];
  writeFileSync(cert, program === 'openssl' ? chain[0].pem : chain.map(({ pem }) => pem).join(''));
  writeFileSync(more, chain.slice(1).map(({ pem }) => pem).join(''));
  writeFileSync(key, chain[0].keyPem);
  if (program === 'nginx') writeFileSync(join(place, 'nginx.conf'), nginxConfiguration(place, port));
  const [command, ...args] = {
    openssl: ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-cert', cert, '-key', key, ...(chain.length > 1 ? ['-cert_chain', more] : []), '-www', '-quiet'],
    gnutls: ['gnutls-serv', '--http', '--quiet', '--disable-client-cert', '--port', String(port), '--x509certfile', cert, '--x509keyfile', key],
    nginx: ['nginx', '-c', join(place, 'nginx.conf'), '-p', place, '-e', join(place, 'error.log')],
  }[program] as [string, ...string[]];
  const path = findCommand(command);
  if (path === null) throw new Error(`${command} is not installed`);
  const child = spawn(path, args, { stdio: 'ignore' });
  const gone = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  await until(`${command} listens`, () => canConnect(port));
  return {
    port, present: () => { throw new Error(`${command} cannot change its certificate`); },
    close: () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

const nginxConfiguration = (place: string, port: number): string => `daemon off; master_process off; pid ${place}/pid; error_log ${place}/error.log;
events {} http { access_log off; client_body_temp_path ${place}/a; proxy_temp_path ${place}/b; fastcgi_temp_path ${place}/c; uwsgi_temp_path ${place}/d; scgi_temp_path ${place}/e;
server { listen 127.0.0.1:${port} ssl; ssl_certificate ${place}/cert.pem; ssl_certificate_key ${place}/key.pem; keepalive_timeout 0; location / { return 200 hello; } } }
`;

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const port = portOf(server);
      server.close(() => done(port));
    });
  });
}

/** Does anybody listen on this loopback port? */
export function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
