// What a test agent has written about its apps' handshakes, read from its database. Not a product part.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Observation } from '../../electron/core/model.ts';
import type { TestAgent } from '../support/agent.ts';
import { until } from '../support/tunnel.ts';

/** Every observation at a host, oldest first. */
export function observationsAt(agent: TestAgent, host: string): Observation[] {
  const database = new Database(join(agent.home, 'pinlight.db'), { readonly: true });
  try {
    const rows = database.prepare('SELECT body FROM observations WHERE host = ? ORDER BY id').all(host) as { body: string }[];
    return rows.map((row) => JSON.parse(row.body) as Observation);
  } finally {
    database.close();
  }
}

/** The last of `count` observations at a host; waits for it. */
export async function observed(agent: TestAgent, host: string, count = 1): Promise<Observation> {
  const all = await until(`observation ${count} at ${host}`, () => {
    const found = observationsAt(agent, host);
    return found.length >= count ? found : null;
  });
  if (all.length > count) throw new Error(`${all.length} observations at ${host} instead of ${count}`);
  return all[count - 1] as Observation;
}

/**
 * Runs a visit, again where the agent could not name the program in time: such a connection teaches nothing, by design,
 * and on a busy machine the first look-up of a process may be late. Three times at most.
 */
export async function visitUntilNamed(agent: TestAgent, host: string, visit: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; tries <= 3; tries += 1) {
    await visit();
    const appId = await until(`the end of visit ${tries} at ${host}`, () => newestConnection(agent, host, tries));
    if (appId !== 'nobody') return;
    console.log(`${host}: the owner look-up was late, visited again`);
  }
}

/** Who made the newest of at least `count` finished connections; null while there are fewer. */
function newestConnection(agent: TestAgent, host: string, count: number): string | null {
  const database = new Database(join(agent.home, 'pinlight.db'), { readonly: true });
  try {
    const rows = database.prepare('SELECT app_id FROM connections WHERE host = ? AND duration_ms IS NOT NULL ORDER BY id DESC').all(host) as { app_id: string | null }[];
    return rows.length < count ? null : rows[0]?.app_id ?? 'nobody';
  } finally {
    database.close();
  }
}
