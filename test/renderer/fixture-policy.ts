// What a fixture agent answers about policy and trust stores: an organisation's file over the defaults, one that is not valid, strings of strangers.
import type { PolicyAnswer, TrustAnswer } from '../../electron/contract/routes.ts';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { embeddedLayer } from '../../electron/core/policy/embedded.ts';
import { mergePolicy } from '../../electron/core/policy/merge.ts';

const file = '/etc/pinlight/policies/managed/50-team.json';

export const fixturePolicy: PolicyAnswer = {
  generation: 18,
  policy: mergePolicy([
    { origin: 'managed', file, layer: {
      version: 1, defaults: { onPinned: 'bypass', failMode: 'closed' }, network: { privateTargets: 'block' }, managedBy: { name: 'Contoso IT', caption: 'Questions? Call 4711', url: null },
      rules: [
        { id: 'finance', when: { host: ['*.bank.example'], port: 443 }, do: 'inspect', mustInspect: true, reason: 'audited' },
        { id: 'health', when: { host: '*.clinic.example' }, do: 'bypass', mustInspect: false, reason: 'private' },
        { id: '<b>all</b>\u202Egpj', when: {}, do: 'inspect', mustInspect: false, reason: null },
      ],
    } },
    { origin: 'embedded', file: null, layer: embeddedLayer('user') },
  ], []),
  problems: [{ file: '/home/maria/.config/pinlight/policy.d/90-mine.json', line: 7, column: 14, path: 'rules[2].when.host', message: 'is no host pattern: "*" may stand in the leftmost part only. Allowed: "name.example", "*.name.example", "api-*.name.example", an IP address, "*"' }],
  files: [file],
};

export function fixtureTrust(snapshot: Snapshot): TrustAnswer {
  return {
    root: { ...snapshot.agent.root, pem: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' },
    next: null,
    stores: [
      { store: 'system', kind: 'system', path: '/etc/ssl/certs/ca-certificates.crt', state: 'trusted', detail: 'curl, wget, git, Go and most programs of the distribution read it' },
      { store: 'firefox', kind: 'firefox', path: '/home/maria/.mozilla/firefox/x.default', state: 'missing', detail: 'a root of an earlier installation is in it; NSS database' },
      { store: 'java', kind: 'java', path: '/usr/lib/jvm/21/lib/security/cacerts', state: 'unreadable', detail: 'no keystore, or one with another password (--storepass-file names a file with it)' },
      { store: 'node <script>alert(1)</script>', kind: 'node', path: null, state: 'not-checked', detail: 'something new that no catalogue knows' },
    ],
  };
}
