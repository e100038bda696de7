// Fuzz targets for what reads TLS bytes without TLS: the ClientHello, the peek at a socket, record headers, sizes of flights.
// That our reader and the TLS stack agree is sni-oracle.ts's business.
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { peekClientHello } from '../../../electron/agent/proxy/peek.ts';
import { saidGoodbye } from '../../../electron/core/tls/app-close.ts';
import { clientCertificateRequest } from '../../../electron/core/tls/client-certificate-request.ts';
import { readClientHello } from '../../../electron/core/tls/client-hello.ts';
import { ja4 } from '../../../electron/core/tls/ja4.ts';
import { createTunnelScan } from '../../../electron/core/tls/record-scan.ts';
import { hellos, records } from '../../core/tls/hello-builder.ts';
import type { Target } from '../engine.ts';
import { insist, tokens } from '../insist.ts';

/** Extension heads, list heads and record heads. */
export const helloWords = [
  '160301', '160303', '1603010000', '1603030001', '140303000101', '1703030013', '15030100020100', '0000', '0010', '000d', '000a', '002b', '0029',
  'fe0d', '0a0a', '00000010000e00000b', '000c0000', '01000200', '0100fffc', '0303', '0304', 'ff', '8000', '00', '01', '2e', '3132372e302e302e31',
].map((hex) => Buffer.from(hex, 'hex'));

/** Each recorded hello whole, and in records of 100 bytes. */
export const helloSeeds: readonly Uint8Array[] = hellos.flatMap(({ bytes }) => [bytes, records(bytes.subarray(5), 100)]);

const hello: Target = {
  name: 'hello', files: ['core/tls/client-hello.ts', 'core/tls/ja4.ts'], words: helloWords, limit: 70_000,
  seeds: [...helloSeeds, ...['', '16', '80', '802e01000200150000', '474554202f', '16050100', '150301000201 00', '1603014801'].map((hex) => Buffer.from(hex, 'hex'))],
  run: (input) => {
    const read = readClientHello(input);
    if (read.kind === 'incomplete') insist(read.atLeast > input.length, 'asks for more than there is');
    const cut = input.length === 0 ? 0 : (input[input.length - 1] as number) * 7 % input.length;
    const part = readClientHello(input.subarray(0, cut));
    // A hello is a hello however much has come after it; before its end it is incomplete, and nothing else.
    if (read.kind === 'client-hello') {
      insist(read.bytes <= input.length, 'reads no further than there is');
      insist(part.kind === (cut < read.bytes ? 'incomplete' : 'client-hello'), `${cut} bytes of a hello are ${part.kind}`);
      if (cut % 8 === 0) insist(/^t\w\w[di]\d\d\d\d\w\w_\w{12}_\w{12}$/.test(ja4(read.hello, (text) => createHash('sha256').update(text).digest('hex'))), 'has a fingerprint');
      insist(read.hello.serverName === null || /^[!-~]{1,255}$/.test(read.hello.serverName), 'names a server in printable letters');
    } else if (part.kind !== 'incomplete') insist(part.kind === read.kind, `what was ${part.kind} after ${cut} bytes became ${read.kind}`);
  },
};

/** How long each piece is, from the input's own bytes, so that a find can be repeated. */
function* pieces(input: Uint8Array): Generator<Uint8Array> {
  for (let at = 0, step = 1; at < input.length; at += step) {
    step = 1 + (((input[at] as number) * 31 + at) % 97);
    yield input.subarray(at, at + step);
  }
}

const peek: Target = {
  name: 'peek', files: ['agent/proxy/peek.ts', 'agent/proxy/wait-for-bytes.ts'], words: helloWords, limit: 4_000, seeds: helloSeeds,
  run: async (input) => {
    const parts = [...pieces(input)];
    let next = 0;
    // Asynchronous and one at a time, as from a socket, but without a turn of the event loop for each.
    const read = function read(this: Duplex): void { process.nextTick(() => { if (!this.destroyed) this.push(parts[next++] ?? null); }); };
    const stream = new Duplex({ allowHalfOpen: true, readableHighWaterMark: 1, read, write: (_chunk, _encoding, done) => done() });
    stream.on('error', () => undefined);
    const peeked = await peekClientHello(stream as unknown as Socket, null);
    const whole = readClientHello(input);
    const expected = { 'client-hello': 'client-hello', 'not-tls': 'not-tls', invalid: 'unreadable-tls', incomplete: input.length === 0 ? 'gone' : 'unreadable-tls' } as const;
    insist(peeked.kind === expected[whole.kind], `a peek at pieces says ${peeked.kind}, the whole is ${whole.kind}`);
    // What ends in mid-hello is thrown away, also where one byte more of it was enough to refuse it; all else goes back unchanged.
    if (!stream.destroyed) {
      const back: Buffer[] = [];
      for await (const piece of stream as AsyncIterable<Buffer>) back.push(piece);
      insist(Buffer.concat(back).equals(input), 'puts back what it has read');
    }
    stream.destroy();
  },
};

const recordScan: Target = {
  name: 'records', files: ['core/tls/record-scan.ts'], words: helloWords, limit: 8_000,
  seeds: ['1603010200', '140303000101170303003500', '17030300350017030300400017030300500016030300280014030300010116030300280017030300200017030300200000']
    .map((hex) => Buffer.from(hex, 'hex')),
  run: (input) => {
    // The first half is the app's, the rest the server's, fed in turns.
    const half = input.length >> 1;
    const talk = (cut: (part: Uint8Array) => Iterable<Uint8Array>): readonly boolean[] => {
      const scan = createTunnelScan();
      for (const piece of cut(input.subarray(0, half))) scan.fromApp(piece);
      for (const piece of cut(input.subarray(half))) scan.fromServer(piece);
      for (const piece of cut(input.subarray(0, half))) scan.fromApp(piece);
      for (const piece of cut(input.subarray(half))) scan.fromServer(piece);
      insist(!scan.dataBothWays() || scan.done(), 'is done when data was seen');
      return [scan.dataBothWays(), scan.done()];
    };
    insist(String(talk((part) => [part])) === String(talk(pieces)), 'the cut of the stream changes nothing');
  },
};

const flights: Target = {
  name: 'flights', files: ['core/tls/client-certificate-request.ts', 'core/tls/app-close.ts'], words: tokens(['\x40', '\x5e', '\x5d']), limit: 12,
  seeds: [Buffer.from([0, 64, 0, 58, 0, 0]), Buffer.from([1, 93, 0, 74, 0, 6])],
  run: (input) => {
    const number = (at: number): number => ((input[at] ?? 0) << 8) | (input[at + 1] ?? 0);
    const version = ((input[0] ?? 0) & 1) === 0 ? 'TLSv1.3' : 'TLSv1.2';
    insist(['asked', 'not-asked', 'unknown'].includes(clientCertificateRequest(version, number(1))), 'has one of three answers');
    insist(typeof saidGoodbye(version, number(3), number(5)) === 'boolean', 'has a yes or no');
  },
};

export const tlsTargets: readonly Target[] = [hello, peek, recordScan, flights];
