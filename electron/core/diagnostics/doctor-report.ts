// What `pinlight doctor` found, as it travels: from who may look at the device to the agent that makes a bundle of it. Strict, because any
// program that may ask for a bundle can send one. Not for looking (cli/doctor).
import * as z from 'zod';

const limits = { checks: 64, name: 40, text: 500, fix: 300 };
/** Requests to the agent have 64 KiB at most, with a note of 1,000 characters; a report of a device with everything wrong has some 8. */
const mostBytes = 48 * 1024;

const checkSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/).max(limits.name),
  /** `wrong`: something is to be done, as `fix` says; `unknown`: it could not be found out, and why. */
  state: z.enum(['ok', 'wrong', 'unknown']),
  text: z.string().max(limits.text),
  fix: z.string().max(limits.fix).nullable(),
  /** How long it took. */
  ms: z.int().min(0).max(600_000),
}).readonly();

const reportSchema = z.strictObject({
  /** Nothing is wrong; what could not be found out does not count. */
  ok: z.boolean(),
  checks: z.array(checkSchema).max(limits.checks).readonly(),
}).refine(({ ok, checks }) => ok === nothingWrong(checks)).readonly();

export type DoctorCheck = z.infer<typeof checkSchema>;
export type DoctorReport = z.infer<typeof reportSchema>;

/** Null for what is no report of ours. */
export function readDoctorReport(value: unknown): DoctorReport | null {
  const read = reportSchema.safeParse(value);
  return read.success ? read.data : null;
}

/** The same report within the limits of what may be sent: what needs somebody first, long texts cut. */
export function boundedDoctorReport({ checks }: DoctorReport): DoctorReport {
  const ok = nothingWrong(checks);
  const kept = mostUrgentFirst(checks).slice(0, limits.checks);
  for (let share = 1; ; share /= 2) {
    const report = { ok, checks: kept.map((check) => ({ ...check, text: cut(check.text, limits.text * share), fix: check.fix === null ? null : cut(check.fix, limits.fix * share) })) };
    if (bytesOf(report) <= mostBytes || share < 1 / 64) return report;
  }
}

/** What needs somebody first, else in the order in which they came. */
export function mostUrgentFirst(checks: readonly DoctorCheck[]): readonly DoctorCheck[] {
  return (['wrong', 'unknown', 'ok'] as const).flatMap((state) => checks.filter((check) => check.state === state));
}

/** As the doctor prints them. */
export const doctorMarks: Readonly<Record<DoctorCheck['state'], string>> = { ok: '[ok]', wrong: '[!!]', unknown: '[??]' };

function nothingWrong(checks: readonly Pick<DoctorCheck, 'state'>[]): boolean {
  return checks.every(({ state }) => state !== 'wrong');
}

/** At most so many characters with the mark of a cut; never half of one that takes two units. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** As JSON in UTF-8, in which it is sent: percent-encoded, as core knows no TextEncoder. */
function bytesOf(report: DoctorReport): number {
  return encodeURIComponent(JSON.stringify(report)).replaceAll(/%../g, '.').length;
}
