// The tunnel scan over real TLS: each row is a conversation over loopback, recorded by a relay that copies bytes, then fed in random chunks.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTunnelScan, type TunnelScan } from '../../../electron/core/tls/record-scan.ts';
import { createTestAuthority, startOrigin, type TestAuthority } from '../../support/origins.ts';
import { portOf } from '../../support/port-of.ts';

const host = 'scan.example';
const request = 'GET / HTTP/1.1\r\nHost: scan.example\r\nAccept: */*\r\n\r\n';

type Piece = { readonly from: 'app' | 'server'; readonly bytes: Buffer };
type Talk = {
  /** Runs the client against the relay's port; resolves when it is done. */
  readonly client: (port: number) => Promise<void>;
  readonly server?: tls.TlsOptions;
  /** What the server does with a connection; by default it answers anything with `hello`. */
  readonly serve?: (socket: tls.TLSSocket) => void;
};

let authority: TestAuthority;
let stranger: TestAuthority;

beforeAll(() => {
  authority = createTestAuthority();
  stranger = createTestAuthority();
});
afterAll(() => {
  authority.close();
  stranger.close();
});

/** The bytes of one or more conversations through a relay, the last one only, in the order in which they passed. */
async function tape(talk: Talk): Promise<Piece[]> {
  const origin = await startOrigin(authority, host, {
    // Half-closed connections would keep a server in mid-handshake waiting for ever.
    tls: { ...talk.server, allowHalfOpen: false }, onConnection: (socket) => {
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      (talk.serve ?? answerWith('hello, this is the answer\n'))(socket);
    },
  });
  let pieces: Piece[] = [];
  const relays: Promise<unknown>[] = [];
  const relay = net.createServer({ allowHalfOpen: true }, (app) => {
    const mine: Piece[] = [];
    pieces = mine;
    const server = net.connect({ port: origin.port, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, source, sink] of [['app', app, server], ['server', server, app]] as const) {
      source.on('data', (bytes) => {
        mine.push({ from, bytes });
        sink.write(bytes);
      });
      source.on('end', () => sink.end());
      source.on('error', () => sink.destroy());
      source.on('close', () => sink.destroySoon());
      relays.push(new Promise((done) => { source.once('close', done); }));
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  await talk.client(portOf(relay));
  await Promise.all(relays);
  relay.close();
  await once(relay, 'close');
  await origin.close();
  return pieces;
}

function answerWith(text: string): (socket: tls.TLSSocket) => void {
  return (socket) => socket.once('data', () => socket.end(text));
}

function connect(port: number, options: tls.ConnectionOptions = {}): tls.TLSSocket {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: host, ca: authority.rootPem, ALPNProtocols: ['http/1.1'], ...options });
  socket.on('error', () => {});
  return socket;
}

function closed(socket: tls.TLSSocket): Promise<void> {
  return new Promise((done) => { socket.once('close', () => done()); });
}

/** Sends `text` as soon as possible, reads to the end. */
function ask(options: tls.ConnectionOptions = {}, text = request): (port: number) => Promise<void> {
  return async (port) => {
    const socket = connect(port, options);
    socket.resume().end(text);
    await closed(socket);
  };
}

/** Waits until tickets (TLS 1.3) have come, then does `then`. */
function afterTickets(options: tls.ConnectionOptions, then: (socket: tls.TLSSocket) => void): (port: number) => Promise<void> {
  return async (port) => {
    const socket = connect(port, options);
    let tickets = 0;
    socket.on('session', () => {
      tickets += 1;
      // Node drops what is written inside the session event itself.
      if (tickets === (socket.getProtocol() === 'TLSv1.3' ? 2 : 1)) setImmediate(() => then(socket));
    });
    socket.resume();
    await closed(socket);
  };
}

/** Two connections, the second with the first one's session. */
function resumed(options: tls.ConnectionOptions): (port: number) => Promise<void> {
  return async (port) => {
    let session: Buffer | undefined;
    const first = connect(port, options);
    first.on('session', (ticket) => { session = ticket; });
    first.resume().end(request);
    await closed(first);
    const second = connect(port, { ...options, session });
    let reused = false;
    second.once('secureConnect', () => { reused = second.isSessionReused(); });
    second.resume().end(request);
    await closed(second);
    expect(reused).toBe(true);
  };
}

function run(program: string, ...args: string[]): Promise<void> {
  return new Promise((done) => { execFile(program, args, { timeout: 10_000 }, () => done()).stdin?.end(); });
}

const url = (port: number): string => `https://${host}:${port}/`;
const curl = (port: number, ...args: string[]): Promise<void> => run('curl', '-s', '--resolve', `${host}:${port}:127.0.0.1`, ...args, url(port));

const v12 = { maxVersion: 'TLSv1.2' } as const;
const v13 = { minVersion: 'TLSv1.3' } as const;
const wrongPin = 'sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';

const record = (type: number, length: number): Buffer => Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 0xff]), Buffer.alloc(length)]);

describe('data both ways', () => {
  test.each<[string, () => Talk, boolean]>([
    ['TLS 1.2, request and answer', () => ({ client: ask(v12) }), true],
    ['TLS 1.3, request and answer', () => ({ client: ask(v13) }), true],
    ['TLS 1.3, request after the tickets, and an answer', () => ({ client: afterTickets(v13, (socket) => socket.end(request)) }), true],
    ['TLS 1.3 with HelloRetryRequest, request and answer', () => ({ client: ask({ ...v13, ecdhCurve: 'X25519:P-256' }), server: { ecdhCurve: 'P-256' } }), true],
    ['TLS 1.3 with HelloRetryRequest, handshake only', () => ({ client: afterTickets({ ...v13, ecdhCurve: 'X25519:P-256' }, (socket) => socket.end()), server: { ecdhCurve: 'P-256' } }), false],
    ['TLS 1.2 resumed, request and answer', () => ({ client: resumed(v12) }), true],
    ['TLS 1.3 resumed, request and answer', () => ({ client: resumed(v13) }), true],
    ['curl, request and answer', () => ({ client: (port) => curl(port, '--cacert', authority.rootFile) }), true],
    ['curl with TLS 1.2, request and answer', () => ({ client: (port) => curl(port, '--tls-max', '1.2', '--cacert', authority.rootFile) }), true],
    ['TLS 1.2, an answer of 11 bytes, whose record has the size of an alert in TLS 1.3', () => ({ client: ask({ ...v12, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), serve: answerWith('hello world') }), true],
    ['TLS 1.2 with ChaCha20, a request and an answer of 3 bytes', () => ({ client: ask({ ...v12, ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' }, 'hi\n'), serve: answerWith('yo\n') }), true],
    ['TLS 1.2 with CBC, request and answer', () => ({ client: ask({ ...v12, ciphers: 'ECDHE-ECDSA-AES256-SHA384' }) }), true],
    ['TLS 1.2, the server greets first and the app answers in few bytes', () => ({ client: greeted(v12), serve: greet }), true],
    ['TLS 1.3, the server greets first and the app answers in few bytes', () => ({ client: greeted(v13), serve: greet }), true],
    ['TLS 1.2, the app closes after the greeting', () => ({ client: listener(v12), serve: greet }), false],
    ['TLS 1.3, the app closes after the greeting', () => ({ client: listener(v13), serve: greet }), false],
    ['TLS 1.2, handshake only', () => ({ client: ask(v12, '') }), false],
    ['TLS 1.3, handshake only', () => ({ client: ask(v13, '') }), false],
    ['TLS 1.3, handshake only, closed after the tickets', () => ({ client: afterTickets(v13, (socket) => socket.end()) }), false],
    ['TLS 1.3, handshake only, torn down after the tickets', () => ({ client: afterTickets(v13, (socket) => socket.destroy()) }), false],
    ['openssl s_client, handshake only', () => ({ client: (port) => run('openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', host) }), false],
    ['TLS 1.2, certificate refused by Node', () => ({ client: ask({ ...v12, ca: stranger.rootPem }) }), false],
    ['TLS 1.3, certificate refused by Node', () => ({ client: ask({ ...v13, ca: stranger.rootPem }) }), false],
    ['TLS 1.2, certificate refused by curl with an alert', () => ({ client: (port) => curl(port, '--tls-max', '1.2', '--cacert', stranger.rootFile) }), false],
    ['TLS 1.3, certificate refused by curl with an alert', () => ({ client: (port) => curl(port, '--cacert', stranger.rootFile) }), false],
    ['TLS 1.2, refused after Finished by a pin', () => ({ client: (port) => curl(port, '--tls-max', '1.2', '--cacert', authority.rootFile, '--pinnedpubkey', wrongPin) }), false],
    ['TLS 1.3, refused after Finished by a pin', () => ({ client: (port) => curl(port, '--cacert', authority.rootFile, '--pinnedpubkey', wrongPin) }), false],
    ['TLS 1.2, a request that nobody answers', () => ({ client: ask(v12), serve: keepSilent }), false],
    ['TLS 1.3, a request after the tickets that nobody answers', () => ({ client: afterTickets(v13, (socket) => socket.end(request)), serve: keepSilent }), false],
    ['TLS 1.3, request and Finished in one flight: the tickets that follow count, as documented', () => ({ client: ask(v13), serve: keepSilent }), true],
  ])('%s', async (_, talk, expected) => {
    const pieces = await tape(talk());
    expect(pieces.length).toBeGreaterThan(1);
    const merged = mergeNeighbours(pieces);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const scan = createTunnelScan();
      let turn = 0;
      for (const { from, bytes } of merged) {
        for (let at = 0; at < bytes.length;) {
          const size = sizes[turn % sizes.length] ?? 1;
          turn += 1;
          feed(scan, from, bytes.subarray(at, at + size));
          at += size;
        }
      }
      expect(scan.dataBothWays()).toBe(expected);
      expect(scan.done()).toBe(expected);
    }), { numRuns: 60 });
  }, 8_000);

  test.each<[string, Piece[], boolean, boolean]>([
    ['early data that the server throws away, and only its own flight after it', [
      { from: 'app', bytes: Buffer.concat([record(22, 500), record(20, 1), record(23, 300)]) },
      { from: 'server', bytes: Buffer.concat([record(22, 120), record(20, 1), record(23, 80)]) },
    ], false, false],
    ['an app that left after early data and Finished', [
      { from: 'app', bytes: Buffer.concat([record(22, 500), record(20, 1), record(23, 300)]) },
      { from: 'server', bytes: Buffer.concat([record(22, 120), record(20, 1), record(23, 80)]) },
      { from: 'app', bytes: Buffer.concat([record(23, 53), record(23, 19)]) },
      { from: 'server', bytes: Buffer.concat([record(23, 250), record(23, 250), record(23, 19)]) },
    ], false, false],
    ['an empty client certificate before Finished is no data', [
      { from: 'app', bytes: record(22, 500) }, { from: 'server', bytes: Buffer.concat([record(22, 120), record(23, 900)]) },
      { from: 'app', bytes: Buffer.concat([record(20, 1), record(23, 25), record(23, 53)]) }, { from: 'server', bytes: record(23, 250) },
    ], false, false],
    ["Java's padded alert is no data", [
      { from: 'app', bytes: record(22, 500) }, { from: 'server', bytes: Buffer.concat([record(22, 120), record(23, 900)]) },
      { from: 'app', bytes: Buffer.concat([record(23, 69), record(23, 35), record(23, 35)]) }, { from: 'server', bytes: record(23, 250) },
    ], false, false],
    ['a single answer record of a server without tickets', [
      { from: 'app', bytes: record(22, 500) }, { from: 'server', bytes: Buffer.concat([record(22, 120), record(23, 900)]) },
      { from: 'app', bytes: Buffer.concat([record(20, 1), record(23, 53), record(23, 90)]) }, { from: 'server', bytes: record(23, 250) },
    ], true, true],
    ['a server without tickets that answers with nothing but close_notify', [
      { from: 'app', bytes: record(22, 500) }, { from: 'server', bytes: Buffer.concat([record(22, 120), record(23, 900)]) },
      { from: 'app', bytes: Buffer.concat([record(20, 1), record(23, 53), record(23, 90)]) }, { from: 'server', bytes: record(23, 19) },
    ], false, false],
    ['bytes that are no TLS from the app', [{ from: 'app', bytes: Buffer.from('SSH-2.0-x\r\n') }], false, true],
    ['bytes that are no TLS from the server', [{ from: 'server', bytes: Buffer.from('220 mail\r\n') }], false, true],
    ['nothing', [], false, false],
  ])('%s', (_, pieces, both, done) => {
    const scan = createTunnelScan();
    for (const { from, bytes } of pieces) feed(scan, from, bytes);
    expect([scan.dataBothWays(), scan.done()]).toEqual([both, done]);
  });

  test('arbitrary bytes never throw, and what was seen stays seen', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 60 })), { maxLength: 20 }), (pieces) => {
      const scan = createTunnelScan();
      let seen = false;
      for (const [app, bytes] of pieces) {
        feed(scan, app ? 'app' : 'server', bytes);
        if (seen) expect(scan.dataBothWays()).toBe(true);
        seen = scan.dataBothWays();
      }
    }), { numRuns: 1_000 });
  });
});

function feed(scan: TunnelScan, from: Piece['from'], bytes: Uint8Array): void {
  if (from === 'app') scan.fromApp(bytes);
  else scan.fromServer(bytes);
}

function mergeNeighbours(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last?.from === piece.from) merged[merged.length - 1] = { from: piece.from, bytes: Buffer.concat([last.bytes, piece.bytes]) };
    else merged.push(piece);
  }
  return merged;
}

function keepSilent(socket: tls.TLSSocket): void {
  socket.resume();
}

function greet(socket: tls.TLSSocket): void {
  socket.write('* OK ready\r\n');
  socket.on('data', () => socket.end('+OK\r\n'));
}

/** Waits for the greeting, then sends one short command. */
function greeted(options: tls.ConnectionOptions): (port: number) => Promise<void> {
  return async (port) => {
    const socket = connect(port, options);
    socket.once('data', () => socket.end('USER bob\r\n'));
    await closed(socket);
  };
}

function listener(options: tls.ConnectionOptions): (port: number) => Promise<void> {
  return async (port) => {
    const socket = connect(port, options);
    socket.once('data', () => socket.end());
    await closed(socket);
  };
}
