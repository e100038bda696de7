// Addresses that are never dialled, by literal and by name. Not for those that are (test/routes).
import { describe, expect, test } from 'vitest';
import { dialTarget, type Resolve } from '../../../electron/agent/proxy/dial.ts';

const network = { port: 0, privateTargets: 'allow', localTargets: {}, upstreamRoots: [], upstreamCrls: [], unknownRevocation: 'allow', upstreamProxy: 'system', upstreamBypass: [], upstreamCredentials: '', transparentPort: 0 } as const;
const addresses = ['127.0.0.1', '::1', '169.254.1.1', '0.0.0.0', '224.0.0.1', '169.254.169.254', '240.0.0.1', '255.255.255.255', '192.0.0.1', '100::1', '4000::1'];

describe.each(addresses)('%s', (address) => {
  test('is refused as a literal', async () => {
    expect(await dialTarget({ host: address, port: 443 }, network, new Set())).toMatchObject({ kind: 'refused' });
  });
  test('is refused where a name resolves to it', async () => {
    const resolve: Resolve = (_host, done) => done(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
    const result = await dialTarget({ host: 'name.pinlight.test', port: 443 }, network, new Set(), resolve);
    expect(result).toMatchObject({ kind: 'refused', why: expect.stringContaining(address) });
  });
});
