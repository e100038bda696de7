// A second process that reads the store while the agent writes: run by store.test.ts with the path; ends when PATH.stop is there.
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';

const path = process.argv[2] ?? '';
const database = new Database(path, { readonly: true });
const errors: string[] = [];
let reads = 0;
let last = 0;
for (let stop = false; !stop;) {
  stop = existsSync(`${path}.stop`);
  try {
    const rows = database.prepare('SELECT id FROM connections ORDER BY id DESC LIMIT 1000').all() as { id: number }[];
    last = rows[0]?.id ?? 0;
    reads += 1;
  } catch (error) {
    errors.push((error as Error).message);
  }
}
console.log(JSON.stringify({ reads, errors, last }));
