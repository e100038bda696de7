// Who may do what at the control socket (F6), as values; the service itself is asked in `npm run check:security -- F6`.
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callerOf, contextFor, createRoom } from '../../../electron/agent/control/callers.ts';
import type { HandlerContext } from '../../../electron/agent/control/handlers.ts';
import { createEventBus } from '../../../electron/agent/events/event-bus.ts';
import type { AgentEvent, Snapshot } from '../../../electron/contract/snapshot.ts';
import { app, begin, createRig, established, type Rig } from '../pinning/rig.ts';
import { exclusion, row } from '../store/rows.ts';

describe('who is at the other end', () => {
  const nameOf = (uid: number): string | null => (uid === 1000 ? 'ann' : null);
  test.each([
    ['root is an administrator', 0, false, 'administrator'], ['whoever the agent runs as is one', 501, false, 'administrator'], ['another user of a personal agent is a stranger, whatever the socket\'s mode', 1000, false, 'stranger'],
    ['an unknown peer of a personal agent passed the socket\'s mode', null, false, 'administrator'], ['root is one in the service', 0, true, 'administrator'], ['a user is a user of the service', 1000, true, 'user'],
    ['an unknown peer of the service is a stranger', null, true, 'stranger'],
  ] as const)('%s', (_name, uid, service, kind) => expect(callerOf(uid, { service, uid: 501, nameOf }).kind).toBe(kind));
  test('a user without a name has a uid all the same', () => expect(callerOf(4711, { service: true, uid: 501, nameOf })).toEqual({ kind: 'user', uid: 4711, name: null }));
});

test('a user has so many connections, users together have so many, and what closes makes room again', () => {
  const room = createRoom();
  const open = (uid: number, count: number): EventEmitter[] => Array.from({ length: count }, () => new EventEmitter()).filter((socket) => room.admit(uid, socket as never));
  const anns = open(1000, 40);
  expect(anns).toHaveLength(16);
  expect([1001, 1002, 1003, 1004].map((uid) => open(uid, 40).length)).toEqual([16, 16, 16, 0]);
  for (const socket of anns.slice(0, 3)) socket.emit('close');
  expect(open(1004, 40)).toHaveLength(3);
});

describe('what a user of the service sees', () => {
  let rig: Rig;
  let whole: HandlerContext;
  const bus = createEventBus();
  const ann = { kind: 'user', uid: 1000, name: 'ann' } as const;
  beforeEach(() => {
    rig = createRig();
    rig.start();
    for (const [id, user] of [['anns', 'ann'], ['bens', 'ben']] as const) {
      rig.monitor.observeOutcome(app({ id }), user, 7, 1, { at: begin, host: 'h.test', disposition: 'inspect', outcome: established, appHash: null, runtime: null, perCallTrust: false, trust: null, ja4: null, evidence: null, circumstances: observed });
      rig.monitor.countConnection(app({ id }), user, 'inspect');
    }
    const snapshot = (): Snapshot => ({
      sequence: bus.sequence(), counts: { inspect: 2, bypass: 0, block: 0, open: 0 }, apps: rig.monitor.apps().map(({ identity, user }) => ({ id: identity.id, user })),
      recent: [row(1, begin, { user: 'ann' }).row, row(2, begin, { user: 'ben' }).row, row(3, begin, { user: null }).row], exclusions: [exclusion('of-all'), exclusion('of-ann', { appId: 'anns' }), exclusion('of-ben', { appId: 'bens' })],
      warnings: [{ code: 'private-trust-store', key: 'bens' }, { code: 'private-trust-store', key: 'anns' }, { code: 'already-inspected', key: 'the hosts of others' }, { code: 'store-corrupt', key: 'store' }],
    } as unknown as Snapshot);
    whole = { store: rig.store, monitor: rig.monitor, bus, snapshot, administrator: true, account: 'root', notices: { isPending: (account: string) => account === '1000' }, log: { ofUser: () => null }, logTail: () => Promise.resolve('everybody') } as unknown as HandlerContext;
  });
  afterEach(() => rig.stop());

  test('own rows, apps, exclusions and warnings, and what concerns all', () => {
    const seen = contextFor(whole, ann).snapshot();
    expect(seen.agent.noticePending, 'the notice is each user\'s own').toBe(true);
    expect(seen.recent.map(({ id }) => id)).toEqual([1]);
    expect(seen.apps.map(({ id }) => id)).toEqual(['anns']);
    expect(seen.exclusions.map(({ id }) => id)).toEqual(['of-all', 'of-ann']);
    expect(seen.warnings.map(({ key }) => key)).toEqual(['anns', 'store']);
  });
  test('no log, no rights, an account of their own', async () => {
    const seen = contextFor(whole, ann);
    expect([seen.administrator, seen.account]).toEqual([false, '1000']);
    await expect(seen.logTail(10)).rejects.toMatchObject({ code: 'not-permitted' });
  });
  test('a filter of theirs cannot widen what the store gives', () => {
    for (const [id, uid] of [[1, 1000], [2, 1001]] as const) rig.store.putConnection({ ...row(id, begin), uid });
    rig.store.flush();
    const { page } = contextFor(whole, ann).store.connections;
    for (const where of ['', '1', 'uid = 1001 OR 1', 'uid > 0']) expect(page(where, [], 10, null).map(({ id }) => id), where).toEqual([1]);
  });
  test('events of others are left out without a gap', () => {
    const seen: AgentEvent[] = [];
    const stop = contextFor(whole, ann).bus.subscribe((event) => seen.push(event));
    const from = bus.sequence();
    for (const user of ['ben', 'ann', null, 'ann']) bus.publish({ kind: 'connection', row: row(9, begin, { user }).row, counts: { inspect: 0, bypass: 0, block: 0, open: 0 } });
    stop();
    expect(seen.map(({ sequence }) => sequence - from)).toEqual([1, 2]);
  });
  test('another\'s exclusion, and one for all, is not theirs to remove', () => {
    const mine = exclusion('of-ann', { appId: 'anns', expiresAt: null });
    rig.monitor.addExclusion(mine);
    rig.monitor.addExclusion(exclusion('of-all'));
    const { monitor } = contextFor(whole, ann);
    expect(monitor.removeExclusion('of-all', 'x')).toBeNull();
    expect(monitor.removeExclusion('of-ann', 'x')?.id).toBe('of-ann');
  });
});

const observed = {
  rootAgeMs: 0, olderThanRoot: false, disturbance: null, clientCertificateAsked: false, unanswerable: null, ech: false, upstream: 'verified' as const,
};
