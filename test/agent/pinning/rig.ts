// A monitor on a real store, with a clock of the test's and words for what happens to an app. Not a product part.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createPinningMonitor, type PinningMonitor } from '../../../electron/agent/pinning/pinning-monitor.ts';
import { openStore, type Store } from '../../../electron/agent/store/store.ts';
import type { AppIdentity, ConnectionOutcome, Exclusion, Observation } from '../../../electron/core/model.ts';
import { embeddedLayer } from '../../../electron/core/policy/embedded.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import { app as anApp, calm } from '../store/rows.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const begin = Date.UTC(2026, 10, 20, 12);

export const app = (change: Partial<AppIdentity> = {}): AppIdentity => ({ ...anApp, ...change });
export const alert = (number: number): ConnectionOutcome => ({ kind: 'refused', sign: 'alert', alert: number });
export const silent: ConnectionOutcome = { kind: 'refused', sign: 'silent-late', alert: null };
export const passed: ConnectionOutcome = { kind: 'passed', data: true };
export const established: ConnectionOutcome = { kind: 'established' };

export type Rig = ReturnType<typeof createRig>;

export function createRig() {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-monitor-'));
  const path = join(folder, 'pinlight.db');
  let connection = 0;
  const rig = {
    path, clock: begin, user: 'root', policy: mergePolicy([{ origin: 'embedded', file: null, layer: embeddedLayer('user') }], []),
    store: null as unknown as Store, monitor: null as unknown as PinningMonitor,
    added: [] as Exclusion[], announced: 0, amended: [] as number[], changes: [] as string[], troubles: [] as (string | null)[],
    start(): void {
      rig.store = openStore(path, rig.clock, ({ message }) => rig.troubles.push(message)).store;
      rig.monitor = createPinningMonitor({ store: rig.store, policy: () => rig.policy, now: () => rig.clock, events: {
        appChanged: ({ identity }) => rig.changes.push(identity.id), exclusionsChanged: () => { rig.announced += 1; },
        exclusionAdded: (exclusion) => rig.added.push(exclusion), outcomeAmended: (id) => rig.amended.push(id),
      } });
    },
    restart(): void {
      rig.store.close();
      rig.start();
    },
    stop(): void {
      rig.store.close();
      rmSync(folder, { recursive: true, force: true });
    },
    /** One finished connection of an app, counted. */
    tell(outcome: ConnectionOutcome, host: string, who: AppIdentity = app(), change: Partial<Observation> = {}, pid = 7): number {
      const id = rig.observe(outcome, host, who, change, pid);
      rig.monitor.countConnection(who, rig.user, outcome.kind === 'passed' ? 'bypass' : 'inspect');
      return id;
    },
    observe(outcome: ConnectionOutcome, host: string, who: AppIdentity = app(), change: Partial<Observation> = {}, pid = 7): number {
      connection += 1;
      rig.monitor.observeOutcome(who, rig.user, pid, connection, {
        at: rig.clock, host, disposition: outcome.kind === 'passed' ? 'bypass' : 'inspect', outcome, appHash: who.hash, runtime: who.runtime,
        perCallTrust: who.perCallTrust, trust: null, ja4: null, evidence: null, circumstances: calm, ...change,
      });
      return connection;
    },
    due: (host: string, who: AppIdentity = app()): boolean => rig.monitor.factsFor(who, host).passThroughDue,
    excluded: (host: string, who: AppIdentity = app()): Exclusion | null => rig.monitor.factsFor(who, host).exclusion,
    /** Refused, let through once if that is due, with data. Answers whether it was. */
    refuseAndPass(host: string, who: AppIdentity = app(), how: ConnectionOutcome = alert(42), change: Partial<Observation> = {}): boolean {
      rig.tell(how, host, who, change);
      if (!rig.due(host, who)) return false;
      rig.monitor.takePassThrough(who, host);
      rig.tell(passed, host, who);
      return true;
    },
    /** What is on disk. */
    count(table: string, where = '1'): number {
      rig.store.flush();
      const reader = new Database(path, { readonly: true });
      try {
        return reader.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get() as number;
      } finally {
        reader.close();
      }
    },
  };
  rig.start();
  return rig;
}
