// Sealing the root key on each system: Linux with a credential as systemd hands it over, macOS through a stand-in for `security`, Windows through
// one for DPAPI and, where it is prepared, under Wine. And the authority's file: sealed, opened, and never replaced because it cannot be opened.
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAuthority, type AuthorityResult } from '../../../electron/agent/ca/authority.ts';
import { fileModeOnly, type SealResult, type SecretStore } from '../../../electron/core/ca/secret-store.ts';
import { credentialName, systemdStore } from '../../../native/secret-store/linux.ts';
import { keychainStore, type RunNow } from '../../../native/secret-store/macos.ts';
import { dpapiStore, type Dpapi } from '../../../native/secret-store/windows.ts';
import { runInWine } from '../../support/wine.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-secret-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const secret = Buffer.from('the key');
const bytesOf = (result: SealResult): Buffer => {
  if (result.kind === 'unavailable') throw new Error(result.why);
  return Buffer.from(result.bytes);
};
function credential(content: string): SecretStore | null {
  writeFileSync(join(folder, credentialName), content);
  return systemdStore(folder);
}

/** A keychain as `security` shows it: entries by account, service and file; commands by standard input only for `-i`. */
function fakeSecurity(said: string[][]): RunNow {
  const entries = new Map<string, string>();
  return (_tool, args, input) => {
    const words = args[0] === '-i' ? [...input.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '') : args;
    said.push([...args, input]);
    const value = (flag: string): string => words[words.indexOf(flag) + 1] ?? '';
    const id = [value('-a'), value('-s'), words.at(-1)].join('|');
    if (words[0] === 'add-generic-password') entries.set(id, value('-w'));
    else if (!entries.has(id)) return { code: 44, output: '', errors: 'security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.' };
    else if (words[0] === 'delete-generic-password') entries.delete(id);
    else return { code: 0, output: `${entries.get(id)}\n`, errors: '' };
    return { code: 0, output: '', errors: '' };
  };
}

const mac = { folder: '/Users/ada/Library/Application Support/Pinlight', service: false, home: '/Users/ada' };
const flipped: Dpapi = { protect: (bytes) => Buffer.from(bytes.map((byte) => byte ^ 0x5a)), unprotect: (bytes) => Buffer.from(bytes.map((byte) => byte ^ 0x5a)) };

describe('each system', () => {
  const rows: readonly (readonly [string, () => SecretStore | null])[] = [
    ['Linux, a credential of systemd', () => credential(`${'ab'.repeat(32)}\n`)],
    ['macOS, the login keychain', () => keychainStore(fakeSecurity([]), mac)],
    ['macOS, the System keychain', () => keychainStore(fakeSecurity([]), { ...mac, service: true })],
    ['Windows, DPAPI', () => dpapiStore(flipped)],
  ];
  test.each(rows)('%s: what is sealed does not show the secret, and opens to it', (_name, open) => {
    const store = open();
    if (store === null) throw new Error('no store');
    const sealed = bytesOf(store.seal(secret));
    expect(sealed.includes(secret)).toBe(false);
    expect(bytesOf(store.open(sealed))).toEqual(secret);
    expect(store.words).not.toBe(fileModeOnly.words);
  });
});

describe('Linux', () => {
  test.each([['is missing', null], ['is too short', 'abcd'], ['is no hex', 'x'.repeat(64)]])('a credential that %s seals nothing', (_name, content) => {
    expect(content === null ? systemdStore(folder) : credential(content)).toBeNull();
  });
  test('no folder of credentials, as for a user\'s own agent', () => expect(systemdStore(undefined)).toBeNull());
  test('sealed under another credential, changed or cut, it does not open and says why', () => {
    const sealed = bytesOf((credential('ab'.repeat(32)) as SecretStore).seal(secret));
    const changed = Buffer.from(sealed);
    changed[30] = (changed[30] ?? 0) ^ 1;
    expect((credential('cd'.repeat(32)) as SecretStore).open(sealed)).toMatchObject({ kind: 'unavailable', why: expect.stringContaining('another key') });
    const store = credential('ab'.repeat(32)) as SecretStore;
    expect(store.open(changed)).toMatchObject({ kind: 'unavailable' });
    expect(store.open(sealed.subarray(0, 20))).toMatchObject({ kind: 'unavailable', why: expect.stringContaining('cut short') });
  });
});

describe('macOS', () => {
  test('the wrapping key goes by standard input, never as an argument', () => {
    const said: string[][] = [];
    keychainStore(fakeSecurity(said), mac).seal(secret);
    expect(said.map((words) => words[0])).toEqual(['find-generic-password', '-i', 'find-generic-password']);
    const key = /-w ([0-9a-f]{64})/.exec(said[1]?.at(-1) ?? '')?.[1] ?? '';
    expect(key).toHaveLength(64);
    expect(said.flatMap((words) => words.slice(0, -1)).join(' ')).not.toContain(key);
  });
  test('opening makes no entry; a keychain that is locked is not a missing one, and nothing is made then', () => {
    const said: string[][] = [];
    expect(keychainStore(fakeSecurity(said), mac).open(Buffer.alloc(40))).toMatchObject({ kind: 'unavailable' });
    const locked: RunNow = (_tool, args, input) => {
      said.push([...args, input]);
      return { code: 36, output: '', errors: 'security: SecKeychainItemCopyContent: User interaction is not allowed.' };
    };
    expect(keychainStore(locked, mac).seal(secret)).toMatchObject({ kind: 'unavailable', why: expect.stringContaining('User interaction is not allowed') });
    expect(said.map((words) => words[0])).not.toContain('-i');
  });
  test('forgotten, the entry is gone; forgotten twice is as well', () => {
    const store = keychainStore(fakeSecurity([]), mac);
    const sealed = bytesOf(store.seal(secret));
    expect([store.forget(true), store.forget(true)]).toEqual([null, null]);
    expect(store.open(sealed)).toMatchObject({ kind: 'unavailable' });
  });
});

describe('the file of the root key', () => {
  const usable = (result: AuthorityResult): AuthorityResult & { kind: 'authority' } => {
    if (result.kind === 'unusable') throw new Error(result.why);
    return result;
  };
  const state = (): string => join(folder, 'state');
  const file = (): string => readFileSync(join(state(), 'root.key'), 'latin1');
  const store = (): SecretStore => credential('ab'.repeat(32)) as SecretStore;

  test('sealed from the start where the system seals: no PEM in it, 0600, and the words say so', () => {
    const { authority } = usable(loadAuthority(state(), 'd', Date.now(), store()));
    expect(file()).toMatch(/^pinlight-sealed systemd\n/);
    expect(file()).not.toContain('PRIVATE KEY');
    expect(statSync(join(state(), 'root.key')).mode & 0o777).toBe(0o600);
    expect(authority.keyProtection).toContain('systemd');
    expect(usable(loadAuthority(state(), 'd', Date.now(), store())).authority.fingerprint).toBe(authority.fingerprint);
  });
  test('plain from an earlier version: read, and sealed from then on; the root stays', () => {
    const before = usable(loadAuthority(state(), 'd', Date.now())).authority;
    expect(before.keyProtection).toContain('file mode only');
    const { authority } = usable(loadAuthority(state(), 'd', Date.now(), store()));
    expect(authority.fingerprint).toBe(before.fingerprint);
    expect(file()).toMatch(/^pinlight-sealed systemd\n/);
  });
  test('a system that cannot seal just now leaves it plain, and the words say that', () => {
    const broken: SecretStore = { ...store(), seal: () => ({ kind: 'unavailable', why: 'locked' }) };
    expect(usable(loadAuthority(state(), 'd', Date.now(), broken)).authority.keyProtection).toBe(fileModeOnly.words);
    expect(file()).toContain('PRIVATE KEY');
  });
  test('what would not open again is not written sealed', () => {
    const lying: SecretStore = { ...store(), open: () => ({ kind: 'done', bytes: Buffer.from('other') }) };
    expect(usable(loadAuthority(state(), 'd', Date.now(), lying)).authority.keyProtection).toBe(fileModeOnly.words);
  });
  test.each<[string, () => SecretStore, string]>([
    ['without what sealed it', () => fileModeOnly, 'not given what opens it'],
    ['with another credential', () => credential('cd'.repeat(32)) as SecretStore, 'another key'],
  ])('started %s: nothing is inspected, nothing is made anew, and it works again later', (_name, other, why) => {
    const { authority } = usable(loadAuthority(state(), 'd', Date.now(), store()));
    const before = file();
    expect(loadAuthority(state(), 'd', Date.now(), other())).toMatchObject({ kind: 'unusable', why: expect.stringContaining(why) });
    expect(file()).toBe(before);
    expect(usable(loadAuthority(state(), 'd', Date.now(), store())).authority.fingerprint).toBe(authority.fingerprint);
  });
  test('modes that were opened are closed again', () => {
    loadAuthority(state(), 'd', Date.now(), store());
    chmodSync(join(state(), 'root.key'), 0o644);
    loadAuthority(state(), 'd', Date.now(), store());
    expect(statSync(join(state(), 'root.key')).mode & 0o777).toBe(0o600);
  });
});

if (runInWine === null) console.log('skipped: DPAPI under Wine (PINLIGHT_WINE_ROOT and PINLIGHT_WINE_PROGRAMS are not set)');
test.runIf(runInWine !== null)('under Wine, DPAPI\'s round trip gives the secret back and refuses what was changed', () => {
  const ran = runInWine?.(`
import { loadDpapi } from 'file:///Z:/mnt/native/secret-store/windows.ts';
const dpapi = loadDpapi();
const sealed = dpapi.protect(Buffer.from('the key'));
console.log(JSON.stringify({ opened: dpapi.unprotect(sealed).toString(), shows: sealed.includes('the key'), changed: dpapi.unprotect(Buffer.from('nothing of the kind')) }));
`, '');
  expect(JSON.parse(ran?.output ?? '')).toEqual({ opened: 'the key', shows: false, changed: null });
});
