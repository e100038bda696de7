// The rules as text and as the kernel lists them, on every system: what is no table of ours is not taken for one.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { captureScript, captureSettingsIn, parseCapture, sameCapture, type CaptureSettings } from '../../../native/packet-capture/rules.ts';

const listing = readFileSync(new URL('listing.json', import.meta.url), 'utf8');
const settings: CaptureSettings = { uids: [33, 65_534], gids: [], ports: [443], listenerPort: 18_444, agentUid: 990 };

test('a listing of nft 1.0.6 says what was asked for', () => {
  expect(parseCapture(listing)).toEqual(settings);
});

test.each<[string, string]>([
  ['no JSON', 'table inet pinlight {'],
  ['another listing', '{"nftables": []}'],
  ['a list', '[]'],
  ['a rule is missing', listing.replace('"reject"', '"accept"')],
  ['a redirect goes elsewhere', listing.replace('"port": 18444', '"port": 1')],
  ['a set holds a range', listing.replace('[33, 65534]', '[{"range": [33, 65534]}]')],
  ['a chain is called elsewhere', listing.replace('"hook": "output"', '"hook": "input"')],
  ['a chain refuses what no rule is about', listing.replace('"policy": "accept"', '"policy": "drop"')],
  ['a set of intervals', listing.replace('"name": "ports"', '"flags": ["interval"], "name": "ports"')],
  ['a set of something else', listing.replace('"type": "inet_service"', '"type": "ipv4_addr"')],
  ['a table that sleeps', listing.replace('"name": "pinlight", "handle"', '"name": "pinlight", "flags": ["dormant"], "handle"')],
  ['there is one more chain', listing.replace('{"rule":', '{"chain": {"family": "inet", "table": "pinlight", "name": "more", "handle": 9}}, {"rule":')],
  ['the agent is not spared', listing.replace('"right": 990}}, {"return"', '"right": 990}}, {"redirect"')],
])('%s: not our table', (_name, text) => {
  expect(text).not.toBe(listing);
  expect(parseCapture(text)).toBeNull();
});

test('without settings nothing is left, and deleting is no error where there is no table', () => {
  expect(captureScript(null)).toBe('table inet pinlight\ndelete table inet pinlight\n');
});

test('a table is filled where it stands: what is not redirected is refused, with a listener and without', () => {
  const refusals = (script: string): string[] => script.split('\n').filter((line) => line.includes('reject'));
  const [withListener, without] = [captureScript(settings), captureScript({ ...settings, listenerPort: null })];
  for (const script of [withListener, without]) {
    expect(script).not.toContain('delete');
    expect(/^add rule inet pinlight redirected .*$/m.exec(script)?.[0]).toContain('meta skuid 990 return');
  }
  expect(refusals(withListener)).toHaveLength(4);
  expect(refusals(without)).toEqual(refusals(withListener));
  expect(without).toContain('refused meta skuid @users tcp dport @ports tcp flags & (fin | syn | rst | ack) == syn reject with tcp reset\n');
  expect([withListener, without].map((script) => script.includes('redirect to'))).toEqual([true, false]);
});

test('sets that are right already are not touched', () => {
  const filled = (script: string): string[] => [...script.matchAll(/^(?:flush set|add element) inet pinlight (.*)$/gm)].map(([, what]) => what ?? '');
  expect(filled(captureScript(settings))).toEqual(['users', 'users { 33, 65534 }', 'ports', 'ports { 443 }']);
  expect(filled(captureScript({ ...settings, listenerPort: null }, { ...settings, uids: [65_534, 33] }))).toEqual([]);
  expect(filled(captureScript({ ...settings, uids: [] }, settings))).toEqual(['users']);
});

test.each<[string, unknown, CaptureSettings | null]>([
  ['as we write them', JSON.parse(JSON.stringify(settings)), settings],
  ['without a listener', { ...settings, listenerPort: null }, { ...settings, listenerPort: null }],
  ['a list that is a number', { ...settings, uids: 5 }, null], ['a list that is a text', { ...settings, ports: '443' }, null], ['a list that is an object', { ...settings, gids: {} }, null],
  ['no list', { ...settings, uids: undefined }, null], ['a name among the numbers', { ...settings, uids: ['ann'] }, null], ['a negative number', { ...settings, gids: [-1] }, null],
  ['no agent', { ...settings, agentUid: undefined }, null], ['a port that is a text', { ...settings, listenerPort: '1' }, null], ['nothing', null, null], ['a list of settings', [settings], null],
])('settings from a file, %s', (_name, value, read) => expect(captureSettingsIn(value)).toEqual(read));

test('two settings are the same whatever their order, and none is only itself', () => {
  expect(sameCapture(settings, { ...settings, uids: [65_534, 33, 33] })).toBe(true);
  expect(sameCapture(settings, { ...settings, agentUid: 0 })).toBe(false);
  expect([sameCapture(null, null), sameCapture(null, settings)]).toEqual([true, false]);
});
