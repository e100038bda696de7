// Notices that somebody else inspects this device's traffic before us: one root that only this device knows vouches for unrelated public
// names (D5). Not for judging chains (ca/server-chain), and it changes no decision: rules do.
import { parse } from 'tldts';

/** A root of this device that neither browsers ship nor policy names. */
export type LocalRoot = { readonly spkiHash: string; readonly name: string };

export type AlreadyInspected = {
  /** A server leg at a dialled name that verified; null: a public root, or an organisation's own, vouches for it. */
  seen(host: string, root: LocalRoot | null): void;
};

/** An organisation's own authority vouches for its own domains, of which there may be two. */
const domainsNeeded = 3;
/** Roots remembered; a device has one or two such. */
const rootLimit = 20;

/** `onChange`: the names that show it, and null when one of them came with a public root again. */
export function createAlreadyInspected(onChange: (root: LocalRoot, domains: readonly string[] | null) => void): AlreadyInspected {
  const known = new Map<string, { readonly root: LocalRoot; readonly domains: Set<string> }>();
  return {
    seen: (host, root) => {
      if (root === null && known.size === 0) return;
      const { domain, isIcann } = parse(host);
      if (domain === null || isIcann !== true) return;
      if (root === null) {
        for (const [key, entry] of known) {
          if (!entry.domains.has(domain)) continue;
          known.delete(key);
          if (entry.domains.size >= domainsNeeded) onChange(entry.root, null);
        }
        return;
      }
      const entry = known.get(root.spkiHash) ?? { root, domains: new Set<string>() };
      if (entry.domains.size >= domainsNeeded || entry.domains.has(domain) || (entry.domains.size === 0 && known.size >= rootLimit)) return;
      known.set(root.spkiHash, entry);
      entry.domains.add(domain);
      if (entry.domains.size === domainsNeeded) onChange(root, [...entry.domains]);
    },
  };
}
