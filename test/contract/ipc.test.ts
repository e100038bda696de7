// The checks on what a window sends over IPC. Not for the frame check (main/ipc).
import { anything, array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bridgeRoutes } from '../../electron/contract/bridge.ts';
import { PinlightError } from '../../electron/contract/errors.ts';
import { ipcChannels, ipcValidators } from '../../electron/contract/ipc.ts';
import type { IpcChannel } from '../../electron/contract/ipc.ts';

test('every channel of the contract has a validator and is served', () => {
  expect([...ipcChannels].sort()).toEqual(Object.keys(ipcValidators).sort());
});

describe('accepted', () => {
  const rows: readonly (readonly [name: string, channel: IpcChannel, args: readonly unknown[], checked: readonly unknown[]])[] = [
    ['a call with its query', 'pinlight:call', ['connections', { filter: 'app contains slack', limit: '50' }, {}], ['connections', { filter: 'app contains slack', limit: '50' }, {}]],
    ['absent query and body become empty ones', 'pinlight:call', ['status', undefined, null], ['status', {}, {}]],
    ['fields that are undefined are left out', 'pinlight:call', ['connections', { filter: undefined, limit: '5' }, {}], ['connections', { limit: '5' }, {}]],
    ['an exclusion with hours', 'pinlight:call', ['addExclusion', {}, { host: 'a.example', reason: 'x', hours: 2 }], ['addExclusion', {}, { host: 'a.example', reason: 'x', hours: 2 }]],
    ['a pause with its reason', 'pinlight:call', ['pause', {}, { minutes: 5, reason: 'a call' }], ['pause', {}, { minutes: 5, reason: 'a call' }]],
    ['the first watch', 'pinlight:watch-start', [1], [1]],
    ['the end of a watch', 'pinlight:watch-stop', [7], [7]],
    ['a bundle', 'pinlight:save-bundle', ['job-1'], ['job-1']],
    ['which notifications are silenced', 'pinlight:notifications', [null], [null]],
    ['two kinds of them to silence', 'pinlight:notifications', [['pause', 'apps']], [['apps', 'pause']]],
    ['none to silence', 'pinlight:notifications', [[]], [[]]],
  ];
  test.each(rows)('%s', (_name, channel, args, checked) => expect(ipcValidators[channel](args)).toEqual(checked));

  test.each([...bridgeRoutes])('the bridge route %s', (route) => {
    expect(ipcValidators['pinlight:call']([route, {}, {}])[0]).toBe(route);
  });
});

describe('refused with bad-request', () => {
  const rows: readonly (readonly [name: string, channel: IpcChannel, args: readonly unknown[]])[] = [
    ['stopping the agent, which stays with tray and CLI', 'pinlight:call', ['stop', {}, {}]],
    ['a route that there was once', 'pinlight:call', ['checkPolicy', {}, {}]],
    ['a name out of the prototype', 'pinlight:call', ['constructor', {}, {}]],
    ['no route', 'pinlight:call', [undefined, {}, {}]],
    ['a route that is an object', 'pinlight:call', [{ toString: () => 'status' }, {}, {}]],
    ['too few arguments', 'pinlight:call', ['status']],
    ['too many arguments', 'pinlight:call', ['status', {}, {}, {}]],
    ['a field the route does not have', 'pinlight:call', ['explain', { app: 'a', path: '/etc' }, {}]],
    ['a field name out of the prototype', 'pinlight:call', ['status', { constructor: 'x' }, {}]],
    ['an own __proto__ field', 'pinlight:call', ['status', JSON.parse('{"__proto__":"x"}'), {}]],
    ['a body where there is none', 'pinlight:call', ['status', {}, { host: 'a' }]],
    ['a number in the query', 'pinlight:call', ['connections', { limit: 5 }, {}]],
    ['a list in the query', 'pinlight:call', ['connections', { filter: ['a'] }, {}]],
    ['a query that is a list', 'pinlight:call', ['connections', ['a'], {}]],
    ['a query that is text', 'pinlight:call', ['connections', 'filter', {}]],
    ['hours as text', 'pinlight:call', ['addExclusion', {}, { host: 'a', reason: 'r', hours: '2' }]],
    ['hours without end', 'pinlight:call', ['addExclusion', {}, { host: 'a', reason: 'r', hours: Infinity }]],
    ['a kind of notifications that is none', 'pinlight:notifications', [['pause', 'constructor']]],
    ['a kind twice', 'pinlight:notifications', [['pause', 'pause']]],
    ['kinds that are no list', 'pinlight:notifications', [{ length: 0 }]],
    ['kinds that are text', 'pinlight:notifications', ['pause']],
    ['a filter of a megabyte', 'pinlight:call', ['connections', { filter: 'x'.repeat(1_000_000) }, {}]],
    ['watch zero', 'pinlight:watch-start', [0]],
    ['half a watch', 'pinlight:watch-start', [1.5]],
    ['a watch that is text', 'pinlight:watch-start', ['1']],
    ['a watch without a number', 'pinlight:watch-stop', []],
    ['a path for the bundle', 'pinlight:save-bundle', ['/etc/passwd']],
    ['a bundle of no job', 'pinlight:save-bundle', []],
    ['a code for a pause that is a number', 'pinlight:call', ['pause', {}, { code: 5 }]],
    ['minutes of a pause as text', 'pinlight:call', ['pause', {}, { minutes: '5' }]],
  ];
  test.each(rows)('%s', (_name, channel, args) => expect(codeOf(() => ipcValidators[channel](args))).toBe('bad-request'));
});

test('whatever arrives is either refused with bad-request or plain text and numbers', () => {
  assert(property(constantFrom(...ipcChannels), array(anything(), { maxLength: 4 }), (channel, args) => {
    const code = codeOf(() => ipcValidators[channel](args));
    expect(code === null || code === 'bad-request').toBe(true);
  }), { numRuns: 2000 });
});

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (thrown) {
    return thrown instanceof PinlightError ? thrown.code : `not ours: ${String(thrown)}`;
  }
}
