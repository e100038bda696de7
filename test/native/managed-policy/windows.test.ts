// Software\Policies\Pinlight through a registry in memory: trees, types, levels, and keys that may not be read.
import { describe, expect, test } from 'vitest';
import { createRegistryReader, decodeValue } from '../../../native/managed-policy/registry.ts';
import { windowsManagedPolicy } from '../../../native/managed-policy/windows.ts';
import { fakeRegistry, type FakeKey } from './fake-registry.ts';

const at = (policy: FakeKey): FakeKey => ({ SOFTWARE: { Policies: { Pinlight: policy } } });
const machineKey = 'HKLM\\Software\\Policies\\Pinlight';
const userKey = 'HKCU\\Software\\Policies\\Pinlight';

describe('the registry', () => {
  test('is read whole, whatever the depth, and every key is closed', () => {
    const api = fakeRegistry(at({ '': 'unnamed', rules: ['[', ']'], defaults: { onPinned: 'block' }, network: { port: 8080, upstreamRoots: { 1: 'C:\\für uns.pem' }, localTargets: {} } }));
    expect(createRegistryReader(api, 10_000)('HKLM', 'Software\\Policies\\Pinlight')).toEqual({ kind: 'tree', tree: Object.assign(Object.create(null), {
      rules: ['[', ']'], defaults: { onPinned: 'block' }, network: { port: 8080, upstreamRoots: { 1: 'C:\\für uns.pem' }, localTargets: {} },
    }) });
    expect(api.open()).toBe(0);
  });
  test.each<[string, number, Buffer, unknown]>([
    ['REG_SZ without its closing zero', 1, Buffer.from('ab', 'utf16le'), 'ab'],
    ['REG_SZ with something behind its end', 1, Buffer.from('ab\0zz\0', 'utf16le'), 'ab'],
    ['an empty REG_SZ', 1, Buffer.alloc(0), ''],
    ['REG_EXPAND_SZ as it stands', 2, Buffer.from('%X%\0', 'utf16le'), '%X%'],
    ['REG_DWORD above 2^31', 4, Buffer.from([0xff, 0xff, 0xff, 0xff]), 4_294_967_295],
    ['a REG_DWORD that is cut off', 4, Buffer.from([1]), null],
    ['REG_QWORD', 11, Buffer.from([5, 0, 0, 0, 0, 0, 0, 0]), 5],
    ['an empty REG_MULTI_SZ', 7, Buffer.from('\0\0', 'utf16le'), []],
    ['REG_MULTI_SZ with one closing zero', 7, Buffer.from('a\0b\0', 'utf16le'), ['a', 'b']],
    ['REG_BINARY is no policy', 3, Buffer.from([1]), null],
  ])('%s', (_, type, data, value) => expect(decodeValue(type, data)).toEqual(value));

  test.each<[string, FakeKey, string | null, number, string]>([
    ['a key that may not be read', {}, 'Software\\Policies\\Pinlight', 5, 'may not be read'],
    ['a key below it that may not be read', { defaults: {} }, 'defaults', 5, 'defaults may not be read'],
    ['a value that is larger than any policy', { rules: 'x'.repeat(6_000) }, null, 0, 'Windows error 234'],
    ['keys nested without end', nested(20), null, 0, 'nested too deep'],
  ])('%s refuses the whole, and leaves none open', (_, policy, path, code, words) => {
    const api = fakeRegistry(at(policy));
    if (path !== null) api.closed.set(path, code);
    expect(windowsManagedPolicy(api, 10_000).read()[0]).toEqual({ origin: 'managed', name: machineKey, content: { kind: 'refused', why: expect.stringContaining(words) } });
    expect(api.open()).toBe(0);
  });
});

describe('the policy of Windows', () => {
  test('is none without the key, or with an empty one', () => {
    expect(windowsManagedPolicy(fakeRegistry({}), 1_000).read()).toEqual([]);
    expect(windowsManagedPolicy(fakeRegistry(at({}), at({ Recommended: {} })), 1_000).read()).toEqual([]);
  });
  test('comes for the machine, for the user, and then what each recommends', () => {
    const api = fakeRegistry(at({ user: { stop: 'never' }, RECOMMENDED: { network: { port: 1 } } }), at({ network: { port: 2 }, recommended: { user: { stop: 'always' } } }));
    expect(windowsManagedPolicy(api, 1_000).read()).toEqual([
      { origin: 'managed', name: machineKey, content: { kind: 'registry', value: { user: { stop: 'never' } } } },
      { origin: 'managed', name: userKey, content: { kind: 'registry', value: { network: { port: 2 } } } },
      { origin: 'recommended', name: `${machineKey}\\Recommended`, content: { kind: 'registry', value: { network: { port: 1 } } } },
      { origin: 'recommended', name: `${userKey}\\Recommended`, content: { kind: 'registry', value: { user: { stop: 'always' } } } },
    ]);
  });
});

function nested(levels: number): FakeKey {
  return levels === 0 ? {} : { deeper: nested(levels - 1) };
}
