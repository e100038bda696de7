// The tables behind verdicts: pairs of app and host, their observations, and what was granted to apps. They and the tables that grow beside
// them (apps, audit, issued leaves) are bounded while they are written: any user of the device makes rows of all of them.
// Not for batching (store.ts) and not for judging (core/pinning).
import type Database from 'better-sqlite3';
import type { Observation, Verdict } from '../../core/model.ts';
import { readObservation, readVerdict } from './stored-values.ts';

/**
 * Most rows of each table; the oldest go. A pair earns its verdict from 16 observations; no laptop has more pairs than these, and an
 * app that visits hosts only to fill the store pushes out its own. Leaves and audit rows are for looking back, some tens of MB when full:
 * without a limit whoever makes many of them would push everybody's connections out of the file.
 */
export type StoreLimits = {
  readonly perPair: number; readonly observations: number; readonly pairs: number; readonly pairsPerApp: number;
  readonly apps: number; readonly audit: number; readonly leaves: number; readonly granted: number;
};
export const defaultLimits: StoreLimits = {
  perPair: 16, observations: 200_000, pairs: 100_000, pairsPerApp: 10_000, apps: 5_000, audit: 50_000, leaves: 100_000, granted: 100_000,
};

export type StoredObservation = { readonly appId: string; readonly connection: number; readonly observation: Observation };
export type StoredPair = {
  readonly appId: string; readonly host: string; readonly firstSeen: number; readonly lastSeen: number; readonly attempts: number;
  /** The next connection may pass untouched; a learned exclusion ended by time and may begin again. */
  readonly due: boolean; readonly renewable: boolean;
  /** Null where none can be read: an earlier version wrote none. */
  readonly verdict: Verdict | null;
};
/** A tunnel or a test that was granted: counted against the next ones, whatever memory forgets. */
export type Granted = { readonly host: string; readonly kind: 'pass-through' | 'test'; readonly at: number };

export type VerdictTables = {
  observation(row: StoredObservation): void;
  reword(connection: number, observation: Observation): void;
  pair(row: StoredPair): void;
  grant(appId: string, granted: Granted): void;
  /** At the end of a batch, in its transaction: what is too much goes. Answers how many rows went. */
  settle(): number;
  /** The batch was rolled back: counts are taken anew. */
  forgetCounts(): void;
  loadPair(appId: string, host: string): StoredPair | null;
  /** Latest seen first. */
  newestPairs(limit: number): StoredPair[];
  /** Oldest first, the newest `perPair`. */
  loadObservations(appId: string, host: string): StoredObservation[];
  /** The app's newest observations with this outcome, any host, oldest first. */
  loadOutcomes(appId: string, kind: 'established' | 'refused', limit: number): Observation[];
  loadGranted(appId: string, since: number): Granted[];
};

type PairRow = {
  app_id: string; host: string; first_seen: number; last_seen: number; attempts: number; due: number; renewable: number; verdict: string;
};

/** The oldest go some at once, so that a full table does not pay for every row; finding an app's own oldest costs more. */
const some = (limit: number, part: 50 | 500): number => Math.max(1, Math.floor(limit / part));

export function createVerdictTables(database: Database.Database, limits: StoreLimits): VerdictTables {
  const sql = {
    observation: database.prepare('INSERT INTO observations (app_id, host, at, connection, kind, body) VALUES (?, ?, ?, ?, ?, ?)'),
    reword: database.prepare('UPDATE observations SET kind = ?, body = ? WHERE connection = ?'),
    trim: database.prepare(`DELETE FROM observations WHERE app_id = @app AND host = @host
      AND id <= (SELECT id FROM observations WHERE app_id = @app AND host = @host ORDER BY id DESC LIMIT 1 OFFSET @keep)`),
    dropOldest: database.prepare('DELETE FROM observations WHERE id IN (SELECT id FROM observations ORDER BY id LIMIT ?)'),
    hasPair: database.prepare('SELECT 1 FROM pairs WHERE app_id = ? AND host = ?').pluck(),
    pair: database.prepare('INSERT OR REPLACE INTO pairs (app_id, host, first_seen, last_seen, attempts, due, renewable, verdict) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    oldestPairs: database.prepare('SELECT app_id, host FROM pairs ORDER BY last_seen LIMIT ?'),
    oldestPairsOf: database.prepare('SELECT app_id, host FROM pairs WHERE app_id = ? ORDER BY last_seen LIMIT ?'),
    dropPair: database.prepare('DELETE FROM pairs WHERE app_id = ? AND host = ?'),
    dropObservations: database.prepare('DELETE FROM observations WHERE app_id = ? AND host = ?'),
    grant: database.prepare('INSERT INTO granted (app_id, host, kind, at) VALUES (?, ?, ?, ?)'),
    // Ids have few gaps in the middle: rows go from the old end, leaves by their own end as well. By id costs nothing where nothing goes.
    dropGranted: database.prepare('DELETE FROM granted WHERE id <= (SELECT max(id) FROM granted) - ?'),
    dropAudit: database.prepare('DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?'),
    dropLeaves: database.prepare('DELETE FROM issued_leaves WHERE rowid <= (SELECT max(rowid) FROM issued_leaves) - ?'),
    dropApps: database.prepare('DELETE FROM apps WHERE id IN (SELECT id FROM apps ORDER BY last_seen DESC LIMIT -1 OFFSET ?)'),
    loadPair: database.prepare('SELECT * FROM pairs WHERE app_id = ? AND host = ?'),
    newestPairs: database.prepare('SELECT * FROM pairs ORDER BY last_seen DESC LIMIT ?'),
    loadObservations: database.prepare('SELECT connection, body FROM observations WHERE app_id = ? AND host = ? ORDER BY id DESC LIMIT ?'),
    loadOutcomes: database.prepare('SELECT body FROM observations WHERE app_id = ? AND kind = ? ORDER BY id DESC LIMIT ?').pluck(),
    loadGranted: database.prepare('SELECT host, kind, at FROM granted WHERE app_id = ? AND at >= ? ORDER BY at'),
  };
  let counts: { observations: number; pairs: number; ofApp: Map<string, number> } | null = null;
  let touched = new Map<string, { app: string; host: string; keep: number }>();

  const counted = (): NonNullable<typeof counts> => {
    counts ??= {
      observations: database.prepare('SELECT count(*) FROM observations').pluck().get() as number,
      pairs: database.prepare('SELECT count(*) FROM pairs').pluck().get() as number,
      ofApp: new Map(database.prepare('SELECT app_id, count(*) FROM pairs GROUP BY app_id').raw().all() as [string, number][]),
    };
    return counts;
  };
  const dropPairs = (rows: unknown[]): number => {
    const now = counted();
    let gone = 0;
    for (const { app_id: app, host } of rows as { app_id: string; host: string }[]) {
      const observations = sql.dropObservations.run(app, host).changes;
      now.observations -= observations;
      gone += observations + sql.dropPair.run(app, host).changes;
      now.pairs -= 1;
      now.ofApp.set(app, (now.ofApp.get(app) ?? 1) - 1);
    }
    return gone;
  };

  return {
    observation: ({ appId, connection, observation }) => {
      counted().observations += 1;
      sql.observation.run(appId, observation.host, observation.at, connection, observation.outcome.kind, JSON.stringify(observation));
      touched.set(pairKey(appId, observation.host), { app: appId, host: observation.host, keep: limits.perPair });
    },
    reword: (connection, observation) => {
      sql.reword.run(observation.outcome.kind, JSON.stringify(observation), connection);
    },
    pair: (row) => {
      const now = counted();
      if (sql.hasPair.get(row.appId, row.host) === undefined) {
        now.pairs += 1;
        now.ofApp.set(row.appId, (now.ofApp.get(row.appId) ?? 0) + 1);
      }
      sql.pair.run(row.appId, row.host, row.firstSeen, row.lastSeen, row.attempts, Number(row.due), Number(row.renewable), row.verdict === null ? '' : JSON.stringify(row.verdict));
    },
    grant: (appId, { host, kind, at }) => {
      sql.grant.run(appId, host, kind, at);
    },
    settle: () => {
      const now = counted();
      let gone = 0;
      for (const pair of touched.values()) {
        const { changes } = sql.trim.run(pair);
        now.observations -= changes;
        gone += changes;
      }
      touched = new Map();
      for (const [app, number] of now.ofApp) {
        if (number > limits.pairsPerApp) gone += dropPairs(sql.oldestPairsOf.all(app, number - limits.pairsPerApp + some(limits.pairsPerApp, 50)));
        else if (number === 0) now.ofApp.delete(app);
      }
      if (now.pairs > limits.pairs) gone += dropPairs(sql.oldestPairs.all(now.pairs - limits.pairs + some(limits.pairs, 500)));
      if (now.observations > limits.observations) {
        const { changes } = sql.dropOldest.run(now.observations - limits.observations + some(limits.observations, 500));
        now.observations -= changes;
        gone += changes;
      }
      const limited = [[sql.dropAudit, limits.audit], [sql.dropLeaves, limits.leaves], [sql.dropGranted, limits.granted], [sql.dropApps, limits.apps]] as const;
      return limited.reduce((sum, [drop, limit]) => sum + drop.run(limit).changes, gone);
    },
    forgetCounts: () => {
      counts = null;
      touched = new Map();
    },
    loadPair: (appId, host) => {
      const row = sql.loadPair.get(appId, host) as PairRow | undefined;
      return row === undefined ? null : storedPair(row);
    },
    newestPairs: (limit) => (sql.newestPairs.all(limit) as PairRow[]).map(storedPair),
    loadObservations: (appId, host) => (sql.loadObservations.all(appId, host, limits.perPair) as { connection: number; body: string }[]).toReversed()
      .flatMap(({ connection, body }) => {
        const observation = readObservation(body);
        return observation === null ? [] : [{ appId, connection, observation }];
      }),
    loadOutcomes: (appId, kind, limit) => (sql.loadOutcomes.all(appId, kind, limit) as string[]).toReversed().flatMap((body) => readObservation(body) ?? []),
    loadGranted: (appId, since) => sql.loadGranted.all(appId, since) as Granted[],
  };
}

/** App ids hold no line break, so no host can be spelt into another app's key. */
export function pairKey(appId: string, host: string): string {
  return `${appId}\n${host}`;
}

function storedPair(row: PairRow): StoredPair {
  return {
    appId: row.app_id, host: row.host, firstSeen: row.first_seen, lastSeen: row.last_seen, attempts: row.attempts,
    due: row.due === 1, renewable: row.renewable === 1, verdict: readVerdict(row.verdict),
  };
}
