// What people may do: three states, and the words of a refusal.
import { describe, expect, test } from 'vitest';
import { managerWords, whyForbidden } from '../../../electron/core/policy/permission.ts';
import type { ManagedBy, PolicyUser } from '../../../electron/core/policy/policy.ts';

const user: PolicyUser = { exclusions: 'user-decides', testApp: 'always', stop: 'never' };
const contoso: ManagedBy = { name: 'Contoso IT', caption: 'call 4711', url: 'https://it.contoso.example' };

describe('a person', () => {
  test.each<[string, keyof PolicyUser, ManagedBy | null, string | null]>([
    ['may do what is left to people', 'exclusions', contoso, null],
    ['may do what is always allowed', 'testApp', contoso, null],
    ['may not do what is never allowed, and reads who says so', 'stop', contoso,
      'The policy (user.stop) does not let the agent be stopped from here. Who decides: Contoso IT: call 4711 (https://it.contoso.example).'],
    ['is refused without a name where none is given', 'stop', null, 'The policy (user.stop) does not let the agent be stopped from here.'],
  ])('%s', (_, key, managedBy, why) => expect(whyForbidden({ user, managedBy }, key)).toBe(why));

  test('reads the organisation\'s name alone where it says no more', () => {
    expect(managerWords({ name: 'Contoso IT', caption: null, url: null })).toBe('Contoso IT');
  });
});
