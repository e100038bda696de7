// An effective policy as rows of words: what each key and rule is set to and by whom. For the CLI's table and the window's screen alike.
// Not for what a key means (key-docs.ts) or for deciding (decide.ts).
import { managerWords } from './permission.ts';
import type { Policy, PolicyOrigin, Rule } from './policy.ts';

/** Who set a value; `file`: also a registry key or a profile, null for what Pinlight brings along. */
export type SetBy = { readonly origin: PolicyOrigin; readonly file: string | null };

export type PolicyValueRow = { readonly key: string; readonly value: string; readonly setBy: SetBy };

const sections = ['defaults', 'network', 'learning', 'user', 'pause', 'notice', 'diagnostics'] as const;

/** Every key in force, in the order of the file's sections. */
export function policyValues(policy: Policy): PolicyValueRow[] {
  const rows = sections.flatMap((section) => Object.entries(policy[section]).map(([name, value]) => {
    const key = `${section}.${name}`;
    return { key, value: valueWords(value), setBy: setBy(policy, key) };
  }));
  return policy.managedBy === null ? rows : [...rows, { key: 'managedBy', value: managerWords(policy.managedBy), setBy: setBy(policy, 'managedBy') }];
}

export function setBy(policy: Policy, key: string): SetBy {
  return policy.origins[key] ?? { origin: 'embedded', file: null };
}

/** `managed (/etc/pinlight/policies/managed/50-team.json)`. */
export function setByWords({ origin, file }: SetBy): string {
  return file === null ? origin : `${origin} (${file})`;
}

/** The conditions of a rule by key; one of `values` has to fit. None = always. */
export function ruleConditions(rule: Rule): readonly { readonly name: string; readonly values: readonly string[] }[] {
  const { app, ...rest } = rule.when;
  return [...Object.entries(app ?? {}).map(([name, value]) => [`app.${name}`, value] as const), ...Object.entries(rest)]
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, values: [value].flat().map(String) }));
}

/** The same in English: `host *.bank.example, port 443 or 8443`; `always` without any. */
export function conditionWords(rule: Rule): string {
  const all = ruleConditions(rule).map(({ name, values }) => `${name} ${values.join(' or ')}`);
  return all.length === 0 ? 'always' : all.join(', ');
}

function valueWords(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
