// The policy that holds where no file says otherwise. Not for what an organisation wants: that is files.
import type { PolicyDefaults, PolicyDiagnostics, PolicyLayer, PolicyLearning, PolicyNetwork, PolicyNotice, PolicyPause, PolicyUser } from './keys.ts';
import { predefinedTexts } from './problem-texts.ts';

/** Every key has a value here, so that a merged policy is complete whatever the files leave open. */
export type EmbeddedLayer = PolicyLayer & {
  readonly defaults: PolicyDefaults; readonly network: PolicyNetwork; readonly learning: PolicyLearning; readonly user: PolicyUser;
  readonly pause: PolicyPause; readonly notice: PolicyNotice; readonly diagnostics: PolicyDiagnostics;
};

const defaults: PolicyDefaults = {
  noMatch: 'bypass',
  onInvalidUpstream: 'splice',
  onPinned: 'bypass',
  onPrivateTrustStore: 'bypass',
  onUnknownApp: 'bypass',
  failMode: 'open',
};

const network: PolicyNetwork = {
  port: 18_443, privateTargets: 'allow', localTargets: {}, upstreamRoots: [], upstreamCrls: [], unknownRevocation: 'allow', upstreamProxy: 'system', upstreamBypass: [], upstreamCredentials: '', transparentPort: 0,
};

/** Exclusions are short at first, longer once confirmed; pass-throughs are few, as each is a tunnel. */
const learning: PolicyLearning = { shortMinutes: 60, firstHours: 12, confirmedDays: 7, perAppPerHour: 5 };

const user: PolicyUser = { exclusions: 'user-decides', testApp: 'user-decides', stop: 'user-decides' };

const pause: PolicyPause = { mode: 'allow', maxMinutes: 30, maxPerDay: 10, keyFile: null };

const notice: PolicyNotice = { mode: 'shown', text: null };

const diagnostics: PolicyDiagnostics = { names: 'shown', captureHandshakes: 0, sealTo: null };

/** `user`: one rule, port 443 of the programs of whoever runs the agent. `service`: inspects nothing, and lets nobody pause it, until somebody says so. */
export function embeddedLayer(mode: 'user' | 'service'): EmbeddedLayer {
  const rules = mode === 'service' ? [] : [{
    id: 'own-programs-443',
    when: { user: 'self', port: 443 },
    do: 'inspect' as const,
    mustInspect: false,
    reason: predefinedTexts['predefined.embedded'],
  }];
  return { version: 1, defaults, rules, network, learning, user, pause: mode === 'service' ? { ...pause, mode: 'disallow' } : pause, notice, diagnostics };
}
