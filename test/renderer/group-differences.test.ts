// Differences of two bundles as people read them: what is new, gone, changed or another version, by name.
import { expect, test } from 'vitest';
import { nodeBundleTools } from '../../electron/client/read-bundle-file.ts';
import { diffBundles } from '../../electron/core/diagnostics/diff-bundles.ts';
import { readBundle } from '../../electron/core/diagnostics/read-bundle.ts';
import type { OpenedBundle } from '../../electron/core/diagnostics/read-bundle.ts';
import { groupDifferences } from '../../renderer/diagnostics/group-differences.ts';
import { deviceSources, makeZip } from '../agent/diagnostics/sources.ts';
import { apps, exclusions, snapshot, stores } from '../core/diagnostics/device-fixture.ts';

async function bundleOf(replace: Parameters<typeof deviceSources>[0] = {}): Promise<OpenedBundle> {
  const read = await readBundle(new Uint8Array((await makeZip(deviceSources(replace))).zip), nodeBundleTools);
  if (read.kind !== 'bundle') throw new Error('the fixture makes a bundle');
  return read.bundle;
}

async function groupsTo(replace: Parameters<typeof deviceSources>[0]): Promise<readonly string[]> {
  const [before, after] = [await bundleOf(), await bundleOf(replace)];
  return groupDifferences(before, after, diffBundles(before, after)).map(({ file, kind, name, rows }) => `${file} ${kind} ${name}: ${rows.map(({ path }) => path).join(' ')}`);
}

const [first, ...others] = apps;
if (first === undefined) throw new Error('the fixture has an app');

test.each<[name: string, replace: Parameters<typeof deviceSources>[0], said: readonly string[]]>([
  ['nothing differs', {}, []],
  ['an app is gone', { apps: async () => others }, [`apps.json gone ${first.name}: `]],
  ['an app is new', { apps: async () => [...apps, { ...first, id: 'app-x', name: 'node · x.mjs' }] }, ['apps.json new node · x.mjs: ']],
  ['the same app has another program file', { apps: async () => [{ ...first, hash: 'f'.repeat(64) }, ...others] }, [`apps.json version ${first.name}: hash`]],
  ['an app comes back under another id', { apps: async () => [...others, { ...first, id: 'app-y', hash: 'f'.repeat(64) }] }, [`apps.json version ${first.name}: `]],
  ['all exclusions are gone, and the empty list is not said beside them', { exclusions: async () => [] }, exclusions.map(({ host }) => `exclusions.json gone ${host}: `)],
  ['versions by their file', { versions: async () => ({ pinlight: '0.2.0', 'better-sqlite3': '13.2.0' }) }, ['versions.json changed null: pinlight']],
  ['a store that cannot be read any more', { trust: async () => ({ root: snapshot.agent.root, stores: stores.map((store, index) => (index === 0 ? { ...store, state: 'unreadable' } : store)) }) }, [`trust-stores.json changed ${stores[0]?.store}: state`]],
])('%s', async (_name, replace, said) => expect(await groupsTo(replace)).toEqual(said));
