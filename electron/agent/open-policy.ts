// The policy of an agent's paths: which files it reads, and what stands below them. Not for reading or merging (policy-store).
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { configFolder } from '../../native/config-folder.ts';
import { openManagedPolicy } from '../../native/managed-policy/index.ts';
import type { PinlightPaths } from '../contract/paths.ts';
import { embeddedLayer } from '../core/policy/embedded.ts';
import { predefinedExclusions } from '../core/policy/exclusions.ts';
import { policyLimits } from '../core/policy/keys.ts';
import type { PolicyOrigin } from '../core/policy/policy.ts';
import { tellPolicyProblems } from './device-warnings.ts';
import type { Health } from './health/health.ts';
import { installFolder } from './install-folder.ts';
import { os } from './this-system.ts';
import { createPolicyStore, type PolicyStore } from './policy/policy-store.ts';

/** `files`: only these are read, where there are any. Closed by what is added to `closers`. */
export function openPolicy(files: readonly string[], { service }: PinlightPaths, health: Health, now: () => number, closers: (() => void)[]): PolicyStore {
  const seed: unknown = JSON.parse(readFileSync(join(installFolder, 'resources', 'exclusions.json'), 'utf8'));
  const policy = createPolicyStore({
    managed: openManagedPolicy({ service, maxBytes: policyLimits.fileBytes }),
    userFile: service ? null : join(configFolder(process.env, homedir()), 'pinlight', 'policy.json'),
    explicitFiles: files, embedded: embeddedLayer(service ? 'service' : 'user'), exclusions: predefinedExclusions(seed, os),
  });
  closers.push(() => policy.close());
  tellPolicyProblems(policy, health, now);
  return policy;
}

/** The strongest origin that any value has. */
export function policyOrigin(policy: PolicyStore): PolicyOrigin {
  const origins = new Set(Object.values(policy.current().origins).map((entry) => entry.origin));
  return (['managed', 'user', 'recommended'] as const).find((origin) => origins.has(origin)) ?? 'embedded';
}
