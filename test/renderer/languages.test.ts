// The window in other languages, in a real Chromium: in the pseudo-locale no text stands outside a catalogue and none is cut off, at 320 pixels
// nothing scrolls sideways; in German every place passes axe in both themes. Shots of the German places are left in test/out/shots.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pseudo } from '../../renderer/languages.ts';
import { repository } from '../support/agent.ts';
import { axeComplaints } from '../support/axe.ts';
import { hasChromium, useWindows } from './fixture-window.ts';
import { takePicture } from './picture.ts';
import { doctorFound, firstNotice, walk } from './window-tour.ts';
import type { Words } from './window-tour.ts';

/** The catalogue of a language, flat. */
async function wordsOf(name: 'en' | 'de', change: (tree: unknown) => unknown = (tree) => tree): Promise<Words> {
  const flat = (tree: unknown, path: string): [string, string][] => (typeof tree === 'string' ? [[path, tree]]
    : Object.entries(tree ?? {}).flatMap(([key, value]) => flat(value, path === '' ? key : `${path}.${key}`)));
  return new Map(flat(change(JSON.parse(await readFile(join(repository, `renderer/locales/${name}.json`), 'utf8'))), ''));
}

/**
 * Letters of the page outside ⟦ ⟧, and labels without them. Theirs to be there: names and texts of strangers and the agent's own messages (`bdi`,
 * marked as English where they are), commands and data in machine writing (`code`, `.mono`, `pre`), what is typed, decoration that is hidden
 * from everybody's reader, conditions of a filter (`.part`), numbers with their unit, times of day. React Aria has words of its own in the languages it knows, which en-XA is not.
 */
const strays = `(() => {
  const data = 'bdi, code, pre, .mono, time, kbd, script, style, noscript, [aria-hidden=true], .log-time';
  const unit = /[\\d.,:/ ]*\\d[ \\u00a0\\u202f]?(?:B|kB|MB|GB|ms|s|min|h|AM|PM)(?![\\p{L}])/gu;
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let depth = 0;
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    let outside = '';
    for (const letter of node.data) {
      if (letter === '⟦') depth += 1;
      else if (letter === '⟧') depth -= 1;
      else if (depth === 0) outside += letter;
    }
    if (node.parentElement.closest(data) === null && /\\p{L}/u.test(outside.replace(unit, ''))) found.push(node.parentElement.tagName + ': ' + outside);
  }
  const own = ['Dismiss', 'Increase', 'Decrease'];
  for (const element of document.body.querySelectorAll('[aria-label], [placeholder], [aria-valuetext], [title]')) {
    for (const name of ['aria-label', 'placeholder', 'aria-valuetext', 'title']) {
      const text = element.getAttribute(name);
      if (text === null || text.includes('⟦') || own.includes(text) || !/\\p{L}/u.test(text)) continue;
      if (element.matches(name === 'title' ? data : '.part')) continue;
      found.push(name + ' of ' + element.tagName + '.' + element.className + ': ' + text);
    }
  }
  return found;
})()`;

/** Texts that their own box cuts off or that stand over its edge; names of strangers may be cut, and what is whole in its hint. */
const cuts = `[...document.body.querySelectorAll('*')].filter((element) => {
  const style = getComputedStyle(element);
  if (element.closest('bdi, [title], .unseen, .skip, textarea, svg, .filter-mirror') !== null || element.matches('input')) return false;
  const boxed = element.matches('.badge, .button, .chip, .rail-link, [role=radio]');
  if (element.clientWidth === 0 || element.textContent === '' || !(boxed || ['hidden', 'clip'].includes(style.overflowX))) return false;
  if (element.querySelector('bdi, [title]') !== null && !boxed) return false;
  return element.scrollWidth > element.clientWidth + 1;
}).map((element) => element.tagName + '.' + element.className + ': ' + element.textContent.slice(0, 60))`;

const sideways = 'document.scrollingElement.scrollWidth > innerWidth || [...document.querySelectorAll("main, .drawer-body, .dialog")].some((one) => one.scrollWidth > one.clientWidth + 1)';

/** Where words may stand in English, marked as such: what no catalogue knows, an error's own message, what is in a bundle. */
const markedEnglish: readonly (readonly [place: RegExp, text: RegExp])[] = [
  [/^certificates$/u, /^something new that no catalogue knows$/u], [/^(?:failure|lost-overview)$/u, /^The agent ended the stream\.$/u],
  [/^(?:device-check|detailed-logging|recording|collecting|preview|bundle-refused)$/u, /./u],
  [/^(?:bundle-viewer|name-search|bundle-rows|second-bundle-refused|bundles-alike|bundles-compared|bundle-file)$/u, /./u],
];
const english = `[...document.querySelectorAll('[lang=en]')].map((one) => one.textContent)`;

/** Rules that do not fit a place. */
const unfit: Readonly<Record<string, readonly string[]>> = {
  // They are scrolled by the arrow keys of the box that they belong to, and only by them.
  suggestions: ['scrollable-region-focusable'],
  // React Aria names the element around this dialog, which has no role, by the words on its button.
  columns: ['region'],
};

describe.skipIf(!hasChromium)('the window in another language', () => {
  const openWindow = useWindows();

  test.each([{ width: 1280, height: 800 }, { width: 720, height: 520 }])('pseudo-locale at $width: every text is out of a catalogue, and none is cut off', { timeout: 180_000 }, async (viewport) => {
    const opened = await openWindow({ locale: 'en-XA', viewport, rows: 500, prepare: firstNotice, examine: async () => doctorFound });
    const { page } = opened;
    expect(await page.evaluate<string[]>('navigator.languages')).toEqual(['en-XA']);
    const found: Record<string, string[]> = {};
    await walk(opened, await wordsOf('en', pseudo), async (place) => {
      const all = [...await page.evaluate<string[]>(strays), ...(await page.evaluate<string[]>(cuts)).map((cut) => `cut off: ${cut}`)];
      const foreign = (await page.evaluate<string[]>(english)).filter((text) => !markedEnglish.some(([where, what]) => where.test(place) && what.test(text)));
      all.push(...foreign.map((text) => `English: ${text}`));
      if (await page.evaluate<boolean>(sideways)) all.push('scrolls sideways');
      if (all.length > 0) found[place] = [...new Set(all)];
    });
    expect(found).toEqual({});
    expect(opened.complaints.filter((complaint) => !/status of 5\d\d/u.test(complaint))).toEqual([]);
  });

  test('pseudo-locale at 320 (400 % zoom): nothing scrolls sideways', { timeout: 180_000 }, async () => {
    const opened = await openWindow({ locale: 'en-XA', viewport: { width: 320, height: 640 }, rows: 500, prepare: firstNotice, examine: async () => doctorFound });
    const { page } = opened;
    const found: string[] = [];
    await walk(opened, await wordsOf('en', pseudo), async (place) => {
      if (await page.evaluate<boolean>('document.scrollingElement.scrollWidth > innerWidth')) found.push(place);
    });
    expect(found).toEqual([]);
  });

  test.each([
    { colorScheme: 'light', width: 1280, height: 800 }, { colorScheme: 'dark', width: 720, height: 520 },
  ] as const)('German in $colorScheme at $width: axe finds nothing anywhere', { timeout: 300_000 }, async ({ colorScheme, width, height }) => {
    const opened = await openWindow({ locale: 'de-DE', colorScheme, viewport: { width, height }, rows: 500, prepare: firstNotice, examine: async () => doctorFound });
    const { page } = opened;
    expect(await page.evaluate<string>('document.documentElement.lang')).toBe('de');
    const found: Record<string, string[]> = {};
    await walk(opened, await wordsOf('de'), async (place) => {
      const complaints = await axeComplaints(page, unfit[place]);
      await takePicture(page, `de-${place}-${colorScheme}-${width}`);
      if (complaints.length > 0) found[place] = complaints;
    });
    expect(found).toEqual({});
  });
});
