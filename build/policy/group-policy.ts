// The settings for the Group Policy editor: ADMX (what is written where) and ADML (the words, en-US).
// Not for how the agent reads what was written (native/managed-policy/registry.ts, core/policy/tree.ts).
import { policySettings, sectionWords } from './settings.ts';
import type { Setting } from './settings.ts';
import { xml, xmlDocument } from './xml.ts';
import type { XmlElement } from './xml.ts';

const root = 'Software\\Policies\\Pinlight';
const schema = 'http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions';
const versions = { revision: '1.0', schemaVersion: '1.0' };

/** Longest line of a REG_MULTI_SZ that the editor takes; `rules` may be broken into lines wherever JSON may. */
const longestLine = '16383';

/** The language-neutral file. */
export function groupPolicyDefinitions(): string {
  const settings = policySettings();
  return xmlDocument(xml('policyDefinitions', { xmlns: schema, ...versions },
    xml('policyNamespaces', {}, xml('target', { prefix: 'pinlight', namespace: 'Pinlight.Policies.Agent' })),
    xml('resources', { minRequiredRevision: '1.0' }),
    xml('supportedOn', {}, xml('definitions', {}, xml('definition', { name: 'SUPPORTED_AGENT', displayName: string('SUPPORTED_AGENT') }))),
    xml('categories', {},
      xml('category', { name: 'Pinlight', displayName: string('Pinlight') }),
      ...Object.keys(sectionWords).map((section) => category(section, 'Pinlight')),
      category('Recommended', 'Pinlight')),
    xml('policies', {}, ...settings.map((setting) => policyOf(setting, false)), ...settings.map((setting) => policyOf(setting, true)))));
}

/** The words in English. */
export function groupPolicyWords(): string {
  const settings = policySettings();
  const words: [id: string, text: string][] = [
    ['SUPPORTED_AGENT', 'Pinlight 0.1 or later'],
    ['Pinlight', 'Pinlight'],
    ...Object.entries(sectionWords),
    ['Recommended', 'Recommended: people may set otherwise in their own policy file'],
    ...settings.flatMap(wordsOf),
  ];
  return xmlDocument(xml('policyDefinitionResources', { xmlns: schema, ...versions },
    xml('displayName', {}, 'Pinlight'),
    xml('description', {}, 'Policy of the Pinlight agent'),
    xml('resources', {},
      xml('stringTable', {}, ...words.map(([id, text]) => xml('string', { id }, text))),
      xml('presentationTable', {}, ...settings.map((setting) => xml('presentation', { id: nameOf(setting) }, ...presentationOf(setting)))))));
}

function category(name: string, parent: string): XmlElement {
  return xml('category', { name, displayName: string(name) }, xml('parentCategory', { ref: parent }));
}

function policyOf(setting: Setting, recommended: boolean): XmlElement {
  const name = nameOf(setting);
  const key = [root, ...(recommended ? ['Recommended'] : []), ...(setting.section === '' ? [] : [setting.section])].join('\\');
  return xml('policy', {
    name: recommended ? `${name}_recommended` : name, class: 'Both', displayName: string(name), explainText: string(`${name}_Explain`),
    key, presentation: `$(presentation.${name})`,
  },
  xml('parentCategory', { ref: recommended ? 'Recommended' : setting.section === '' ? 'Pinlight' : setting.section }),
  xml('supportedOn', { ref: 'SUPPORTED_AGENT' }),
  xml('elements', {}, elementOf(setting, key)));
}

function elementOf(setting: Setting, key: string): XmlElement {
  const { name, shape } = setting;
  const value = { id: 'value', valueName: name };
  switch (shape.kind) {
    case 'choice': return xml('enum', { ...value, required: 'true' }, ...shape.values.map((word) => (
      xml('item', { displayName: string(wordId(setting, word)) }, xml('value', {}, xml('string', {}, word)))
    )));
    case 'whole': return xml('decimal', { ...value, required: 'true', minValue: String(shape.from), maxValue: String(shape.to) });
    case 'text': return xml('text', { ...value, required: 'true', maxLength: String(shape.longest) });
    // Values named 1, 2, 3 … in a key of their own.
    case 'list': return xml('list', { id: 'value', key: `${key}\\${name}`, valuePrefix: '' });
    case 'pairs': return xml('list', { id: 'value', key: `${key}\\${name}`, explicitValue: 'true' });
    case 'other': return xml('multiText', { ...value, required: 'true', maxLength: longestLine, maxStrings: '0' });
  }
}

function presentationOf(setting: Setting): XmlElement[] {
  const { shape, default: preset } = setting;
  switch (shape.kind) {
    case 'choice': return [xml('dropdownList', { refId: 'value', noSort: 'true', defaultItem: String(Math.max(0, shape.values.indexOf(String(preset)))) }, setting.name)];
    case 'whole': return [xml('decimalTextBox', { refId: 'value', defaultValue: String(preset) }, setting.name)];
    case 'text': return [xml('textBox', { refId: 'value' }, xml('label', {}, setting.name))];
    case 'list': case 'pairs': return [xml('listBox', { refId: 'value' }, setting.name)];
    case 'other': return [xml('text', {}, `${setting.name}, as JSON text`), xml('multiTextBox', { refId: 'value' })];
  }
}

function wordsOf(setting: Setting): [id: string, text: string][] {
  const { section, name, shape, meaning, default: preset } = setting;
  const id = nameOf(setting);
  const without = preset === undefined || preset === null ? '' : ` Default: ${typeof preset === 'string' ? preset : JSON.stringify(preset)}.`;
  const choices = shape.kind === 'choice' ? shape.values : [];
  return [
    [id, `${name}: ${meaning.split(';')[0] ?? ''}`],
    [`${id}_Explain`, `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.${without} In a policy file: ${section === '' ? name : `${section}.${name}`}. Details: POLICY.md beside the agent.`],
    ...choices.map((word): [string, string] => [wordId(setting, word), word]),
  ];
}

/** Ids hold letters, digits and `_` only. */
function wordId(setting: Setting, word: string): string {
  return `${nameOf(setting)}_${word.replaceAll('-', '_')}`;
}

function nameOf({ section, name }: Setting): string {
  return section === '' ? name : `${section}_${name}`;
}

function string(id: string): string {
  return `$(string.${id})`;
}
