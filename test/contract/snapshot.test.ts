// reduce(): each kind of event, replays, gaps and bounds.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasGap, recentLimit, reduce, type AgentEvent, type AppSummary, type ConnectionRow, type Counts, type Snapshot } from '../../electron/contract/snapshot.ts';
import type { Exclusion } from '../../electron/core/model.ts';
import type { VisibleWarning } from '../../electron/core/health/warnings.ts';

const row = (id: number, change: Partial<ConnectionRow> = {}): ConnectionRow => ({
  id, startedAt: id, durationMs: null, appId: 'a1', appName: 'curl', appPath: '/usr/bin/curl', package: null, pid: 1, user: 'ada', host: 'a.example', port: 443, ip: null,
  serverName: null, decided: 'inspect', disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'r1', outcome: null, tlsVersion: null, cipher: null, alpn: null,
  ja4: null, bytesUp: 0, bytesDown: 0, error: null, ...change,
});
const app = (id: string, inspected = 0): AppSummary => ({
  id, name: id, path: `/bin/${id}`, script: null, package: null, runtime: null, hash: null, known: true, user: null, trust: null, verdict: null, inspected, bypassed: 0, blocked: 0, lastSeen: 0, hosts: [],
});
const counts = (inspect: number): Counts => ({ inspect, bypass: 0, block: 0, open: 0 });
const exclusion: Exclusion = { id: 'e1', kind: 'user', host: 'a', appId: null, appName: null, appHash: null, reason: 'r', verdict: null, createdAt: 0, expiresAt: null };
const warning: VisibleWarning = { code: 'store-corrupt', key: 'k', values: {}, since: 0, severity: 'warning', title: 't', text: 'x', advice: 'y' };
const empty: Snapshot = {
  sequence: 10,
  agent: {
    version: '1', pid: 1, startedAt: 0, device: 'd', os: 'linux', proxy: [], controlPath: '', stateFolder: '',
    root: { certificatePath: '', fingerprint: '', subject: '', notBefore: 0, notAfter: 1, keyProtection: '' },
    policy: { generation: 1, origin: 'embedded', rules: 1, files: [], managedBy: null },
    pause: { mode: 'allow', maxMinutes: 30, left: 10, active: null }, noticePending: false, stopping: false, logDetailUntil: null,
  },
  counts: counts(0), apps: [app('a'), app('b')], exclusions: [], warnings: [], recent: [],
};

describe('reduce', () => {
  test.each<[string, AgentEvent, Partial<Snapshot>]>([
    ['a new connection comes first, with the counts', { sequence: 11, kind: 'connection', row: row(1), counts: counts(4) }, { recent: [row(1)], counts: counts(4) }],
    ['an app replaces its older self and comes first', { sequence: 11, kind: 'app', app: app('b', 5) }, { apps: [app('b', 5), app('a')] }],
    ['a new app is added', { sequence: 11, kind: 'app', app: app('c') }, { apps: [app('c'), app('a'), app('b')] }],
    ['exclusions are replaced as a whole', { sequence: 11, kind: 'exclusions', exclusions: [exclusion] }, { exclusions: [exclusion] }],
    ['warnings are replaced as a whole', { sequence: 11, kind: 'warnings', warnings: [warning] }, { warnings: [warning] }],
    ['the agent is replaced as a whole', { sequence: 11, kind: 'agent', agent: { ...empty.agent, pid: 2 } }, { agent: { ...empty.agent, pid: 2 } }],
  ])('%s', (_, event, change) => {
    const frozen = JSON.stringify(empty);
    expect(reduce(empty, event)).toEqual({ ...empty, sequence: 11, ...change });
    expect(JSON.stringify(empty)).toBe(frozen);
  });

  test.each([9, 10])('an event of sequence %i is a replay and changes nothing', (sequence) => {
    expect(reduce(empty, { sequence, kind: 'app', app: app('z') })).toBe(empty);
  });

  test('a row that ends replaces the open one in its place', () => {
    let state = empty;
    for (const id of [1, 2, 3]) state = reduce(state, { sequence: state.sequence + 1, kind: 'connection', row: row(id), counts: counts(id) });
    state = reduce(state, { sequence: state.sequence + 1, kind: 'connection', row: row(2, { durationMs: 9 }), counts: counts(3) });
    expect(state.recent.map(({ id, durationMs }) => [id, durationMs])).toEqual([[3, null], [2, 9], [1, null]]);
  });

  test('recent rows are bounded, and a late end of an old row does not push a newer one out', () => {
    let state = empty;
    for (let id = 1; id <= recentLimit + 50; id += 1) state = reduce(state, { sequence: state.sequence + 1, kind: 'connection', row: row(id), counts: counts(id) });
    state = reduce(state, { sequence: state.sequence + 1, kind: 'connection', row: row(3, { durationMs: 1 }), counts: counts(3) });
    expect(state.recent).toHaveLength(recentLimit);
    expect(state.recent[0]?.id).toBe(recentLimit + 50);
    expect(state.recent.at(-1)?.id).toBe(51);
  });

  test.each([[9, false], [10, false], [11, false], [12, true], [99, true]])('an event of sequence %i after 10: gap %s', (sequence, gap) => {
    expect(hasGap(empty, { sequence, kind: 'warnings', warnings: [] })).toBe(gap);
  });

  const event: fc.Arbitrary<(sequence: number) => AgentEvent> = fc.oneof(
    fc.nat(400).map((id) => (sequence: number): AgentEvent => ({ sequence, kind: 'connection', row: row(id), counts: counts(id) })), fc.constantFrom('a', 'b', 'c').map((id) => (sequence: number): AgentEvent => ({ sequence, kind: 'app', app: app(id) })),
    fc.constant((sequence: number): AgentEvent => ({ sequence, kind: 'exclusions', exclusions: [exclusion] })), fc.constant((sequence: number): AgentEvent => ({ sequence, kind: 'warnings', warnings: [warning] })), fc.constant((sequence: number): AgentEvent => ({ sequence, kind: 'agent', agent: empty.agent })),
  );

  test('a stream with any part of it repeated ends in the same snapshot', () => {
    fc.assert(fc.property(fc.array(event, { maxLength: 40 }), fc.nat(40), fc.nat(40), (bodies, from, length) => {
      const events = bodies.map((make, index) => make(11 + index));
      const once = events.reduce(reduce, empty);
      const repeated = [...events, ...events.slice(from, from + length)].reduce(reduce, empty);
      expect(repeated).toEqual(once);
      expect(once.sequence).toBe(10 + events.length);
      expect(once.recent.length).toBeLessThanOrEqual(recentLimit);
      expect(new Set(once.recent.map(({ id }) => id)).size).toBe(once.recent.length);
      expect(new Set(once.apps.map(({ id }) => id)).size).toBe(once.apps.length);
    }), { numRuns: 300 });
  });
});
