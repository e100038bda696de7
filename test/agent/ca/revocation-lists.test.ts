// Revocation lists as OpenSSL makes them, and as they may be spoilt: read from files, believed by their signature, complained about in words.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRevocationLists } from '../../../electron/agent/ca/revocation-lists.ts';
import { createServerTrust } from '../../../electron/agent/ca/server-chain.ts';
import { readCertificate } from '../../../electron/core/ca/certificate.ts';
import type { SignedList } from '../../../electron/core/ca/revocation.ts';
import { findCommand } from '../../support/find-command.ts';
import { createOpensslAuthority, type KeyAndCertificate, type OpensslAuthority } from '../../support/openssl-authority.ts';
import { authority, basic, day, extension, keyIdOf, keyOf, revocationList, server, tlv, usage, type Made } from '../../security/workshop.ts';

const installed = findCommand('openssl') !== null;
if (!installed) console.log('skipped: revocation lists are made by openssl, which is not installed');

type Judged = { readonly why: string | null; readonly told: readonly string[] };

/** What becomes of a server with this chain when policy names these files; what was told about them, by name in the folder. */
function judge(roots: readonly string[], sent: readonly X509Certificate[], host: string, files: readonly string[], unknown: 'allow' | 'refuse' = 'allow', now = Date.now()): Judged {
  const told: string[] = [];
  const trust = createServerTrust(roots, null, { unknown, listsOf: createRevocationLists().open(files, () => now, (file, why) => told.push(`${file.slice(file.lastIndexOf('/') + 1)}: ${why}`)) });
  return { why: trust.whyNot(trust.chainOf(sent), host, now), told };
}

describe.runIf(installed).each(['ec', 'rsa', 'rsa-pss'] as const)('an authority by OpenSSL that signs with %s', (signing) => {
  let openssl: OpensslAuthority;
  let good: KeyAndCertificate;
  let bad: KeyAndCertificate;
  let list: string;
  beforeAll(() => {
    openssl = createOpensslAuthority(signing);
    good = openssl.leaf('good.test');
    bad = openssl.leaf('bad.test');
    openssl.revoke(bad);
    list = openssl.list('now.crl');
  });
  afterAll(() => openssl.close());
  const look = ({ cert }: KeyAndCertificate, files: readonly string[], unknown?: 'allow' | 'refuse', now?: number): Judged =>
    judge([readFileSync(openssl.rootFile, 'utf8')], [new X509Certificate(readFileSync(cert))], cert === good.cert ? 'good.test' : 'bad.test', files, unknown, now);
  const revoked = { why: 'the certificate was revoked by its authority', told: [] };
  const fine = { why: null, told: [] };

  test('a list in PEM, in DER, behind another in one file, and with text around it tells the revoked one from the good one', () => {
    const both = join(openssl.folder, 'both.crl');
    writeFileSync(both, execFileSync('openssl', ['crl', '-in', list, '-text']));
    appendFileSync(both, readFileSync(list));
    for (const file of [list, openssl.rewritten(list, 'now.der', '-outform', 'DER'), both]) {
      expect(look(bad, [file], 'refuse')).toEqual(revoked);
      expect(look(good, [file], 'refuse')).toEqual(fine);
    }
    expect(openssl.verdict(bad, list)).toContain('certificate revoked');
  });

  test('a list whose signature is wrong is told and counts for nothing', () => {
    const spoilt = openssl.rewritten(list, 'spoilt.crl', '-badsig');
    expect(look(bad, [spoilt])).toEqual({ why: null, told: ['spoilt.crl: its signature is not that of the authority it names'] });
    expect(look(bad, [spoilt, list]).why).toBe(revoked.why);
    expect(look(good, [spoilt], 'refuse').why).toBe('no current revocation list tells whether the certificate was revoked');
  });

  test('a list that is over is told, still revokes, and no longer vouches', () => {
    const old = openssl.list('old.crl', [-9, -1]);
    const told = [`old.crl: it is out of date since ${new Date(Date.now() - day).toISOString().slice(0, 10)}`];
    expect(look(bad, [old])).toEqual({ why: revoked.why, told });
    expect(look(good, [old])).toEqual({ why: null, told });
    expect(look(good, [old], 'refuse').why).toMatch(/no current/);
    expect(look(good, [openssl.list('early.crl', [2, 9])], 'refuse').why).toMatch(/no current/);
  });
});

describe.runIf(process.platform !== 'win32')('files that are no good lists', () => {
  const root = authority('Root');
  const other = authority('Other Root');
  const middle = authority('Middle', root);
  const leaf = server(['a.test'], middle);
  let folder: string;
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'pinlight-lists-')); });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, content: Buffer | string): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  const lookAt = (files: readonly string[], chain: readonly Made[] = [leaf, middle]): Judged => judge([root.pem], chain.map(({ der }) => new X509Certificate(der)), 'a.test', files);

  test.each<[string, () => string, RegExp]>([
    ['a file that is not there', () => join(folder, 'none.crl'), /^none\.crl: it cannot be read \(ENOENT\)$/],
    ['a folder', () => { mkdirSync(join(folder, 'folder.crl')); return join(folder, 'folder.crl'); }, /not a regular file/],
    ['a named pipe, which nobody waits for', () => { execFileSync('mkfifo', [join(folder, 'pipe.crl')]); return join(folder, 'pipe.crl'); }, /not a regular file/],
    ['an empty file', () => write('empty.crl', ''), /no revocation list/],
    ['a certificate', () => write('root.crl', root.pem), /no revocation list/],
    ['a file beyond all measure', () => write('large.crl', Buffer.alloc(9_000_000)), /larger than/],
    ['a list by a weak hash', () => write('weak.crl', revocationList(middle, [leaf], { digest: 'sha1' })), /weak or unknown algorithm/],
    ['a delta list', () => write('delta.crl', revocationList(middle, [leaf], { extensions: [Buffer.from('300d0603551d1b0101ff0403020101', 'hex')] })), /not understood/],
  ])('%s is told, and traffic goes on', (_name, file, why) => {
    const { why: refused, told } = lookAt([file()]);
    expect(refused).toBeNull();
    expect(told).toEqual([expect.stringMatching(why)]);
  });

  test('a list of another authority of the same name counts for nothing, and is told unless the keys have names', () => {
    const twin = authority('Middle', root, { key: keyOf('p256', 'twin of Middle') });
    expect(lookAt([write('twin.crl', revocationList(twin, [leaf]))])).toEqual({ why: null, told: ['twin.crl: its signature is not that of the authority it names'] });
    const key = keyOf('p256', 'named');
    const named = authority('Middle', root, { key, more: [extension('2.5.29.14', tlv(4, keyIdOf(key.publicKey)))] });
    expect(lookAt([write('twin.crl', revocationList(twin, [leaf]))], [server(['a.test'], named), named])).toEqual({ why: null, told: [] });
  });

  test('an authority that may not sign lists', () => {
    const mute = authority('Mute', root, { extensions: [basic(true), usage(0x04, 2)] });
    expect(lookAt([write('mute.crl', revocationList(mute, []))], [server(['a.test'], mute), mute])).toEqual({ why: null, told: ['mute.crl: its authority may not sign revocation lists'] });
  });

  test.each<[string, () => Made]>([
    ['another name', () => authority('Middle, renamed', root, { key: middle.key })],
    ['no right to sign lists', () => authority('Middle', root, { key: middle.key, extensions: [basic(true), usage(0x04, 2)] })],
    ['another key identifier', () => authority('Middle', root, { key: middle.key, more: [extension('2.5.29.14', tlv(4, Buffer.alloc(20)))] })],
  ])('two authorities of one key, of which one has %s: whichever is met first does not answer for the other', (_name, make) => {
    const variant = make();
    const file = write('shared.crl', revocationList(middle, [leaf]));
    const fine = server(['a.test'], variant);
    const why = (trust: ReturnType<typeof createServerTrust>, chain: readonly Made[]): string | null =>
      trust.whyNot(trust.chainOf(chain.map(({ der }) => new X509Certificate(der))), 'a.test', Date.now());
    const answers = new Map([[leaf, 'the certificate was revoked by its authority'], [fine, 'no current revocation list tells whether the certificate was revoked']]);
    for (const order of [[[leaf, middle], [fine, variant]], [[fine, variant], [leaf, middle]]] as const) {
      const trust = createServerTrust([root.pem], null, { unknown: 'refuse', listsOf: createRevocationLists().open([file], Date.now, () => undefined) });
      for (const chain of order) expect(why(trust, chain)).toBe(answers.get(chain[0]));
    }
  });

  test.each<[string, () => Made]>([
    ['which may not sign lists', () => authority('Middle', other, { key: middle.key, extensions: [basic(true), usage(0x04, 2)] })],
    ['with another key identifier', () => authority('Middle', other, { key: middle.key, more: [extension('2.5.29.14', tlv(4, Buffer.alloc(20)))] })],
  ])('another certificate of its authority\'s key, %s, is no way for a revoked one', (_name, make) => {
    const chain = [leaf, make(), middle].map(({ der }) => new X509Certificate(der));
    const file = write('around.crl', revocationList(middle, [leaf]));
    for (const sent of [chain, chain.slice(0, 2), chain.toSpliced(1, 1)]) {
      expect(judge([root.pem, other.pem], sent, 'a.test', []).why).toBeNull();
      expect(judge([root.pem, other.pem], sent, 'a.test', [file]).why).toBe('the certificate was revoked by its authority');
    }
  });

  describe('several files', () => {
    const entries = (from: number, count: number): Buffer => Buffer.concat(Array.from({ length: count }, (_, at) => {
      const serial = Buffer.from([0x20, 0, 0, 0]);
      serial.writeUIntBE(from + at, 1, 3);
      return tlv(0x30, tlv(2, serial), tlv(0x17, Buffer.from('260101000000Z')));
    }));

    test('have room for 200,000 entries together: what goes beyond is told, and a small one behind it counts', () => {
      const large = [0, 1, 2].map((index) => write(`large${index}.crl`, revocationList(middle, [entries(index * 90_000, 90_000)])));
      const files = [...large, write('small.crl', revocationList(middle, [leaf]))];
      expect(lookAt(files)).toEqual({ why: 'the certificate was revoked by its authority', told: [expect.stringMatching(/^large2\.crl: there is no room/)] });
    });

    test('have room for 16 MB together', () => {
      const files = Array.from({ length: 5 }, (_, index) => write(`junk${index}.crl`, Buffer.alloc(4_000_000)));
      expect(lookAt(files).told.filter((why) => /no room/.test(why))).toEqual([expect.stringMatching(/^junk4\.crl/)]);
    });

    test('are read again where they have changed, and only there', () => {
      const [first, second] = [write('first.crl', revocationList(middle, [])), write('second.crl', 'junk')];
      const lists = createRevocationLists();
      const told: string[] = [];
      const open = (): readonly SignedList[] => lists.open([first, second], Date.now, (file, why) => told.push(`${file.slice(file.lastIndexOf('/') + 1)}: ${why}`))({ read: readCertificate(middle.der), spkiHash: '', size: middle.der.length });
      const before = open();
      expect([before.length, before[0]?.list.revoked.size]).toEqual([1, 0]);
      expect(open()[0]?.list).toBe(before[0]?.list);
      expect(told).toEqual(Array(2).fill('second.crl: it is no revocation list'));
      write('first.crl', revocationList(middle, [leaf]));
      expect(open().map(({ list }) => list.revoked.size)).toEqual([1]);
      write('second.crl', revocationList(middle, []));
      expect([open().map(({ list }) => list.revoked.size), told.length]).toEqual([[1, 0], 3]);
    });
  });

  test('an intermediate that the root has revoked', () => {
    expect(lookAt([write('root.crl', revocationList(root, [middle]))]).why).toBe('an intermediate certificate was revoked by its authority');
  });
});
