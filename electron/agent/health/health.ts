// Which warnings hold right now. The table of texts is core/health/warnings; this only remembers and tells.
import { visibleWarnings, type ActiveWarning, type VisibleWarning, type WarningCode } from '../../core/health/warnings.ts';

export type Health = {
  /** `key` tells two warnings of one code apart. Raising again updates the values and keeps `since`. */
  raise(code: WarningCode, key: string, values: ActiveWarning['values'], now: number): void;
  clear(code: WarningCode, key: string): void;
  visible(): VisibleWarning[];
};

/** More than this many warnings say no more than this many; hostile apps must not fill the list. */
const limit = 100;

/** `onChange` gets the whole list after each change. */
export function createHealth(onChange: (warnings: VisibleWarning[]) => void): Health {
  const active = new Map<string, ActiveWarning>();
  const visible = (): VisibleWarning[] => visibleWarnings([...active.values()]);
  return {
    raise: (code, key, values, now) => {
      const id = `${code} ${key}`;
      const known = active.get(id);
      if (known === undefined && active.size >= limit) return;
      if (known !== undefined && JSON.stringify(known.values) === JSON.stringify(values)) return;
      active.set(id, { code, key, values, since: known?.since ?? now });
      onChange(visible());
    },
    clear: (code, key) => {
      if (active.delete(`${code} ${key}`)) onChange(visible());
    },
    visible,
  };
}
