// The arithmetic of the bench: medians, spreads and ratios of measured rounds. Pure; not for measuring or printing.

/** Middle value (mean of the two middle ones for an even count), in the values' own unit; null when there are none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

/** Half the distance from the smallest to the largest value, as a share of the median (0.1 = ±10 %); null when that says nothing. */
export function spread(values: readonly number[]): number | null {
  const middle = median(values);
  if (middle === null || middle <= 0 || values.length < 2) return null;
  return (Math.max(...values) - Math.min(...values)) / 2 / middle;
}

/** `a / b`; null when either is unknown or b is not above zero, so that a missing peer never turns into a number. */
export function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null || b <= 0 ? null : a / b;
}

/** Rounds to three significant digits below 100 and to whole numbers above: what the spread of such rounds supports. */
export function rounded(value: number | null): number | null {
  if (value === null) return null;
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** The ways in the order of one round: each round starts one further, so that no way always runs first or last. */
export function rotated<T>(items: readonly T[], round: number): readonly T[] {
  if (items.length === 0) return [];
  const start = round % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
