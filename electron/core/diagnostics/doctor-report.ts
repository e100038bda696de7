// What `pinlight doctor` found, as it travels: from who may look at the device to the agent that makes a bundle of it. Strict, because any
// program that may ask for a bundle can send one. Not for looking (cli/doctor).
import * as z from 'zod';

/** Requests to the agent have 64 KiB at most; a report of a device with everything wrong has some 8. */
const limits = { checks: 64, name: 40, text: 500, fix: 300 };

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
}).readonly();

export type DoctorCheck = z.infer<typeof checkSchema>;
export type DoctorReport = z.infer<typeof reportSchema>;

/** Null for what is no report of ours. */
export function readDoctorReport(value: unknown): DoctorReport | null {
  const read = reportSchema.safeParse(value);
  return read.success ? read.data : null;
}

/** The same report within the limits of what may be sent: long texts are cut. */
export function boundedDoctorReport({ ok, checks }: DoctorReport): DoctorReport {
  const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
  return { ok, checks: checks.slice(0, limits.checks).map((check) => ({ ...check, text: cut(check.text, limits.text), fix: check.fix === null ? null : cut(check.fix, limits.fix) })) };
}

/** As the doctor prints them. */
export const doctorMarks: Readonly<Record<DoctorCheck['state'], string>> = { ok: '[ok]', wrong: '[!!]', unknown: '[??]' };
