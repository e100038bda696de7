// The store behind the screens: batches, gaps, and what is kept when the agent goes.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BridgeSignal } from '../../electron/contract/bridge.ts';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { connectAgent } from '../../renderer/state/agent-store.ts';
import { fixtureSnapshot } from './fixture-data.ts';

beforeEach(() => { vi.useFakeTimers({ now: 1_000_000 }); });
afterEach(() => { vi.useRealTimers(); });

/** A store whose signals the test sends itself; `status` answers what `fresh` holds at that time. */
function connect(fresh: { snapshot: Snapshot }) {
  const listeners: ((signal: BridgeSignal) => void)[] = [];
  const status = vi.fn(async () => fresh.snapshot);
  const { store } = connectAgent({
    status,
    watch: (listener) => {
      listeners.push(listener);
      return () => undefined;
    },
  });
  return { store, status, send: (signal: BridgeSignal) => { for (const listener of listeners) listener(signal); } };
}

test('it is loading until the first snapshot, then live, and events are applied in one batch', () => {
  const { store, send } = connect({ snapshot: fixtureSnapshot(10, 0) });
  expect(store.getState().link).toBe('loading');
  send({ kind: 'snapshot', snapshot: fixtureSnapshot(10, 0) });
  expect(store.getState()).toMatchObject({ link: 'live', asOf: 1_000_000 });
  const seen = vi.fn();
  store.subscribe(seen);
  for (let sequence = 101; sequence <= 150; sequence += 1) send({ kind: 'warnings', sequence, warnings: [] });
  expect(seen).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(seen).toHaveBeenCalledTimes(1);
  expect(store.getState().snapshot).toMatchObject({ sequence: 150, warnings: [] });
});

test('a gap asks for a new snapshot once and then goes on with the events it missed nothing of', async () => {
  const fresh = { snapshot: { ...fixtureSnapshot(10, 0), sequence: 120 } };
  const { store, send, status } = connect(fresh);
  send({ kind: 'snapshot', snapshot: fixtureSnapshot(10, 0) });
  send({ kind: 'warnings', sequence: 119, warnings: [] });
  send({ kind: 'warnings', sequence: 120, warnings: [] });
  send({ kind: 'warnings', sequence: 121, warnings: [] });
  await vi.advanceTimersByTimeAsync(500);
  expect(status).toHaveBeenCalledTimes(1);
  expect(store.getState().snapshot?.sequence).toBe(121);
});

test('a lost agent leaves the last snapshot with its time, and the next snapshot makes it live again', () => {
  const { store, send } = connect({ snapshot: fixtureSnapshot(10, 0) });
  send({ kind: 'snapshot', snapshot: fixtureSnapshot(10, 0) });
  vi.setSystemTime(2_000_000);
  send({ kind: 'disconnected', why: 'gone' });
  expect(store.getState()).toMatchObject({ link: 'disconnected', why: 'gone', asOf: 1_000_000, snapshot: { sequence: 100 } });
  send({ kind: 'snapshot', snapshot: fixtureSnapshot(10, 0) });
  expect(store.getState()).toMatchObject({ link: 'live', why: null, asOf: 2_000_000 });
});
