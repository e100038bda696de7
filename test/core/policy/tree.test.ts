// Policy out of profiles and the registry: the same checks as for files, with paths instead of lines.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parsePolicyFile } from '../../../electron/core/policy/parse.ts';
import { readPolicyProfile, readPolicyRegistry } from '../../../electron/core/policy/tree.ts';

const key = 'HKLM\\Software\\Policies\\Pinlight';
const rule = { id: 'a', when: { host: '*.a.example', port: 443 }, do: 'inspect' };

describe('a profile', () => {
  test('says the same as a file with the same values', () => {
    const text = readFileSync(new URL('valid-policy.json', import.meta.url), 'utf8');
    const { version: _, ...values } = JSON.parse(text) as Record<string, unknown>;
    expect(readPolicyProfile(values, 'p')).toEqual(parsePolicyFile(text, 'p'));
  });
  test.each<[string, unknown, string, string]>([
    ['a mistyped key', { defaults: { onPined: 'block' } }, 'defaults.onPined', 'did you mean "onPinned"?'],
    ['a value of another type', { network: { port: '8080' } }, 'network.port', 'whole number'],
    ['a rule in the middle', { rules: [rule, { ...rule, id: 'b', do: 'inspct' }] }, 'rules[1].do', 'did you mean "inspect"?'],
    ['another version', { version: 2 }, 'version', 'must be 1'],
    ['values nested without end', { defaults: deep(40) }, '', 'nested deeper'],
    ['rules that are text: only the registry has none but text', { rules: '[]' }, 'rules', 'must be a list of rules'],
  ])('%s has a path and no line', (_, value, path, words) => {
    const read = readPolicyProfile(value, 'p');
    expect(read.kind === 'invalid' ? read.problems[0] : null).toMatchObject({ file: 'p', line: null, column: null, path, message: expect.stringContaining(words) });
  });
});

describe('the registry', () => {
  test.each<[string, unknown, unknown]>([
    ['values by their sections', { defaults: { onPinned: 'block' }, network: { port: 8080 } }, { defaults: { onPinned: 'block' }, network: { port: 8080 } }],
    ['names in any case', { DEFAULTS: { onpinned: 'block' } }, { defaults: { onPinned: 'block' } }],
    ['rules as one text', { rules: JSON.stringify([rule]) }, { rules: [{ ...rule, mustInspect: false, reason: null }] }],
    ['rules line by line', { rules: ['[', JSON.stringify(rule), ']'] }, { rules: [{ ...rule, mustInspect: false, reason: null }] }],
    ['a list as numbered values, in the order of the numbers', { network: { upstreamRoots: { 10: '/c', 2: '/b', 1: '/a' } } }, { network: { upstreamRoots: ['/a', '/b', '/c'] } }],
    ['a list as REG_MULTI_SZ', { network: { upstreamRoots: ['C:\\a.pem'] } }, { network: { upstreamRoots: ['C:\\a.pem'] } }],
    ['an empty key for an empty list of pairs', { network: { localTargets: {} } }, { network: { localTargets: {} } }],
    ['pairs as values of their own names', { network: { localTargets: { 'a.example:443': '127.0.0.1:1' } } }, { network: { localTargets: { 'a.example:443': '127.0.0.1:1' } } }],
    ['what people may do', { user: { stop: 'never' }, managedBy: { name: 'Contoso IT' } }, { user: { stop: 'never' }, managedBy: { name: 'Contoso IT', caption: null, url: null } }],
  ])('reads %s', (_, value, layer) => {
    expect(readPolicyRegistry(value, key)).toEqual({ kind: 'policy', layer: { version: 1, ...(layer as object) } });
  });
  test.each<[string, unknown, string, string]>([
    ['rules that are no JSON', { rules: '[{"id": ' }, 'rules', 'is no JSON'],
    ['rules that are empty', { rules: '' }, 'rules', 'is no JSON'],
    ['a number as text', { network: { port: '8080' } }, 'network.port', 'whole number'],
    ['a mistyped value', { user: { stop: 'nevr' } }, 'user.stop', 'did you mean "never"?'],
    ['a link that is none', { managedBy: { name: 'x', url: 'javascript:alert(1)' } }, 'managedBy.url', 'https://'],
    ['a key by a wrong name', { default: {} }, 'default', 'did you mean "defaults"?'],
    ['a key that would reach the prototype', JSON.parse('{"__proto__": {"polluted": 1}}'), '__proto__', 'unknown key'],
    ['one text where a section belongs', { defaults: 'block' }, 'defaults', 'must be an object'],
  ])('%s has a path and no line', (_, value, path, words) => {
    const read = readPolicyRegistry(value, key);
    expect(read.kind === 'invalid' ? read.problems[0] : null).toMatchObject({ file: key, line: null, path, message: expect.stringContaining(words) });
  });
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { a: deep(levels - 1) };
}
