// What the window's address may say: written by the shell, read by the window, and nothing else.
import { expect, test } from 'vitest';
import { fragmentOf, readFragment } from '../../electron/contract/window-place.ts';
import type { WindowPlace } from '../../electron/contract/window-place.ts';

test.each<readonly [string, WindowPlace, string]>([
  ['a screen', { screen: 'policy' }, 'policy'], ['an app', { screen: 'apps', app: 'id/ä&f=1' }, 'apps?app=id%2F%C3%A4%26f%3D1'],
  ['a filter', { screen: 'connections', filter: 'app contains "a&b"' }, 'connections?f=app%20contains%20%22a%26b%22'], ['the pause dialog', { screen: 'overview', pause: true }, 'pause'], ['the notice', { screen: 'overview', notice: true }, 'notice'],
])('%s comes back as it was', (_name, place, fragment) => {
  expect([fragmentOf(place), readFragment(`#${fragment}`)]).toEqual([fragment, place]);
});

test.each<readonly [string, string, WindowPlace]>([
  ['nothing at all', '', { screen: 'overview' }], ['an unknown screen', '#quit', { screen: 'overview' }], ['an app on another screen', '#policy?app=x', { screen: 'policy' }],
  ['a filter on another screen', '#apps?f=x', { screen: 'apps' }], ['an id that is too long', `#apps?app=${'x'.repeat(129)}`, { screen: 'apps' }],
  ['an id with control characters', '#apps?app=a%0Ab', { screen: 'apps' }], ['broken escapes', '#apps?app=%E0%A4%A', { screen: 'apps' }], ['two values', '#apps?app=a&app=b', { screen: 'apps' }],
])('%s is left out', (_name, fragment, place) => expect(readFragment(fragment)).toEqual(place));
