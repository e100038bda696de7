// Real stores made by the real tools: openssl, keytool, certutil. The question is always "is our throwaway root in it".
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRootSearch, jdkFolders } from '../../../native/trust-store/holds-root.ts';
import type { RootSearch } from '../../../native/trust-store/holds-root.ts';
import type { Place } from '../../../native/trust-store/places.ts';
import { createTrustProbe } from '../../../native/trust-store/index.ts';
import { readPythonAnswer } from '../../../native/trust-store/installed-stores.ts';
import { makeRoot, programOrSkip } from '../support/clients.ts';

let folder: string;
let ours: { pemFile: string; derFile: string };
let other: { pemFile: string; derFile: string };
let search: RootSearch;
const at = (...names: string[]): string => path.join(folder, ...names);
const quiet = { stdio: ['ignore', 'ignore', 'ignore'] as ['ignore', 'ignore', 'ignore'], timeout: 30_000 };
const holds = async (form: Place['form'], ...firstOf: string[]): Promise<boolean | null> => (await search.find([{ form, firstOf }])).holds;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'trust-'));
  ours = makeRoot(folder, 'ours');
  other = makeRoot(folder, 'other');
  search = createRootSearch(readFileSync(ours.derFile));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('files and folders', () => {
  test('a bundle with our root among others, whatever its line ends', async () => {
    const both = readFileSync(other.pemFile, 'utf8') + readFileSync(ours.pemFile, 'utf8');
    writeFileSync(at('both.pem'), both);
    writeFileSync(at('dos.pem'), both.replaceAll('\n', '\r\n'));
    expect(await Promise.all([holds('pem', at('both.pem')), holds('pem', at('dos.pem')), holds('pem', ours.derFile), holds('pem', other.pemFile)])).toEqual([true, true, true, false]);
  });

  test('only the first file that exists counts, and none at all holds nothing', async () => {
    expect(await holds('pem', at('absent'), other.pemFile, ours.pemFile)).toBe(false);
    expect(await holds('pem', at('absent'))).toBe(false);
  });

  test('OpenSSL sees a folder\'s hashed names only, Go every file', async () => {
    mkdirSync(at('dir'));
    symlinkSync(ours.pemFile, at('dir', 'ours.pem'));
    writeFileSync(at('dir', 'README'), 'text');
    expect(await holds('hash-dir', at('dir'))).toBe(false);
    expect(await holds('text-dir', at('dir'))).toBe(true);
    symlinkSync(ours.pemFile, at('dir', '1a2b3c4d.0'));
    expect(await holds('hash-dir', at('dir'))).toBe(true);
  });

  test('an answer is kept until the file changes', async () => {
    const place: Place[] = [{ form: 'pem', firstOf: [at('changing.pem')] }];
    writeFileSync(at('changing.pem'), readFileSync(other.pemFile));
    expect(search.known(place)).toBeNull();
    expect((await search.find(place)).holds).toBe(false);
    expect(search.known(place)).toMatchObject({ holds: false });
    writeFileSync(at('changing.pem'), readFileSync(ours.pemFile, 'utf8') + readFileSync(other.pemFile, 'utf8'));
    expect(search.known(place)).toBeNull();
    expect((await search.find(place)).holds).toBe(true);
    unlinkSync(at('changing.pem'));
    expect(search.known(place)).toMatchObject({ holds: false });
  });

  test('a policy file that names our root counts for Chromium, one that installs it for Firefox', async () => {
    mkdirSync(at('managed'));
    writeFileSync(at('managed', 'ca.json'), JSON.stringify({ CACertificates: [readFileSync(ours.derFile).toString('base64')] }).replaceAll('/', '\\/'));
    writeFileSync(at('policies.json'), JSON.stringify({ policies: { Certificates: { Install: [ours.pemFile] } } }));
    writeFileSync(at('none.json'), JSON.stringify({ policies: { Certificates: { Install: [other.pemFile] } } }));
    expect(await Promise.all([holds('text-dir', at('managed')), holds('firefox-policy', at('policies.json')), holds('firefox-policy', at('none.json'))])).toEqual([true, true, false]);
  });
});

test('keystores: JKS, PKCS12 as keytool makes it, and one whose password is not known', async () => {
  const keytool = programOrSkip('keytool');
  if (keytool === null) return;
  const make = (store: string, type: string, password: string, pem: string): void => {
    execFileSync(keytool, ['-importcert', '-noprompt', '-alias', 'a', '-file', pem, '-keystore', store, '-storetype', type, '-storepass', password], quiet);
  };
  make(at('ours.jks'), 'JKS', 'changeit', ours.pemFile);
  make(at('other.jks'), 'JKS', 'changeit', other.pemFile);
  make(at('ours.p12'), 'PKCS12', 'changeit', ours.pemFile);
  make(at('other.p12'), 'PKCS12', 'changeit', other.pemFile);
  make(at('secret.p12'), 'PKCS12', 'another password', ours.pemFile);
  expect(readFileSync(at('ours.p12')).includes(readFileSync(ours.derFile))).toBe(false); // so keytool had to be asked
  expect(await Promise.all(['ours.jks', 'other.jks', 'ours.p12', 'other.p12', 'secret.p12'].map((name) => holds('keystore', at(name))))).toEqual([true, false, true, false, null]);
  expect((await search.find([{ form: 'keystore', firstOf: [at('secret.p12')], password: 'another password' }])).holds).toBe(true);
  expect(jdkFolders().length).toBeGreaterThan(0);
});

test('NSS databases: trusted for servers, present without trust, absent, unreadable; and reading leaves nothing behind', async () => {
  const certutil = programOrSkip('certutil');
  if (certutil === null) return;
  const make = (name: string, entries: readonly (readonly [string, string])[]): string => {
    mkdirSync(at(name));
    execFileSync(certutil, ['-N', '-d', `sql:${at(name)}`, '--empty-password'], quiet);
    for (const [index, [trust, pem]] of entries.entries()) execFileSync(certutil, ['-A', '-d', `sql:${at(name)}`, '-n', `c${index}`, '-t', trust, '-i', pem], quiet);
    return at(name, 'cert9.db');
  };
  const trusted = make('trusted', [['C,,', other.pemFile], ['C,,', ours.pemFile]]);
  const present = make('present', [['C,,', other.pemFile], [',,', ours.pemFile]]);
  const absent = make('absent-db', [['C,,', other.pemFile]]);
  mkdirSync(at('broken'));
  writeFileSync(at('broken', 'cert9.db'), 'no database');
  const before = [readdirSync(at('trusted')), statSync(trusted).mtimeMs];
  expect(await Promise.all([trusted, present, absent, at('broken', 'cert9.db'), at('nowhere', 'cert9.db')].map((file) => holds('nss', file)))).toEqual([true, false, false, null, false]);
  expect([readdirSync(at('trusted')), statSync(trusted).mtimeMs]).toEqual(before);
});

test('the stores of this machine are listed, and none holds a root made a moment ago', async () => {
  const rows = await createTrustProbe({ rootDer: readFileSync(ours.derFile), stateFolder: folder }).stores();
  expect(rows.map((row) => row.kind)).toEqual(expect.arrayContaining(['system', 'node']));
  expect(rows.filter((row) => row.state === 'trusted')).toEqual([]);
  for (const row of rows) expect(row.detail).not.toBe('');
  if (jdkFolders().length > 0) expect(rows.some((row) => row.kind === 'java' && row.state === 'missing')).toBe(true);
});

test.each([
  ['a full answer', '{"prefix":"/usr","file":null,"folder":"/etc/ssl/certs","bundles":["/c.pem",3]}', { prefix: '/usr', file: null, folder: '/etc/ssl/certs', bundles: ['/c.pem'] }],
  ['an answer without bundles', '{"prefix":"/usr"}', { prefix: '/usr', file: null, folder: null, bundles: [] }],
  ['something else', 'Traceback', null],
  ['JSON of another kind', '[]', null],
])('a Python that prints %s', (_name, text, expected) => {
  expect(readPythonAnswer(text)).toEqual(expected);
});
