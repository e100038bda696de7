// D4: what apps say through an inspected connection is found nowhere afterwards: not in a file, a log, the database, a bundle or a core.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { findCommand } from '../../support/find-command.ts';
import { readAll, tlsThrough, until } from '../../support/tunnel.ts';
import { lookInto, ownAccount } from '../cores.ts';
import { bundleOf } from '../second-user.ts';
import { createTally, isOurs, mustInspectAll, withLegs } from '../legs.ts';
import type { Row, RowResult } from '../registry.ts';

export const rows: readonly Row[] = [
  { id: 'D4', title: 'plaintext stays inside: 50 canaries', source: 'STIP NSA', run: canariesStayInside },
];

type Canary = { readonly secret: string; readonly request?: (secret: string) => string | Buffer; readonly reply?: (secret: string) => string | Buffer };

const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\nHost: secrets.test\r\n${headers}Connection: close\r\n\r\n`;
const post = (type: string, body: string | Buffer, headers = ''): Buffer => Buffer.concat([Buffer.from(`POST /p HTTP/1.1\r\nHost: secrets.test\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}Connection: close\r\n\r\n`), Buffer.from(body)]);

/** Where apps and servers have their secrets. Each carries one of its own. */
const places: readonly Omit<Canary, 'secret'>[] = [
  ...['q', 'token', 'access_token', 'password', 'sig', 'session', 'code', 'api_key'].map((name) => ({ request: (s: string) => get(`/search?${name}=${s}&x=1`) })),
  { request: (s) => get(`/reset/${s}`) }, { request: (s) => get(`/a;jsessionid=${s}`) }, { request: (s) => get(`/p?${s}`) }, { request: (s) => get(`//user:${s}@host/`) },
  ...['sid', 'auth', '__Host-id', 'remember'].map((name) => ({ request: (s: string) => get('/', `Cookie: theme=dark; ${name}=${s}\r\n`) })),
  ...['Authorization: Bearer ', 'Authorization: Basic ', 'Authorization: Digest response=', 'Proxy-Authorization: Basic ', 'X-Api-Key: ', 'X-Amz-Security-Token: ', 'X-CSRF-Token: ', 'Referer: https://a.test/?t=', 'X-Forwarded-For: ', 'User-Agent: app/1 ', 'Sec-WebSocket-Protocol: ']
    .map((header) => ({ request: (s: string) => get('/', `${header}${s}\r\n`) })),
  { request: (s) => post('application/x-www-form-urlencoded', `user=ann&password=${s}`) }, { request: (s) => post('application/json', JSON.stringify({ card: s, nested: [{ pin: s }] })) },
  { request: (s) => post('text/plain', s.repeat(40)) }, { request: (s) => post('multipart/form-data; boundary=b', `--b\r\nContent-Disposition: form-data; name="f"; filename="${s}.txt"\r\n\r\nx\r\n--b--\r\n`) },
  { request: (s) => post('application/octet-stream', Buffer.concat([randomBytes(30_000), Buffer.from(s), randomBytes(30_000)])) },
  { request: (s) => post('application/pkcs8', `-----BEGIN PRIVATE KEY-----\n${s}\n-----END PRIVATE KEY-----`) },
  { request: (s) => `POST /c HTTP/1.1\r\nHost: secrets.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${s.length.toString(16)};x=1\r\n${s}\r\n0\r\nX-Trailer: ${s}\r\n\r\n` },
  { request: (s) => `PRI * nonsense ${s}\r\n\r\n` }, { request: (s) => `\x00\x01${s}\xff` }, { request: (s) => `GET /\x1b]0;${s}\x07 HTTP/1.1\r\nHost: secrets.test\r\n\r\n` },
  { request: (s) => `USER ann\r\nPASS ${s}\r\n` }, { request: (s) => `GET / HTTP/1.1\r\nHost: ${s}.secrets.test\r\nConnection: close\r\n\r\n` },
  ...['Set-Cookie: sid=', 'Set-Cookie: a=1; b=', 'Location: https://a.test/?code=', 'X-Auth-Token: ', 'WWW-Authenticate: Basic realm='].map((header) => ({ reply: (s: string) => `HTTP/1.1 200 OK\r\n${header}${s}\r\nConnection: close\r\n\r\nok` })),
  { reply: (s) => `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>${s}</p>` }, { reply: (s) => `HTTP/1.1 500 ${s}\r\nConnection: close\r\n\r\n` },
  { reply: (s) => Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n'), gzipSync(s)]) },
  { reply: (s) => Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nConnection: close\r\n\r\n'), brotliCompressSync(s)]) },
  { reply: (s) => `HTTP/9.9 ${s}` }, { reply: (s) => s.repeat(2_000) },
];

async function canariesStayInside(): Promise<RowResult> {
  const tally = createTally();
  const scratch = mkdtempSync(join(tmpdir(), 'pinlight-core-'));
  const canaries: readonly Canary[] = places.map((place, n) => ({ ...place, secret: `Kanari${n}${randomBytes(9).toString('hex')}` }));
  const missing = ['setpriv', 'gcore', 'prlimit'].filter((name) => findCommand(name) === null);
  const looks = missing.length === 0 ? [] : [`not all could be tried without ${missing.join(', ')}`];
  try {
    await withLegs(async (legs) => {
      let current: Canary | null = null;
      let received = '';
      await legs.origin('secrets.test', { onConnection: (socket) => {
        const canary = current;
        socket.on('data', (chunk: Buffer) => { received += chunk.toString('latin1'); });
        socket.on('error', () => socket.destroy());
        socket.once('data', () => socket.end(canary?.reply?.(canary.secret) ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'));
      } });
      // Cores fall into the agent's working folder, which is this process's when it starts.
      const here = process.cwd();
      process.chdir(scratch);
      const agent = await legs.agent(mustInspectAll, { before: ownAccount() ?? [] }).finally(() => process.chdir(here));
      for (const canary of canaries) {
        current = canary;
        received = '';
        const socket = await tlsThrough(agent.proxyPort, 'secrets.test', { rejectUnauthorized: false });
        const ours = isOurs(socket.getPeerX509Certificate());
        socket.end(canary.request?.(canary.secret) ?? get('/'), 'latin1');
        const answer = (await readAll(socket)).toString('latin1');
        const through = canary.request === undefined || await until('the server has it', () => received.includes(canary.secret)).then(() => true, () => false);
        tally.check(`${canary.secret} went through inspection`, ours && through && (canary.reply === undefined || answer.length > 0), answer.slice(0, 80));
      }
      // A question makes it write what it still holds.
      await agent.client.call('connections', { limit: '1' }, {});
      const found = (where: string, bytes: Buffer): void => {
        for (const { secret } of canaries) {
          const shapes = [secret, Buffer.from(secret).toString('base64').slice(0, 24), Buffer.from(secret).toString('hex')];
          tally.check(`${secret} is not in ${where}`, !shapes.some((shape) => bytes.includes(shape)));
        }
      };
      for (const [name, bytes] of await bundleOf(agent)) found(`the bundle's ${name}`, bytes);
      // What support sees live, too.
      found('the state that is told', Buffer.from(JSON.stringify([await agent.client.call('status', {}, {}), await agent.client.call('connections', { limit: '1000' }, {})])));
      for (const { how, works, bytes, promise } of await lookInto(agent.process, scratch)) {
        looks.push(`${how}: ${works ? bytes === null ? 'nothing' : `${bytes.length} bytes` : 'nothing, nor of an unprotected program'}`);
        // What brings nothing of a program that has no protection says nothing about ours.
        if (!works) continue;
        if (promise === 'nothing') tally.check(`${how}: nothing`, bytes === null);
        if (bytes !== null) found(how, bytes);
      }
      tally.check('it is over', agent.process.signalCode === 'SIGABRT', agent.process.signalCode);
      for (const file of filesIn(agent.home)) found(`the state folder's ${file.slice(agent.home.length + 1)}`, readFileSync(file));
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return tally.result(`${canaries.length} secrets in requests and answers through a real agent; bundle, state, and every file of the state folder after SIGABRT searched plain, in hex and base64. `
    + `Its memory, each look tried on an unprotected program first: ${looks.join('; ')}. Promised is that its own account gets no core of it and the kernel writes none; by design root may read the memory itself`);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
