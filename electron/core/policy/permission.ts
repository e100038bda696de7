// May a person at this device do that? The policy section `user` as yes, or as no with words that name who decides.
// Not for operating system rights: who may talk to the agent at all is the control API's.
import type { ManagedBy, Policy, PolicyUser } from './policy.ts';

const deeds: Readonly<Record<keyof PolicyUser, string>> = {
  exclusions: 'exclusions be added or removed here',
  testApp: 'apps be tested here',
  stop: 'the agent be stopped from here',
};

/** Null = allowed; else one sentence for the person who asked. */
export function whyForbidden(policy: Pick<Policy, 'user' | 'managedBy'>, key: keyof PolicyUser): string | null {
  if (policy.user[key] !== 'never') return null;
  return `The policy (user.${key}) does not let ${deeds[key]}.${whoDecides(policy.managedBy)}`;
}

/** ` Who decides: Contoso IT.`, behind a refusal; empty where nobody says so. */
export function whoDecides(managedBy: ManagedBy | null): string {
  return managedBy === null ? '' : ` Who decides: ${managerWords(managedBy)}.`;
}

/** `Contoso IT: call 4711 (https://it.contoso.example)`. */
export function managerWords({ name, caption, url }: ManagedBy): string {
  return `${name}${caption === null ? '' : `: ${caption}`}${url === null ? '' : ` (${url})`}`;
}
