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
