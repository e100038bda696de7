// Our ClientHello reader against Node's own TLS stack: whatever hello the stack answers, both name the same server.
// A difference would be a way around policy. Hellos go over a real loopback socket, one at a time.
import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readClientHello } from '../../../electron/core/tls/client-hello.ts';
import { createTestAuthority, type TestAuthority } from '../../support/origins.ts';
import { portOf } from '../../support/port-of.ts';
import { block16, changed, hello, hellos, message, record, records, setExtension, sni, takeApart, type HelloParts } from './hello-builder.ts';

let authority: TestAuthority;
let server: tls.Server;
let port = 0;
let named: string | null = null;

beforeAll(async () => {
  authority = createTestAuthority();
  const leaf = authority.leaf('stack.example');
  // As lenient as the stack can be made, so that it answers as many odd hellos as possible.
  server = tls.createServer({
    ...leaf, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', ALPNCallback: ({ protocols }) => protocols[0],
    SNICallback: (name, done) => {
      named = name;
      done(null);
    },
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = portOf(server);
});

afterAll(async () => {
  server.close();
  await once(server, 'close');
  authority.close();
});

/** What the stack makes of these bytes: `answered` = a ServerHello came back. */
async function askStack(bytes: Buffer): Promise<{ answered: boolean; name: string | null }> {
  named = null;
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  const first = await new Promise<number>((done) => {
    socket.once('data', (data: Buffer) => done(data.readUInt8(0)));
    socket.once('close', () => done(0));
    socket.end(bytes);
  });
  socket.destroy();
  return { answered: first === 22, name: named };
}

/** The stack's name as we normalise it; null where we promise none (no printable ASCII). */
function normal(name: string | null): string | null {
  if (name === null || !/^[!-~]+$/.test(name)) return null;
  return name.replace(/\.$/, '').toLowerCase() || null;
}

async function compare(bytes: Buffer): Promise<'answered' | 'refused'> {
  const stack = await askStack(bytes);
  const ours = readClientHello(bytes);
  const told = `stack: ${JSON.stringify(stack)}, ours: ${ours.kind === 'client-hello' ? String(ours.hello.serverName) : JSON.stringify(ours)}, bytes: ${bytes.toString('hex').slice(0, 4_000)}`;
  if (stack.name !== null && stack.name !== '') {
    if (ours.kind !== 'client-hello' || ours.hello.serverName !== normal(stack.name)) throw new Error(told);
  } else if (stack.answered && ours.kind === 'client-hello' && ours.hello.serverName !== null) throw new Error(told);
  return stack.answered ? 'answered' : 'refused';
}

const base = hello('openssl s_client').bytes;
const empty = record(Buffer.alloc(0));

describe('the reader and the stack name the same server', () => {
  test.each(hellos.map((entry) => [entry.program, entry.version, entry.bytes] as const))('hello of %s %s', async (_, __, bytes) => {
    expect(await compare(bytes)).toBe('answered');
    expect(await compare(records(bytes.subarray(5), 100))).toBe('answered');
  });

  test.each<[string, Buffer, 'answered' | 'refused']>([
    ['an unknown extension twice', changed(base, (p) => { p.extensions?.push({ type: 0x1a1a, data: Buffer.alloc(0) }, { type: 0x1a1a, data: Buffer.alloc(1) }); }), 'answered'],
    ['the server name twice', changed(base, (p) => { p.extensions?.push({ type: 0, data: sni('b.example') }); }), 'refused'],
    ['one empty record first', Buffer.concat([empty, base]), 'answered'],
    ['32 empty records first', Buffer.concat([...Array.from({ length: 32 }, () => empty), base]), 'answered'],
    ['33 empty records first', Buffer.concat([...Array.from({ length: 33 }, () => empty), base]), 'refused'],
    ['more than 32 empty records, never many in a row', scattered(), 'answered'],
    ['an alert first', Buffer.concat([record(Buffer.from([1, 0]), 0x0301, 21), base]), 'refused'],
    ['an alert in the middle', Buffer.concat([record(base.subarray(5, 105)), record(Buffer.from([1, 0]), 0x0301, 21), record(base.subarray(105))]), 'refused'],
    ['record version 3.0', Buffer.concat([Buffer.from([22, 3, 0]), base.subarray(3)]), 'answered'],
    ['record version 3.9', Buffer.concat([Buffer.from([22, 3, 9]), base.subarray(3)]), 'answered'],
    ['records of one byte', records(base.subarray(5), 1), 'answered'],
    ['null compression among others', changed(base, (p) => { p.compression = Buffer.from([1, 0]); }), 'refused'],
    ['a name in capitals with a dot', changed(base, (p) => setExtension(p, 0, sni('WWW.Example.com.'))), 'answered'],
    ['an IP literal', changed(base, (p) => setExtension(p, 0, sni('192.0.2.1'))), 'answered'],
    ['a NUL in the name', changed(base, (p) => setExtension(p, 0, sni('a\0b.example'))), 'refused'],
    ['U-label bytes', changed(base, (p) => setExtension(p, 0, sni('bücher.example'))), 'answered'],
    ['a name of 255 bytes', changed(base, (p) => setExtension(p, 0, sni('a'.repeat(255)))), 'answered'],
    ['a name of 256 bytes', changed(base, (p) => setExtension(p, 0, sni('a'.repeat(256)))), 'refused'],
    ['a name of another type', changed(base, (p) => setExtension(p, 0, sni('a.example', 1))), 'refused'],
    ['two names', changed(base, (p) => setExtension(p, 0, block16(Buffer.concat([Buffer.from([0]), block16(Buffer.from('a.example')), Buffer.from([0]), block16(Buffer.from('b.example'))])))), 'refused'],
    ['two hellos, the second with another name', Buffer.concat([base, changed(base, (p) => setExtension(p, 0, sni('b.example')))]), 'answered'],
    ['no extensions, so no signature algorithm of ours', changed(base, (p) => { p.extensions = null; }), 'refused'],
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'refused'],
  ])('%s', async (_, bytes, expected) => {
    expect(await compare(bytes)).toBe(expected);
  });

  test('thousands of changed hellos, at most 12 s of them', async () => {
    const tally = { answered: 0, refused: 0 };
    const parts = fc.constantFrom(...hellos).map((entry) => takeApart(entry.bytes));
    const bytes16 = fc.uint8Array({ maxLength: 24 }).map((data) => Buffer.from(data));
    const name = fc.oneof(fc.domain().map((text) => Buffer.from(text)), fc.uint8Array({ maxLength: 40 }).map((data) => Buffer.from(data)));
    const change = fc.oneof<fc.Arbitrary<(parts: HelloParts) => void>[]>(
      name.map((text) => (p: HelloParts) => setExtension(p, 0, sni(text))),
      fc.tuple(bytes16, fc.constantFrom(0, 10, 13, 16, 43, 51, 0xfe0d, 21, 5)).map(([data, type]) => (p: HelloParts) => setExtension(p, type, data)),
      fc.tuple(fc.nat(0xffff), bytes16).map(([type, data]) => (p: HelloParts) => { p.extensions?.unshift({ type, data }); }),
      fc.nat(30).map((index) => (p: HelloParts) => { p.extensions?.splice(index, 1); }),
      fc.nat(30).map((index) => (p: HelloParts) => { const one = p.extensions?.[index]; if (one !== undefined) p.extensions?.unshift(one); }),
      fc.nat(33).map((length) => (p: HelloParts) => { p.sessionId = Buffer.alloc(length); }),
      fc.nat(0xffff).map((suite) => (p: HelloParts) => { p.suites.unshift(suite); }),
      fc.constantFrom(0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x0400).map((version) => (p: HelloParts) => { p.legacyVersion = version; }),
      bytes16.map((data) => (p: HelloParts) => { p.compression = data.length === 0 ? Buffer.from([0]) : data; }),
    );
    const structured = fc.tuple(parts, fc.array(change, { minLength: 1, maxLength: 3 }), fc.constantFrom(16_384, 16_384, 300, 50, 7), fc.nat(3)).map(([p, changes, size, empties]) => {
      const copy = structuredCopy(p);
      for (const apply of changes) apply(copy);
      return Buffer.concat([...Array.from({ length: empties }, () => empty), records(message(copy), size)]);
    });
    const flipped = fc.tuple(fc.constantFrom(...hellos), fc.array(fc.tuple(fc.nat(2_100), fc.nat(255)), { minLength: 1, maxLength: 3 })).map(([entry, flips]) => {
      const bytes = Buffer.from(entry.bytes);
      for (const [at, value] of flips) bytes[at % bytes.length] = value;
      return bytes;
    });
    await fc.assert(fc.asyncProperty(fc.oneof({ weight: 2, arbitrary: structured }, { weight: 1, arbitrary: flipped }), async (bytes) => {
      tally[await compare(bytes)] += 1;
    }), { numRuns: 5_000, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false });
    console.log(`${tally.answered} hellos answered by the stack, ${tally.refused} refused`);
    expect(tally.answered).toBeGreaterThan(200);
  });
});

function structuredCopy(parts: HelloParts): HelloParts {
  return { ...parts, suites: [...parts.suites], extensions: parts.extensions === null ? null : parts.extensions.map((extension) => ({ ...extension })) };
}

/** The message in 40 records with two empty ones before each. */
function scattered(): Buffer {
  const payload = base.subarray(5);
  const size = Math.ceil(payload.length / 40);
  const pieces: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size) pieces.push(empty, empty, record(payload.subarray(at, at + size)));
  return Buffer.concat(pieces);
}

