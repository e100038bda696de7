// Managed policy on Windows: Software\Policies\Pinlight of the machine and of the user, where Group Policy and MDM write.
// Only administrators may write there. Not for reading the registry (registry.ts).
import type { ManagedPolicy, PolicySource } from '../../electron/core/policy/sources.ts';
import { createRegistryReader } from './registry.ts';
import type { Advapi32, RegistryRead, RegistryTree } from './registry.ts';

export const windowsPolicyKey = 'Software\\Policies\\Pinlight';

/** Reads both roots; what stands below `Recommended` gives way to the user's own file. */
export function windowsManagedPolicy(api: Advapi32, maxBytes: number): ManagedPolicy {
  const readKey = createRegistryReader(api, maxBytes);
  return {
    folders: [],
    read: () => {
      const levels = (['HKLM', 'HKCU'] as const).map((root) => sourcesOf(`${root}\\${windowsPolicyKey}`, readKey(root, windowsPolicyKey)));
      return (['managed', 'recommended'] as const).flatMap((origin) => levels.flatMap((sources) => sources.filter((source) => source.origin === origin)));
    },
  };
}

function sourcesOf(name: string, read: RegistryRead): PolicySource[] {
  if (read.kind === 'absent') return [];
  if (read.kind === 'refused') return [{ origin: 'managed', name, content: read }];
  const { managed, recommended } = splitRecommended(read.tree);
  const source = (origin: PolicySource['origin'], key: string, value: RegistryTree): PolicySource[] => (
    Object.keys(value).length === 0 ? [] : [{ origin, name: key, content: { kind: 'registry', value } }]
  );
  return [...source('managed', name, managed), ...source('recommended', `${name}\\Recommended`, recommended)];
}

function splitRecommended(tree: RegistryTree): { managed: RegistryTree; recommended: RegistryTree } {
  const isRecommended = (name: string, value: unknown): value is RegistryTree => name.toLowerCase() === 'recommended' && typeof value === 'object' && !Array.isArray(value);
  const entries = Object.entries(tree);
  return {
    managed: Object.fromEntries(entries.filter(([name, value]) => !isRecommended(name, value))),
    recommended: entries.map(([name, value]) => (isRecommended(name, value) ? value : {}))
      .find((value) => Object.keys(value).length > 0) ?? {},
  };
}
