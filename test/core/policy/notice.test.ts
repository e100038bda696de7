// The words of the first-start notice and what acceptance is worth. The window's catalogue says the same (checked here, so that nobody
// accepts other words than they read).
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isNoticePending, noticeParagraphs } from '../../../electron/core/policy/notice.ts';
import type { NoticeRecord } from '../../../electron/core/policy/notice.ts';

const shown = { mode: 'shown', text: null } as const;
const contoso = { name: 'Contoso IT', caption: null, url: null };

test('it says who inspects, what is never read and who sees it, by the policy', () => {
  const words = noticeParagraphs({ notice: shown, managedBy: contoso });
  expect(words.map(({ code }) => code)).toEqual(['who', 'what', 'never', 'sees', 'choice']);
  expect(words.map(({ text }) => text).join(' ')).toMatch(/policy of Contoso IT.*never stores or sends.*you and Contoso IT can see/u);
});

test('where nobody manages the device, nobody is named', () => {
  const words = noticeParagraphs({ notice: shown, managedBy: null }).map(({ text }) => text).join(' ');
  expect(words).toContain('the policy is yours');
  expect(words).not.toMatch(/undefined|null|Contoso/u);
});

test('the organisation\'s own words stand alone and unchanged', () => {
  expect(noticeParagraphs({ notice: { mode: 'shown', text: 'Bitte lesen.' }, managedBy: contoso })).toEqual([{ code: 'own', values: {}, text: 'Bitte lesen.' }]);
});

test('the window\'s English is the same, word for word', () => {
  const catalogue: { notice: Readonly<Record<string, string>> } = JSON.parse(readFileSync(new URL('../../../renderer/locales/en.json', import.meta.url), 'utf8'));
  for (const managedBy of [null, contoso]) {
    for (const { code, values, text } of noticeParagraphs({ notice: shown, managedBy })) {
      const key = code === 'who' || code === 'sees' ? `${code}${managedBy === null ? 'Alone' : 'Managed'}` : code;
      expect((catalogue.notice[key] ?? '').replace(/\{\{manager\}\}/g, values['manager'] ?? '')).toBe(text);
    }
  }
});

describe('nothing is inspected before it is accepted, where policy wants that', () => {
  const accepted: NoticeRecord = { version: 'v1', shownAt: 1, acceptedAt: 2 };
  test.each<[string, 'shown' | 'required', NoticeRecord | null, boolean]>([
    ['shown alone holds nothing back', 'shown', null, false],
    ['required and never seen', 'required', null, true],
    ['required and seen, not accepted', 'required', { ...accepted, acceptedAt: null }, true],
    ['required and accepted', 'required', accepted, false],
    ['other words were accepted', 'required', { ...accepted, version: 'v0' }, true],
  ])('%s', (_name, mode, record, pending) => expect(isNoticePending({ mode, text: null }, 'v1', record)).toBe(pending));
});
