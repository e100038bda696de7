// The catalogue and the code name the same keys: none missing, none unused, plurals whole.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const renderer = fileURLToPath(new URL('../../renderer', import.meta.url));
const plural = /_(?:zero|one|two|few|many|other)$/;

function keysOf(tree: unknown, path = ''): string[] {
  if (typeof tree === 'string') return [path];
  if (typeof tree !== 'object' || tree === null) throw new Error(`${path} is neither words nor a group`);
  return Object.entries(tree).flatMap(([name, value]) => keysOf(value, path === '' ? name : `${path}.${name}`));
}

async function readCatalogue(): Promise<string[]> {
  return keysOf(JSON.parse(await readFile(join(renderer, 'locales/en.json'), 'utf8')));
}

async function readSources(): Promise<string> {
  const entries = await readdir(renderer, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name));
  return (await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))).join('\n');
}

test('every key that the code names is in the catalogue, and every key in the catalogue is named by the code', async () => {
  const catalogue = new Set((await readCatalogue()).map((key) => key.replace(plural, '')));
  const groups = new Set([...catalogue].map((key) => key.split('.')[0]));
  const named = [...(await readSources()).matchAll(/'([a-z][a-zA-Z0-9]*)\.([a-zA-Z0-9]+)'/g)]
    .filter(([, group]) => groups.has(group)).map(([, group, name]) => `${group}.${name}`);
  expect(named.filter((key) => !catalogue.has(key)), 'named but missing').toEqual([]);
  expect([...catalogue].filter((key) => !named.includes(key)), 'there but never named').toEqual([]);
  expect(named.length).toBeGreaterThan(100);
});

test('every plural has its singular and its rest, as English wants', async () => {
  const keys = await readCatalogue();
  const stems = new Set(keys.filter((key) => plural.test(key)).map((key) => key.replace(plural, '')));
  expect(stems.size).toBeGreaterThan(0);
  for (const stem of stems) expect(keys.filter((key) => key.replace(plural, '') === stem && key !== stem).sort()).toEqual([`${stem}_one`, `${stem}_other`]);
});

test('no text stands in the screens themselves: between tags there are expressions only', async () => {
  const texts = [...(await readSources()).matchAll(/<(?:p|h[1-4]|span|Button|Label|dt|th|strong|ToggleButton)(?: [^<>]*)?>\s*([A-Za-z][^<{}]*)</g)].map(([, text]) => text);
  expect(texts).toEqual([]);
});
