import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createPackageBook, listedPaths, md5Of, parseRpmAnswer, versionOf } from '../../../native/app-identity/package-of.ts';

const status = 'Package: curly\nStatus: install ok installed\nArchitecture: amd64\nVersion: 9\n\nPackage: curl\nArchitecture: i386\nVersion: 1\n\nPackage: curl\nArchitecture: amd64\nVersion: 7.88.1-10\nDescription: x\n\n';
const sums = '30fcaf8c56d1183e473d59108bb03abc  usr/bin/curl\ncda9fe48724dbace1ce43805d03a8fd7  usr/share/doc/curl/copyright\n';

test.each([
  ['the first of two architectures when none is asked for', 'curl', null, '1'],
  ['the architecture asked for', 'curl', 'amd64', '7.88.1-10'],
  ['nothing for a package that is not there', 'url', null, null],
])('versionOf gives %s', (_name, name, architecture, expected) => {
  expect(versionOf(status, name, architecture)).toBe(expected);
});

test('a merged path is also looked for as it was before the merge', () => {
  expect(listedPaths('/usr/bin/bash')).toEqual(['/usr/bin/bash', '/bin/bash']);
  expect(listedPaths('/usr/share/x')).toEqual(['/usr/share/x']);
  expect(md5Of(sums, ['/bin/curl', '/usr/bin/curl'])).toBe('30fcaf8c56d1183e473d59108bb03abc');
  expect(md5Of(sums, ['/usr/bin/wget'])).toBeNull();
});

const sha256 = 'c0ffee'.repeat(10) + 'abcd';
test.each([
  ['an owned file with its digest', `curl\t8.0-1.fc40\t8\n/usr/bin\t\n/usr/bin/curl\t${sha256}\n`, { name: 'curl', version: '8.0-1.fc40', digest: { algorithm: 'sha256', hex: sha256 } }],
  ['an old package with MD5', 'curl\t7.0-1\t1\n/bin/curl\t30fcaf8c56d1183e473d59108bb03abc\n', { name: 'curl', version: '7.0-1', digest: { algorithm: 'md5', hex: '30fcaf8c56d1183e473d59108bb03abc' } }],
  ['a link, which has none', 'curl\t8.0-1\t8\n/usr/bin/curl\t\n', { name: 'curl', version: '8.0-1', digest: null }],
  ['digests of another kind', `curl\t8.0-1\t10\n/usr/bin/curl\t${sha256}\n`, { name: 'curl', version: '8.0-1', digest: null }],
  ['a file that no package owns', 'file /opt/x is not owned by any package\n', null],
])('rpm: %s', (_name, text, expected) => {
  expect(parseRpmAnswer(text, ['/usr/bin/curl', '/bin/curl'])).toEqual(expected);
});

describe('createPackageBook', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'dpkg-'));
  mkdirSync(path.join(root, 'info'));
  writeFileSync(path.join(root, 'status'), status);
  writeFileSync(path.join(root, 'info', 'curl:amd64.list'), '/.\n/usr\n/usr/bin\n/usr/bin/curl\n');
  writeFileSync(path.join(root, 'info', 'curl:amd64.md5sums'), sums);
  writeFileSync(path.join(root, 'info', 'bash.list'), '/.\n/bin\n/bin/bash\n');
  afterAll(() => rmSync(root, { recursive: true }));
  const book = createPackageBook(root);

  test.each([
    ['a file of a package with architecture', '/usr/bin/curl', { name: 'curl', version: '7.88.1-10', digest: { algorithm: 'md5', hex: '30fcaf8c56d1183e473d59108bb03abc' } }],
    ['a file that its package lists in /bin', '/usr/bin/bash', { name: 'bash', version: null, digest: null }],
    ['a path that only starts like an owned one', '/usr/bin/curl-x', null],
    ['a file outside of where packages install', '/home/anna/curl', null],
  ])('%s', async (_name, file, expected) => {
    expect(await book.ownerOf(file)).toEqual(expected);
    expect(await book.ownerOf(file)).toEqual(expected);
  });
});
