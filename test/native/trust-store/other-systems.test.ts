// The stores of macOS and Windows through a fake of their tools that keeps certificates: argument lists, reading back, taking back. Not run on those systems.
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { macosStore } from '../../../native/trust-store/macos-store.ts';
import { readPinlightRoot } from '../../../native/trust-store/pinlight-roots.ts';
import type { RootCertificate } from '../../../native/trust-store/pinlight-roots.ts';
import type { ToolResult } from '../../../native/trust-store/run-tool.ts';
import type { Caller, TrustStore } from '../../../native/trust-store/trust-store.ts';
import { windowsStore } from '../../../native/trust-store/windows-store.ts';
import { openJournal } from '../../../native/undo-journal/index.ts';
import type { Journal } from '../../../native/undo-journal/index.ts';
import { makeAuthority } from '../support/store-room.ts';

let folder: string;
let journal: Journal;
let root: RootCertificate;
let old: RootCertificate;
let calls: string[];
/** What the fake keychain or registry holds, by SHA-256; `trusted` only matters to macOS. */
let held: Map<string, { readonly root: RootCertificate; trusted: boolean }>;
let broken: string | null;

const ended = (output: string, code = 0, errors = ''): ToolResult => ({ kind: 'ended', code, output, errors });
const certificateOf = (file: string): RootCertificate => readPinlightRoot(readFileSync(file)) as RootCertificate;
const sha1 = (one: RootCertificate): string => new X509Certificate(one.der).fingerprint.replaceAll(':', '').toLowerCase();

function security(args: readonly string[]): ToolResult {
  switch (args[0]) {
    case 'find-certificate': return held.size === 0 ? ended('', 44, 'SecKeychainSearchCopyNext: The specified item could not be found in the keychain.') : ended([...held.values()].map((one) => one.root.pem).join(''));
    case 'dump-trust-settings': {
      const trusted = [...held.values()].filter((one) => one.trusted);
      return trusted.length === 0 ? ended('', 1, 'SecTrustSettingsCopyCertificates: No Trust Settings were found.') : ended(trusted.map((one, index) => `Cert ${index}: ${one.root.name.replace('CN=', '')}\n   Number of trust settings : 1\n      Result Type           : kSecTrustSettingsResultTrustRoot\n`).join(''));
    }
    case 'add-trusted-cert': {
      const added = certificateOf(args.at(-1) ?? '');
      held.set(added.fingerprint, { root: added, trusted: broken !== 'no trust' });
      return broken === 'no trust' ? ended('', 1, 'SecTrustSettingsSetTrustSettings: The authorization was denied since no user interaction was possible. (-60005)') : ended('');
    }
    case 'remove-trusted-cert': return ended('');
    case 'delete-certificate': return held.delete((args[2] ?? '').toLowerCase()) ? ended('') : ended('', 44, 'not found');
    case 'verify-cert': return ended('...certificate verification successful.', [...held.values()].some((one) => one.trusted) ? 0 : 1);
    default: return ended('', 2, 'unknown');
  }
}

function windows(tool: string, args: readonly string[]): ToolResult {
  if (broken === 'wine') return ended('');
  if (tool.endsWith('powershell.exe')) return ended(`${[...held.values()].map((one) => one.root.der.toString('base64')).join('\r\n')}\r\nend\r\n`);
  if (args.includes('-addstore')) {
    const added = certificateOf(args.at(-1) ?? '');
    held.set(added.fingerprint, { root: added, trusted: true });
  } else {
    for (const [key, one] of held) if (sha1(one.root) === args.at(-1)) held.delete(key);
  }
  return ended('CertUtil: command completed successfully.');
}

function callerOf(machine: boolean): Caller {
  return {
    home: '/Users/ann', env: { SystemRoot: 'C:\\Windows' }, machine, ownFolder: folder, scratch: folder, storePassword: 'changeit',
    tools: {
      find: (tool) => tool, outlived: () => [],
      run: (tool, args) => {
        calls.push([tool, ...args].join(' ').replaceAll(/\S*root-\S+/g, 'FILE'));
        return Promise.resolve(tool.endsWith('security') ? security(args) : windows(tool, args));
      },
    },
  };
}

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'other-'));
  mkdirSync(path.join(folder, 'state'), { mode: 0o700 });
  [root, old] = ['one', 'two'].map((device) => readPinlightRoot(makeAuthority(path.join(folder, device), device).certificate)) as [RootCertificate, RootCertificate];
  const opened = openJournal(path.join(folder, 'state/undo'), 'trust', () => 1);
  if (opened.kind !== 'journal') throw new Error(opened.kind);
  journal = opened.journal;
  calls = [];
  held = new Map([[old.fingerprint, { root: old, trusted: true }]]);
  broken = null;
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

const state = async (store: TrustStore): Promise<readonly [string, readonly string[], readonly string[]]> => {
  const found = await store.check();
  return found.kind === 'read' ? [found.kind, found.trusted.map((one) => one.name), found.present.map((one) => one.name)] : [found.kind, [], []];
};

describe.each([
  ['macOS, an administrator', (): TrustStore => macosStore(callerOf(true)), ['add-trusted-cert -d -r trustRoot -p ssl -k /Library/Keychains/System.keychain FILE', 'remove-trusted-cert -d FILE', 'delete-certificate -Z']],
  ['macOS, a person', (): TrustStore => macosStore(callerOf(false)), ['add-trusted-cert -r trustRoot -p ssl -k /Users/ann/Library/Keychains/login.keychain-db FILE', 'remove-trusted-cert FILE', 'delete-certificate -Z']],
  ['Windows, an administrator', (): TrustStore => windowsStore(callerOf(true)), ['certutil.exe -f -addstore Root FILE', 'certutil.exe -delstore Root', "'LocalMachine'"]],
  ['Windows, a person', (): TrustStore => windowsStore(callerOf(false)), ['certutil.exe -user -f -addstore Root FILE', 'certutil.exe -user -delstore Root', "'CurrentUser'"]],
] as const)('%s', (_name, make, expected) => {
  test('the new root goes in, the old one out, and everything out again', async () => {
    const store = make();
    const change = journal.begin(store.name, 'install');
    expect(await store.install(change, [root])).toEqual({ kind: 'changed' });
    change.done();
    expect(await state(store)).toEqual(['read', [root.name], [root.name]]);
    for (const words of expected) expect(calls.join('\n')).toContain(words);
    expect(await store.uninstall(journal.begin(store.name, 'remove'))).toEqual({ kind: 'changed' });
    expect(await state(store)).toEqual(['read', [], []]);
  });

  test('a removal that was cut short is completed', async () => {
    const store = make();
    journal.begin(store.name, 'remove').step('drop', { fingerprint: old.fingerprint });
    await journal.recover((_subject, verb, name, data) => store.undoStep?.(verb, name, data) ?? Promise.resolve());
    expect(await state(store)).toEqual(['read', [], []]);
  });
});

test('macOS without a screen: refused in words, and the half is taken back', async () => {
  broken = 'no trust';
  const store = macosStore(callerOf(true));
  const change = journal.begin(store.name, 'install');
  expect(await store.install(change, [root])).toMatchObject({ kind: 'refused', why: expect.stringContaining('wants an administrator') });
  await change.undo((_subject, verb, name, data) => store.undoStep?.(verb, name, data) ?? Promise.resolve());
  expect(await state(store)).toEqual(['read', [old.name], [old.name]]);
});

test('Windows tools that answer well and do nothing, as Wine\'s: noticed by reading back', async () => {
  broken = 'wine';
  expect((await windowsStore(callerOf(true)).check()).kind).toBe('unreadable');
});
