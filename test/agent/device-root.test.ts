// A root that takes over from another: made in time, used once the stores hold it, in any case before the old one ends; and crashes in between.
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadAuthority, loadNextAuthority, rootLifetimeMs } from '../../electron/agent/ca/authority.ts';
import { openDeviceRoot, type DeviceRoot } from '../../electron/agent/device-root.ts';
import { createHealth } from '../../electron/agent/health/health.ts';
import type { LackingStore } from '../../native/trust-store/doctor.ts';
import { rotationStage } from '../../electron/core/ca/rotation.ts';
import { fileModeOnly, type SecretStore } from '../../electron/core/ca/secret-store.ts';

const dayMs = 24 * 3600_000;
const start = Date.now();
const system: LackingStore = { store: 'system', kind: 'system' };
const browser: LackingStore = { store: 'nss:/home/ada', kind: 'nss' };
let folder: string;
let clock: number;
let lacking: readonly LackingStore[];
let homes: number;
let switched: number;
let open: DeviceRoot[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-rotation-'));
  [clock, lacking, homes, switched, open] = [start, [system, browser], 0, 0, []];
});
afterEach(() => {
  for (const root of open) root.close();
  rmSync(folder, { recursive: true, force: true });
});

const health = createHealth(() => undefined);
function openRoot(secrets = fileModeOnly): DeviceRoot {
  const root = openDeviceRoot({
    stateFolder: folder, device: 'laptop', secrets, health, now: () => clock,
    onSwitch: () => { switched += 1; }, onTrouble: (why) => { throw new Error(why); }, lacking: () => Promise.resolve(lacking), homesOutOfSight: () => homes,
  });
  open.push(root);
  return root;
}
const warned = (): readonly string[] => health.visible().map((warning) => warning.code);
const at = async (root: DeviceRoot, days: number): Promise<void> => {
  clock = start + days * dayMs;
  await root.look();
};

describe('when a root is replaced', () => {
  const root = { notBefore: 0, notAfter: 730 * dayMs };
  test.each([
    ['a new one', 1, 'keep'], ['on the last day before the overlap', 274.9, 'keep'], ['90 days before half of its life', 275, 'prepare'],
    ['a day before half of its life', 364, 'prepare'], ['from half of its life on', 365, 'due'], ['with 31 days left', 699, 'due'], ['with 30 days left', 700, 'overdue'], ['after its end', 800, 'overdue'],
  ] as const)('%s, day %d: %s', (_name, day, stage) => expect(rotationStage(root, day * dayMs)).toBe(stage));
  test('its life leaves the overlap before half of it is gone', () => expect(rotationStage({ notBefore: 0, notAfter: rootLifetimeMs }, rootLifetimeMs / 2 - 1)).toBe('prepare'));
});

describe('the next root', () => {
  test('is made at its time and not used while a store lacks it, with the stores named and the command that mends it', async () => {
    const root = openRoot();
    const first = root.current()?.fingerprint;
    await at(root, 100);
    expect(root.next()).toBeNull();
    await at(root, 300);
    expect(root.current()?.fingerprint).toBe(first);
    expect(root.next()?.fingerprint).not.toBe(first);
    expect(readdirSync(folder).sort()).toEqual(['root.key', 'root.next.key', 'root.next.pem', 'root.pem']);
    const warning = health.visible().find((one) => one.code === 'root-next-missing');
    expect(warning).toMatchObject({ text: expect.stringContaining('system, nss:/home/ada'), advice: expect.stringContaining('pinlight trust install') });
  });
  test('stays the same one at later looks and after a restart', async () => {
    const root = openRoot();
    await at(root, 300);
    const next = root.next()?.fingerprint;
    await at(root, 301);
    expect(root.next()?.fingerprint).toBe(next);
    const again = openRoot();
    await again.look();
    expect(again.next()?.fingerprint).toBe(next);
  });
  test('is used as soon as every store holds it; the old key is gone then, and nothing is warned of', async () => {
    const root = openRoot();
    const oldKey = readFileSync(join(folder, 'root.key'), 'utf8');
    await at(root, 300);
    const next = root.next()?.fingerprint;
    lacking = [];
    await at(root, 301);
    expect(root.current()?.fingerprint).toBe(next);
    expect(root.next()).toBeNull();
    expect(switched).toBe(1);
    expect(warned()).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(['root.key', 'root.pem']);
    expect(readFileSync(join(folder, 'root.key'), 'utf8')).not.toBe(oldKey);
    expect(openRoot().current()?.fingerprint).toBe(next);
  });
  test('is used 30 days before the old one ends, though a browser lacks it', async () => {
    lacking = [browser];
    const root = openRoot();
    await at(root, 400);
    const next = root.next()?.fingerprint;
    await at(root, 698);
    expect(root.current()?.fingerprint).not.toBe(next);
    await at(root, 699.5);
    expect(root.current()?.fingerprint).toBe(next);
  });
  test.each([['30 days before the old one ends', 699.5], ['after its end', 900]])('is never used while the system\'s store holds the old one alone: %s', async (_name, days) => {
    const root = openRoot();
    const first = root.current()?.fingerprint;
    await at(root, 300);
    lacking = [system];
    await at(root, days);
    expect(root.current()?.fingerprint).toBe(first);
    expect(warned()).toEqual(['root-next-missing']);
    lacking = [];
    await root.look();
    expect(root.current()?.fingerprint).not.toBe(first);
    expect(warned()).toEqual([]);
  });
  test('of a service waits for half of the old one\'s life where homes are out of sight, and their number is told', async () => {
    [homes, lacking] = [3, []];
    const root = openRoot();
    const first = root.current()?.fingerprint;
    await at(root, 300);
    expect(root.current()?.fingerprint).toBe(first);
    expect(health.visible()).toMatchObject([{ code: 'root-next-homes', text: expect.stringContaining('could not be looked at: 3'), advice: expect.stringContaining('pinlight trust install') }]);
    await at(root, 365);
    expect(root.current()?.fingerprint).not.toBe(first);
    expect(warned()).toEqual([]);
  });
  test('is made and used at once on a device that was off until after the end', async () => {
    lacking = [browser];
    const root = openRoot();
    const first = root.current()?.fingerprint;
    await at(root, 900);
    expect(root.current()?.fingerprint).not.toBe(first);
    expect(root.current()?.notAfter).toBeGreaterThan(clock);
  });
  test('is used at once where no store holds the old one', async () => {
    lacking = [];
    const root = openRoot();
    await at(root, 300);
    expect(switched).toBe(1);
  });
  test('asked for twice at once, it is looked for once', async () => {
    const root = openRoot();
    clock = start + 300 * dayMs;
    lacking = [];
    await Promise.all([root.look(), root.look()]);
    expect(switched).toBe(1);
  });
});

describe('a key that its keyring does not open at the start', () => {
  let isOpen: boolean;
  const refusal = { kind: 'unavailable', why: 'the keyring is locked' } as const;
  const keyring: SecretStore = {
    form: 'secret-service', words: 'sealed', forget: () => null, ready: () => Promise.resolve(isOpen),
    seal: (bytes) => ({ kind: 'done', bytes: bytes.toReversed() }), open: (bytes) => (isOpen ? { kind: 'done', bytes: bytes.toReversed() } : refusal),
  };
  afterEach(() => vi.useRealTimers());

  test.each([
    ['when somebody asks for the root', (root: DeviceRoot) => root.look()],
    ['by itself within a minute', () => vi.advanceTimersByTimeAsync(60_000)],
  ] as const)('is told as locked, replaced by none, and opens %s', async (_name, wait) => {
    vi.useFakeTimers();
    isOpen = true;
    const first = loadAuthority(folder, 'laptop', start, keyring);
    isOpen = false;
    const root = openRoot(keyring);
    await wait(root);
    expect(root.current()).toBeNull();
    expect(warned()).toEqual(['root-locked']);
    isOpen = true;
    await wait(root);
    expect(first).toMatchObject({ kind: 'authority', authority: { fingerprint: root.current()?.fingerprint } });
    expect(root.probe()).not.toBeNull();
    expect([warned(), switched]).toEqual([[], 1]);
  });
  test('is unusable where something else is wrong with it', () => {
    isOpen = true;
    loadAuthority(folder, 'laptop', start, keyring);
    writeFileSync(join(folder, 'root.key'), 'spoilt');
    openRoot(keyring);
    expect(warned()).toEqual(['root-unusable']);
    health.clear('root-unusable', 'root');
  });
});

describe('a crash', () => {
  const prepared = (): string => {
    loadAuthority(folder, 'laptop', start);
    const next = loadNextAuthority(folder, 'laptop', start, fileModeOnly, true);
    if (next?.kind !== 'authority') throw new Error('no next root');
    return next.authority.fingerprint;
  };
  test('between the next key and its certificate begins the next root again', async () => {
    loadAuthority(folder, 'laptop', start);
    writeFileSync(join(folder, 'root.next.key'), 'half');
    const root = openRoot();
    await at(root, 300);
    expect(root.next()).not.toBeNull();
  });
  test('a next certificate whose key is gone is thrown away, and the root in use stays', () => {
    const first = loadAuthority(folder, 'laptop', start);
    prepared();
    rmSync(join(folder, 'root.next.key'));
    expect(openRoot().current()?.fingerprint).toBe(first.kind === 'authority' ? first.authority.fingerprint : '');
    expect(existsSync(join(folder, 'root.next.pem'))).toBe(false);
  });
  test('between the two renames of the switch is completed by the next start', () => {
    const next = prepared();
    renameSync(join(folder, 'root.next.key'), join(folder, 'root.key'));
    expect(openRoot().current()?.fingerprint).toBe(next);
    expect(existsSync(join(folder, 'root.next.pem'))).toBe(false);
  });
});
