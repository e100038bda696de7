// The keys of a policy as settings an administrator's tool shows one by one: `rules` is one of them, with all that stands in it.
// Not for the keys inside a rule (reference.ts tells those).
import { policyKeys } from '../../electron/core/policy/key-docs.ts';
import type { KeyShape, PolicyKey } from '../../electron/core/policy/key-docs.ts';

export type Setting = {
  /** `defaults`; empty for `rules`. */
  readonly section: string;
  readonly name: string;
  readonly shape: KeyShape;
  readonly default: unknown;
  readonly meaning: string;
};

/** Every setting, `version` aside: profile and registry have none. */
export function policySettings(): readonly Setting[] {
  const keys = policyKeys().filter(({ key }) => key !== 'version' && !key.startsWith('rules[]'));
  const rules: Setting = {
    section: '', name: 'rules', shape: { kind: 'other' }, default: undefined,
    meaning: 'list of rules in JSON; the first that matches decides about a connection',
  };
  return [rules, ...keys.map(settingOf)];
}

/** The sections in order, with what people read. */
export const sectionWords: Readonly<Record<string, string>> = {
  defaults: 'What happens where no rule says otherwise',
  network: 'Port, targets and roots of the proxy',
  learning: 'What is learned from refusing apps',
  user: 'What people at the device may do',
  pause: 'Pausing inspection',
  notice: 'The notice people read first',
  diagnostics: 'Diagnostic bundles',
  managedBy: 'Who manages this device',
};

function settingOf({ key, shape, default: value, meaning }: PolicyKey): Setting {
  const [section = '', name = ''] = key.split('.');
  return { section, name, shape, default: value, meaning };
}
