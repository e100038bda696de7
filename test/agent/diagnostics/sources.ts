// Sources for bundle tests: the invented device, any source replaceable. Not a mock of the agent: the bundle only sees this interface.
import type { BundleOptions, BundleSources } from '../../../electron/agent/diagnostics/bundle.ts';
import { apps, connections, exclusions, now, policy, snapshot, stores } from '../../core/diagnostics/device-fixture.ts';

export const bundleOptions: BundleOptions = {
  device: 'LAPTOP-42', version: '0.1.0', now, random: Uint8Array.from([1, 2, 3, 4, 5]), homes: ['/home/ann'],
};

export function deviceSources(replace: Partial<BundleSources> = {}): BundleSources {
  return {
    status: async () => snapshot,
    policy: async () => policy,
    apps: async () => apps,
    exclusions: async () => exclusions,
    connections: async (limit) => connections.slice(0, limit),
    trust: async () => ({ root: snapshot.agent.root, stores }),
    versions: async () => ({ pinlight: '0.1.0', 'better-sqlite3': '13.2.0' }),
    logTail: async () => '{"level":30,"time":1,"msg":"listening on 127.0.0.1:18443"}\n{"level":40,"time":2,"msg":"slow look-up in /home/ann"}\n',
    ...replace,
  };
}
