// What the doctor makes of steering's settings, with and without an agent: it may call nothing right that `pinlight steer status` calls wrong.
import { expect, test } from 'vitest';
import { settingsFinding } from '../../electron/cli/doctor/settings-finding.ts';
import type { Wanted } from '../../native/system-proxy/setting.ts';
import type { SteerRow } from '../../native/system-proxy/steering.ts';

const open: Wanted = { port: 18443, version: 1, failMode: 'open', tools: false, quicOff: [], browsersByPolicy: false, settings: ['gnome', 'environment', 'browser-policy:chromium'], chained: false };
const closed: Wanted = { ...open, failMode: 'closed' };
const row = (setting: string, state: SteerRow['state']): SteerRow => ({
  setting, state, kind: setting.startsWith('browser') ? 'browser-policy' : 'desktop', path: null, done: 'nothing', needsRights: false, enforcesClosed: false, detail: `detail of ${setting}`,
});
const both = (gnome: SteerRow['state'], environment: SteerRow['state']): SteerRow[] => [row('gnome', gnome), row('environment', environment)];
const browser = (state: SteerRow['state']): SteerRow => row('browser-policy:chromium', state);

test.each<[string, Wanted | null, readonly SteerRow[], 'programs' | 'browsers', boolean, 'ok' | 'wrong', string]>([
  ['as asked, with an agent', open, both('steered', 'steered'), 'programs', true, 'ok', '2 settings as asked'],
  ['as asked under fail-closed, without one', closed, both('steered', 'steered'), 'programs', false, 'ok', '2 settings as asked'],
  ['off beside an agent', open, both('off', 'off'), 'programs', true, 'wrong', 'not as asked in gnome (off: detail of gnome), environment'],
  ['put back without an agent, as policy that fails open wants it', open, both('off', 'off'), 'programs', false, 'ok', 'put back while the agent is down'],
  ['off without an agent under fail-closed', closed, both('off', 'off'), 'programs', false, 'wrong', 'Policy fails closed, and programs go past it there'],
  ['one of two off without an agent', open, both('steered', 'off'), 'programs', false, 'wrong', 'not as asked in environment'],
  ['an older port still set without an agent', open, both('outdated', 'off'), 'programs', false, 'wrong', 'gnome (outdated'],
  ['somebody else\'s proxy without an agent', open, both('taken', 'off'), 'programs', false, 'wrong', 'gnome (taken: detail of gnome)'],
  ['the proxy that stood there before, through which the agent goes', { ...open, chained: true }, both('taken', 'off'), 'programs', false, 'ok', 'put back'],
  ['that proxy beside an agent', { ...open, chained: true }, both('taken', 'steered'), 'programs', true, 'wrong', 'gnome (taken'],
  ['settings that cannot be read, without an agent', open, both('unreadable', 'off'), 'programs', false, 'wrong', 'gnome (unreadable'],
  ['a setting that was not asked for', { ...open, settings: ['gnome'] }, both('steered', 'off'), 'programs', true, 'ok', '1 setting as asked'],
  ['nothing asked for, and nothing set', null, both('off', 'taken'), 'programs', true, 'ok', 'nothing set'],
  ['nothing asked for, and something left', null, both('off', 'outdated'), 'programs', false, 'wrong', 'still set is environment'],
  ['browsers put back with the rest', open, [...both('off', 'off'), browser('off')], 'browsers', false, 'ok', 'put back'],
  ['browsers without their policy where programs are still steered', open, [...both('steered', 'off'), browser('off')], 'browsers', false, 'wrong', 'browser-policy:chromium (off'],
  ['browsers whose policy cannot be read', open, [...both('off', 'off'), browser('unreadable')], 'browsers', false, 'wrong', 'unreadable'],
  ['browsers that nobody asked for, behind a proxy', { ...open, settings: ['gnome'] }, [row('gnome', 'steered'), browser('off')], 'browsers', true, 'wrong', 'browser-policy:chromium (off'],
])('%s', (_name, wanted, rows, whose, agent, state, words) => {
  const finding = settingsFinding({ wanted, rows }, whose, agent);
  expect(finding).toMatchObject({ state, text: expect.stringContaining(words) });
  expect(finding.fix === null).toBe(state === 'ok');
});

test('nothing was ever asked for', () => {
  expect(settingsFinding(null, 'programs', false)).toMatchObject({ state: 'ok' });
});
