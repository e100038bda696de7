// Sources for bundle tests: the invented device, any source replaceable. Not a mock of the agent: the bundle only sees this interface.
import { assembleBundle } from '../../../electron/agent/diagnostics/bundle.ts';
import type { Bundle, BundleOptions } from '../../../electron/agent/diagnostics/bundle.ts';
import type { BundleSources } from '../../../electron/agent/diagnostics/collectors.ts';
import { buffer } from 'node:stream/consumers';
import type { ConnectionSource } from '../../../electron/agent/diagnostics/gather-connections.ts';
import { packBundle } from '../../../electron/agent/diagnostics/pack.ts';
import type { ConnectionRow } from '../../../electron/contract/snapshot.ts';
import { apps, audit, connections, exclusions, now, policy, snapshot, stores } from '../../core/diagnostics/device-fixture.ts';

export const bundleOptions: BundleOptions = {
  device: 'LAPTOP-42', version: '0.1.0', now, random: Uint8Array.from({ length: 21 }, (_, i) => i + 1), homes: ['/home/ann'],
  names: 'shown', note: null, recording: null, capture: null,
  doctor: { ok: false, checks: [
    { name: 'agent', state: 'ok', text: 'Version 0.1.0 answers, process 4711.', fix: null, ms: 3 },
    { name: 'stores', state: 'wrong', text: 'The root is missing in nss:/home/ann/.pki/nssdb.', fix: 'Run `pinlight trust install`; programs that read these stores refuse inspection until then.', ms: 900 },
    { name: 'internet', state: 'unknown', text: 'www.example.com was not reached yet.', fix: null, ms: 1 },
  ] },
};

/** A log of these rows, newest first. The filter is taken to fit all: what is chosen is the chooser's to say. */
export function sourceOf(rows: readonly ConnectionRow[]): ConnectionSource {
  return {
    page: (_filter, before, limit) => {
      const from = before === null ? 0 : rows.findIndex(({ id }) => id === before) + 1;
      return rows.slice(from, from + limit);
    },
    count: () => rows.length,
  };
}

export type DeviceSources = BundleSources & { readonly connections: ConnectionSource };

export function deviceSources(replace: Partial<DeviceSources> = {}): DeviceSources {
  return {
    status: async () => snapshot,
    policy: async () => policy,
    apps: async () => apps,
    exclusions: async () => exclusions,
    connections: sourceOf(connections),
    trust: async () => ({ root: snapshot.agent.root, stores }),
    audit: async () => audit,
    versions: async () => ({ pinlight: '0.1.0', 'better-sqlite3': '13.2.0' }),
    network: async () => ({ interfaces: [], defaultRoutes: [{ family: 'IPv4', interface: 'wlan0', gateway: '192.0.2.1', metric: 600 }], resolvers: ['192.0.2.53'], proxySettings: [], notVisible: null }),
    selfTest: async () => [{ version: 'TLSv1.3', under: 'the root', outcome: 'established', cipher: 'TLS_AES_256_GCM_SHA384', code: null, ms: 4 }],
    logTail: async () => '{"level":30,"time":1,"msg":"listening on 127.0.0.1:18443"}\n{"level":40,"time":2,"msg":"slow look-up in /home/ann"}\n',
    ...replace,
  };
}

/** The bundle of these sources as a zip file. */
export async function makeZip(sources: DeviceSources, options: Partial<BundleOptions> & { readonly sealTo?: string } = {}): Promise<{ readonly zip: Buffer; readonly bundle: Bundle }> {
  const { sealTo = null, ...rest } = options;
  const bundle = await assembleBundle(sources, { ...bundleOptions, ...rest });
  return { bundle, zip: await buffer(packBundle(bundle, sealTo)) };
}
