// The database's shape, as steps that are applied once each in order. A step that has shipped is never edited.
// Not for queries. `connections` has every column the filter language names, nullable where later work fills it.

/** Step n brings `user_version` from n to n + 1. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE connections (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL, duration_ms INTEGER,
    app_id TEXT, app_name TEXT, app_path TEXT, signer TEXT, package TEXT, pid INTEGER, uid INTEGER, user TEXT,
    host TEXT NOT NULL, domain TEXT, ip TEXT, port INTEGER NOT NULL, server_name TEXT,
    decided TEXT NOT NULL, disposition TEXT NOT NULL, reason TEXT NOT NULL, reason_detail TEXT, rule TEXT,
    outcome TEXT, sign TEXT, alert INTEGER, outcome_detail TEXT, verdict TEXT,
    tls TEXT, cipher TEXT, alpn TEXT, ja4 TEXT, bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, error TEXT
  ) STRICT;
  CREATE INDEX connections_started ON connections (started_at);
  CREATE INDEX connections_app ON connections (app_name, id);
  CREATE INDEX connections_app_id ON connections (app_id, host, id);
  CREATE INDEX connections_host ON connections (host, id);
  CREATE INDEX connections_domain ON connections (domain, id);
  CREATE INDEX connections_disposition ON connections (disposition, id);
  CREATE INDEX connections_outcome ON connections (outcome, id);
  CREATE INDEX connections_alert ON connections (alert, id) WHERE alert IS NOT NULL;
  CREATE INDEX connections_verdict ON connections (verdict, id) WHERE verdict IS NOT NULL;

  CREATE TABLE observations (
    id INTEGER PRIMARY KEY, app_id TEXT NOT NULL, host TEXT NOT NULL, at INTEGER NOT NULL, connection INTEGER, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX observations_pair ON observations (app_id, host, at);
  CREATE INDEX observations_at ON observations (at);
  CREATE INDEX observations_connection ON observations (connection);

  CREATE TABLE apps (
    id TEXT PRIMARY KEY, identity TEXT NOT NULL, user TEXT, trust TEXT, last_seen INTEGER NOT NULL,
    inspected INTEGER NOT NULL, bypassed INTEGER NOT NULL, blocked INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE exclusions (id TEXT PRIMARY KEY, kind TEXT NOT NULL, expires_at INTEGER, body TEXT NOT NULL) STRICT;

  CREATE TABLE issued_leaves (
    sha256 TEXT PRIMARY KEY, host TEXT NOT NULL, upstream_sha256 TEXT NOT NULL, upstream_result TEXT NOT NULL, rule TEXT,
    at INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
  CREATE INDEX audit_at ON audit (at);
  `,
  // The memory behind verdicts: pairs outlive their observations' place in memory, and what was granted outlives both.
  `
  CREATE TABLE pairs (
    app_id TEXT NOT NULL, host TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, attempts INTEGER NOT NULL,
    due INTEGER NOT NULL, renewable INTEGER NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (app_id, host)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO pairs SELECT app_id, host, min(at), max(at), count(*), 0, 0, '' FROM observations GROUP BY app_id, host;
  CREATE INDEX pairs_last_seen ON pairs (last_seen);

  ALTER TABLE observations ADD COLUMN kind TEXT;
  UPDATE observations SET kind = json_extract(body, '$.outcome.kind') WHERE json_valid(body);
  DROP INDEX observations_pair;
  CREATE INDEX observations_of_pair ON observations (app_id, host);
  CREATE INDEX observations_of_kind ON observations (app_id, kind);

  CREATE TABLE granted (id INTEGER PRIMARY KEY, app_id TEXT NOT NULL, host TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE INDEX granted_to ON granted (app_id, at);
  CREATE INDEX granted_at ON granted (at);
  INSERT INTO granted (app_id, host, kind, at)
    SELECT json_extract(detail, '$.app'), json_extract(detail, '$.host'), 'pass-through', at FROM audit
    WHERE kind = 'pass-through' AND json_valid(detail) AND json_extract(detail, '$.app') IS NOT NULL AND json_extract(detail, '$.host') IS NOT NULL;

  CREATE INDEX apps_last_seen ON apps (last_seen);
  `,
  // The reading thread scans a million rows in a tenth of a second and finds what is frequent among the newest (agent/store/log-queries).
  // Indexes stay where a rare value is asked for by name; the others cost the proxy's thread more than they saved (`npm run bench:ui`).
  `
  DROP INDEX connections_app;
  DROP INDEX connections_domain;
  DROP INDEX connections_disposition;
  DROP INDEX connections_outcome;
  DROP INDEX connections_verdict;
  CREATE INDEX connections_sign ON connections (sign) WHERE sign IS NOT NULL;
  CREATE INDEX connections_error ON connections (error) WHERE error IS NOT NULL;
  CREATE TABLE connection_apps (app_id TEXT NOT NULL, app_name TEXT NOT NULL, app_path TEXT NOT NULL, PRIMARY KEY (app_id, app_name, app_path)) STRICT, WITHOUT ROWID;
  INSERT INTO connection_apps SELECT DISTINCT app_id, coalesce(app_name, ''), coalesce(app_path, '') FROM connections WHERE app_id IS NOT NULL;
  `,
];
