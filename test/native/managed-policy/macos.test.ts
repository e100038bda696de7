// Property lists of configuration profiles: plutil's answers as its manual describes them, through a runner that records what was asked.
// Files, owners and modes are real. plutil itself runs on macOS only.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { macosManagedPolicy, readPlutil, type RunCommand } from '../../../native/managed-policy/macos.ts';

let folder: string;
let asked: string[];
let answers: Record<string, ReturnType<RunCommand>>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-profiles-'));
  mkdirSync(join(folder, 'ada'));
  asked = [];
  answers = {};
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run: RunCommand = (command, args) => {
  asked.push([command, ...args].join(' '));
  return answers[args.at(-1) ?? ''] ?? { code: 1, stdout: '', stderr: 'no answer was prepared' };
};
const open = (user: string | null = 'ada') => macosManagedPolicy({ folder, owner: process.getuid?.() ?? 0, user, maxBytes: 1_000, run });
const json = (value: unknown): ReturnType<RunCommand> => ({ code: 0, stdout: JSON.stringify(value), stderr: '' });

function put(name: string, answer: ReturnType<RunCommand>): string {
  const file = join(folder, name);
  writeFileSync(file, 'bplist00');
  chmodSync(file, 0o644);
  answers[file] = answer;
  return file;
}

describe('managed preferences', () => {
  test('the machine\'s come before the user\'s, and what they recommend after both', () => {
    const machine = put('dev.pinlight.agent.plist', json({ defaults: { noMatch: 'block' }, PayloadUUID: 'x', Recommended: { user: { stop: 'never' } } }));
    const user = put('ada/dev.pinlight.agent.plist', json({ network: { port: 1 }, Recommended: { network: { port: 2 } } }));
    expect(open().read()).toEqual([
      { origin: 'managed', name: machine, content: { kind: 'profile', value: { defaults: { noMatch: 'block' } } } },
      { origin: 'managed', name: user, content: { kind: 'profile', value: { network: { port: 1 } } } },
      { origin: 'recommended', name: `${machine}/Recommended`, content: { kind: 'profile', value: { user: { stop: 'never' } } } },
      { origin: 'recommended', name: `${user}/Recommended`, content: { kind: 'profile', value: { network: { port: 2 } } } },
    ]);
    expect(asked).toEqual([`/usr/bin/plutil -convert json -o - ${machine}`, `/usr/bin/plutil -convert json -o - ${user}`]);
  });
  test('a service asks for the machine\'s alone', () => {
    put('ada/dev.pinlight.agent.plist', json({ network: { port: 1 } }));
    expect(open(null).read()).toEqual([]);
    expect(open(null).folders).toEqual([folder]);
  });
  test('plutil runs again only for a list that changed', () => {
    const file = put('dev.pinlight.agent.plist', json({ network: { port: 1 } }));
    const policy = open();
    policy.read();
    policy.read();
    expect(asked).toHaveLength(1);
    answers[file] = json({ network: { port: 2 } });
    utimesSync(file, 1, 1);
    expect(policy.read()).toMatchObject([{ content: { value: { network: { port: 2 } } } }]);
    expect(asked).toHaveLength(2);
  });
  test('no list, an empty one, and one with nothing but the profile\'s own keys say nothing', () => {
    expect(open().read()).toEqual([]);
    put('dev.pinlight.agent.plist', json({}));
    put('ada/dev.pinlight.agent.plist', json({ PayloadUUID: 'x', PayloadVersion: 1 }));
    expect(open().read()).toEqual([]);
  });
  test.each<[string, (file: string) => void, string]>([
    ['that others may write', (file) => chmodSync(file, 0o666), 'can be written by others'],
    ['that is a link', (file) => { rmSync(file); symlinkSync('/etc/hostname', file); }, 'not a regular file'],
    ['that is too large', (file) => writeFileSync(file, ' '.repeat(1_001)), 'larger than 1000 bytes'],
    ['in a folder that others may write', () => chmodSync(folder, 0o777), 'the folder can be written by others'],
  ])('one %s is refused before plutil sees it', (_, spoil, words) => {
    const file = put('dev.pinlight.agent.plist', json({ network: { port: 1 } }));
    spoil(file);
    const [first] = open().read();
    expect(first).toMatchObject({ origin: 'managed', name: file, content: { kind: 'refused', why: expect.stringContaining(words) } });
    expect(asked).toEqual([]);
  });
});

describe('plutil\'s answer', () => {
  test.each<[string, ReturnType<RunCommand>, string]>([
    ['a broken list', { code: 1, stdout: '', stderr: '/x.plist: Property List error: Unexpected character b at line 1 / JSON error\n' }, 'plutil cannot read it: /x.plist: Property List error'],
    ['a list with a date, which JSON has not', { code: 1, stdout: '/x.plist: invalid object in plist for destination format\n', stderr: '' }, 'invalid object in plist'],
    ['a program that is not there', { code: null, stdout: '', stderr: 'spawnSync /usr/bin/plutil ENOENT' }, 'ENOENT'],
    ['silence', { code: 0, stdout: '', stderr: '' }, 'no JSON'],
    ['a list of values', json([1]), 'the list has no keys'],
  ])('%s is refused with words', (_, answer, words) => {
    expect(readPlutil(answer)).toMatchObject({ kind: 'refused', why: expect.stringContaining(words) });
  });
});
