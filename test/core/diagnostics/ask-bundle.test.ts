// "Is host X in here?", with hidden and with shown names.
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { nodeBundleTools } from '../../../electron/client/read-bundle-file.ts';
import { askBundle } from '../../../electron/core/diagnostics/ask-bundle.ts';
import type { NameAnswer, NameQuestion } from '../../../electron/core/diagnostics/ask-bundle.ts';
import { readBundle } from '../../../electron/core/diagnostics/read-bundle.ts';
import { deviceSources, makeZip } from '../../agent/diagnostics/sources.ts';

async function asked(names: 'shown' | 'pseudonyms', question: Partial<NameQuestion>): Promise<NameAnswer> {
  const { zip, bundle } = await makeZip(deviceSources(), { names });
  const read = await readBundle(new Uint8Array(zip), nodeBundleTools);
  if (read.kind !== 'bundle') throw new Error('the fixture makes a bundle');
  return askBundle(read.bundle, { kind: 'host', name: 'www.example.com', key: bundle.key ?? '', ...question }, async (key, text) => createHmac('sha256', key).update(text).digest());
}

const files = (answer: NameAnswer): readonly string[] => (answer.kind === 'answer' ? answer.found.map(({ file }) => file) : []);

test.each<[name: string, names: 'shown' | 'pseudonyms', question: Partial<NameQuestion>, there: boolean]>([
  ['a hidden host is found by the key', 'pseudonyms', {}, true],
  ['in any case and with blanks around it', 'pseudonyms', { name: ' WWW.Example.com ' }, true],
  ['another host is not', 'pseudonyms', { name: 'nowhere.example' }, false],
  ['a host is no user', 'pseudonyms', { kind: 'user' }, false],
  ['a shown name is found as it is', 'shown', { key: '' }, true],
  ['nothing is not found everywhere', 'shown', { name: ' ' }, false],
])('%s', async (_name, names, question, there) => {
  const answer = await asked(names, question);
  expect(answer.kind).toBe('answer');
  expect(files(answer).includes('connections.ndjson')).toBe(there);
});

test.each(['', '7K3M', '0000-0000-0000-0000-0000-0000-00', '!'])('the key %j is not the bundle\'s', async (key) => {
  expect(await asked('pseudonyms', { key })).toEqual({ kind: 'wrong-key' });
});
