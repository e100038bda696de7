// "Test this app now", step by step: what the next connections are to be, what ends a test and how. Real store; a clock of the test's.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AppRecord } from '../../../electron/agent/pinning/pinning-monitor.ts';
import type { AppTest, ConnectionOutcome } from '../../../electron/core/model.ts';
import { calm } from '../store/rows.ts';
import { alert, app, begin, createRig, established, hour, minute, passed, silent, type Rig } from './rig.ts';

const host = 'api.pinlight.test';
const unused: ConnectionOutcome = { kind: 'unused' };
const empty: ConnectionOutcome = { kind: 'passed', data: false };

let rig: Rig;
beforeEach(() => {
  rig = createRig();
  rig.tell(established, 'other.test');
});
afterEach(() => rig.stop());

function record(): AppRecord {
  const found = rig.monitor.apps().find(({ identity }) => identity.id === 'a1');
  if (found === undefined) throw new Error('the app is not there');
  return found;
}
function start(mayPass = true): AppTest {
  const begun = rig.monitor.startTest(record(), host, mayPass);
  if (begun === null) throw new Error('no test today');
  return begun;
}
const standing = (): Pick<AppTest, 'phase' | 'result'> | null => {
  const now = rig.monitor.test('a1', host);
  return now === null ? null : { phase: now.phase, result: now.result };
};
const running = (phase: AppTest['phase']): Pick<AppTest, 'phase' | 'result'> => ({ phase, result: null });
const done = (result: AppTest['result']): Pick<AppTest, 'phase' | 'result'> => ({ phase: 'done', result });
function letThrough(outcome: ConnectionOutcome): void {
  expect(rig.due(host)).toBe(true);
  rig.monitor.takePassThrough(app(), host);
  rig.tell(outcome, host);
}

describe('a test', () => {
  test('of an app that pins: refused, let through, pinned, and the exclusion is learned as usual', () => {
    expect(start()).toEqual({ host, phase: 'inspecting', startedAt: begin, endsAt: begin + 10 * minute, steps: [], result: null });
    expect(rig.due(host)).toBe(false);
    rig.tell(alert(42), host);
    expect(standing()).toEqual(running('letting-through'));
    rig.clock += 5_000;
    letThrough(passed);
    expect(standing()).toEqual(done('pinned'));
    expect(rig.due(host)).toBe(false);
    expect(rig.excluded(host)).toMatchObject({ kind: 'learned', host, verdict: 'pinned' });
    expect(rig.monitor.test('a1', host)?.steps).toEqual([
      { at: begin, disposition: 'inspect', outcome: alert(42) }, { at: begin + 5_000, disposition: 'bypass', outcome: passed },
    ]);
    expect(rig.count('audit', "kind = 'test-started'")).toBe(1);
    expect(rig.count('audit', "kind = 'pass-through'")).toBe(1);
  });
  test('of an app that can be inspected ends with the first data', () => {
    start();
    rig.tell(established, host);
    expect(standing()).toEqual(done('inspectable'));
  });
  test('ends with inspectable, too, when a sibling of the refused connection carries data late', () => {
    start();
    rig.tell(silent, host);
    expect(standing()).toEqual(running('letting-through'));
    rig.tell(established, host);
    rig.monitor.sawData(app(), host, 7);
    expect(standing()).toEqual(done('inspectable'));
    expect(rig.due(host)).toBe(false);
  });
  test('takes what was learned out of the way, for the host and for the whole app, and says so in the audit', () => {
    expect(rig.refuseAndPass(host)).toBe(true);
    expect(rig.excluded(host)).not.toBeNull();
    start();
    expect(rig.excluded(host)).toBeNull();
    expect(rig.count('audit', "kind = 'exclusion-removed' AND detail LIKE '%test-started%'")).toBe(1);
  });
  test('is beyond the automatic budget, because a person asked', () => {
    expect(rig.refuseAndPass(host)).toBe(true);
    start();
    rig.tell(alert(42), host);
    letThrough(passed);
    expect(standing()).toEqual(done('pinned'));
    expect(rig.count('granted', "kind = 'pass-through'")).toBe(2);
  });
  test('leaves other hosts of the app, and other apps, alone', () => {
    start();
    rig.tell(alert(42), host);
    expect(rig.due('third.test')).toBe(false);
    expect(rig.due(host, app({ id: 'a2' }))).toBe(false);
  });
  test.each<[string, ConnectionOutcome[]]>([
    ['a browser\'s unused siblings', [unused, unused, unused]], ['a connection that left before our certificate', [{ kind: 'abandoned' }]],
    ['trouble with the server', [{ kind: 'upstream', code: 'ECONNRESET' }]],
  ])('goes on after %s', (_, outcomes) => {
    start();
    for (const outcome of outcomes) rig.tell(outcome, host);
    expect(standing()).toEqual(running('inspecting'));
    rig.tell(alert(42), host);
    for (const outcome of outcomes) rig.tell(outcome, host);
    expect(standing()).toEqual(running('letting-through'));
    expect(rig.due(host)).toBe(true);
  });
  test('waits while a sibling of the refused connection is open, and goes on when that one refuses as well', () => {
    start();
    rig.monitor.connectionOpened(app(), host, 7);
    rig.tell(alert(42), host);
    expect(standing()).toEqual(running('inspecting'));
    rig.monitor.connectionClosed(app(), host, 7);
    rig.tell(alert(42), host);
    expect(standing()).toEqual(running('letting-through'));
  });
  test('takes refusals of the same attempt that come in late for nothing new', () => {
    start();
    for (let i = 0; i < 6; i += 1) rig.tell(alert(42), host);
    expect(standing()).toEqual(running('letting-through'));
  });
  test('lets a second and third connection through when the first tunnel was not used, then says what it knows', () => {
    start();
    rig.tell(alert(42), host);
    letThrough(empty);
    letThrough(empty);
    expect(standing()).toEqual(running('letting-through'));
    letThrough(empty);
    expect(standing()?.phase).toBe('done');
    expect(standing()?.result).toBe(rig.monitor.verdictAt('a1', host)?.kind);
    expect(rig.due(host)).toBe(false);
    expect(rig.added).toEqual([]);
  });
  test('where policy lets nothing pass ends with not-allowed at the refusal', () => {
    start(false);
    rig.tell(alert(42), host);
    expect(standing()).toEqual(done('not-allowed'));
  });
  test('whose tunnel policy withholds in spite of all ends with not-allowed', () => {
    start();
    rig.tell(alert(42), host);
    for (let i = 0; i < 2; i += 1) {
      rig.clock += 5_000;
      rig.tell(alert(42), host);
    }
    expect(standing()).toEqual(done('not-allowed'));
  });
  test('of an app with another protocol ends with incompatible', () => {
    start();
    rig.tell({ kind: 'incompatible', alert: 70 }, host);
    expect(standing()).toEqual(done('incompatible'));
  });
  test('of an app whose hello our leg cannot answer ends at its first connection, and nothing is learned', () => {
    start();
    rig.tell(passed, host, app(), { circumstances: { ...calm, unanswerable: 'no elliptic curve in common' } });
    expect(standing()).toEqual(done('incompatible'));
    expect(rig.excluded(host)).toBeNull();
  });
  test('at a server that asks for a client certificate ends with that', () => {
    start();
    rig.tell(passed, host, app(), { circumstances: { ...calm, clientCertificateAsked: true } });
    expect(standing()).toEqual(done('client-certificate'));
    expect(rig.excluded(host)).toMatchObject({ verdict: 'client-certificate' });
  });
  test.each<[string, ConnectionOutcome[]]>([['nothing happened', []], ['nothing came after the refusal', [alert(42)]]])('ends by itself after ten minutes when %s, and is shown for ten more', (_, outcomes) => {
    start();
    for (const outcome of outcomes) rig.tell(outcome, host);
    rig.clock = begin + 10 * minute - 1;
    expect(standing()?.result).toBeNull();
    rig.clock += 1;
    expect(standing()).toEqual(done('no-attempt'));
    rig.clock += 10 * minute - 1;
    expect(standing()).toEqual(done('no-attempt'));
    rig.clock += 1;
    expect(standing()).toBeNull();
  });
  test('begins anew when it is started again, and is gone when cancelled', () => {
    start();
    rig.tell(alert(42), host);
    rig.clock += minute;
    expect(start()).toMatchObject({ phase: 'inspecting', startedAt: begin + minute, steps: [] });
    expect(rig.monitor.cancelTest('a1', host)).toMatchObject({ phase: 'inspecting' });
    expect(standing()).toBeNull();
    expect(rig.monitor.cancelTest('a1', host)).toBeNull();
  });
  test('is told at each step', () => {
    const steps = [(): void => { start(); }, (): void => { rig.tell(alert(42), host); }, (): void => letThrough(passed), (): void => { rig.monitor.cancelTest('a1', host); }];
    for (const step of steps) {
      rig.changes = [];
      step();
      expect(rig.changes).toContain('a1');
    }
  });
  test('can be had ten times a day for an app, restarts included', () => {
    for (let i = 0; i < 5; i += 1) start();
    rig.restart();
    for (let i = 0; i < 5; i += 1) expect(rig.monitor.startTest(record(), `h${i}.test`, true)).not.toBeNull();
    expect(rig.monitor.startTest(record(), host, true)).toBeNull();
    rig.clock += 24 * hour;
    expect(rig.monitor.startTest(record(), host, true)).not.toBeNull();
  });
  test('ends with the agent: a restart knows none', () => {
    start();
    rig.restart();
    expect(standing()).toBeNull();
  });
});
