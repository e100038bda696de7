// A card of the Overview. Not for what stands in it.
import type { ReactNode } from 'react';

type CardProps = { readonly title: string; readonly note?: string; readonly wide?: boolean; readonly children: ReactNode };

/** A region with its heading; `wide`: over all columns. */
export function Card({ title, note, wide = false, children }: CardProps) {
  return (
    <section className={wide ? 'card card-wide' : 'card'} aria-label={title}>
      <header className="card-head"><h2>{title}</h2>{note === undefined ? null : <p className="muted">{note}</p>}</header>
      {children}
    </section>
  );
}
