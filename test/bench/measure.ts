// The rows of the bench and how they are measured: rounds that take turns between the ways, medians of the rounds.
// Not for starting peers (peers/) or printing (report.ts).
import type { Load, LoadClient, Tally } from './client.ts';
import { median, rotated, spread } from './stats.ts';
import type { Way, WayName } from './workspace.ts';

/** One row's plan; `value` reads the figure, in `unit`, from what a round's client counted. */
export type RowPlan = {
  readonly row: string;
  readonly unit: string;
  readonly load: Load;
  readonly rounds: number;
  /** Amount of the round that is not counted. */
  readonly warmUp: number;
  value(tally: Tally): number;
};

/** A median with the spread of its rounds; what could not be measured is null. */
export type Figure = { readonly value: number | null; readonly spread: number | null };
export type MeasuredRow = { readonly row: string; readonly unit: string; readonly figures: Readonly<Partial<Record<WayName, Figure>>> };
export type Measured = { readonly rows: readonly MeasuredRow[]; readonly notes: readonly string[] };

/** The four rows; `quick` takes less of everything, for a look rather than a figure. */
export function rowPlans(quick: boolean): readonly RowPlan[] {
  // An odd number of rounds, so that the median is a round that happened. Within 2 s the slowest way still ends hundreds of connections.
  const rounds = quick ? 3 : 5;
  const seconds = quick ? 1 : 2;
  return [
    {
      row: 'new TLS 1.3 connections, full handshake and one small GET each', unit: 'conn/s', rounds, value: perSecond,
      // sslsplit leaves Nagle's algorithm on and so waits about 40 ms for the client's delayed ACK in each new connection; 64 at
      // once keep every way busy all the same, so that the row shows work and not that wait (the latency row shows it).
      // An agent runs for days: some thousand connections until its code is compiled for good are not what people live with.
      warmUp: 8,
      load: { mode: 'connect', amount: seconds, connections: 64, path: '/small' },
    },
    {
      row: 'keep-alive requests on 32 connections', unit: 'req/s', rounds, warmUp: seconds, value: perSecond,
      load: { mode: 'keepalive', amount: seconds, connections: 32, path: '/small' },
    },
    {
      row: 'bulk download in 4 streams', unit: 'MB/s', rounds, warmUp: seconds, value: (tally) => tally.bytes / 1e6 / tally.seconds,
      load: { mode: 'download', amount: seconds, connections: 4, path: '/large' },
    },
    {
      // The client takes turns between the ways at each sample; rounds only spread the samples over time.
      row: 'latency of one new connection and a 1 kB GET', unit: 'ms', rounds, warmUp: 100, value: (tally) => median(tally.samplesMs) ?? 0,
      load: { mode: 'latency', amount: quick ? 20 : 100, connections: 1, path: '/1k' },
    },
  ];
}

/** Measures every row; `tell` gets a line for people now and then. Ways that fail get null and a note, not an exception. */
export async function measureRows(
  plans: readonly RowPlan[], client: LoadClient, ways: readonly Way[], tell: (line: string) => void,
): Promise<Measured> {
  const rows: MeasuredRow[] = [];
  const notes: string[] = [];
  for (const plan of plans) {
    const values = new Map<WayName, number[]>();
    const troubles = new Map<WayName, { errors: number; done: number; first: string }>();
    // Round 0 warms up (certificate caches, just-in-time compilation) and is not counted.
    for (let round = 0; round <= plan.rounds; round++) {
      for (const tally of await client.run(round === 0 ? { ...plan.load, amount: plan.warmUp } : plan.load, rotated(ways, round))) {
        if (round === 0) continue;
        if (tally.count > 0 || tally.bytes > 0) values.set(tally.way, [...(values.get(tally.way) ?? []), plan.value(tally)]);
        const before = troubles.get(tally.way) ?? { errors: 0, done: 0, first: '' };
        troubles.set(tally.way, {
          errors: before.errors + tally.errors, done: before.done + tally.count, first: before.first || tally.firstError,
        });
      }
      if (round > 0) tell(`${plan.row}: round ${round} of ${plan.rounds}: ${lastValues(ways, values, plan.unit)}`);
    }
    for (const [name, { errors, done, first }] of troubles) {
      if (errors > 0) notes.push(`${name}, ${plan.row}: ${errors} failed beside ${done} done; the first: ${first}`);
    }
    rows.push({ row: plan.row, unit: plan.unit, figures: figures(plan, ways, values) });
  }
  return { rows, notes };
}

function perSecond(tally: Tally): number {
  return tally.count / tally.seconds;
}

function figures(plan: RowPlan, ways: readonly Way[], values: ReadonlyMap<WayName, readonly number[]>): MeasuredRow['figures'] {
  const row: Partial<Record<WayName, Figure>> = {};
  for (const { name } of ways) {
    const all = values.get(name) ?? [];
    // A way that failed in whole rounds has no figure: the rounds left would flatter it.
    row[name] = all.length === plan.rounds ? { value: median(all), spread: spread(all) } : { value: null, spread: null };
  }
  return row;
}

function lastValues(ways: readonly Way[], values: ReadonlyMap<WayName, readonly number[]>, unit: string): string {
  return ways.map(({ name }) => `${name} ${values.get(name)?.at(-1)?.toFixed(unit === 'ms' ? 2 : 0) ?? 'failed'}`).join(', ');
}
