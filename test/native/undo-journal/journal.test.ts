// The undo journal over real files: what a crash leaves at any line is taken back, and what somebody else wrote since stays.
import { appendFileSync, chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openJournal, parseJournal } from '../../../native/undo-journal/index.ts';
import type { Change, Journal } from '../../../native/undo-journal/index.ts';

let folder: string;
let journals: Journal[] = [];
const at = (...names: string[]): string => path.join(folder, ...names);
const put = (name: string, text: string, mode = 0o644): string => {
  writeFileSync(at(name), text, { mode });
  return at(name);
};
const open = (): Journal => {
  const opened = openJournal(at('state', 'undo'), 'trust', () => 1_000);
  if (opened.kind !== 'journal') throw new Error(opened.kind);
  journals.push(opened.journal);
  return opened.journal;
};
/** As if the process had been killed: nothing is finished, the lock is let go. */
const crash = (journal: Journal): Journal => {
  journal.close();
  journals = journals.filter((one) => one !== journal);
  return open();
};
const noSteps = (): Promise<void> => Promise.reject(new Error('no step was written'));

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'journal-'));
  mkdirSync(at('state'), { mode: 0o700 });
});
afterEach(() => {
  for (const journal of journals.splice(0)) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a change that was not finished is taken back', () => {
  const rows: readonly (readonly [string, (change: Change) => void, Record<string, string | null>])[] = [
    ['a file replaced', (change) => change.write(at('a'), Buffer.from('new')), { a: 'old' }],
    ['a file removed', (change) => change.write(at('a'), null), { a: 'old' }],
    ['a file made', (change) => change.write(at('b'), Buffer.from('new')), { a: 'old', b: null }],
    ['a file made in folders that were not there', (change) => change.write(at('x', 'y', 'b'), Buffer.from('new')), { x: null }],
    ['the same file twice', (change) => {
      change.write(at('a'), Buffer.from('new'));
      change.write(at('a'), Buffer.from('newer'));
    }, { a: 'old' }],
    ['made and removed again', (change) => {
      change.write(at('b'), Buffer.from('new'));
      change.write(at('b'), null);
    }, { b: null }],
    ['nothing but its beginning', () => undefined, { a: 'old' }],
  ];
  test.each(rows)('%s', async (_name, act, expected) => {
    put('a', 'old', 0o640);
    const journal = open();
    act(journal.begin('store', 'install'));
    const next = crash(journal);
    expect(next.hasUnfinished()).toBe(true);
    expect(await next.recover(noSteps)).toEqual([{ subject: 'store', verb: 'install', left: [] }]);
    for (const [name, text] of Object.entries(expected)) expect(existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null).toBe(text);
    expect(statSync(at('a')).mode & 0o777).toBe(0o640);
    expect(next.hasUnfinished()).toBe(false);
    expect(await crash(next).recover(noSteps)).toEqual([]);
  });

  test('steps are taken back last first, among the files', async () => {
    put('a', 'old');
    const journal = open();
    const change = journal.begin('store', 'install');
    change.step('first', { n: 1 });
    change.write(at('a'), Buffer.from('new'));
    change.step('second', { n: 2 });
    const seen: unknown[] = [];
    await crash(journal).recover((subject, verb, name, data) => {
      seen.push([subject, verb, name, data, readFileSync(at('a'), 'utf8')]);
      return Promise.resolve();
    });
    expect(seen).toEqual([['store', 'install', 'second', { n: 2 }, 'new'], ['store', 'install', 'first', { n: 1 }, 'old']]);
  });

  test('what cannot be taken back is said, and tried again at the next start', async () => {
    const journal = open();
    journal.begin('store', 'install').step('x', {});
    const second = crash(journal);
    expect(await second.recover(() => Promise.reject(new Error('the tool is gone')))).toEqual([{ subject: 'store', verb: 'install', left: ['the tool is gone'] }]);
    const third = crash(second);
    expect(await third.recover(() => Promise.resolve())).toEqual([{ subject: 'store', verb: 'install', left: [] }]);
  });

  test('a file that somebody else wrote since is left as it is', async () => {
    put('a', 'old');
    const journal = open();
    journal.begin('store', 'install').write(at('a'), Buffer.from('new'));
    put('a', 'theirs');
    await crash(journal).recover(noSteps);
    expect(readFileSync(at('a'), 'utf8')).toBe('theirs');
  });

  test('a line that was cut short had not begun, and the next one stands on a line of its own', async () => {
    put('a', 'old');
    const journal = open();
    journal.begin('store', 'install').write(at('a'), Buffer.from('new'));
    appendFileSync(at('state', 'undo', 'trust.jsonl'), '{"type":"file","change":"x","pa');
    const next = crash(journal);
    await next.recover(noSteps);
    next.begin('other', 'install').done();
    const lines = parseJournal(readFileSync(at('state', 'undo', 'trust.jsonl'), 'utf8'));
    expect(lines.map((line) => line.type)).toEqual(['begin', 'file', 'undone', 'begin', 'done']);
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
  });

  test.each([['x'], ['x/y'], ['x/y/z']])('folders that were made up to %s, and no further, go again', async (last) => {
    const journal = open();
    journal.begin('store', 'install').write(at('x', 'y', 'z', 'b'), Buffer.from('new'));
    rmSync(at('x'), { recursive: true });
    mkdirSync(at(last), { recursive: true });
    expect(await crash(journal).recover(noSteps)).toEqual([{ subject: 'store', verb: 'install', left: [] }]);
    expect(existsSync(at('x'))).toBe(false);
  });

  test('what a kill leaves in the middle of a replacement is swept away', async () => {
    put('a', 'old');
    const journal = open();
    journal.begin('store', 'install').write(at('a'), Buffer.from('new'));
    put('.a.pinlight-12345678', 'half');
    await crash(journal).recover(noSteps);
    expect(readdirSync(folder).toSorted()).toEqual(['a', 'state']);
  });
});

describe('a finished change', () => {
  test('stays, and is put back byte for byte over several installations when asked', () => {
    put('a', 'old');
    const journal = open();
    for (const text of ['one', 'two']) {
      const change = journal.begin('store', 'install');
      change.write(at('a'), Buffer.from(text));
      change.done();
    }
    const next = crash(journal);
    expect(next.hasUnfinished()).toBe(false);
    const change = next.begin('store', 'remove');
    expect(change.restore([at('a')], (content) => content?.toString() === 'other')).toBe(false);
    expect(change.restore([at('a'), at('never')], () => true)).toBe(false);
    expect(readFileSync(at('a'), 'utf8')).toBe('two');
    expect(change.restore([at('a')], (content) => content?.toString() === 'old')).toBe(true);
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
  });

  test('is not put back over what somebody else wrote since', () => {
    put('a', 'old');
    const journal = open();
    const change = journal.begin('store', 'install');
    change.write(at('a'), Buffer.from('new'));
    change.done();
    put('a', 'new and theirs');
    expect(journal.begin('store', 'remove').restore([at('a')], () => true)).toBe(false);
    expect(readFileSync(at('a'), 'utf8')).toBe('new and theirs');
  });

  test('goes through a link, which stays one', () => {
    put('real', 'old');
    symlinkSync(at('real'), at('link'));
    const journal = open();
    journal.begin('store', 'install').write(at('link'), Buffer.from('new'));
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('real'), 'utf8')).toBe('new');
  });

  test('is forgotten with the copies of what it replaced', () => {
    put('a', 'secret');
    const journal = open();
    const change = journal.begin('store', 'install');
    change.write(at('a'), Buffer.from('new'));
    change.done();
    expect(readdirSync(at('state', 'undo', 'trust.saved'))).toHaveLength(1);
    journal.forget();
    expect(readdirSync(at('state', 'undo', 'trust.saved'))).toEqual([]);
    journal.begin('again', 'install').done();
    expect(parseJournal(readFileSync(at('state', 'undo', 'trust.jsonl'), 'utf8'))).toHaveLength(2);
  });
});

test('what is made for others to read can be read by them, whatever the umask', () => {
  const umask = process.umask(0o077);
  try {
    open().begin('store', 'install').write(at('x', 'y', 'b'), Buffer.from('new'));
  } finally {
    process.umask(umask);
  }
  expect(['x', 'x/y', 'x/y/b'].map((name) => statSync(at(name)).mode & 0o777)).toEqual([0o755, 0o755, 0o644]);
});

test('forgetting takes nothing away from another journal of the folder', () => {
  put('a', 'old');
  const journal = open();
  const change = journal.begin('store', 'install');
  change.write(at('a'), Buffer.from('new'));
  change.done();
  const other = openJournal(at('state', 'undo'), 'steer', () => 1);
  if (other.kind !== 'journal') throw new Error(other.kind);
  other.journal.forget();
  other.journal.close();
  expect(journal.begin('store', 'remove').restore([at('a')], () => true)).toBe(true);
  expect(readFileSync(at('a'), 'utf8')).toBe('old');
});

test('one at a time: the second is told, and let in when the first is done', () => {
  const first = open();
  expect(openJournal(at('state', 'undo'), 'trust', () => 1).kind).toBe('in-use');
  expect(openJournal(at('state', 'undo'), 'steer', () => 1)).toMatchObject({ kind: 'journal' });
  crash(first);
});

test('a folder that others may write to is not believed', () => {
  chmodSync(at('state'), 0o777);
  expect(openJournal(at('state', 'undo'), 'trust', () => 1)).toMatchObject({ kind: 'unusable' });
});
