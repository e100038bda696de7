// What inspecting needs, made anew when the root, the system's roots or policy's change. Not for using it (proxy/inspect.ts).
import type { Authority } from './ca/authority.ts';
import { createLeafContexts, type IssuedLeaf, type LeafContexts } from './ca/leaf-contexts.ts';
import { createRevocationLists } from './ca/revocation-lists.ts';
import type { Revocation } from './ca/server-chain.ts';
import type { SystemRoots } from './ca/system-roots.ts';
import type { Health } from './health/health.ts';
import type { PolicyStore } from './policy/policy-store.ts';
import { watchServer } from './proxy/accept-downstream.ts';
import { createUpstreams, type Upstreams } from './proxy/connect-upstream.ts';
import type { ProxyContext } from './proxy/proxy-context.ts';
import type { Store } from './store/store.ts';

/** Both legs' certificates: whom the server leg trusts, and the leaves under the root in use. `current` is asked anew each time; used only while there is one. */
export function openInspection(current: () => Authority | null, policy: PolicyStore, system: SystemRoots, store: Store, health: Health, now: () => number): NonNullable<ProxyContext['inspection']> {
  const lists = createRevocationLists();
  let upstreams: { roots: string; client: Upstreams } | null = null;
  let leaves: { authority: Authority; contexts: LeafContexts } | null = null;
  const authority = (): Authority => {
    const found = current();
    if (found === null) throw new Error('a root that was usable stays so');
    return found;
  };
  return {
    // Made anew when policy names other roots or revocation lists, or a file of these or of the system's has changed; old sessions go with it.
    upstreams: () => {
      const { upstreamRoots, upstreamCrls, unknownRevocation } = policy.current().network;
      const roots = [authority().spkiHash, system.generation(), ...upstreamRoots, unknownRevocation, ...upstreamCrls].join('\n');
      if (upstreams?.roots !== roots) {
        upstreams = { roots, client: createUpstreams({ systemRoots: system.current(), extraRoots: upstreamRoots, ownSpkiHash: authority().spkiHash, revocation: revocation() }) };
      }
      return upstreams.client;
    },
    // Another root makes other leaves.
    get leaves() {
      if (leaves?.authority !== authority()) leaves = { authority: authority(), contexts: createLeafContexts(authority(), issued, watchServer) };
      return leaves.contexts;
    },
  };

  function revocation(): Revocation | null {
    const { upstreamCrls, unknownRevocation } = policy.current().network;
    for (const { code, key } of health.visible()) if (code === 'revocation-list') health.clear(code, key);
    // Without a list all is unknown: `refuse` then refuses every server, as it does where no list can be read.
    if (upstreamCrls.length === 0 && unknownRevocation === 'allow') return null;
    return { unknown: unknownRevocation, listsOf: lists.open(upstreamCrls, now, (file, why) => health.raise('revocation-list', file, { file, why }, now())) };
  }

  function issued(leaf: IssuedLeaf): void {
    store.putIssued({
      sha256: leaf.sha256, host: leaf.host, upstreamHash: leaf.upstreamHash, upstreamResult: 'verified', rule: leaf.rule, at: now(),
      notBefore: leaf.notBefore, notAfter: leaf.notAfter,
    });
  }
}
