// Text that a stranger chose: host names, app names, paths. Written as text, isolated in direction, odd characters spelled out.
import { visible } from '../format.ts';

type ForeignProps = { readonly text: string; readonly className?: string; readonly mono?: boolean };

/** One such text; the whole of it is in the tooltip, because lists cut it. */
export function Foreign({ text, className, mono = false }: ForeignProps) {
  const shown = visible(text);
  const classes = ['foreign', mono ? 'mono' : '', className ?? ''].filter((name) => name !== '').join(' ');
  return <bdi className={classes} title={shown}>{shown}</bdi>;
}
