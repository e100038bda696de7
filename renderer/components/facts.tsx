// A list of names and values. Not for values that need comparing: those are tables.
import type { ReactNode } from 'react';

/** Rows whose value is null are left out. */
export function Facts({ rows }: { readonly rows: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="facts">
      {rows.filter(([, value]) => value !== null).map(([name, value]) => (
        <div key={name} className="fact"><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}
