// A setting that is a handful of named values behind a tool or a call: prior values kept, each write journaled, put back exactly.
// Not for any one system: gnome.ts, macos.ts, wininet.ts … say how values are read and written.
import type { Refusal } from '../trust-store/trust-store.ts';
import { priorValues, valuesOf } from './prior-values.ts';
import type { Values } from './prior-values.ts';
import type { Found, Setting, Wanted } from './setting.ts';
import { isOurPac } from './setting.ts';

export type { Values } from './prior-values.ts';

export type ReadValues = { readonly kind: 'values'; readonly values: Values } | { readonly kind: 'unreadable'; readonly why: string };

export type ValueStore = {
  readonly name: string;
  readonly kind: Setting['kind'];
  readonly path: string | null;
  blocked(): Refusal | null;
  read(): Promise<ReadValues>;
  /** Writes these values and no others, in this order. Throws an Error with words. */
  write(values: Values): Promise<void>;
  /** The values that steer. Their keys are all that is ever written. */
  wanted(wanted: Wanted): Values;
  /** Values of a system where nobody set anything: for what is ours and of which nothing is remembered. */
  readonly untouched: Values;
  /** The PAC address in force; null when none is. */
  pac(values: Values): string | null;
  /** What somebody else steers with; null = nothing. Asked only where the PAC in force is not ours. */
  found(values: Values): Found | null;
  readonly detail: string;
};

/** A setting of these values. `folder`: where what was there before is kept. */
export function valueSetting(store: ValueStore, folder: string): Setting {
  const prior = priorValues(folder, store.name);
  const read = async (): Promise<Values> => {
    const found = await store.read();
    if (found.kind === 'unreadable') throw new Error(found.why);
    return found.values;
  };
  return {
    name: store.name, kind: store.kind, path: store.path, enforcesClosed: false,
    blocked: () => store.blocked(),
    async check(wanted) {
      const is = await store.read();
      if (is.kind === 'unreadable') return { kind: 'unreadable', detail: is.why };
      if (isOurPac(store.pac(is.values))) {
        return { kind: 'read', state: 'steered', current: wanted === null || Object.keys(changed(is.values, store.wanted(wanted))).length === 0, detail: store.detail };
      }
      const found = store.found(is.values);
      return found === null ? { kind: 'read', state: 'off', current: true, detail: store.detail } : { kind: 'taken', found, detail: store.detail };
    },
    async install(change, wanted) {
      const [is, to] = [await read(), store.wanted(wanted)];
      const remembered = isOurPac(store.pac(is)) ? prior.read() ?? store.untouched : is;
      prior.write(change, pick(remembered, to));
      change.step('set', { from: JSON.stringify(pick(is, to)), to: JSON.stringify(to) });
      await store.write(changed(is, to));
      return { kind: 'changed' };
    },
    async uninstall(change) {
      const is = await read();
      if (isOurPac(store.pac(is))) {
        const to = prior.read() ?? store.untouched;
        change.step('set', { from: JSON.stringify(pick(is, to)), to: JSON.stringify(to) });
        await store.write(changed(is, to));
      }
      prior.forget(change);
      return { kind: 'changed' };
    },
    async undoStep(_name, { from, to }) {
      const [is, before, after] = [await read(), valuesOf(from), valuesOf(to)];
      // What is neither is somebody else's by now, and stays.
      const ours = Object.keys(after).filter((key) => is[key] === after[key]);
      await store.write(changed(is, Object.fromEntries(ours.map((key) => [key, before[key] ?? null]))));
    },
  };
}

function pick(values: Values, keys: Values): Values {
  return Object.fromEntries(Object.keys(keys).map((key) => [key, values[key] ?? null]));
}

function changed(is: Values, to: Values): Values {
  return Object.fromEntries(Object.entries(to).filter(([key, value]) => (is[key] ?? null) !== value));
}
