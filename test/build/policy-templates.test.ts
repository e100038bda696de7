// What is made from the policy's keys: committed as it would be made now, and good for the tools that read it. The Group Policy editor
// itself runs on Windows only; what it demands of ADMX and ADML is checked here by hand.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exampleValues, profileDomain } from '../../build/policy/profile.ts';
import { policyTemplates } from '../../build/policy/templates.ts';
import { policyKeys } from '../../electron/core/policy/key-docs.ts';
import { parsePolicyFile } from '../../electron/core/policy/parse.ts';
import { readPolicyProfile, readPolicyRegistry } from '../../electron/core/policy/tree.ts';
import { macosDomain } from '../../native/managed-policy/macos.ts';
import { invalidPolicies } from '../core/policy/invalid-policies.ts';
import { findCommand } from '../support/find-command.ts';
import { repository } from '../support/agent.ts';

const folder = join(repository, 'resources', 'policy');
const python = findCommand('python3');
const hasSchemaChecker = python !== null && spawnSync(python, ['-c', 'import jsonschema']).status === 0;
if (python === null) console.log('skipped: XML, property list and schema are not read, for want of python3');
else if (!hasSchemaChecker) console.log('skipped: the JSON Schema is not tried, for want of python3-jsonschema');

test('the committed files are what would be made now', () => {
  const committed = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  expect(committed.toSorted()).toEqual(Object.keys(policyTemplates()).toSorted());
  for (const [name, text] of Object.entries(policyTemplates())) expect(readFileSync(join(folder, name), 'utf8'), `npm run policy-templates writes ${name} anew`).toBe(text);
});

test('the reference has every key, and each in four spellings', () => {
  const entries = (policyTemplates()['POLICY.md'] ?? '').split('\n### ').slice(1);
  expect(entries.map((entry) => entry.slice(0, entry.indexOf('\n')).replaceAll('`', '')).toSorted()).toEqual(policyKeys().map(({ key }) => key).toSorted());
  for (const entry of entries) for (const row of ['JSON', 'registry', 'profile', 'command line', 'type', 'default', 'since']) expect(entry).toMatch(new RegExp(`^\\| ${row} \\| .+ \\|$`, 'm'));
});

test('its JSON is policy as it stands there', () => {
  const examples = (policyTemplates()['POLICY.md'] ?? '').match(/^\| JSON \| `\{.*\}` \|$/gm) ?? [];
  expect(examples).toHaveLength(policyKeys().filter(({ key }) => !key.startsWith('rules[]')).length);
  for (const line of examples) {
    const text = line.slice('| JSON | `'.length, -'` |'.length).replaceAll('\\|', '|');
    expect([line, parsePolicyFile(JSON.stringify({ version: 1, ...JSON.parse(text) as object }), 'x').kind]).toEqual([line, 'policy']);
  }
});

describe.runIf(python !== null)('the Group Policy templates', () => {
  type Xml = { name: string; namespace: string; attributes: Record<string, string>; text: string; children: Xml[] };
  const [admx, adml] = python === null ? [] : reading(['xml', join(folder, 'pinlight.admx'), join(folder, 'en-US/pinlight.adml')]) as Xml[];
  const every = (root: Xml | undefined, name: string): Xml[] => (root === undefined ? [] : [...(root.name === name ? [root] : []), ...root.children.flatMap((child) => every(child, name))]);
  const child = (parent: Xml, name: string): Xml | undefined => parent.children.find((one) => one.name === name);
  const attributes = (root: Xml | undefined): string[] => (root === undefined ? [] : [...Object.values(root.attributes), ...root.children.flatMap(attributes)]);
  const policies = every(admx, 'policy');

  test('have the parts in the order of their schema', () => {
    expect(admx?.children.map(({ name }) => name)).toEqual(['policyNamespaces', 'resources', 'supportedOn', 'categories', 'policies']);
    expect(adml?.children.map(({ name }) => name)).toEqual(['displayName', 'description', 'resources']);
    for (const root of [admx, adml]) expect(root).toMatchObject({ namespace: 'http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions', attributes: { revision: '1.0', schemaVersion: '1.0' } });
    for (const policy of policies) expect(policy.children.map(({ name }) => name)).toEqual(['parentCategory', 'supportedOn', 'elements']);
  });
  test('have names of their own, of the letters the editor takes', () => {
    for (const names of [policies, every(admx, 'category'), every(admx, 'definition')].map((list) => list.map(({ attributes: { name } }) => name ?? ''))) {
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
    }
    for (const table of ['string', 'presentation']) {
      const ids = every(adml, table).map(({ attributes: { id } }) => id ?? '');
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of ids) expect(id).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
    }
  });
  test('find every word they name, and have none left over', () => {
    const named = (table: string): string[] => attributes(admx).flatMap((value) => new RegExp(`^\\$\\(${table}\\.(.+)\\)$`).exec(value)?.[1] ?? []);
    for (const table of ['string', 'presentation']) {
      const has = every(adml, table).flatMap(({ attributes: { id } }) => id ?? []);
      expect([...new Set(named(table))].toSorted()).toEqual(has.toSorted());
    }
    for (const word of every(adml, 'string')) expect(word.text.length, word.attributes['id']).toBeGreaterThan(0);
  });
  test('find every category and support statement they name', () => {
    const categories = every(admx, 'category').map(({ attributes: { name } }) => name);
    for (const { attributes: { ref } } of every(admx, 'parentCategory')) expect(categories).toContain(ref);
    for (const policy of policies) expect(child(policy, 'supportedOn')?.attributes['ref']).toBe('SUPPORTED_AGENT');
  });
  test('are for machine and user, below a key of our own, each value named where it is written', () => {
    for (const policy of policies) {
      expect(policy.attributes['class']).toBe('Both');
      expect(policy.attributes['key']).toMatch(/^Software\\Policies\\Pinlight(\\|$)/);
      for (const element of child(policy, 'elements')?.children ?? []) {
        if (element.name === 'list') expect(element.attributes['key']).toMatch(/^Software\\Policies\\Pinlight\\/);
        else expect(element.attributes['valueName']).toMatch(/^[A-Za-z]+$/);
        if (element.name === 'decimal') expect(Number(element.attributes['minValue'])).toBeLessThan(Number(element.attributes['maxValue']));
        if (element.name === 'enum') expect(element.children.length).toBeGreaterThan(1);
      }
    }
  });
  test('show each element in a box of its kind', () => {
    const boxes: Record<string, string> = { enum: 'dropdownList', decimal: 'decimalTextBox', text: 'textBox', list: 'listBox', multiText: 'multiTextBox' };
    for (const policy of policies) {
      const id = /\.(.+)\)$/.exec(policy.attributes['presentation'] ?? '')?.[1];
      const presentation = every(adml, 'presentation').find(({ attributes: { id: one } }) => one === id);
      for (const element of child(policy, 'elements')?.children ?? []) {
        expect(presentation?.children.find(({ attributes: { refId } }) => refId === element.attributes['id'])?.name, id).toBe(boxes[element.name]);
      }
    }
  });
  test('have every setting, managed and recommended, and what the editor would write is valid policy', () => {
    for (const level of ['', 'Recommended\\']) {
      const tree: Record<string, unknown> = {};
      const mine = policies.filter(({ attributes: { key } }) => (key ?? '').startsWith('Software\\Policies\\Pinlight\\Recommended') === (level !== ''));
      for (const policy of mine) for (const element of child(policy, 'elements')?.children ?? []) write(tree, level, policy.attributes['key'] ?? '', element);
      const read = readPolicyRegistry(tree, 'x');
      expect(read.kind === 'invalid' ? read.problems : []).toEqual([]);
      const settings = policyKeys().map(({ key }) => key).filter((key) => key !== 'version').map((key) => (key.startsWith('rules[]') ? 'rules' : key));
      expect(leaves(tree).toSorted()).toEqual([...new Set(settings)].toSorted());
    }
  });

  /** The largest number, the last choice, one entry of each list: what an administrator's choice leaves in the registry. */
  function write(tree: Record<string, unknown>, level: string, key: string, element: Xml): void {
    const path = (element.attributes['key'] ?? key).slice(`Software\\Policies\\Pinlight\\${level}`.length).split('\\').filter((part) => part !== '');
    const name = element.name === 'list' ? path.pop() ?? '' : element.attributes['valueName'] ?? '';
    let into = tree;
    for (const part of path) into = (into[part] ??= {}) as Record<string, unknown>;
    const chosen: Record<string, () => unknown> = {
      enum: () => every(element, 'string').at(-1)?.text,
      decimal: () => Number(element.attributes['maxValue']),
      text: () => (name === 'url' ? 'https://it.example' : name === 'sealTo' ? `${'A'.repeat(43)}=` : /File$|Credentials$/.test(name) ? 'C:\\file' : 'text'),
      list: () => (element.attributes['explicitValue'] === 'true' ? { 'a.example:443': '127.0.0.1:1' } : { 1: 'C:\\root.pem' }),
      multiText: () => ['[', '{"id": "a", "do": "bypass"}', ']'],
    };
    into[name] = chosen[element.name]?.();
  }
});

describe.runIf(python !== null)('the configuration profile', () => {
  test('is a property list whose payload is valid policy for the domain that is read', () => {
    const profile = reading(['plist', join(folder, 'pinlight.mobileconfig')]) as { PayloadType: string; PayloadContent: Record<string, unknown>[] };
    expect(profile).toMatchObject({ PayloadType: 'Configuration', PayloadVersion: 1, PayloadIdentifier: expect.any(String), PayloadUUID: expect.stringMatching(/^[0-9A-F-]{36}$/) });
    const [payload = {}, ...others] = profile.PayloadContent;
    expect(others).toEqual([]);
    expect(payload).toMatchObject({ PayloadType: profileDomain, PayloadVersion: 1, PayloadUUID: expect.stringMatching(/^[0-9A-F-]{36}$/) });
    expect(profileDomain).toBe(macosDomain);
    const values = Object.fromEntries(Object.entries(payload).filter(([name]) => !name.startsWith('Payload')));
    expect(values).toEqual(exampleValues());
    expect(readPolicyProfile(values, 'x')).toMatchObject({ kind: 'policy' });
    expect(leaves(values).filter((key) => !key.startsWith('rules')).toSorted()).toEqual(policyKeys().filter((one) => one.default !== null || one.key.startsWith('managedBy.')).map(({ key }) => key).filter((key) => key.includes('.') && !key.startsWith('rules')).toSorted());
  });
});

describe.runIf(hasSchemaChecker)('the JSON Schema', () => {
  const valid = [{ version: 1 }, JSON.parse(readFileSync(new URL('../core/policy/valid-policy.json', import.meta.url), 'utf8')) as unknown, { version: 1, ...exampleValues() }];

  test('takes what the agent takes, and refuses what it refuses, but for what no schema sees', () => {
    const found = reading(['schema', join(folder, 'pinlight.schema.json')], [...valid, ...invalidPolicies.map(({ policy }) => policy)]) as boolean[];
    expect(found.slice(0, valid.length)).toEqual(valid.map(() => true));
    expect(invalidPolicies.map(({ name }, index) => ({ name, taken: found[valid.length + index] }))).toEqual(invalidPolicies.map(({ name, seenBySchema }) => ({ name, taken: !seenBySchema })));
  });
  test('and the agent takes the valid and refuses the invalid ones', () => {
    for (const policy of valid) expect(parsePolicyFile(JSON.stringify(policy), 'x').kind).toBe('policy');
    for (const { name, policy } of invalidPolicies) expect(parsePolicyFile(JSON.stringify(policy), 'x').kind, name).toBe('invalid');
  });
});

/** What the reader of policy-templates.py printed. */
function reading(args: readonly string[], input?: unknown): unknown {
  const done = spawnSync(python ?? '', [join(import.meta.dirname, 'policy-templates.py'), ...args], { encoding: 'utf8', input: input === undefined ? '' : JSON.stringify(input) });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout) as unknown;
}

/** `section.name` of everything two levels down; a list is one thing. */
function leaves(tree: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(tree).flatMap(([section, value]) => (
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value).map((name) => `${section}.${name}`) : [section]
  ));
}
