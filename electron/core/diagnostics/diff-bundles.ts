// What differs between two bundles of one device, or of two: settings, stores, verdicts, versions. Not for logs and connections, which always differ.
import type { OpenedBundle } from './read-bundle.ts';

/** `path`: file and place in it. `null`: it is not there. */
export type BundleDifference = { readonly path: string; readonly before: string | null; readonly after: string | null };

const compared = ['status.json', 'health.json', 'policy-effective.json', 'apps.json', 'exclusions.json', 'trust-stores.json', 'versions.json', 'system.json', 'network.json'] as const;
/** Numbers and moments that differ between any two bundles and say nothing, and what is said beside them already. */
const restless = /\.next\.words\.|(?:^|\.)(?:sequence|pid|startedAt|memoryFreeMb|agentMemoryMb|upSeconds|lastSeen|firstSeen|attempts|inspected|bypassed|blocked|inspect|bypass|block|open|since|at|checkedAt)$/;
/** A list's entries are known by one of these, so that a new one does not make all behind it look changed. */
const identities = ['id', 'store', 'code', 'host', 'name'] as const;

/** In the order of the files, then by place. */
export function diffBundles(before: OpenedBundle, after: OpenedBundle): BundleDifference[] {
  return compared.flatMap((file) => {
    const [a, b] = [leavesOf(before.text(file)), leavesOf(after.text(file))];
    return [...new Set([...a.keys(), ...b.keys()])].filter((path) => !restless.test(path) && a.get(path) !== b.get(path))
      .map((path) => ({ path: path === '' ? file : `${file} ${path}`, before: a.get(path) ?? null, after: b.get(path) ?? null }));
  });
}

function leavesOf(text: string | null): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    const inner = Array.isArray(value) ? keyed(value) : typeof value === 'object' && value !== null ? Object.entries(value) : null;
    // An empty list is a value too; deeper than any document of ours, the rest is one value.
    if (inner === null || inner.length === 0 || path.split('.').length > 24) leaves.set(path, JSON.stringify(value) ?? 'null');
    else for (const [key, one] of inner) walk(one, path === '' ? key : `${path}.${key}`);
  };
  try {
    if (text !== null) walk(JSON.parse(text), '');
  } catch {
    leaves.set('', 'no JSON');
  }
  return leaves;
}

function keyed(list: readonly unknown[]): [string, unknown][] {
  const seen = new Map<string, number>();
  return list.map((one) => {
    const name = typeof one === 'object' && one !== null ? identities.map((key) => (key in one ? Object.entries(one).find(([found]) => found === key)?.[1] : undefined)).find((id) => typeof id === 'string') : one;
    const key = typeof name === 'string' || typeof name === 'number' ? String(name) : 'entry';
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return [`[${key}${count === 1 ? '' : ` #${count}`}]`, one];
  });
}
