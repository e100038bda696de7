// What axe finds on a page of the window (WCAG 2.0 to 2.2, A and AA, and best practice), one line each. Not for what a page has to show.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Nothing found = none. `except`: rules that do not fit this place, of which the caller says why. */
export async function axeComplaints(page: Page, except: readonly string[] = []): Promise<string[]> {
  // An element that is still fading in has the contrast of the moment.
  await page.evaluate('Promise.all(document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished))');
  // Without frames the quick way sees the whole page: the other one opens a page of its own for each look.
  if (page.frames().length > 1) throw new Error('axe is asked to look at this page alone, and there are frames in it');
  // React Aria announces a pending button by its label there, and the button may be gone a moment later.
  const { violations } = await new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).withTags(rules).exclude('[data-live-announcer]').disableRules([...except]).setLegacyMode().analyze();
  return violations.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`));
}
