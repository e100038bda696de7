// The reference of policy keys: made from the schema, with words for every key.
import { expect, test } from 'vitest';
import { keyMeanings, policyKeys } from '../../electron/core/policy/key-docs.ts';
import { runPinlight } from './run-pinlight.ts';

test('every key has a meaning, and no meaning is left without its key', () => {
  expect(policyKeys().map(({ key }) => key).toSorted()).toEqual(Object.keys(keyMeanings).toSorted());
  for (const { key, meaning } of policyKeys()) expect(meaning, key).not.toBe('');
});

test.each([
  ['a choice', 'defaults.onPinned', 'bypass | inspect | block', '"bypass"'],
  ['a number with its limits', 'network.port', 'whole number, 0 to 65535', '18443'],
  ['one or many', 'rules[].when.port', 'whole number, 1 to 65535, or a list', undefined],
  ['a list', 'network.upstreamRoots', 'list of texts', '[]'],
  ['a default of the schema', 'rules[].mustInspect', 'true | false', 'false'],
])('%s reads %s', (_name, key, type, value) => {
  const found = policyKeys().find((one) => one.key === key);
  expect([found?.type, found !== undefined && 'default' in found ? JSON.stringify(found.default) : undefined]).toEqual([type, value]);
});

test('policy keys needs no agent and gives one document', async () => {
  const { code, stdout } = await runPinlight(['policy', 'keys', '--json'], { home: '/nonexistent' });
  expect({ code, data: JSON.parse(stdout) }).toEqual({ code: 0, data: { ok: true, data: { keys: policyKeys() } } });
  expect((await runPinlight(['policy', 'keys'], { home: '/nonexistent' })).stdout).toMatch(/^rules\[\]\.do +inspect \| bypass \| block +required +what the first/m);
});
