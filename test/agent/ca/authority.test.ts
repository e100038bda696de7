// The device's root: its profile (C3, C9), its files and their modes, and that nothing ever makes a second one behind the first.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAuthority, rootLifetimeMs, type Authority, type AuthorityResult } from '../../../electron/agent/ca/authority.ts';

let parent: string;
let folder: string;
const now = Date.now();

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'pinlight-authority-'));
  folder = join(parent, 'state');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const load = (at = now): AuthorityResult => loadAuthority(folder, 'laptop-7', at);
function usable(result: AuthorityResult): Authority {
  if (result.kind !== 'authority') throw new Error(result.why);
  return result.authority;
}
function text(path: string): string {
  return execFileSync('openssl', ['x509', '-in', path, '-noout', '-text'], { encoding: 'utf8' });
}

const otherKey = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

describe('the profile of the root', () => {
  test('openssl reads a version 3 CA of path length 0 that may sign certificates and lists, for servers only, and nothing else', () => {
    const { certificatePath } = usable(load());
    const shown = text(certificatePath);
    expect(shown).toContain('Version: 3');
    expect(shown).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(shown).toMatch(/X509v3 Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    expect(shown).toMatch(/Extended Key Usage: ?\s+TLS Web Server Authentication\n/);
    expect(shown).toMatch(/ASN1 OID: prime256v1/);
    expect(shown).toMatch(/Signature Algorithm: ecdsa-with-SHA256/);
  });
  test('it ends at most two years after it begins, and begins at most a day in the past', () => {
    const { notBefore, notAfter } = usable(load());
    expect(notAfter - notBefore).toBeLessThanOrEqual(rootLifetimeMs);
    expect(notAfter - notBefore).toBeLessThanOrEqual(731 * 24 * 3600_000);
    expect(now - notBefore).toBeLessThanOrEqual(24 * 3600_000 + 1_000);
    expect(notBefore).toBeLessThanOrEqual(now);
  });
  test('when it was made is known to the second, also after a restart', () => {
    const { createdAt } = usable(load());
    expect(Math.abs(now - createdAt)).toBeLessThan(1_000);
    expect(usable(load(now + 3600_000)).createdAt).toBe(createdAt);
  });
  test('its name says which device and which day', () => {
    const { subject } = usable(load());
    expect(subject).toContain('laptop-7');
    expect(subject).toContain(new Date(now).toISOString().slice(0, 10));
  });
  test('a device name of 200 characters leaves a common name of at most 64', () => {
    const authority = loadAuthority(folder, 'x'.repeat(200), now);
    expect(/CN=(.*)/.exec(usable(authority).subject)?.[1]?.length).toBeLessThanOrEqual(64);
  });
  test('twenty serials are positive, below 2^159, of at least 64 bits, and all different', () => {
    const serials = Array.from({ length: 20 }, (_, i) => BigInt(`0x${new X509Certificate(readFileSync(usable(loadAuthority(join(parent, `d${i}`), 'd', now)).certificatePath)).serialNumber}`));
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(serial > 2n ** 64n && serial < 2n ** 159n).toBe(true);
  });
  test('two installs have two keys', () => {
    expect(usable(loadAuthority(join(parent, 'a'), 'd', now)).spkiHash).not.toBe(usable(loadAuthority(join(parent, 'b'), 'd', now)).spkiHash);
  });
  test('it verifies itself strictly', () => {
    const { certificatePath } = usable(load());
    expect(execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', certificatePath, certificatePath], { encoding: 'utf8' })).toContain('OK');
  });
});

describe('the files of the root', () => {
  test('the folder is 0700, the key 0600, and no temporary file is left', () => {
    usable(load());
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'root.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['root.key', 'root.pem']);
  });
  test('a key that has become readable for others is closed again', () => {
    usable(load());
    chmodSync(join(folder, 'root.key'), 0o644);
    usable(load());
    expect(statSync(join(folder, 'root.key')).mode & 0o777).toBe(0o600);
  });
  test('a restart keeps the root', () => {
    const first = usable(load());
    const again = load(now + 1_000);
    expect(again).toMatchObject({ kind: 'authority', created: false });
    expect(usable(again).fingerprint).toBe(first.fingerprint);
  });
  test('a key without certificate, as a crash between the two leaves it, begins again: nobody can trust it yet', () => {
    usable(load());
    rmSync(join(folder, 'root.pem'));
    const again = load();
    expect(again).toMatchObject({ kind: 'authority', created: true });
    const { certificate, key } = usable(again);
    expect(new X509Certificate(certificate).checkPrivateKey(key)).toBe(true);
  });
  test.each<[string, string]>([['the key', 'root.key.new'], ['the certificate', 'root.pem.new']])('a half-written temporary file of %s is no obstacle', (_, name) => {
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, name), '-----BEGIN', { mode: 0o644 });
    usable(load());
    expect(statSync(join(folder, 'root.key')).mode & 0o777).toBe(0o600);
  });
});

describe('a root that cannot be used stays the only one', () => {
  test.each<[string, () => void, string]>([
    ['the key is missing', () => rmSync(join(folder, 'root.key')), 'its key is not'],
    ['the key belongs to another certificate', () => writeFileSync(join(folder, 'root.key'), otherKey()), 'do not belong together'],
    ['the key is empty', () => writeFileSync(join(folder, 'root.key'), ''), ''],
    ['the key is cut short', () => writeFileSync(join(folder, 'root.key'), readFileSync(join(folder, 'root.key')).subarray(0, 100)), ''],
    ['the key is a folder', () => { rmSync(join(folder, 'root.key')); mkdirSync(join(folder, 'root.key')); }, ''],
    ['the certificate is empty', () => writeFileSync(join(folder, 'root.pem'), ''), ''],
    ['the certificate is cut short', () => writeFileSync(join(folder, 'root.pem'), readFileSync(join(folder, 'root.pem')).subarray(0, 200)), ''],
    ['the certificate is a folder', () => { rmSync(join(folder, 'root.pem')); mkdirSync(join(folder, 'root.pem')); }, ''],
    ['the certificate is somebody else\'s without key identifier', () => {
      execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=other', '-days', '3',
        '-addext', 'subjectKeyIdentifier=none', '-addext', 'authorityKeyIdentifier=none', '-keyout', join(folder, 'root.key'), '-out', join(folder, 'root.pem')], { stdio: 'ignore' });
    }, 'not one of ours'],
  ])('%s', (_, spoil, words) => {
    usable(load());
    cpSync(folder, join(parent, 'kept'), { recursive: true });
    spoil();
    const spoilt = [existsSync(join(folder, 'root.pem')), existsSync(join(folder, 'root.key'))];
    const result = load();
    expect(result.kind).toBe('unusable');
    if (result.kind === 'unusable') {
      expect(result.why).toContain(words);
      expect(result.why.length).toBeGreaterThan(0);
    }
    // Nothing was repaired or replaced.
    expect([existsSync(join(folder, 'root.pem')), existsSync(join(folder, 'root.key'))]).toEqual(spoilt);
    expect(load().kind).toBe('unusable');
  });
  test('with the right key back in its place the old root works again', () => {
    const before = usable(load()).fingerprint;
    cpSync(join(folder, 'root.key'), join(parent, 'saved.key'));
    rmSync(join(folder, 'root.key'));
    expect(load().kind).toBe('unusable');
    cpSync(join(parent, 'saved.key'), join(folder, 'root.key'));
    expect(usable(load()).fingerprint).toBe(before);
  });
  test('a state folder that cannot be made is unusable in words', () => {
    writeFileSync(folder, 'a file');
    expect(load()).toMatchObject({ kind: 'unusable' });
  });
});
