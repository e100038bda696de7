// Precedence of layers and the origin of each key; the shipped list of exclusions.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { embeddedLayer } from '../../../electron/core/policy/embedded.ts';
import { predefinedExclusions } from '../../../electron/core/policy/exclusions.ts';
import { compileHostPattern } from '../../../electron/core/policy/host-pattern.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import type { OriginLayer } from '../../../electron/core/policy/merge.ts';
import { parsePolicyFile } from '../../../electron/core/policy/parse.ts';

function layer(origin: OriginLayer['origin'], file: string, content: object): OriginLayer {
  const read = parsePolicyFile(JSON.stringify({ version: 1, ...content }), file);
  if (read.kind === 'invalid') throw new Error(read.problems[0]?.message);
  return { origin, file, layer: read.layer };
}

const embedded: OriginLayer = { origin: 'embedded', file: null, layer: embeddedLayer('user') };

describe('merging', () => {
  test('without files the embedded rule holds, and its origin says so', () => {
    const policy = mergePolicy([embedded], []);
    expect(policy.rules.map((rule) => rule.id)).toEqual(['own-programs-443']);
    expect(policy.defaults).toEqual({ noMatch: 'bypass', onInvalidUpstream: 'splice', onPinned: 'bypass', onPrivateTrustStore: 'bypass', onUnknownApp: 'bypass', failMode: 'open' });
    expect(policy.network).toEqual({ port: 18443, privateTargets: 'allow', localTargets: {}, upstreamRoots: [], upstreamCrls: [], unknownRevocation: 'allow', upstreamProxy: 'system', upstreamBypass: [], upstreamCredentials: '', transparentPort: 0 });
    expect(policy.origins['rules.own-programs-443']).toEqual({ origin: 'embedded', file: null });
    expect(policy.origins['defaults.failMode']).toEqual({ origin: 'embedded', file: null });
  });
  test('a service without files inspects nothing', () => {
    expect(mergePolicy([{ ...embedded, layer: embeddedLayer('service') }], []).rules).toEqual([]);
    expect(mergePolicy([], []).rules).toEqual([]);
  });
  test('a file without rules leaves the embedded rules in force', () => {
    const policy = mergePolicy([layer('user', 'u', { defaults: { onPinned: 'block' } }), embedded], []);
    expect(policy.rules).toHaveLength(1);
    expect(policy.defaults.onPinned).toBe('block');
    expect(policy.origins['defaults.onPinned']).toEqual({ origin: 'user', file: 'u' });
  });
  test('an empty list of rules is a statement: nothing is inspected', () => {
    const policy = mergePolicy([layer('user', 'u', { rules: [] }), embedded], []);
    expect(policy.rules).toEqual([]);
    expect(policy.origins.rules).toEqual({ origin: 'user', file: 'u' });
  });
  test('the first layer that sets a key wins it, key by key', () => {
    const policy = mergePolicy([
      layer('managed', 'm1', { defaults: { noMatch: 'block' }, network: { port: 1 } }),
      layer('managed', 'm2', { defaults: { noMatch: 'inspect', onPinned: 'block' } }),
      layer('user', 'u', { defaults: { noMatch: 'bypass', onPinned: 'inspect', failMode: 'closed' }, network: { port: 2, privateTargets: 'block' } }),
      embedded,
    ], []);
    expect(policy.defaults).toMatchObject({ noMatch: 'block', onPinned: 'block', failMode: 'closed' });
    expect(policy.network).toMatchObject({ port: 1, privateTargets: 'block' });
    expect(policy.origins['defaults.onPinned']).toEqual({ origin: 'managed', file: 'm2' });
  });
  test('rules follow each other in the order of the layers, and two of one name both stay', () => {
    const policy = mergePolicy([
      layer('managed', 'm', { rules: [{ id: 'x', do: 'block' }] }),
      layer('user', 'u', { rules: [{ id: 'x', do: 'bypass' }, { id: 'y', do: 'inspect' }] }),
      embedded,
    ], []);
    expect(policy.rules.map(({ id, do: what }) => `${id} ${what}`)).toEqual(['x block', 'x~2 bypass', 'y inspect']);
    expect(policy.origins['rules.x~2']).toEqual({ origin: 'user', file: 'u' });
  });
});

describe('recommended policy', () => {
  test('gives way to the user\'s file and beats what is built in, and its origin says so', () => {
    const policy = mergePolicy([
      layer('managed', 'm', { defaults: { noMatch: 'block' } }),
      layer('user', 'u', { defaults: { onPinned: 'inspect' } }),
      layer('recommended', 'r', { defaults: { noMatch: 'inspect', onPinned: 'block', failMode: 'closed' }, rules: [{ id: 'x', do: 'bypass' }] }),
      embedded,
    ], []);
    expect(policy.defaults).toMatchObject({ noMatch: 'block', onPinned: 'inspect', failMode: 'closed' });
    expect(policy.origins['defaults.failMode']).toEqual({ origin: 'recommended', file: 'r' });
    expect(policy.rules.map(({ id }) => id)).toEqual(['x']);
  });
});

describe('what people may do', () => {
  type Says = 'always' | 'never' | 'user-decides' | null;
  test.each<[string, Says, Says, Says, Exclude<Says, null>, string]>([
    ['nobody says: the person decides', null, null, null, 'user-decides', 'embedded'],
    ['never of the organisation holds against the user\'s file', 'never', 'always', null, 'never', 'managed'],
    ['always of the organisation holds against the user\'s file', 'always', 'never', null, 'always', 'managed'],
    ['what is left to the user is what the user\'s file says', 'user-decides', 'never', null, 'never', 'user'],
    ['what is left to the user who says nothing is recommended', 'user-decides', null, 'never', 'never', 'recommended'],
    ['what is left to the user by everybody was left by the first', 'user-decides', 'user-decides', null, 'user-decides', 'managed'],
    ['the user\'s file beats what is recommended', null, 'always', 'never', 'always', 'user'],
  ])('%s', (_, managed, user, recommended, value, origin) => {
    const says = (name: 'managed' | 'user' | 'recommended', what: Says): OriginLayer[] => (what === null ? [] : [layer(name, name, { user: { exclusions: what } })]);
    const policy = mergePolicy([...says('managed', managed), ...says('user', user), ...says('recommended', recommended), embedded], []);
    expect([policy.user.exclusions, policy.origins['user.exclusions']?.origin]).toEqual([value, origin]);
  });
  test('who manages the device is taken whole from the first that says so', () => {
    const policy = mergePolicy([
      layer('managed', 'm', { managedBy: { name: 'Contoso IT' } }), layer('user', 'u', { managedBy: { name: 'me', url: 'https://me.example' } }), embedded,
    ], []);
    expect(policy.managedBy).toEqual({ name: 'Contoso IT', caption: null, url: null });
    expect(policy.origins['managedBy']).toEqual({ origin: 'managed', file: 'm' });
    expect(mergePolicy([embedded], []).managedBy).toBeNull();
  });
});

describe('the shipped exclusions', () => {
  const seed: unknown = JSON.parse(readFileSync(new URL('../../../resources/exclusions.json', import.meta.url), 'utf8'));

  test.each(['linux', 'macos', 'windows'] as const)('are well-formed on %s, with ids of their own', (os) => {
    const list = predefinedExclusions(seed, os);
    expect(list.length).toBeGreaterThan(5);
    expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
    for (const exclusion of list) {
      expect(exclusion).toMatchObject({ kind: 'predefined', createdAt: 0, expiresAt: null, appId: null, verdict: null });
      expect(compileHostPattern(exclusion.host, 'exclusion').kind).toBe('pattern');
    }
  });
  test('leave out privacy choices, other systems and entries that need an app', () => {
    const linux = predefinedExclusions(seed, 'linux');
    expect(linux.some(({ id }) => id.startsWith('password-managers') || id.startsWith('apple-push'))).toBe(false);
    expect(linux.find(({ id }) => id === 'duo')?.host).toBe('api-*.duosecurity.com');
    expect(predefinedExclusions(seed, 'macos').some(({ id }) => id === 'apple-push')).toBe(true);
    const entry = { id: 'x', vendor: 'V', hosts: ['a.example'], os: 'any', reason: 'pinned', scope: 'app+host' };
    expect(predefinedExclusions([entry], 'linux')).toEqual([]);
  });
  test('a malformed list is our own bug and throws', () => {
    expect(() => predefinedExclusions([{ id: 'x' }], 'linux')).toThrow();
    expect(() => predefinedExclusions([{ id: 'x', vendor: 'V', hosts: ['*'], os: 'any', reason: 'pinned', scope: 'host' }], 'linux')).toThrow(/host pattern/u);
  });
});
