// Drop-in policy files on a real disk: which count, in which order, and why others do not. Owner and mode are real; as another user
// than root the rows that need a foreign owner ask for root's files instead.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linuxManagedPolicy } from '../../../native/managed-policy/linux.ts';

const uid = process.getuid?.() ?? 0;
const nobody = 65_534;
if (uid !== 0) console.log('skipped: folders of another owner, which only root can make');
let top: string;
let folder: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'pinlight-managed-'));
  folder = join(top, 'pinlight/policies');
  for (const level of ['managed', 'recommended']) mkdirSync(join(folder, level), { recursive: true, mode: 0o755 });
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const policy = (owner = uid) => linuxManagedPolicy({ folder, owner, maxBytes: 1_000 });
function put(name: string, text = '{}'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o644);
  return file;
}
const contents = (owner?: number): string[] => policy(owner).read().map(({ name, content }) => `${name.slice(folder.length + 1)} ${content.kind === 'refused' ? content.why : content.kind}`);

describe('drop-in files', () => {
  test('count in name order, managed ones first, with their text', () => {
    for (const name of ['recommended/00.json', 'managed/20.json', 'managed/10.json']) put(name, name);
    expect(policy().read()).toEqual([
      { origin: 'managed', name: join(folder, 'managed/10.json'), content: { kind: 'text', text: 'managed/10.json' } },
      { origin: 'managed', name: join(folder, 'managed/20.json'), content: { kind: 'text', text: 'managed/20.json' } },
      { origin: 'recommended', name: join(folder, 'recommended/00.json'), content: { kind: 'text', text: 'recommended/00.json' } },
    ]);
  });
  test('are those that end in .json and are not hidden', () => {
    for (const name of ['managed/a.json.bak', 'managed/.b.json', 'managed/README', 'managed/c.json~']) put(name);
    expect(contents()).toEqual([]);
  });
  test('are none where there is no folder', () => {
    rmSync(join(top, 'pinlight'), { recursive: true });
    expect(contents()).toEqual([]);
  });

  test.each<[string, (file: string) => void, string]>([
    ['that the group may write', (file) => chmodSync(file, 0o664), 'can be written by others'],
    ['that everybody may write', (file) => chmodSync(file, 0o646), 'can be written by others'],
    ['that is a link, whoever owns what it points at', (file) => { renameSync(file, join(top, 'real.json')); symlinkSync(join(top, 'real.json'), file); }, 'symbolic link'],
    ['that is a link to nowhere', (file) => { rmSync(file); symlinkSync('/nonexistent', file); }, 'symbolic link'],
    ['that is a folder', (file) => { rmSync(file); mkdirSync(file); }, 'not a regular file'],
    ['that is a named pipe', (file) => { rmSync(file); execFileSync('mkfifo', ['-m', '644', file]); }, 'not a regular file'],
    ['that is too large', (file) => writeFileSync(file, ' '.repeat(1_001)), 'larger than 1000 bytes'],
    ['that is not UTF-8', (file) => writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d])), 'not UTF-8'],
  ])('one %s is refused, the others count', (_, spoil, words) => {
    put('managed/b.json');
    spoil(put('managed/a.json'));
    const [first, second] = contents();
    expect(first).toMatch(/^managed\/a\.json /);
    expect(first).toContain(words);
    expect(second).toBe('managed/b.json text');
  });
  test('one of another owner is refused', () => {
    const file = put('managed/a.json');
    if (uid === 0) chownSync(file, nobody, nobody);
    expect(contents(uid === 0 ? 0 : uid + 1)[0]).toMatch(/belongs to uid \d+ instead of \d+/);
  });
  test('a second name of a file that somebody else owns is refused as that file is', () => {
    const foreign = join(top, 'foreign.json');
    writeFileSync(foreign, '{}');
    chmodSync(foreign, 0o666);
    linkSync(foreign, join(folder, 'managed/a.json'));
    expect(contents()[0]).toContain('can be written by others');
  });
});

describe('a folder', () => {
  test.each<[string, () => void, string, string]>([
    ['that everybody may write gives nothing, and says so once', () => chmodSync(join(folder, 'managed'), 0o777), 'managed', 'can be written by others'],
    ['that everybody may write is refused even with the sticky bit: anybody may add a file', () => chmodSync(join(folder, 'managed'), 0o1777), 'managed', 'can be written by others'],
    ['whose parent everybody may write gives nothing: it could be exchanged', () => chmodSync(join(top, 'pinlight'), 0o777), 'managed', 'pinlight above it can be written by others'],
    ['that is a link into a folder everybody may write gives nothing', () => {
      mkdirSync(join(top, 'open'));
      chmodSync(join(top, 'open'), 0o777);
      renameSync(join(folder, 'managed'), join(top, 'open/managed'));
      symlinkSync(join(top, 'open/managed'), join(folder, 'managed'));
    }, 'managed', 'open above it can be written by others'],
  ])('%s', (_, spoil, name, words) => {
    put('managed/a.json');
    put('recommended/z.json');
    spoil();
    const [first] = contents();
    expect(first).toMatch(new RegExp(`^${name} `));
    expect(first).toContain(words);
  });
  test.runIf(uid === 0).each(['pinlight/policies/managed', 'pinlight/policies', 'pinlight'])('%s of another owner gives nothing', (path) => {
    put('managed/a.json');
    chownSync(join(top, path), nobody, nobody);
    expect(contents()[0]).toContain(`belongs to uid ${nobody} instead of 0`);
  });
  test('by whose name there is a file holds nothing', () => {
    rmSync(join(folder, 'managed'), { recursive: true });
    put('managed');
    expect(contents()).toEqual([]);
  });
});
