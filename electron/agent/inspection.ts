// What inspecting needs, made anew when the root, the system's roots or policy's change. Not for using it (proxy/inspect.ts).
import type { Authority } from './ca/authority.ts';
import { createLeafContexts, type IssuedLeaf, type LeafContexts } from './ca/leaf-contexts.ts';
import type { SystemRoots } from './ca/system-roots.ts';
import type { PolicyStore } from './policy/policy-store.ts';
import { watchServer } from './proxy/accept-downstream.ts';
import { createUpstreams, type Upstreams } from './proxy/connect-upstream.ts';
import type { ProxyContext } from './proxy/proxy-context.ts';
import type { Store } from './store/store.ts';

/** Both legs' certificates: whom the server leg trusts, and the leaves under the root in use. `current` is asked anew each time and was usable once. */
export function openInspection(current: () => Authority | null, policy: PolicyStore, system: SystemRoots, store: Store, now: () => number): NonNullable<ProxyContext['inspection']> {
  let upstreams: { roots: string; client: Upstreams } | null = null;
  let leaves: { authority: Authority; contexts: LeafContexts } | null = null;
  const authority = (): Authority => {
    const found = current();
    if (found === null) throw new Error('a root that was usable stays so');
    return found;
  };
  return {
    // Made anew when policy names other roots or the system has others; sessions of the old one go with it.
    upstreams: () => {
      const roots = [authority().spkiHash, system.generation(), ...policy.current().network.upstreamRoots].join('\n');
      if (upstreams?.roots !== roots) {
        upstreams = { roots, client: createUpstreams({ systemRoots: system.current(), extraRoots: policy.current().network.upstreamRoots, ownSpkiHash: authority().spkiHash }) };
      }
      return upstreams.client;
    },
    // Another root makes other leaves.
    get leaves() {
      if (leaves?.authority !== authority()) leaves = { authority: authority(), contexts: createLeafContexts(authority(), issued, watchServer) };
      return leaves.contexts;
    },
  };

  function issued(leaf: IssuedLeaf): void {
    store.putIssued({
      sha256: leaf.sha256, host: leaf.host, upstreamHash: leaf.upstreamHash, upstreamResult: 'verified', rule: leaf.rule, at: now(),
      notBefore: leaf.notBefore, notAfter: leaf.notAfter,
    });
  }
}
