// What a pinlight:// link can ask for, and the many it cannot: anybody may make one, and browsers hand them over as they are.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linkAmong, longestLinkFilter, readDeepLink } from '../../electron/contract/deep-link.ts';

describe('a link shows', () => {
  test.each<[string, string, ReturnType<typeof readDeepLink>]>([
    ['the window', 'pinlight://open', { screen: 'overview', filter: null }],
    ['the window, as browsers write it', 'pinlight://open/', { screen: 'overview', filter: null }],
    ['the status', 'pinlight://open?view=status', { screen: 'overview', filter: null }],
    ['the bypassed apps', 'pinlight://open/?view=bypassed', { screen: 'apps', filter: null }],
    ['the certificates', 'pinlight://open?view=certificates', { screen: 'certificates', filter: null }],
    ['the log', 'pinlight://open?view=log', { screen: 'connections', filter: null }],
    ['the log through a filter', 'pinlight://open?view=log&f=app%20contains%20slack', { screen: 'connections', filter: 'app contains slack' }],
    ['a filter with plus signs for spaces', 'pinlight://open?f=a+or+b&view=log', { screen: 'connections', filter: 'a or b' }],
    ['a filter with every sign of the language', `pinlight://open?view=log&f=${encodeURIComponent('(error contains "UnknownCA") && port!=443')}`, { screen: 'connections', filter: '(error contains "UnknownCA") && port!=443' }],
  ])('%s', (_name, link, shown) => expect(readDeepLink(link)).toEqual(shown));
});

describe('a link is nothing when it', () => {
  test.each<[string, string]>([
    ['pauses', 'pinlight://pause?minutes=480'],
    ['stops', 'pinlight://stop'],
    ['excludes', 'pinlight://exclude?host=*'],
    ['accepts the notice', 'pinlight://accept'],
    ['names another verb first', 'pinlight://x/open'],
    ['names a path', 'pinlight://open/etc/passwd'],
    ['goes up', 'pinlight://open/../stop'],
    ['names a screen that is none', 'pinlight://open?view=settings'],
    ['names one out of the prototype', 'pinlight://open?view=constructor'],
    ['names two screens', 'pinlight://open?view=log&view=status'],
    ['brings an unknown field', 'pinlight://open?view=log&url=https://evil.example'],
    ['brings a field without a value', 'pinlight://open?view'],
    ['filters where nothing can be filtered', 'pinlight://open?view=status&f=x'],
    ['filters without end', `pinlight://open?view=log&f=${'a'.repeat(longestLinkFilter + 1)}`],
    ['has a megabyte', `pinlight://open?view=log&f=${'%61'.repeat(400_000)}`],
    ['smuggles a line break in', 'pinlight://open?view=log&f=a%0Ab'],
    ['smuggles a zero byte in', 'pinlight://open?view=log&f=a%00b'],
    ['has a broken escape', 'pinlight://open?view=log&f=%E0%A4%A'],
    ['has a user', 'pinlight://ada@open'],
    ['has a port', 'pinlight://open:80'],
    ['has a fragment', 'pinlight://open#apps'],
    ['is of another scheme', 'https://open?view=log'],
    ['is of a scheme that begins like ours', 'pinlightx://open'],
    ['has spaces around it', ' pinlight://open '],
    ['has a line behind it', 'pinlight://open\npinlight://open'],
    ['is in capitals, which no browser sends', 'PINLIGHT://OPEN'],
    ['is an option of Electron', '--inspect=0.0.0.0:9229'],
    ['is empty', ''],
  ])('%s', (_name, link) => expect(readDeepLink(link)).toBeNull());
});

test('whatever arrives, what comes out is a screen and a short plain text', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.string().map((rest) => `pinlight://open?view=log&f=${rest}`), fc.string().map((rest) => `pinlight://open${rest}`)), (text) => {
    const link = readDeepLink(text);
    if (link === null) return;
    expect(['overview', 'apps', 'connections', 'policy', 'certificates', 'diagnostics']).toContain(link.screen);
    if (link.filter !== null) expect(link.filter.length <= longestLinkFilter && !/\p{Cc}/u.test(link.filter)).toBe(true);
  }), { numRuns: 5_000 });
});

test('among a program\'s arguments the first real link counts, and no option does', () => {
  expect(linkAmong(['/usr/bin/pinlight', '--hidden', 'pinlight://stop', 'pinlight://open?view=log', 'pinlight://open'])).toEqual({ screen: 'connections', filter: null });
  expect(linkAmong(['/usr/bin/pinlight', '--hidden'])).toBeNull();
});
