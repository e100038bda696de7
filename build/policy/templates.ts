// Every file that is made from the policy's keys, as text by name. Not for writing them (build/policy-templates.ts).
import { policySchema } from '../../electron/core/policy/key-docs.ts';
import { groupPolicyDefinitions, groupPolicyWords } from './group-policy.ts';
import { exampleProfile } from './profile.ts';
import { policyReference } from './reference.ts';

/** Path below resources/policy → content. */
export function policyTemplates(): Readonly<Record<string, string>> {
  return {
    'pinlight.schema.json': `${JSON.stringify({ title: 'Pinlight policy file', ...policySchema() }, null, 2)}\n`,
    'pinlight.admx': groupPolicyDefinitions(),
    'en-US/pinlight.adml': groupPolicyWords(),
    'pinlight.mobileconfig': exampleProfile(),
    'POLICY.md': policyReference(),
  };
}
