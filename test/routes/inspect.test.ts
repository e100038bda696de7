// Route (i): an intercepted connection, over real sockets, a real agent process and real TLS origins.
import { createHash, randomBytes } from 'node:crypto';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority, open, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectThrough, readAll, tlsThrough, until } from '../support/tunnel.ts';

const hosts = {
  echo: 'echo.pinlight.test', web: 'web.pinlight.test', h2: 'h2.pinlight.test', mixed: 'mixed.pinlight.test', old: 'tls12.pinlight.test', sse: 'sse.pinlight.test', ws: 'ws.pinlight.test',
  tunnel: 'nobody-inspects.pinlight.test', ssh: 'ssh.pinlight.test',
};
let authority: TestAuthority;
let agent: TestAgent;
let plain: http.Server;
const origins: Origin[] = [];

beforeAll(async () => {
  authority = createTestAuthority();
  const echo = (socket: tls.TLSSocket): void => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  };
  origins.push(
    await startOrigin(authority, hosts.echo, { onConnection: echo }),
    await startOrigin(authority, hosts.tunnel, { onConnection: echo }),
    await startOrigin(authority, hosts.web),
    await startOrigin(authority, hosts.mixed, { onConnection: echo, tls: { ALPNProtocols: ['h2', 'http/1.1'] } }),
    await startOrigin(authority, hosts.old, { tls: { maxVersion: 'TLSv1.2' } }),
    await startOrigin(authority, hosts.sse, { onRequest: streamEvents }),
    await startOrigin(authority, hosts.ws, { onConnection: upgradeToEcho }),
    await open(http2Origin(), hosts.h2),
    await open(net.createServer((socket) => { socket.write('SSH-2.0-test\r\n'); socket.pipe(socket); }), hosts.ssh),
    await open(net.createServer((socket) => socket.once('data', () => socket.end(hostileAnswer))), 'hostile.pinlight.test'),
  );
  plain = http.createServer((request, response) => {
    response.setHeader('x-saw', `${request.method} ${request.url} host=${request.headers.host} auth=${request.headers['proxy-authorization'] ?? 'none'}`);
    request.pipe(response);
  });
  await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
  agent = await startTestAgent({
    rules: [
      { id: 'let-it-be', when: { host: hosts.tunnel }, do: 'bypass', reason: 'test' },
      { id: 'no-way', when: { host: '*.blocked.test' }, do: 'block' },
      { id: 'own', when: { port: [443, 80], user: 'self' }, do: 'inspect' },
    ],
    network: {
      upstreamRoots: [authority.rootFile],
      localTargets: {
        ...Object.fromEntries(origins.map((origin) => [`${origin.host}:443`, `127.0.0.1:${origin.port}`])),
        'hostile.pinlight.test:80': `127.0.0.1:${origins.at(-1)?.port ?? 0}`,
        'plain.pinlight.test:80': `127.0.0.1:${(plain.address() as AddressInfo).port}`,
      },
    },
  });
});

afterAll(async () => {
  await agent.stop();
  await Promise.all(origins.map((origin) => origin.close()));
  plain.closeAllConnections();
  plain.close();
  authority.close();
});

const trusting = (): tls.ConnectionOptions => ({ ca: readFileSync(agent.rootFile) });
const rowsOf = async (host: string) => (await agent.client.call('connections', { filter: `host == "${host}"`, limit: '50' }, {})).rows;

describe('an inspected connection', () => {
  it('shows the app a leaf of our root for exactly the name it asked for, with the server chosen ALPN', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.h2, { ...trusting(), ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).toBe('h2');
    expect(socket.getPeerX509Certificate()?.subjectAltName).toBe(`DNS:${hosts.h2}`);
    expect(socket.authorized).toBe(true);
    // A connection that ends without a byte would be a refusal, and the next one let through untouched.
    socket.end('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await readAll(socket);
  });

  it('answers HTTP/1.1 and records who, where, how and why', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.web, { ...trusting(), ALPNProtocols: ['http/1.1'] });
    socket.write(`GET / HTTP/1.1\r\nHost: ${hosts.web}\r\nConnection: close\r\n\r\n`);
    expect((await readAll(socket)).toString()).toContain(`hello from ${hosts.web}`);
    socket.destroy();
    const row = await until('the row is closed', async () => (await rowsOf(hosts.web)).find((one) => one.durationMs !== null));
    expect(row).toMatchObject({
      decided: 'inspect', disposition: 'inspect', rule: 'own', outcome: { kind: 'established' }, tlsVersion: 'TLSv1.3', pid: process.pid, serverName: hosts.web,
    });
    expect(row.ja4).toMatch(/^t13d\d{4}h1_[0-9a-f]{12}_[0-9a-f]{12}$/);
    expect(row.bytesDown).toBeGreaterThan(100);
  });

  it('never shows the app a stronger TLS version than the server leg has', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.old, trusting());
    expect(socket.getProtocol()).toBe('TLSv1.2');
    socket.destroy();
  });

  it('inspects an app that offers TLS 1.2 only at a server that speaks TLS 1.3 too', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.echo, { ...trusting(), maxVersion: 'TLSv1.2' });
    expect(socket.getProtocol()).toBe('TLSv1.2');
    expect(socket.getPeerX509Certificate()?.issuer).toContain('Pinlight root');
    socket.end('x');
    expect((await readAll(socket)).toString()).toBe('x');
  });

  it('is not talked out of it by the name of an excluded host in its SNI', async () => {
    const { exclusion } = await agent.client.call('addExclusion', {}, { host: 'borrowed.pinlight.test', reason: 'test' });
    const socket = await tlsThrough(agent.proxyPort, hosts.echo, { servername: 'borrowed.pinlight.test', ca: authority.rootPem, checkServerIdentity: () => undefined });
    socket.end('x');
    await readAll(socket);
    // The server's certificate does not name the borrowed host, so its own bytes came: by that reason, never by the exclusion.
    const row = await until('the row', async () => (await rowsOf(hosts.echo)).find((one) => one.serverName === 'borrowed.pinlight.test'));
    expect(row).toMatchObject({ decided: 'inspect', reason: { code: 'upstream-invalid' } });
    await agent.client.call('removeExclusion', { id: exclusion.id }, {});
  });

  it('carries HTTP/2 requests in parallel on one connection', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.h2, { ...trusting(), ALPNProtocols: ['h2'] });
    const session = http2.connect(`https://${hosts.h2}`, { createConnection: () => socket });
    const bodies = await Promise.all(Array.from({ length: 20 }, (_, index) => {
      const stream = session.request({ ':path': `/${index}` });
      return readAll(stream).then(String);
    }));
    expect(bodies).toEqual(Array.from({ length: 20 }, (_, index) => `h2 answer to /${index}`));
    session.close();
  });

  it('passes 32 MB each way byte for byte, however slowly the reader reads', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.echo, trusting());
    const sent = createHash('sha256');
    const received = createHash('sha256');
    let left = 32;
    let bytes = 0;
    const write = (): void => {
      while (left > 0) {
        const chunk = randomBytes(1024 * 1024);
        sent.update(chunk);
        left -= 1;
        if (!socket.write(chunk)) return void socket.once('drain', write);
      }
      socket.end();
    };
    write();
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received.update(chunk);
      bytes += chunk.length;
      if (bytes % 7 === 0) await new Promise((done) => setImmediate(done));
    }
    expect(bytes).toBe(32 * 1024 * 1024);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  it('holds the sender back when nobody reads, so that memory stays bounded', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.echo, trusting());
    socket.pause();
    const before = residentKb(agent.pid);
    let accepted = 0;
    const chunk = Buffer.alloc(1024 * 1024);
    let stuck = false;
    while (!stuck && accepted < 256) {
      accepted += 1;
      if (!socket.write(chunk)) stuck = await Promise.race([new Promise<false>((done) => socket.once('drain', () => done(false))), new Promise<true>((done) => setTimeout(() => done(true), 1_500))]);
    }
    expect(stuck).toBe(true);
    expect(residentKb(agent.pid) - before).toBeLessThan(60_000);
    socket.destroy();
  });

  it('keeps a half-closed connection alive: the app ends, the answer still comes', async () => {
    const raw = await connectThrough(agent.proxyPort, hosts.echo);
    raw.allowHalfOpen = true;
    const socket = await new Promise<tls.TLSSocket>((done, fail) => {
      const secure: tls.TLSSocket = tls.connect({ socket: raw, servername: hosts.echo, ...trusting() }, () => done(secure));
      secure.once('error', fail);
    });
    socket.end('said before the end');
    expect((await readAll(socket)).toString()).toBe('said before the end');
  });

  it('carries a WebSocket upgrade and frames both ways', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.ws, trusting());
    socket.write('GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
    expect((await nextData(socket)).toString()).toContain('101 Switching Protocols');
    const frame = Buffer.from([0x81, 0x85, 1, 2, 3, 4, 0x69, 0x67, 0x6f, 0x68, 0x6e]);
    socket.write(frame);
    expect(await nextData(socket)).toEqual(frame);
    socket.destroy();
  });

  it('passes server-sent events on one by one, not when the answer ends', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.sse, trusting());
    socket.write(`GET / HTTP/1.1\r\nHost: ${hosts.sse}\r\n\r\n`);
    let text = '';
    for (let event = 1; event <= 3; event += 1) {
      while (!text.includes(`data: ${event}\n`)) text += (await nextData(socket)).toString();
      // The origin sends the next event only after this request on a second connection: nothing may be held back.
      const poke = await tlsThrough(agent.proxyPort, hosts.sse, trusting());
      poke.write(`GET /next HTTP/1.1\r\nHost: ${hosts.sse}\r\nConnection: close\r\n\r\n`);
      await readAll(poke);
    }
    expect(text).toContain('data: 3');
    socket.destroy();
  });

  it('asks the server anew when an app it knows says another hello than last time', async () => {
    for (const protocol of ['h2', 'http/1.1', 'h2']) {
      const socket = await tlsThrough(agent.proxyPort, hosts.mixed, { ...trusting(), ALPNProtocols: [protocol] });
      expect(socket.alpnProtocol).toBe(protocol);
      socket.end('a byte, so that this is no refusal');
      await readAll(socket);
    }
    // The same app without ALPN, and then with plain bytes instead of a hello.
    const silent = await tlsThrough(agent.proxyPort, hosts.mixed, trusting());
    expect(silent.alpnProtocol).toBe(false);
    silent.end('x');
    await readAll(silent);
    const plainly = await connectThrough(agent.proxyPort, hosts.mixed);
    plainly.end('this is not TLS\r\n\r\n');
    await readAll(plainly);
    const row = await until('the last row is closed', async () => (await rowsOf(hosts.mixed)).find((one) => one.reason.code === 'not-tls' && one.durationMs !== null));
    expect(row.outcome).toEqual({ kind: 'relayed' });
  });

  it.each([
    ['one byte at a time', (hello: Buffer) => Array.from(hello, (byte) => Buffer.from([byte]))],
    ['cut in the record header', (hello: Buffer) => [hello.subarray(0, 3), hello.subarray(3)]],
    ['in two TLS records', (hello: Buffer) => [twoRecords(hello, 77)]],
    ['in two TLS records cut inside the handshake header', (hello: Buffer) => [twoRecords(hello, 2)]],
  ])('reads a ClientHello that comes %s', async (_name, cut) => {
    const raw = await connectThrough(agent.proxyPort, hosts.web);
    const pair = helloRewriter(raw, cut);
    const socket = await new Promise<tls.TLSSocket>((done, fail) => {
      const secure: tls.TLSSocket = tls.connect({ socket: pair, servername: hosts.web, ...trusting() }, () => done(secure));
      secure.once('error', fail);
    });
    expect(socket.getPeerX509Certificate()?.issuer).toContain('Pinlight root');
    socket.write(`GET / HTTP/1.1\r\nHost: ${hosts.web}\r\nConnection: close\r\n\r\n`);
    expect((await readAll(socket)).toString()).toContain('hello from');
    socket.destroy();
  });
});

describe('a bypassed connection', () => {
  it('gives the app the server certificate itself and the server the app bytes unchanged', async () => {
    const socket = await tlsThrough(agent.proxyPort, hosts.tunnel, { ca: authority.rootPem });
    socket.end('as it is');
    expect((await readAll(socket)).toString()).toBe('as it is');
    const row = await until('the row is closed', async () => (await rowsOf(hosts.tunnel)).find((one) => one.durationMs !== null));
    expect(row).toMatchObject({ decided: 'bypass', disposition: 'bypass', rule: 'let-it-be', outcome: { kind: 'passed', data: true } });
  });

  it('lets a protocol through in which the server speaks first', async () => {
    const socket = await connectThrough(agent.proxyPort, hosts.ssh);
    expect((await nextData(socket)).toString()).toBe('SSH-2.0-test\r\n');
    socket.write('hello\r\n');
    expect((await nextData(socket)).toString()).toBe('hello\r\n');
    socket.destroy();
    const row = await until('the row is closed', async () => (await rowsOf(hosts.ssh)).find((one) => one.durationMs !== null));
    expect(row).toMatchObject({ disposition: 'bypass', reason: { code: 'not-tls' }, outcome: { kind: 'relayed' } });
  });
});

describe('a blocked connection', () => {
  it('is refused before the host is dialled, in words', async () => {
    await expect(connectThrough(agent.proxyPort, 'x.blocked.test')).rejects.toThrow(/403 Forbidden[\s\S]*policy rule "no-way"/);
  });
});

describe('plain HTTP', () => {
  it('is relayed by absolute-form request, its body unchanged, without what belongs to the proxy', async () => {
    const body = randomBytes(100_000);
    const answer = await new Promise<{ status: number; saw: string; body: Buffer }>((done, fail) => {
      const request = http.request({
        host: '127.0.0.1', port: agent.proxyPort, method: 'POST', path: 'http://plain.pinlight.test/a?b=c',
        headers: { host: 'plain.pinlight.test', 'proxy-authorization': 'Basic c2VjcmV0', 'content-length': body.length },
      }, (response) => { readAll(response).then((bytes) => done({ status: response.statusCode ?? 0, saw: String(response.headers['x-saw']), body: bytes }), fail); });
      request.once('error', fail);
      request.end(body);
    });
    expect({ ...answer, body: answer.body.equals(body) }).toEqual({ status: 200, saw: 'POST /a?b=c host=plain.pinlight.test auth=none', body: true });
    const row = await until('the row', async () => (await rowsOf('plain.pinlight.test'))[0]);
    expect(row).toMatchObject({ reason: { code: 'plain-http' }, outcome: { kind: 'relayed' }, tlsVersion: null });
  });
});

describe('a hostile plain HTTP server', () => {
  it.each([
    ['a phrase with a control character', 'HTTP/1.1 200 bad\u0001phrase\r\nContent-Length: 0\r\n\r\n'],
    ['status 099', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n'],
    ['status 000', 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n'],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    ['garbage', 'SMTP 220 hello\r\n\r\n'],
  ])('with %s costs its own request and nothing else', async (_name, answer) => {
    hostileAnswer = answer;
    const status = await new Promise<number>((done, fail) => {
      http.get({ host: '127.0.0.1', port: agent.proxyPort, path: 'http://hostile.pinlight.test/', headers: { host: 'hostile.pinlight.test' } }, (response) => {
        response.resume();
        done(response.statusCode ?? 0);
      }).once('error', fail);
    });
    expect(status).toBe(502);
    expect((await agent.client.call('status', {}, {})).agent.pid).toBe(agent.pid);
  });

  it('hears the host that was decided on, and all that frames the message, whatever the client names', async () => {
    const saw = await new Promise<string>((done, fail) => {
      const request = http.request({
        host: '127.0.0.1', port: agent.proxyPort, method: 'POST', path: 'http://plain.pinlight.test/x',
        headers: { host: 'other.test', connection: 'content-length, host', 'content-length': 4 },
      }, (response) => { readAll(response).then((body) => done(`${String(response.headers['x-saw'])} body=${body.toString()}`), fail); });
      request.once('error', fail);
      request.end('body');
    });
    expect(saw).toBe('POST /x host=plain.pinlight.test auth=none body=body');
  });
});

let hostileAnswer = '';

function http2Origin(): http2.Http2SecureServer {
  const leaf = authority.leaf(hosts.h2);
  return http2.createSecureServer({ key: leaf.key, cert: leaf.cert }, (request, response) => response.end(`h2 answer to ${request.url}`));
}

let nextEvent: (() => void) | null = null;
let eventNumber = 1;

function streamEvents(request: http.IncomingMessage, response: http.ServerResponse): void {
  if (request.url === '/next') {
    nextEvent?.();
    response.end('ok');
    return;
  }
  response.setHeader('content-type', 'text/event-stream');
  const send = (): void => void response.write(`data: ${eventNumber++}\n\n`);
  nextEvent = send;
  send();
}

function upgradeToEcho(socket: tls.TLSSocket): void {
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
}

function nextData(socket: NodeJS.ReadableStream): Promise<Buffer> {
  return new Promise((done) => {
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      done(chunk);
    });
    socket.resume();
  });
}

/** The hello as two records: what RFC 8446 section 5.1 allows and one-record readers miss. */
function twoRecords(hello: Buffer, cut: number): Buffer {
  const body = hello.subarray(5);
  const record = (part: Buffer): Buffer => Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part]);
  return Buffer.concat([record(body.subarray(0, cut)), record(body.subarray(cut))]);
}

/** A duplex in front of the tunnel that sends the first write (the hello) in other pieces, each in a segment of its own. */
function helloRewriter(raw: net.Socket, cut: (hello: Buffer) => Buffer[]): Duplex {
  let first = true;
  const duplex = new Duplex({
    read: () => void raw.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      const pieces = first ? cut(chunk) : [chunk];
      first = false;
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined) done();
        else raw.write(piece, () => setImmediate(next));
      };
      next();
    },
    final: (done) => void raw.end(done),
    destroy: (error, done) => {
      raw.destroy();
      done(error);
    },
  });
  raw.on('data', (chunk: Buffer) => { if (!duplex.push(chunk)) raw.pause(); });
  raw.once('end', () => duplex.push(null));
  return duplex;
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
