// When "no store trusts the root" is told: out of what the stores say. Not for reading stores.
import { expect, test } from 'vitest';
import { tellTrust } from '../../electron/agent/device-warnings.ts';
import { createHealth } from '../../electron/agent/health/health.ts';
import type { TrustAnswer, TrustStoreRow } from '../../electron/contract/routes.ts';

type State = TrustStoreRow['state'];
const answerOf = (states: readonly State[], fingerprint = 'AA'): TrustAnswer => ({
  root: { certificatePath: '/r.pem', fingerprint, subject: '', notBefore: 0, notAfter: 0, keyProtection: '', pem: '' }, next: null,
  stores: states.map((state, index) => ({ store: `s${index}`, title: '', state, detail: '' }) as unknown as TrustStoreRow),
});

test.each<[string, readonly State[], boolean]>([
  ['every store that can be read lacks it', ['missing', 'missing', 'unreadable'], true], ['one store holds it', ['missing', 'trusted'], false],
  ['no store could be read', ['unreadable', 'not-checked'], false], ['there are none', [], false],
])('%s', (_name, states, told) => {
  const health = createHealth(() => undefined);
  tellTrust(answerOf(states), health, () => 0);
  expect(health.visible().map(({ code }) => code)).toEqual(told ? ['root-not-trusted'] : []);
});

test('it goes when a store holds the root, and a root that cannot be used has a warning of its own', () => {
  const health = createHealth(() => undefined);
  tellTrust(answerOf(['missing']), health, () => 0);
  tellTrust(answerOf(['trusted']), health, () => 0);
  tellTrust(answerOf(['missing'], ''), health, () => 0);
  expect(health.visible()).toEqual([]);
});
