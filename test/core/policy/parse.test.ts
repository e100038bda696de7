// Broken policy files: every problem names its line, column and path, and hostile ones cost no more than a moment.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePolicyFile } from '../../../electron/core/policy/parse.ts';
import type { PolicyProblem } from '../../../electron/core/policy/policy.ts';
import { processorMs } from '../../support/processor-time.ts';

function problemsOf(text: string): readonly PolicyProblem[] {
  const read = parsePolicyFile(text, 'p.json');
  return read.kind === 'invalid' ? read.problems : [];
}

const rule = (more: string): string => `{"version": 1, "rules": [\n  {"id": "a", "do": "inspect"${more}}\n]}`;

describe('a valid policy file', () => {
  test('with nothing but its version sets nothing', () => {
    expect(parsePolicyFile('{"version": 1}', 'p.json')).toEqual({ kind: 'policy', layer: { version: 1 } });
  });
  test('may begin with a byte order mark', () => {
    expect(parsePolicyFile('\uFEFF{"version": 1}', 'p.json').kind).toBe('policy');
  });
  test('fills in what a rule leaves out, and cannot be changed afterwards', () => {
    const read = parsePolicyFile(rule(', "when": {"host": ["*.a.example", "10.0.0.1"], "port": 443}'), 'p.json');
    if (read.kind === 'invalid') throw new Error(read.problems[0]?.message);
    expect(read.layer.rules).toEqual([{ id: 'a', do: 'inspect', when: { host: ['*.a.example', '10.0.0.1'], port: 443 }, mustInspect: false, reason: null }]);
    expect(Object.isFrozen(read.layer.rules)).toBe(true);
    expect(Object.isFrozen(read.layer.rules?.[0]?.when)).toBe(true);
  });
  test('with every key is read whole', () => {
    const text = JSON.stringify({
      version: 1,
      defaults: { noMatch: 'block', onInvalidUpstream: 'block', onPinned: 'block', onPrivateTrustStore: 'inspect', onUnknownApp: 'block', failMode: 'closed' },
      rules: [{ id: 'r', when: { app: { path: '/usr/bin/*', package: 'curl', signer: 'Contoso' }, host: '*', port: [1, 2], os: ['linux'], user: 'self' }, do: 'inspect', mustInspect: true, reason: 'because' }],
      network: { port: 0, privateTargets: 'block', localTargets: { 'api.lab.example:443': '127.0.0.1:9443', '[::1]:1': '[::1]:2' }, upstreamRoots: ['/etc/ca.pem', 'C:\\ca.pem'], upstreamCrls: ['/etc/ca.crl'], unknownRevocation: 'refuse', upstreamProxy: 'pac+https://wpad.example/proxy.pac', upstreamBypass: ['10.0.0.0/8', '.corp.example'], upstreamCredentials: '/etc/pinlight/proxy', transparentPort: 18_444 },
    });
    expect(parsePolicyFile(text, 'p.json')).toEqual({ kind: 'policy', layer: JSON.parse(text) });
  });
});

describe('a broken policy file', () => {
  test.each<[string, string, number, number, string, string]>([
    ['an empty file', '', 1, 1, '', 'empty'],
    ['a list', '[]', 1, 1, '', 'must be an object'],
    ['no version', '{\n}', 1, 1, 'version', 'is missing'],
    ['another version', '{"version": 2}', 1, 13, 'version', 'must be 1, not 2'],
    ['a comment', '{\n  // note\n  "version": 1}', 2, 3, '', 'comments are not allowed'],
    ['a trailing comma', '{"version": 1,\n}', 2, 1, '', 'a comma may not stand before'],
    ['a missing comma', '{"version": 1\n "rules": []}', 2, 2, '', 'a comma is expected'],
    ['an open string', '{"version": 1, "rules\n": []}', 1, 16, '', 'closing quote'],
    ['text after the end', '{"version": 1}\n{}', 2, 1, '', 'should end here'],
    ['a mistyped section', '{"version": 1,\n "rulez": []}', 2, 2, 'rulez', 'did you mean "rules"?'],
    ['a mistyped default', '{"version": 1, "defaults": {\n "onPined": "block"}}', 2, 2, 'defaults.onPined', 'did you mean "onPinned"?'],
    ['a mistyped value', '{"version": 1, "defaults": {\n "onPinned": "bypas"}}', 2, 14, 'defaults.onPinned', 'did you mean "bypass"?'],
    ['a value of another kind', '{"version": 1, "defaults": {\n "onPinned": true}}', 2, 14, 'defaults.onPinned', 'must be "bypass", "inspect" or "block", not true'],
    ['the same key twice', '{"version": 1,\n "version": 1}', 2, 2, 'version', 'twice'],
    ['a key that would reach the prototype', '{"version": 1,\n "__proto__": {"polluted": 1}}', 2, 2, '__proto__', 'unknown key'],
    ['a constructor', '{"version": 1,\n "constructor": {"prototype": {}}}', 2, 2, 'constructor', 'unknown key'],
    ['rules that are no list', '{"version": 1, "rules": {}}', 1, 25, 'rules', 'must be a list of rules'],
    ['a rule that is no object', '{"version": 1, "rules": [\n 5]}', 2, 2, 'rules[0]', 'must be an object'],
    ['a rule without id', '{"version": 1, "rules": [\n {"do": "block"}]}', 2, 2, 'rules[0].id', 'is missing'],
    ['a rule without do', '{"version": 1, "rules": [\n {"id": "x"}]}', 2, 2, 'rules[0].do', 'is missing'],
    ['an id with blanks', '{"version": 1, "rules": [\n {"id": "a b", "do": "block"}]}', 2, 9, 'rules[0].id', 'letters a to z'],
    ['the same id twice', '{"version": 1, "rules": [\n {"id": "x", "do": "block"},\n {"id": "x", "do": "block"}]}', 3, 9, 'rules[1].id', 'rules[0]'],
    ['must-inspect on a bypass', '{"version": 1, "rules": [\n {"id": "x", "do": "bypass", "mustInspect": true}]}', 2, 45, 'rules[0].mustInspect', 'only with "do": "inspect"'],
    ['a mistyped condition', rule(', "when": {"hots": "a"}'), 2, 41, 'rules[0].when.hots', 'did you mean "host"?'],
    ['a mistyped app condition', rule(', "when": {"app": {"pth": "a"}}'), 2, 49, 'rules[0].when.app.pth', 'did you mean "path"?'],
    ['a wrong host pattern', rule(', "when": {"host": "a.*.b"}'), 2, 49, 'rules[0].when.host', 'leftmost'],
    ['a wrong host pattern in a list', rule(', "when": {"host": ["a.b", "a/b"]}'), 2, 57, 'rules[0].when.host[1]', 'without scheme'],
    ['an empty list of hosts', rule(', "when": {"host": []}'), 2, 49, 'rules[0].when.host', 'at least one'],
    ['a host of another kind', rule(', "when": {"host": 5}'), 2, 49, 'rules[0].when.host', 'must be a host pattern or a list of them'],
    ['a port out of range', rule(', "when": {"port": [443, 65536]}'), 2, 55, 'rules[0].when.port[1]', 'from 1 to 65535, not 65536'],
    ['a port with a fraction', rule(', "when": {"port": 44.3}'), 2, 49, 'rules[0].when.port', 'whole number'],
    ['an unknown system', rule(', "when": {"os": "linus"}'), 2, 47, 'rules[0].when.os', 'did you mean "linux"?'],
    ['a text that is too long', rule(`, "reason": "${'x'.repeat(1001)}"`), 2, 42, 'rules[0].reason', 'at most 1000'],
    ['a port of the proxy out of range', '{"version": 1, "network": {\n "port": -1}}', 2, 10, 'network.port', 'from 0 to 65535'],
    ['a local target without port', '{"version": 1, "network": {"localTargets": {\n "a.example": "127.0.0.1:1"}}}', 2, 2, 'network.localTargets["a.example"]', '"host:port"'],
    ['a local target that is a name', '{"version": 1, "network": {"localTargets": {\n "a.example:1": "localhost:1"}}}', 2, 17, 'network.localTargets["a.example:1"]', 'an address with port'],
    ['a relative path to roots', '{"version": 1, "network": {"upstreamRoots": [\n "ca.pem"]}}', 2, 2, 'network.upstreamRoots[0]', 'absolute'],
  ])('%s', (_, text, line, column, path, words) => {
    const problems = problemsOf(text);
    expect(problems[0]).toMatchObject({ file: 'p.json', line, column });
    if (path !== '') expect(problems[0]?.path).toBe(path);
    expect(problems[0]?.message).toContain(words);
  });

  test('tells every problem at once, in the order of the text', () => {
    const problems = problemsOf(`{
  "version": 1,
  "defaults": {"noMatch": "allow"},
  "rules": [
    {"id": "a", "do": "inspct"},
    {"id": "a", "do": "block", "mustInspect": true},
    {"id": "b", "do": "block", "when": {"host": "*", "ports": 1}}
  ],
  "network": {"port": "443"}
}`);
    expect(problems.map(({ line, path }) => [line, path])).toEqual([
      [3, 'defaults.noMatch'], [5, 'rules[0].do'], [6, 'rules[1].id'], [6, 'rules[1].mustInspect'], [7, 'rules[2].when.ports'], [9, 'network.port'],
    ]);
  });

  test('leaves the prototype of objects alone', () => {
    problemsOf('{"version": 1, "__proto__": {"polluted": true}, "network": {"localTargets": {"__proto__": "127.0.0.1:1"}}}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('any text', () => {
  test('is read or refused, never thrown at, and refused wherever JSON.parse refuses', () => {
    const nearlyPolicy = fc.json({ maxDepth: 3 }).map((json) => `{"version": 1, "rules": ${json}}`);
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), nearlyPolicy, mangled()), (text) => {
      const read = parsePolicyFile(text, 'p.json');
      if (read.kind === 'policy') expect(JSON.parse(text.replace(/^\uFEFF/u, ''))).toMatchObject({ version: 1 });
      else for (const problem of read.problems) expect([problem.line, problem.column].every((place) => place !== null && place >= 1) && problem.message !== '').toBe(true);
    }), { numRuns: 3000 });
  });

  test.each([
    ['a million brackets', '['.repeat(1_000_000)],
    ['objects in objects', '{"a":'.repeat(200_000)],
    ['a third of a million rules', `{"version":1,"rules":[${'{},'.repeat(340_000)}{}]}`],
    ['five thousand broken rules', `{"version":1,"rules":[${Array.from({ length: 5000 }, (_, i) => `{"id":"r${i}","do":"x","when":{"host":["*","a.*.b"],"z":1}}`).join()}]}`],
    ['eighty thousand unknown keys', `{"version":1,${Array.from({ length: 80_000 }, (_, i) => `"k${i}":1`).join()}}`],
    ['sixty thousand broken targets', `{"version":1,"network":{"localTargets":{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":""`).join()}}}}`],
    ['half a million comments', '/*'.repeat(500_000)],
    ['one endless host', rule(`, "when": {"host": "${'a.'.repeat(500_000)}"}`)],
    ['more than a megabyte', `{"version":1}${' '.repeat(1_100_000)}`],
  ])('%s in a file of one megabyte is refused within five seconds', (_, text) => {
    let found = 0;
    expect(processorMs(() => { found = problemsOf(text).length; })).toBeLessThan(5_000);
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThanOrEqual(101);
  });

  test('five thousand valid rules are read', () => {
    const rules = Array.from({ length: 5000 }, (_, i) => ({ id: `r${i}`, do: 'bypass', when: { host: [`*.h${i}.example`, `h${i}.example`], port: 443 } }));
    const read = parsePolicyFile(JSON.stringify({ version: 1, rules }), 'p.json');
    expect(read.kind === 'policy' && read.layer.rules?.length).toBe(5000);
  });
});

/** A valid file with one character put in, taken out or exchanged. */
function mangled(): fc.Arbitrary<string> {
  const whole = readFileSync(new URL('valid-policy.json', import.meta.url), 'utf8');
  return fc.tuple(fc.nat(whole.length), fc.nat(2), fc.string({ unit: 'grapheme-ascii', maxLength: 1 }))
    .map(([at, drop, put]) => whole.slice(0, at) + put + whole.slice(at + drop));
}
