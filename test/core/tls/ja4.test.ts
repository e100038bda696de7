// JA4 over hellos of real programs against the documented table, and the odd corners of its specification.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readClientHello, type ClientHello } from '../../../electron/core/tls/client-hello.ts';
import { ja4 } from '../../../electron/core/tls/ja4.ts';
import { block16, block8, changed, hello, hellos, setExtension, sni } from './hello-builder.ts';

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

function fingerprint(bytes: Buffer): string {
  const read = readClientHello(bytes);
  if (read.kind !== 'client-hello') throw new Error(read.kind);
  return ja4(read.hello, sha256Hex);
}

const plain: ClientHello = {
  legacyVersion: 0x0303, cipherSuites: [0x1301], extensions: [], serverName: null, alpn: [], versions: [0x0303], signatureAlgorithms: [], groups: [],
  ech: false, sessionIdLength: 0,
};

describe('JA4', () => {
  test.each([
    ['curl', 't13d3112h2_e8f1e7e78f70_b26ce05bbdd6'],
    ['openssl s_client', 't13d311000_e8f1e7e78f70_1f22a2ca17c4'],
    ['gnutls-cli', 't13d291300_723694b0fccc_2cc26d266019'],
    ['wget', 't13d291300_723694b0fccc_899037bd0b8c'],
    ['git', 't13d2912h2_723694b0fccc_288f874c93d6'],
    ['java HttpsURLConnection', 't13d371200_db35923f8641_7c76daad20ec'],
    ['go net/http', 't13d1910h2_9dc949149365_97f8aa674fd9'],
    ['chromium', 't13d1517h2_8daaf6152771_cb7bf5808d99'],
    ['firefox', 't13d1617h2_86a278354501_3cbfd9057e0d'],
  ])('of %s is the documented one', (program, expected) => {
    expect(fingerprint(hello(program).bytes)).toBe(expected);
  });

  test('of Node 24 is the documented one', () => {
    const node = hellos.find(({ program, version }) => program === 'node https' && version.startsWith('node v24'));
    expect(fingerprint(node?.bytes ?? Buffer.alloc(0))).toBe('t13d521100_b262b3658495_8e6e362c5eac');
  });

  test.each<[string, Partial<ClientHello>, string]>([
    ['nothing but one suite', {}, 't12i010000_0f2cb44170f4_000000000000'],
    ['no cipher suites after GREASE is gone', { cipherSuites: [0x1a1a] }, 't12i000000_000000000000_000000000000'],
    ['only a server name and ALPN: their hash is left out, so it is zeros', { extensions: [0, 16], alpn: ['h2'] }, 't12d0102h2_0f2cb44170f4_000000000000'],
    ['GREASE counts nowhere', { cipherSuites: [0x0a0a, 0x1301], extensions: [0xfafa], signatureAlgorithms: [] }, 't12i010000_0f2cb44170f4_000000000000'],
    ['the highest version counts', { versions: [0x0303, 0x0304] }, 't13i010000_0f2cb44170f4_000000000000'],
    ['an unknown version', { versions: [0x7f1c] }, 't00i010000_0f2cb44170f4_000000000000'],
    ['no version left', { versions: [] }, 't00i010000_0f2cb44170f4_000000000000'],
    ['SSL 3', { versions: [0x0300] }, 'ts3i010000_0f2cb44170f4_000000000000'],
    ['first and last letter of the first protocol', { alpn: ['http/1.1', 'h2'] }, 't12i0100h1_0f2cb44170f4_000000000000'],
    ['a protocol of one letter', { alpn: ['x'] }, 't12i0100xx_0f2cb44170f4_000000000000'],
    ['a protocol of other bytes goes in as hex', { alpn: ['\xab'] }, 't12i0100ab_0f2cb44170f4_000000000000'],
    ['a protocol with one odd end goes in as hex', { alpn: ['h\x0f'] }, 't12i01006f_0f2cb44170f4_000000000000'],
    ['more than 99 extensions', { extensions: Array.from({ length: 120 }, () => 0) }, 't12d019900_0f2cb44170f4_000000000000'],
  ])('%s', (_, change, expected) => {
    expect(ja4({ ...plain, ...change }, sha256Hex)).toBe(expected);
  });

  test('the host never changes it, nor does the order of extensions', () => {
    const before = fingerprint(hello('chromium').bytes);
    fc.assert(fc.property(fc.domain(), fc.integer({ min: 1, max: 15 }), (name, turn) => {
      const bytes = changed(hello('chromium').bytes, (parts) => {
        setExtension(parts, 0, sni(name.slice(0, 250)));
        parts.extensions = [...(parts.extensions ?? []).slice(turn), ...(parts.extensions ?? []).slice(0, turn)];
      });
      expect(fingerprint(bytes)).toBe(before);
    }), { numRuns: 200 });
  });

  test('another first protocol changes the first part only', () => {
    const [, ciphers, rest] = fingerprint(hello('curl').bytes).split('_');
    const bytes = changed(hello('curl').bytes, (parts) => setExtension(parts, 16, block16(block8(Buffer.from('http/1.1')))));
    expect(fingerprint(bytes)).toBe(`t13d3112h1_${ciphers}_${rest}`);
  });

  test('agrees with tshark, where this tshark knows JA4', (context) => {
    let fields = '';
    try {
      fields = execFileSync('sh', ['-c', 'tshark -G fields 2>/dev/null | grep -c tls.handshake.ja4'], { encoding: 'utf8' }).trim();
    } catch {
      fields = '0';
    }
    if (fields === '0' || fields === '') {
      console.log('skipped: no tshark with the field tls.handshake.ja4 (Wireshark 4.2 has it)');
      context.skip();
    }
    for (const { bytes } of hellos) expect(tsharkJa4(bytes)).toBe(fingerprint(bytes));
  });
});

/** The hello as the only packet of a capture with a made-up TCP header, read by tshark. */
function tsharkJa4(bytes: Buffer): string {
  const dump = bytes.toString('hex').match(/.{1,32}/g)?.map((line, index) => `${(index * 16).toString(16).padStart(6, '0')} ${line.match(/../g)?.join(' ') ?? ''}`).join('\n') ?? '';
  return execFileSync('sh', ['-c', 'text2pcap -q -T 40000,443 - - 2>/dev/null | tshark -r - -T fields -e tls.handshake.ja4 2>/dev/null'], { input: `${dump}\n`, encoding: 'utf8' }).trim();
}
