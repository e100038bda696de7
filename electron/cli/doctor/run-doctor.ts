// The doctor: named checks of this device, all at once, each with a limit of its own; what hangs or fails becomes "not known", never an error.
// Changes nothing, but for what an interrupted `pinlight steer` left: looking at it puts that right. Not for what is checked (checks.ts) or how it is printed (commands/doctor.ts).
import { homedir } from 'node:os';
import type { Snapshot } from '../../contract/snapshot.ts';
import { errorBody, PinlightError } from '../../contract/errors.ts';
import type { DoctorCheck, DoctorReport } from '../../core/diagnostics/doctor-report.ts';
import { ownCommand, ownVersion } from '../own-program.ts';
import { doctorChecks, readSettings, warningChecks } from './checks.ts';
import { unknown } from './findings.ts';
import type { DoctorContext, DoctorInputs, Finding, NamedCheck, SteeringSeen } from './findings.ts';

/** Reading every store takes about two seconds on a slow machine; what has not answered by then hangs. */
const limitMs = 10_000;

/** Every check of this device as this process and its user see it, in the order of the table. Never rejects. */
export async function runDoctor(asked: Pick<DoctorInputs, 'client' | 'now' | 'probe'>): Promise<DoctorReport> {
  const inputs: DoctorInputs = { ...asked, env: process.env, home: homedir(), version: ownVersion(), command: ownCommand };
  let status: Promise<Snapshot | null> | null = null;
  let looked: Promise<SteeringSeen | null> | null = null;
  const context: DoctorContext = {
    ...inputs,
    snapshot: () => (status ??= inputs.client.call('status', {}, {}).catch(withoutAgent)),
    settings: () => (looked ??= readSettings(inputs)),
  };
  const rows = await Promise.all([...doctorChecks, ...await warningChecks(context)].map((check) => timed(check, context)));
  return { ok: rows.every((row) => row.state !== 'wrong'), checks: rows };
}

async function timed(check: NamedCheck, context: DoctorContext): Promise<DoctorCheck> {
  const start = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve(unknown(`no answer within ${limitMs / 1000} s`)), limitMs);
  });
  const finding = await Promise.race([check.run(context).catch((error: unknown) => unknown(errorBody(error).message)), late]);
  clearTimeout(timer);
  return { name: check.name, ...finding, ms: Math.round(performance.now() - start) };
}

/** No agent is a finding; whatever else went wrong with it is the check's to tell. */
function withoutAgent(error: unknown): null {
  if (error instanceof PinlightError && error.code === 'agent-not-running') return null;
  throw error;
}
