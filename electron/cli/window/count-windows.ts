// How many windows are open, and when there has been none for long enough to end. Not for what a window may do.

export type WindowCount = {
  /** One more window; the returned function takes it away again. */
  open(): () => void;
  readonly count: () => number;
};

/** Counts open windows by their event streams; `idle` aborts when none has been open for `idleMs`, or at close. */
export function countWindows(idleMs: number): WindowCount & { readonly idle: AbortSignal; close(): void } {
  const over = new AbortController();
  let count = 0;
  let timer = setTimeout(() => over.abort(), idleMs);
  return {
    idle: over.signal,
    count: () => count,
    open() {
      count += 1;
      clearTimeout(timer);
      return () => {
        count -= 1;
        if (count > 0 || over.signal.aborted) return;
        clearTimeout(timer);
        timer = setTimeout(() => over.abort(), idleMs);
      };
    },
    close() {
      clearTimeout(timer);
      over.abort();
    },
  };
}
