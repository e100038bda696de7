// The table of warnings: every placeholder can be filled, and the worst comes first.
import { describe, expect, test } from 'vitest';
import { visibleWarnings, warningTable, type ActiveWarning, type WarningCode } from '../../../electron/core/health/warnings.ts';

const codes = Object.keys(warningTable).filter((code): code is WarningCode => code in warningTable);
/** Values for every placeholder in use; a new one is to be named here. */
const values = {
  place: 'policy.json, line 3', file: 'policy.json', message: 'unknown key', dropped: 7, folder: '/var/lib/pinlight', date: '1 May 2027', app: 'curl', store: 'node-bundled',
  why: 'the network changed', until: '14:03:20', wanted: 8443, port: 18443,
  proxy: 'proxy.example:3128', schemes: 'Negotiate, NTLM', detail: 'ERR_PROXY_UNREACHABLE', room: 900, checked: 3, homes: 3, stores: 'system, java', root: 'CN=Other', domains: 'a.example, b.example',
};
const active = (code: WarningCode, since = 0): ActiveWarning => ({ code, key: code, values, since });

describe('warnings', () => {
  test.each(codes)('%s is a whole sentence with advice', (code) => {
    const [shown] = visibleWarnings([active(code)]);
    expect(shown).toMatchObject({ code, severity: warningTable[code].severity, title: warningTable[code].title, since: 0 });
    for (const text of [shown?.text, shown?.advice]) {
      expect(text).toMatch(/^\S.*\.$/);
      expect(text).not.toMatch(/[{}]|undefined|null/);
    }
    expect(shown?.title).not.toMatch(/[.{}]$/);
  });

  test('come worst first, then oldest first, and the input stays as it is', () => {
    const input = [active('private-trust-store', 1), active('store-corrupt', 5), active('root-unusable', 9), active('store-unwritable', 2), active('policy-invalid', 8)];
    const before = [...input];
    expect(visibleWarnings(input).map(({ code }) => code)).toEqual(['policy-invalid', 'root-unusable', 'store-unwritable', 'store-corrupt', 'private-trust-store']);
    expect(input).toEqual(before);
  });

  test('a value that is missing stays visible as its placeholder, a value with braces is not filled again', () => {
    const shown = visibleWarnings([{ code: 'policy-invalid', key: 'k', values: { place: '{message}, line 4' }, since: 0 }]);
    expect(shown[0]?.text).toBe('{message}, line 4: {message}. A good earlier version holds, else nothing is inspected.');
  });

  test('none is none', () => expect(visibleWarnings([])).toEqual([]));
});
