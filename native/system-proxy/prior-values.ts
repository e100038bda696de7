// What a setting held before Pinlight, kept in the state folder from the moment it is changed until it is put back.
// Not the undo journal, which forgets a change once it is done: the file is written and removed as part of such a change.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Change } from '../undo-journal/index.ts';

/** Values of a setting by key; null = unset. */
export type Values = Readonly<Record<string, string | null>>;

export type PriorValues = {
  /** Null when nothing is remembered: the setting is not ours, or the state folder was lost. */
  read(): Values | null;
  write(change: Change, values: Values): void;
  forget(change: Change): void;
};

/** `folder`: of ours, below the state folder. `name`: of the setting. */
export function priorValues(folder: string, name: string): PriorValues {
  const file = path.join(folder, `${name.replaceAll(/[^\w-]+/g, '_')}.json`);
  return {
    read() {
      try {
        const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
        return isValues(value) ? value : null;
      } catch {
        return null;
      }
    },
    write: (change, values) => change.write(file, Buffer.from(`${JSON.stringify(values)}\n`), 0o600),
    forget: (change) => change.write(file, null),
  };
}

/** Values out of a journaled step; throws for what no step of ours holds. */
export function valuesOf(text: unknown): Values {
  const value: unknown = typeof text === 'string' ? JSON.parse(text) : null;
  if (!isValues(value)) throw new Error('the journal holds no values of this setting');
  return value;
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((one) => one === null || typeof one === 'string');
}
