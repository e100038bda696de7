// Policy files on a real disk: precedence, ownership, size, live reload, and the last good version while a newer one is broken.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPolicyStore } from '../../../electron/agent/policy/policy-store.ts';
import type { PolicyStore, PolicyStoreOptions } from '../../../electron/agent/policy/policy-store.ts';
import { linuxManagedPolicy } from '../../../native/managed-policy/linux.ts';
import type { ManagedPolicy, PolicySource } from '../../../electron/core/policy/sources.ts';
import { policyLimits } from '../../../electron/core/policy/keys.ts';
import { embeddedLayer } from '../../../electron/core/policy/embedded.ts';

let folder: string;
let stores: PolicyStore[];
const uid = process.getuid?.() ?? 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-policy-'));
  for (const level of ['managed', 'recommended']) mkdirSync(join(folder, 'etc', level), { recursive: true, mode: 0o755 });
  mkdirSync(join(folder, 'home'));
  stores = [];
});
afterEach(() => {
  for (const store of stores) store.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<PolicyStoreOptions> = {}): PolicyStore {
  const store = createPolicyStore({
    managed: linuxManagedPolicy({ folder: join(folder, 'etc'), owner: uid, maxBytes: policyLimits.fileBytes }), userFile: join(folder, 'home', 'policy.json'), explicitFiles: [],
    embedded: embeddedLayer('user'), exclusions: [], ...options,
  });
  stores.push(store);
  return store;
}

function write(path: string, content: object | string): string {
  const file = join(folder, path);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify({ version: 1, ...content }), { mode: 0o644 });
  chmodSync(file, 0o644);
  return file;
}

const ruleIds = (store: PolicyStore): string[] => store.current().rules.map(({ id }) => id);
const rules = (...ids: string[]): object => ({ rules: ids.map((id) => ({ id, do: 'bypass' })) });
const until = (condition: () => void): Promise<void> => vi.waitFor(condition, { timeout: 10_000, interval: 20 });

describe('reading', () => {
  test('without any file the embedded policy holds and nothing is wrong', () => {
    const store = open();
    expect(ruleIds(store)).toEqual(['own-programs-443']);
    expect(store.problems()).toEqual([]);
    expect(store.files()).toEqual([]);
    expect(store.generation()).toBe(1);
  });
  test('managed drop-ins in name order come before the user, recommended ones after', () => {
    const files = [write('etc/managed/10-a.json', rules('a')), write('etc/managed/20-b.json', rules('b')), write('home/policy.json', rules('u')), write('etc/recommended/00.json', rules('z'))];
    write('etc/managed/notes.txt', 'not policy');
    const store = open();
    expect(ruleIds(store)).toEqual(['a', 'b', 'u', 'z']);
    expect(store.files()).toEqual(files);
    expect(store.current().origins['rules.z']).toEqual({ origin: 'recommended', file: files[3] });
  });
  test('explicit files are the only ones read', () => {
    write('home/policy.json', rules('u'));
    const store = open({ explicitFiles: [write('one.json', rules('x')), write('two.json', rules('y'))] });
    expect(ruleIds(store)).toEqual(['x', 'y']);
  });
  test('an explicit file that is missing is a problem', () => {
    const store = open({ explicitFiles: [join(folder, 'none.json')] });
    expect(store.problems()[0]).toMatchObject({ file: join(folder, 'none.json'), message: 'there is no such file' });
    expect(ruleIds(store)).toEqual([]);
  });
  test('an invalid file is skipped at the first start, and its problem has a place', () => {
    write('etc/managed/a.json', rules('a'));
    const file = write('etc/managed/b.json', '{"version": 1,\n  "rulez": []}');
    const store = open();
    expect(ruleIds(store)).toEqual(['a']);
    expect(store.problems()).toMatchObject([{ file, line: 2, column: 3, path: 'rulez' }]);
  });
  test.each<[string, (file: string) => void, string]>([
    ['a managed file that the group may write', (file) => chmodSync(file, 0o664), 'can be written by others'],
    ['a managed file that anybody may write', (file) => chmodSync(file, 0o646), 'can be written by others'],
    ['a managed file that is too large', (file) => writeFileSync(file, ' '.repeat(1_048_577)), 'larger than'],
    ['a managed file that is not UTF-8', (file) => writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d])), 'UTF-8'],
    ['a folder by that name', (file) => { rmSync(file); mkdirSync(file); }, 'regular file'],
    ['a named pipe by that name', (file) => { rmSync(file); execFileSync('mkfifo', ['-m', '644', file]); }, 'regular file'],
  ])('%s is a problem and not policy', (_, spoil, words) => {
    spoil(write('etc/managed/a.json', rules('a')));
    const store = open();
    expect(ruleIds(store)).toEqual([]);
    expect(store.problems()[0]?.message).toContain(words);
  });
  test('a managed file of another owner is a problem and not policy', () => {
    const file = write('etc/managed/a.json', rules('a'));
    if (uid === 0) chownSync(file, 65_534, 65_534);
    const store = open(uid === 0 ? {} : { managed: linuxManagedPolicy({ folder: join(folder, 'etc'), owner: 0, maxBytes: policyLimits.fileBytes }) });
    expect(ruleIds(store)).toEqual([]);
    expect(store.problems()[0]?.message).toContain('belongs to uid');
  });
  test('a managed folder that others may write to gives no policy', () => {
    write('etc/managed/a.json', rules('a'));
    chmodSync(join(folder, 'etc/managed'), 0o777);
    const store = open();
    expect(ruleIds(store)).toEqual([]);
    expect(store.problems()[0]).toMatchObject({ file: join(folder, 'etc/managed'), line: null });
  });
});

describe('reloading', () => {
  test('an invalid version keeps the last good one, and a mended one replaces it', () => {
    write('etc/managed/a.json', rules('a'));
    const store = open();
    const before = store.current();
    write('etc/managed/a.json', '{"version": 1, "rules": 5}');
    store.reload();
    expect(store.current()).toBe(before);
    expect(store.generation()).toBe(1);
    expect(store.problems()).toHaveLength(1);
    write('etc/managed/a.json', rules('b'));
    store.reload();
    expect(ruleIds(store)).toEqual(['b']);
    expect(store.generation()).toBe(2);
    expect(store.problems()).toEqual([]);
  });
  test('a folder that is no longer trustworthy keeps what was read from it before', () => {
    write('etc/managed/a.json', rules('a'));
    const store = open();
    chmodSync(join(folder, 'etc/managed'), 0o777);
    write('etc/managed/a.json', rules('evil'));
    store.reload();
    expect(ruleIds(store)).toEqual(['a']);
    expect(store.problems()).toHaveLength(1);
  });
  test('a file that was removed takes its rules with it', () => {
    const file = write('home/policy.json', rules('u'));
    const store = open();
    rmSync(file);
    store.reload();
    expect(ruleIds(store)).toEqual(['own-programs-443']);
  });
  test('listeners hear of changes only, and of problems too', () => {
    write('home/policy.json', rules('u'));
    const store = open();
    let heard = 0;
    const stop = store.onChange(() => { heard++; });
    store.reload();
    expect(heard).toBe(0);
    write('home/policy.json', 'broken');
    store.reload();
    expect(heard).toBe(1);
    write('home/policy.json', rules('v'));
    store.reload();
    expect(heard).toBe(2);
    stop();
    write('home/policy.json', rules('w'));
    store.reload();
    expect(heard).toBe(2);
  });
});

describe('profiles and the registry', () => {
  /** Sources that a test exchanges; nothing tells of it but looking. */
  function places(...first: readonly PolicySource[]): ManagedPolicy & { now: readonly PolicySource[] } {
    const managed = { now: first, folders: [], read: () => managed.now };
    return managed;
  }
  const registry = (name: string, value: unknown, origin: 'managed' | 'recommended' = 'managed'): PolicySource => ({ origin, name, content: { kind: 'registry', value } });
  const refused = (name: string): PolicySource => ({ origin: 'managed', name, content: { kind: 'refused', why: 'closed' } });
  const key = 'HKLM\\Software\\Policies\\Pinlight';

  test('the machine\'s beat the user\'s, those the user\'s file, and that what is recommended', () => {
    write('home/policy.json', { learning: { shortMinutes: 3, firstHours: 3, confirmedDays: 3 } });
    const store = open({ managed: places(
      registry('HKLM', { learning: { shortMinutes: 1 } }), registry('HKCU', { learning: { shortMinutes: 2, firstHours: 2 } }),
      registry('HKLM\\Recommended', { learning: { shortMinutes: 4, confirmedDays: 4, perAppPerHour: 4 } }, 'recommended'),
    ) });
    expect(store.current().learning).toEqual({ shortMinutes: 1, firstHours: 2, confirmedDays: 3, perAppPerHour: 4 });
    expect(store.current().origins['learning.firstHours']).toEqual({ origin: 'managed', file: 'HKCU' });
    expect(store.current().origins['learning.perAppPerHour']).toEqual({ origin: 'recommended', file: 'HKLM\\Recommended' });
    expect(store.files()).toEqual(['HKLM', 'HKCU', join(folder, 'home/policy.json'), 'HKLM\\Recommended']);
  });
  test('an invalid value keeps the last good policy of its key, and names key and path', () => {
    const managed = places(registry(key, { network: { port: 1 } }), registry('HKCU', { user: { stop: 'never' } }));
    const store = open({ managed });
    managed.now = [registry(key, { network: { port: 70_000 } }), registry('HKCU', { user: { stop: 'always' } })];
    store.reload();
    expect([store.current().network.port, store.current().user.stop]).toEqual([1, 'always']);
    expect(store.problems()).toMatchObject([{ file: key, line: null, path: 'network.port' }]);
  });
  test('a key that can no longer be read keeps what it and its Recommended said, each at its level', () => {
    write('home/policy.json', { network: { port: 3 } });
    const managed = places(registry(key, { user: { stop: 'never' } }), registry(`${key}\\Recommended`, { network: { port: 4, privateTargets: 'block' } }, 'recommended'));
    const store = open({ managed });
    managed.now = [refused(key)];
    store.reload();
    expect(store.current()).toMatchObject({ user: { stop: 'never' }, network: { port: 3, privateTargets: 'block' } });
    expect(store.problems()).toMatchObject([{ file: key, message: 'closed' }]);
    managed.now = [];
    store.reload();
    expect(store.current()).toMatchObject({ user: { stop: 'user-decides' }, network: { port: 3, privateTargets: 'allow' } });
  });
  test('a key that could never be read means that nothing is inspected on a guess', () => {
    expect(ruleIds(open({ managed: places(refused(key)) }))).toEqual([]);
  });
  test('a change that nothing tells of counts within two seconds', async () => {
    const managed = places(registry(key, { network: { port: 1 } }));
    const store = open({ managed });
    const changed = new Promise<number>((done) => { store.onChange(() => done(performance.now())); });
    const since = performance.now();
    managed.now = [registry(key, { network: { port: 2 } })];
    expect(await changed - since).toBeLessThan(2_000);
    expect(store.current().network.port).toBe(2);
  });
});

describe('watching', () => {
  test('a file that is written anew is in force without a restart', async () => {
    write('home/policy.json', rules('u'));
    const store = open();
    write('home/policy.json', rules('v'));
    await until(() => expect(ruleIds(store)).toEqual(['v']));
  });
  test('a file that is renamed into place is in force, again and again', async () => {
    const store = open();
    for (const id of ['one', 'two', 'three']) {
      renameSync(write('home/policy.json.new', rules(id)), join(folder, 'home/policy.json'));
      await until(() => expect(ruleIds(store)).toEqual([id]));
    }
  });
  test('a flood of changes is read together, and not put off for ever', async () => {
    const store = open();
    const heard: number[] = [];
    store.onChange(() => { heard.push(store.generation()); });
    const began = performance.now();
    let written = 0;
    // Faster than the pause that is waited for.
    for (; heard.length === 0 && performance.now() - began < 10_000; await new Promise((done) => { setTimeout(done, 20); })) {
      written++;
      renameSync(write('home/policy.json.new', { learning: { shortMinutes: written } }), join(folder, 'home/policy.json'));
    }
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(written).toBeGreaterThan(10);
    await until(() => expect(store.current().learning.shortMinutes).toBe(written));
    expect(heard.length).toBeLessThan(4);
  });
  test('a folder that did not exist at the start is found when it comes', async () => {
    rmSync(join(folder, 'etc'), { recursive: true });
    const store = open();
    mkdirSync(join(folder, 'etc/managed'), { recursive: true, mode: 0o755 });
    write('etc/managed/a.json', rules('a'));
    await until(() => expect(ruleIds(store)).toEqual(['a']));
  });
  test('a folder that was removed and made anew is watched again', async () => {
    write('etc/managed/a.json', rules('a'));
    const store = open();
    rmSync(join(folder, 'etc/managed'), { recursive: true });
    await until(() => expect(ruleIds(store)).toEqual(['own-programs-443']));
    mkdirSync(join(folder, 'etc/managed'), { mode: 0o755 });
    write('etc/managed/b.json', rules('b'));
    await until(() => expect(ruleIds(store)).toEqual(['b']));
    write('etc/managed/b.json', rules('c'));
    await until(() => expect(ruleIds(store)).toEqual(['c']));
  });
});
