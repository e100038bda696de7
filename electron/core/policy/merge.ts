// Layers of policy into the one effective policy, with the origin of each key.
// Not for reading or checking files (parse.ts, agent/policy).
import type { Exclusion } from '../model.ts';
import { embeddedLayer } from './embedded.ts';
import type { PolicyDefaults, PolicyDiagnostics, PolicyLayer, PolicyLearning, PolicyNetwork, PolicyNotice, PolicyPause, PolicyUser, Rule } from './keys.ts';
import type { Policy, PolicyOrigin } from './policy.ts';

/** One layer and where it came from: a file, a registry key, a profile; null for what is built in. */
export type OriginLayer = { readonly origin: PolicyOrigin; readonly file: string | null; readonly layer: PolicyLayer };

type Origins = Record<string, { readonly origin: PolicyOrigin; readonly file: string | null }>;

/**
 * The effective policy. `layers` in order of precedence (managed for the machine, managed for the user, the user's own file, recommended,
 * embedded; files in name order): the first that sets a key wins it, and rules follow each other in that order, since the first match wins.
 * In `user`, a layer that says `user-decides` leaves the key to the next one.
 * Embedded rules hold only when no other layer has a `rules` list, an empty one included.
 */
export function mergePolicy(layers: readonly OriginLayer[], exclusions: readonly Exclusion[]): Policy {
  const origins: Origins = {};
  const builtIn: OriginLayer = { origin: 'embedded', file: null, layer: embeddedLayer('service') };
  // The safe embedded layer comes last, so that a policy is complete even when the caller gave no layer at all.
  const all = [...layers, builtIn];
  const base = embeddedLayer('service');
  const pickFor = <T extends object>(section: 'defaults' | 'network' | 'learning' | 'user' | 'pause' | 'notice' | 'diagnostics', complete: T, part: (layer: PolicyLayer) => Partial<T> | undefined): T => {
    const result = { ...complete };
    for (const key of keysOf(complete)) {
      const setters = all.filter(({ layer }) => part(layer)?.[key] !== undefined);
      const setter = setters.find(({ layer }) => part(layer)?.[key] !== 'user-decides') ?? setters[0] ?? builtIn;
      result[key] = part(setter.layer)?.[key] ?? complete[key];
      origins[`${section}.${String(key)}`] = { origin: setter.origin, file: setter.file };
    }
    return result;
  };
  const defaults = pickFor<PolicyDefaults>('defaults', base.defaults, (layer) => layer.defaults);
  const network = pickFor<PolicyNetwork>('network', base.network, (layer) => layer.network);
  const learning = pickFor<PolicyLearning>('learning', base.learning, (layer) => layer.learning);
  const user = pickFor<PolicyUser>('user', base.user, (layer) => layer.user);
  const pause = pickFor<PolicyPause>('pause', base.pause, (layer) => layer.pause);
  const notice = pickFor<PolicyNotice>('notice', base.notice, (layer) => layer.notice);
  const diagnostics = pickFor<PolicyDiagnostics>('diagnostics', base.diagnostics, (layer) => layer.diagnostics);
  // Whole: a name of one organisation with the link of another would send people to the wrong desk.
  const manager = all.find(({ layer }) => layer.managedBy !== undefined);
  if (manager !== undefined) origins.managedBy = { origin: manager.origin, file: manager.file };
  return { version: 1, defaults, rules: mergeRules(all, origins), network, learning, user, pause, notice, diagnostics, managedBy: manager?.layer.managedBy ?? null, exclusions, origins };
}

function mergeRules(layers: readonly OriginLayer[], origins: Origins): Rule[] {
  const set = layers.filter(({ layer }) => layer.rules !== undefined);
  const written = set.filter(({ origin }) => origin !== 'embedded');
  const used = written.length > 0 ? written : set.slice(0, 1);
  const first = used[0];
  if (first !== undefined) origins.rules = { origin: first.origin, file: first.file };
  const rules: Rule[] = [];
  const taken = new Set<string>();
  for (const { layer, origin, file } of used) {
    for (const rule of layer.rules ?? []) {
      const id = freeId(rule.id, taken);
      taken.add(id);
      origins[`rules.${id}`] = { origin, file };
      rules.push(id === rule.id ? rule : { ...rule, id });
    }
  }
  return rules;
}

/** Two files may use one id; both rules stay, told apart by `~2`, which no file may write itself. */
function freeId(id: string, taken: ReadonlySet<string>): string {
  let free = id;
  for (let count = 2; taken.has(free); count++) free = `${id}~${count}`;
  return free;
}

function keysOf<T extends object>(value: T): (keyof T)[] {
  const keys: (keyof T)[] = [];
  for (const key in value) keys.push(key);
  return keys;
}
