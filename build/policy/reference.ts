// POLICY.md: every key in the spellings of each place where it may stand. Not for how policy works in the code (ARCHITECTURE.md).
import { firstRelease, keyCommands, policyKeys } from '../../electron/core/policy/key-docs.ts';
import type { KeyShape, PolicyKey } from '../../electron/core/policy/key-docs.ts';
import { exampleValues, profileDomain } from './profile.ts';
import { sectionWords } from './settings.ts';

const intro = `# Policy

<!-- Written by build/policy-templates.ts; change electron/core/policy/keys.ts and key-docs.ts instead. -->

## Where it stands

| system | managed | recommended |
|---|---|---|
| Linux | \`/etc/pinlight/policies/managed/*.json\` | \`/etc/pinlight/policies/recommended/*.json\` |
| macOS | profile, domain \`${profileDomain}\`, for the machine or a user | the same, under the key \`Recommended\` |
| Windows | \`HKLM\` or \`HKCU\`, \`Software\\Policies\\Pinlight\` | the same, \`Software\\Policies\\Pinlight\\Recommended\` |

A person's own file: \`~/.config/pinlight/policy.json\` (below \`$XDG_CONFIG_HOME\` where that is set). \`--policy FILE\` of the agent, once or more, reads those files and nothing else.
The machine's service reads no person's file, and inspects nothing until the administrators' files have a rule.

For each key the first that sets it counts: managed for the machine, managed for the user, the person's own file, recommended, built in.
Files of one folder count in name order. Rules of all of them follow each other in that order, and the first rule that matches decides.
\`pinlight policy show\` names for each value who set it and where.

On Linux the files and their folders belong to root, nobody else may write them, and symbolic links are refused. Changes count within two seconds.
What is invalid or cannot be trusted leaves the last good version of that file, key or profile in force, and \`pinlight status\` says so;
where there never was a good one, nothing is inspected on a guess.

## Always, never, user decides

The keys under \`user\` say what a person at the device may do. \`always\` and \`never\` settle it for everything below; \`user-decides\` leaves it
to the next place in the order above, in the end to the person's own file. Where nobody settles it, it is allowed. Refusals name \`managedBy\`.

## Spellings

- JSON: as in a policy file. \`pinlight.schema.json\` describes one to editors; \`pinlight policy check FILE\` says what it cannot.
- Registry: key and value below \`Software\\Policies\\Pinlight\`, also as \`pinlight.admx\` for the Group Policy editor. Lists are keys with values named
  1, 2, 3 …, or REG_MULTI_SZ. \`rules\` is JSON text, as REG_SZ or, line by line, as REG_MULTI_SZ. \`version\` is not needed.
- Profile: keys of the payload \`${profileDomain}\`, with the types of a property list; \`pinlight.mobileconfig\` is an example. \`version\` is not needed.
- Command line: commands that a key governs or that show it. No policy can be set from the command line.
`;

/** The document. */
export function policyReference(): string {
  const keys = policyKeys();
  const sections = ['', ...Object.keys(sectionWords), 'rules'];
  return [intro, ...sections.flatMap((section) => [
    ...(section === '' ? ['## Keys\n'] : [`## \`${section}\`\n\n${section === 'rules' ? 'What happens to which connections: the first rule whose conditions all hold.' : `${sectionWords[section] ?? ''}.`}\n`]),
    ...keys.filter(({ key }) => sectionOf(key) === section).map(entry),
  ])].join('\n');
}

function entry(policyKey: PolicyKey): string {
  const { key, type, default: preset, required, meaning } = policyKey;
  const command = keyCommands[key];
  const rows: [string, string][] = [
    ['JSON', code(jsonSpelling(key))],
    ['registry', registrySpelling(policyKey)],
    ['profile', profileSpelling(policyKey)],
    ['command line', command === undefined ? 'none' : code(command)],
    ['type', code(type)],
    ['default', preset === undefined ? (required ? 'required' : 'none') : code(JSON.stringify(preset))],
    ['since', firstRelease],
  ];
  return `### ${code(key)}\n\n${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.\n\n| | |\n|---|---|\n${rows.map(([name, text]) => `| ${name} | ${text.replaceAll('|', '\\|')} |\n`).join('')}`;
}

/** `{"defaults": {"onPinned": "bypass"}}`; inside a rule, where it stands there. */
function jsonSpelling(key: string): string {
  if (key.startsWith('rules[]')) return key;
  const [section = '', name] = key.split('.');
  if (name === undefined) return `{"${section}": 1}`;
  const examples = exampleValues()[section] as Readonly<Record<string, unknown>> | undefined;
  // Nobody manages a device without a name.
  const pairs = [...(section === 'managedBy' && name !== 'name' ? ['name'] : []), name].map((one) => `"${one}": ${JSON.stringify(examples?.[one] ?? withoutDefault[key])}`);
  return `{"${section}": {${pairs.join(', ')}}}`;
}

/** Examples of keys that are not set by default. Nobody holds the private half of the key. */
const withoutDefault: Readonly<Record<string, string>> = {
  'pause.keyFile': '/etc/pinlight/pause.key', 'notice.text': 'Contoso IT inspects what this notice names. Questions? Call 4711.',
  'diagnostics.sealTo': '9aYhOYHXzkrinQwsnxteV+V80/z79h+l/M81O6AQPng=',
};

const registryTypes: Readonly<Record<KeyShape['kind'], string>> = {
  choice: 'REG_SZ', whole: 'REG_DWORD', text: 'REG_SZ', list: 'a key with REG_SZ values named 1, 2 …', pairs: 'a key with REG_SZ values of their own names', other: 'REG_SZ',
};
const profileTypes: Readonly<Record<KeyShape['kind'], string>> = {
  choice: 'string', whole: 'integer', text: 'string', list: 'array of strings', pairs: 'dictionary of strings', other: 'as the type says',
};

function registrySpelling({ key, shape }: PolicyKey): string {
  if (key === 'version') return 'not needed';
  if (key.startsWith('rules[]')) return `in the JSON text of the value ${code('rules')}`;
  const [section = '', name = ''] = key.split('.');
  return shape.kind === 'list' || shape.kind === 'pairs' ? `${code(`${section}\\${name}`)}, ${registryTypes[shape.kind]}` : `${code(section)}, value ${code(name)}, ${registryTypes[shape.kind]}`;
}

function profileSpelling({ key, shape }: PolicyKey): string {
  if (key === 'version') return 'not needed';
  const path = key.replace('[]', ' › each item').split('.').map((part) => part.split(' › ').map((name) => (name === 'each item' ? name : code(name))).join(' › ')).join(' › ');
  return `${path}, ${profileTypes[shape.kind]}`;
}

function sectionOf(key: string): string {
  return key.startsWith('rules[]') ? 'rules' : key.includes('.') ? key.split('.')[0] ?? '' : '';
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}
