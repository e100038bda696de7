// Small helpers of the fuzz targets.

/** Fails a run with what ought to hold. */
export function insist(holds: boolean, what: string): void {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

/** Words of a format as bytes, one byte a character. */
export function tokens(words: readonly string[]): Uint8Array[] {
  return words.map((word) => Buffer.from(word, 'latin1'));
}

/** An input as text: what is no UTF-8 becomes the replacement character, as in files that are read as text. */
export function textOf(input: Uint8Array): string {
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('utf8');
}

/** The same value for every run of a process, made at its first use. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
