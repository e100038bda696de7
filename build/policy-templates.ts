// Writes resources/policy out of the policy's keys; run it after a change of those and commit what it writes (a test compares).
// Not part of the build: the files are kept, so that they can be read and reviewed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { policyTemplates } from './policy/templates.ts';

for (const [name, text] of Object.entries(policyTemplates())) {
  const file = join(import.meta.dirname, '..', 'resources', 'policy', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
