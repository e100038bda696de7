// A store with as many connections as its retention allows, made in bulk: for the bench of the log and for nothing else.
// Names follow a steep curve, as a real device's do: a few apps and hosts make most rows, many are seen once.
import Database from 'better-sqlite3';
import { connectionColumns } from '../../electron/agent/store/stored-connection.ts';
import { openStore } from '../../electron/agent/store/store.ts';

/** Fills the store at `path` with `rows` connections of the 30 days before `now`. Answers ms taken. */
export function fillStore(path: string, rows: number, now: number): number {
  const begun = performance.now();
  openStore(path, now, () => undefined).store.close();
  const database = new Database(path);
  const insert = database.prepare(`INSERT INTO connections (${connectionColumns.join(', ')}) VALUES (${connectionColumns.map(() => '?').join(', ')})`);
  const dice = createDice(7);
  const step = (30 * 24 * 3_600_000) / rows;
  database.transaction(() => {
    for (let id = 1; id <= rows; id += 1) {
      const row = benchRow(id, Math.round(now - (rows - id) * step), dice);
      insert.run(connectionColumns.map((column) => row[column] ?? null));
    }
  })();
  database.exec('INSERT OR IGNORE INTO connection_apps SELECT DISTINCT app_id, app_name, app_path FROM connections');
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  return performance.now() - begun;
}

/** One row as SQLite holds it; columns that are missing are NULL. */
export function benchRow(id: number, at: number, dice: () => number): Readonly<Record<string, string | number | null>> {
  const app = steep(dice(), 150);
  const host = steep(dice(), 4_000);
  const chance = dice();
  const disposition = chance < 0.78 ? 'inspect' : chance < 0.985 ? 'bypass' : 'block';
  const outcome = outcomeOf(disposition, dice());
  const name = app === 3 ? 'slack' : app === 0 ? 'firefox' : app === 5 ? 'curl' : `program-${app}`;
  const domain = `site-${host % 900}.example`;
  return {
    id, started_at: at, duration_ms: Math.round(dice() * 30_000), app_id: `app:${app}:/usr/lib/${name}`, app_name: name, app_path: `/usr/lib/${name}/bin/${name}`,
    package: `${name} 1.${app}-1`, pid: 1000 + app, uid: app % 40 === 7 ? 1001 : 1000, user: app % 40 === 7 ? 'grace' : 'ada', host: `api-${host}.${domain}`, domain,
    ip: `192.0.${host % 250}.${host % 241}`, port: 443, server_name: `api-${host}.${domain}`, decided: disposition, disposition,
    reason: disposition === 'inspect' ? 'rule' : disposition === 'bypass' ? 'exclusion' : 'rule', reason_detail: disposition === 'bypass' ? 'predefined "site"' : null,
    rule: disposition === 'bypass' ? null : 'own-programs-443', outcome, sign: outcome === 'refused' ? 'alert' : null,
    alert: outcome === 'refused' ? [42, 46, 48][host % 3] ?? 46 : null, outcome_detail: outcome === 'passed' ? 'data' : outcome === 'upstream' ? 'ECONNREFUSED' : null,
    verdict: outcome === 'refused' ? (app % 2 === 0 ? 'pinned' : 'private-trust-store') : outcome === 'established' ? 'inspectable' : null,
    tls: dice() < 0.93 ? 'TLSv1.3' : 'TLSv1.2', cipher: 'TLS_AES_128_GCM_SHA256', alpn: dice() < 0.7 ? 'h2' : 'http/1.1', ja4: `t13d15${app % 90}h2_8daaf6152771_02713d6af862`,
    bytes_up: Math.round(dice() * 9_000), bytes_down: Math.round(dice() ** 6 * 40_000_000), error: outcome === 'upstream' ? 'ECONNREFUSED' : null,
  };
}

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function createDice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function outcomeOf(disposition: string, chance: number): string {
  if (disposition === 'block') return 'blocked';
  if (disposition === 'bypass') return chance < 0.97 ? 'passed' : 'upstream';
  return chance < 0.955 ? 'established' : chance < 0.97 ? 'refused' : chance < 0.98 ? 'unused' : chance < 0.995 ? 'abandoned' : 'upstream';
}

function steep(chance: number, many: number): number {
  return Math.floor(many * chance ** 3);
}
