// What the control routes answer about apps, tests and exclusions. A monitor on a real store; the agent's other parts are left out.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decideUnlearned, nextWords, summariseApp, type SummaryContext } from '../../../electron/agent/control/app-summary.ts';
import { createHandlers, type HandlerContext } from '../../../electron/agent/control/handlers.ts';
import { createEventBus } from '../../../electron/agent/events/event-bus.ts';
import type { PolicyStore } from '../../../electron/agent/policy/policy-store.ts';
import { errorBody, PinlightError } from '../../../electron/contract/errors.ts';
import type { Handlers } from '../../../electron/agent/control/control-server.ts';
import type { Rule } from '../../../electron/core/policy/policy.ts';
import { alert, app, begin, createRig, established, hour, minute, passed, silent, type Rig } from '../pinning/rig.ts';
import { exclusion, row } from '../store/rows.ts';

const host = 'api.pinlight.test';
let rig: Rig;
let handlers: Handlers;

beforeEach(() => {
  rig = createRig();
  rules({ do: 'inspect' });
  const summaries: SummaryContext = { monitor: rig.monitor, policy: () => rig.policy, os: 'linux', selfUid: 0, now: () => rig.clock, suspended: () => null };
  const nothing = (): never => { throw new Error('not part of this'); };
  const policy: PolicyStore = { current: () => rig.policy, generation: () => 1, files: () => [], problems: () => [], reload: nothing, onChange: nothing, close: nothing };
  const context: HandlerContext = {
    store: rig.store, log: { page: nothing, statistics: nothing, values: nothing, count: nothing, place: nothing, ofUser: nothing }, monitor: rig.monitor, policy, bus: createEventBus(), snapshot: nothing, summarise: (record, wanted) => summariseApp(record, summaries, wanted),
    decideUnlearned: (record, at) => decideUnlearned(record, at, summaries), nextWords: (record, at) => nextWords(record, at, summaries), trust: nothing, versions: nothing, network: nothing, logTail: nothing, homes: [], now: () => rig.clock, stop: nothing, administrator: true,
    pauses: { isPaused: nothing, view: nothing, begin: nothing, resume: nothing, ticket: nothing, policyChanged: nothing, close: nothing },
    notices: { read: nothing, record: nothing, isPending: nothing }, account: '0', logDetail: { until: nothing, set: nothing },
    bundles: { start: nothing, job: nothing, cancel: nothing, bundle: nothing, close: nothing }, handshakes: { wanted: nothing, keep: nothing, all: nothing }, rootFor: nothing, handshakeChecks: nothing,
  };
  handlers = createHandlers(context);
});
afterEach(() => rig.stop());

function rules(...list: (Partial<Rule> & Pick<Rule, 'do'>)[]): void {
  rig.policy = { ...rig.policy, rules: list.map((rule, index) => ({ id: `r${index}`, when: {}, mustInspect: false, reason: null, ...rule })) };
}
/** The worded refusal of a call; what is no PinlightError is a bug. */
function refusal(call: () => unknown): { code: string; message: string; advice: string } {
  try {
    call();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PinlightError);
    return errorBody(thrown);
  }
  throw new Error('it was not refused');
}
const explain = async (at: string | undefined = host, who = 'a1'): Promise<Awaited<ReturnType<Handlers['explain']>>> => handlers.explain({ app: who, ...(at === undefined ? {} : { host: at }) }, {});
const start = (at = host, who = 'a1'): unknown => handlers.startTest({}, { app: who, host: at });

describe('explain', () => {
  test('brings the observations behind the verdict, newest first', async () => {
    rig.tell(alert(42), host);
    rig.clock += minute;
    rig.tell(silent, host);
    const { observations, verdict } = await explain();
    expect(observations.map(({ at, outcome }) => [at, outcome])).toEqual([[begin + minute, silent], [begin, alert(42)]]);
    expect(verdict?.kind).toBe('undetermined');
  });
  test.each([
    ['an address that was dialled from here', '192.0.2.1', 'looked up through the resolver of this device'], ['none, behind a proxy', null, 'proxy looks the name up'],
  ])('says who looks the name up of what is let through: %s', async (_name, ip, said) => {
    rules({ do: 'bypass' });
    rig.tell(established, host);
    rig.store.putConnection(row(1, begin, { host, ip, disposition: 'bypass', outcome: { kind: 'passed', data: true } }));
    const { controls } = await explain();
    expect(controls.join(' ')).toContain(said);
    expect(controls).toHaveLength(4);
  });
  test('without a host shows the worst one, with its observations', async () => {
    rig.tell(established, 'fine.test');
    rig.tell(alert(42), host);
    const answer = await explain(undefined);
    expect(answer.host).toBe(host);
    expect(answer.observations).toHaveLength(1);
  });
  test('knows a host that memory has let go', async () => {
    rig.tell(alert(42), host);
    for (let i = 0; i < 5_100; i += 1) {
      rig.clock += 1;
      rig.tell(established, `h${i}.test`);
    }
    expect(rig.monitor.apps()[0]?.pairs.has(host)).toBe(false);
    expect((await explain()).observations).toHaveLength(1);
    expect((await explain()).app.hosts.length).toBeLessThanOrEqual(100);
    expect(refusal(() => handlers.explain({ app: 'a1', host: 'never.test' }, {})).code).toBe('not-found');
  });
  test('says what holds for the app as a whole', async () => {
    expect(rig.monitor.apps()).toEqual([]);
    rig.tell({ kind: 'unused' }, host);
    expect((await explain()).app.verdict).toBeNull();
    rig.tell(established, 'fine.test');
    expect((await explain()).app.verdict).toBe('inspectable');
    rig.tell(alert(42), host);
    expect((await explain()).app.verdict).toBe('pinned');
  });
  test('an app under an exclusion for all its hosts is shown as let through everywhere', async () => {
    for (const at of ['a.test', 'b.test', 'c.test']) rig.refuseAndPass(at, app(), alert(42), { trust: { store: 'go-bundled', holdsRoot: false, because: 'x', stale: false } });
    rig.tell(passed, 'd.test');
    const { app: { hosts } } = await explain('d.test');
    expect(hosts.find((one) => one.host === 'd.test')).toMatchObject({ next: { disposition: 'bypass' }, exclusion: { host: '*' } });
  });
});

describe('a test of an app', () => {
  beforeEach(() => { rig.tell(established, 'other.test'); });

  test('is started, read, shown with the app, and cancelled', async () => {
    expect(start()).toMatchObject({ test: { host, phase: 'inspecting' } });
    expect(await handlers.test({ app: 'fetch', host: 'API.pinlight.test.' }, {})).toMatchObject({ test: { host } });
    expect((await explain()).app.hosts.find((one) => one.host === host)?.test).toMatchObject({ phase: 'inspecting' });
    expect(await handlers.cancelTest({ app: 'a1', host }, {})).toMatchObject({ test: { host } });
    expect(await handlers.test({ app: 'a1', host }, {})).toEqual({ test: null });
    expect(await handlers.cancelTest({ app: 'a1', host }, {})).toEqual({ test: null });
  });
  test('its host is shown however many others were seen since', async () => {
    start();
    for (let i = 0; i < 150; i += 1) {
      rig.clock += 1;
      rig.tell(established, `h${i}.test`);
    }
    expect((await explain('h149.test')).app.hosts.map((one) => one.host)).toContain(host);
  });
  test('what the next connection will be is told as the test wants it', async () => {
    rig.refuseAndPass(host);
    start();
    expect((await explain()).app.hosts.find((one) => one.host === host)?.next.disposition).toBe('inspect');
    rig.tell(alert(42), host);
    expect((await explain()).app.hosts.find((one) => one.host === host)?.next.disposition).toBe('bypass');
  });
  test('under a must-inspect rule begins, and ends with not-allowed where it would have to let through', async () => {
    rules({ do: 'inspect', mustInspect: true });
    start();
    rig.tell(alert(42), host);
    expect((await handlers.test({ app: 'a1', host }, {})).test).toMatchObject({ phase: 'done', result: 'not-allowed' });
  });
  test.each<[string, () => void, RegExp]>([
    ['a rule that lets it through', () => rules({ id: 'no-banks', do: 'bypass' }), /no-banks|rule/],
    ['a rule that blocks it', () => rules({ id: 'stop', do: 'block' }), /Blocked/],
    ['no rule at all', () => rules(), /no policy rule matches/],
    ['a predefined exclusion', () => { rig.policy = { ...rig.policy, exclusions: [exclusion('vendor', { kind: 'predefined', host: '*.pinlight.test' })] }; }, /vendor/],
    ['an exclusion of a person', () => rig.monitor.addExclusion(exclusion('user-1', { host })), /user-1/],
  ])('is refused in words where it would never be inspected: %s', (_, happen, words) => {
    happen();
    const { code, message, advice } = refusal(() => start());
    expect(code).toBe('test-not-possible');
    expect(message).toMatch(words);
    expect(advice).toMatch(/\w+ \w+/);
    expect(rig.count('audit', "kind = 'test-started'")).toBe(0);
  });
  test('is refused in words after ten in a day', () => {
    for (let i = 0; i < 10; i += 1) start();
    expect(refusal(() => start())).toMatchObject({ code: 'test-not-possible', message: expect.stringContaining('10 times') });
  });
  test.each<[string, unknown, unknown, string]>([
    ['an app nobody has seen', 'nobody', host, 'no-such-app'], ['no app', undefined, host, 'no-such-app'], ['an app that is no text', 7, host, 'no-such-app'], ['an empty app', '', host, 'no-such-app'],
    ['no host', 'a1', undefined, 'bad-request'], ['a host that is no text', 'a1', {}, 'bad-request'], ['an empty host', 'a1', '', 'bad-request'], ['a pattern', 'a1', '*.test', 'bad-request'],
    ['a star', 'a1', '*', 'bad-request'], ['a URL', 'a1', 'https://x.test/', 'bad-request'], ['a port', 'a1', 'x.test:443', 'bad-request'], ['control characters', 'a1', 'a\u001bb.test', 'bad-request'],
    ['a quote', 'a1', "o'x.test", 'bad-request'], ['a name not in punycode', 'a1', 'bücher.test', 'bad-request'], ['300 characters', 'a1', 'x'.repeat(300), 'bad-request'],
  ])('with %s is refused in words', (_, who, at, code) => {
    expect(refusal(() => handlers.startTest({}, { app: who, host: at } as never)).code).toBe(code);
    expect(refusal(() => handlers.test({ app: who, host: at } as never, {})).code).toBe(code);
    expect(refusal(() => handlers.cancelTest({ app: who, host: at } as never, {})).code).toBe(code);
  });
  test.each(['192.0.2.7', '[2001:db8::1]', 'xn--bcher-kva.example', 'wiki'])('takes the host %s', (at) => {
    expect(start(at)).toMatchObject({ test: { phase: 'inspecting' } });
  });
});

describe('exclusions by hand', () => {
  const add = async (body: Record<string, unknown>): Promise<{ id: string; expiresAt: number | null }> => (await handlers.addExclusion({}, { host, reason: 'ticket', ...body })).exclusion;

  test('the same one again answers with what there is, and a later end holds', async () => {
    const first = await add({ hours: 1 });
    expect(await add({ host: 'API.pinlight.test', hours: 1 })).toEqual(first);
    expect(await add({ hours: 5 })).toEqual({ ...first, expiresAt: begin + 5 * hour });
    expect(await add({ hours: 2 })).toMatchObject({ id: first.id, expiresAt: begin + 5 * hour });
    expect(await add({})).toMatchObject({ id: first.id, expiresAt: null });
    expect(await add({ hours: 2 })).toMatchObject({ id: first.id, expiresAt: null });
    expect(rig.monitor.exclusions()).toHaveLength(1);
    rig.restart();
    expect(rig.monitor.exclusions()).toMatchObject([{ id: first.id, expiresAt: null }]);
  });
  test('for an app, and for every app, are two', async () => {
    rig.tell(established, host);
    await add({});
    await add({ app: 'a1' });
    await add({ host: 'other.test' });
    expect(rig.monitor.exclusions()).toHaveLength(3);
  });
  test('a predefined one is not removed, in words that name the way', () => {
    rig.policy = { ...rig.policy, exclusions: [exclusion('vendor', { kind: 'predefined', host: '*.vendor.test' })] };
    const { code, message } = refusal(() => handlers.removeExclusion({ id: 'vendor' }, {}));
    expect(code).toBe('exclusion-fixed');
    expect(message).toMatch(/"vendor" is a predefined exclusion for \*\.vendor\.test.*policy rule, not removed/);
    expect(refusal(() => handlers.removeExclusion({ id: 'nothing' }, {})).code).toBe('no-such-exclusion');
  });
});
