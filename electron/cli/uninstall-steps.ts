// The steps of an uninstallation, in order, as a table: each takes one thing off this device, whatever the ones before it left, and says what stays.
// Each is safe to run again: what an interrupted run began is put right by the part's own journal. Not for asking or printing (commands/uninstall.ts).
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { captureFolder, openCapture, readCapture, readWantedCapture } from '../../native/packet-capture/index.ts';
import { openSecretStore } from '../../native/secret-store/index.ts';
import { openService } from '../../native/service/index.ts';
import { openSteering } from '../../native/system-proxy/steering.ts';
import { openDoctor } from '../../native/trust-store/doctor.ts';
import { pathsOfThisProcess } from '../client/state-folder.ts';
import { autostartFile } from '../contract/autostart-file.ts';
import { PinlightError } from '../contract/errors.ts';
import { sealedMark } from '../core/ca/secret-store.ts';
import type { CliContext } from './context.ts';
import { stopAgent } from './commands/stop.ts';
import { servicePrograms } from './own-program.ts';

/** `left`: what stays, in words; empty = nothing. `needsRights`: root could take it away. */
export type StepResult = { readonly done: 'removed' | 'nothing there' | 'not checked' | 'in part'; readonly left: readonly string[]; readonly needsRights: boolean };
export type StepReceipt = StepResult & { readonly step: string };
export type Step = { readonly name: string; readonly run: (context: CliContext, before: readonly StepReceipt[]) => Promise<StepResult> };

/** Programs are let go first, then what served them ends, then who trusted it; key and history last, because the journals stand beside them. */
export const uninstallSteps: readonly Step[] = [
  { name: 'steering', run: steeringOff },
  { name: 'capture', run: captureOff },
  { name: 'service', run: removeService },
  { name: 'agent', run: endAgent },
  { name: 'trust', run: removeRoots },
  { name: 'files', run: removeFiles },
];

/** Another command of Pinlight's is waited for this long. */
const otherMs = 5_000;

const own = (): string => pathsOfThisProcess(false).stateFolder;
const nothing: StepResult = { done: 'nothing there', left: [], needsRights: false };
const blocked = (why: string): StepResult => ({ done: 'in part', left: [why], needsRights: false });

type Row = { readonly done: string; readonly needsRights: boolean; readonly detail: string };

/** What rows of a store or setting say together. */
function fromRows<R extends Row>(rows: readonly R[], nameOf: (row: R) => string, changed: string): StepResult {
  const stuck = rows.filter((row) => row.done === 'refused' || row.done === 'failed');
  if (stuck.length === 0) return { ...nothing, done: rows.some((row) => row.done === changed) ? 'removed' : 'nothing there' };
  return { done: 'in part', left: stuck.map((row) => `${nameOf(row)}: ${row.detail}`), needsRights: stuck.every((row) => row.needsRights) };
}

async function steeringOff(context: CliContext): Promise<StepResult> {
  const opened = await openSteering({ stateFolder: own(), home: homedir(), env: process.env, only: [], now: context.now, waitMs: otherMs });
  if (opened.kind !== 'steering') return blocked(opened.why);
  try {
    return fromRows(await opened.steering.off(), (row) => row.setting, 'restored');
  } finally {
    opened.steering.close();
  }
}

/** Rules and what was asked for go. For root on Linux; elsewhere nothing can be there, or be seen. Rules come only after the folder. */
export async function captureOff(context: Pick<CliContext, 'now'>): Promise<StepResult> {
  if (process.platform !== 'linux') return nothing;
  const asked = existsSync(captureFolder);
  const notChecked: StepResult = asked ? { ...nothing, done: 'not checked' } : nothing;
  // Only root can have put rules in, and only root may look.
  if (process.geteuid?.() !== 0) return notChecked;
  const before = await readCapture(process.env);
  if (before.kind === 'unreadable') return notChecked;
  if (before.kind === 'off' && !asked) return nothing;
  const opened = await openCapture({ env: process.env, now: context.now });
  if (opened.kind !== 'capture') return blocked(opened.why);
  const { capture } = opened;
  try {
    const wanted = readWantedCapture() !== null;
    const result = await capture.uninstall();
    if (result.kind === 'failed') return blocked(result.why);
    rmSync(captureFolder, { recursive: true, force: true });
    return before.kind === 'off' && !wanted ? nothing : { ...nothing, done: 'removed' };
  } finally {
    capture.close();
  }
}

async function removeService(context: CliContext): Promise<StepResult> {
  const opened = await openService({ stateFolder: own(), home: homedir(), env: process.env, programs: servicePrograms(), now: context.now });
  if (opened.kind !== 'service') return blocked(opened.why);
  const { service } = opened;
  try {
    const before = await service.status();
    const outcome = await service.remove();
    if (outcome.kind === 'refused') return { done: 'in part', left: [outcome.why, ...service.left], needsRights: outcome.rights };
    // The account owns the state of the service, and the sealed key is of no use without it.
    const state = removeMachineState();
    const left = [...state.left, ...await service.forget(), ...service.left];
    if (left.length > 0) return { done: 'in part', left, needsRights: state.left.length === left.length };
    return before.installed || state.done === 'removed' ? { ...nothing, done: 'removed' } : nothing;
  } finally {
    service.close();
  }
}

/** Key and history of the machine's agent: root's and administrators' to remove, and for others not there. */
function removeMachineState(): StepResult {
  const folder = pathsOfThisProcess(true).stateFolder;
  if ((process.geteuid?.() ?? 0) !== 0 || !existsSync(folder)) return nothing;
  try {
    rmSync(folder, { recursive: true, force: true });
    return { ...nothing, done: 'removed' };
  } catch (error) {
    return { done: 'in part', left: [`${folder} (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`], needsRights: true };
  }
}

async function endAgent(context: CliContext): Promise<StepResult> {
  try {
    const { agent } = await context.client.call('status', {}, {});
    // The machine's agent is the administrator's to end, and serves others.
    if (agent.stateFolder !== own()) return { done: 'in part', left: ['the machine\'s agent runs'], needsRights: true };
    await stopAgent(context);
    return { ...nothing, done: 'removed' };
  } catch (error) {
    if (error instanceof PinlightError && error.code === 'agent-not-running') return nothing;
    if (error instanceof PinlightError) return blocked(`the agent did not end: ${error.message} End its process and run this again`);
    throw error;
  }
}

async function removeRoots(context: CliContext): Promise<StepResult> {
  const opened = await openDoctor({
    stateFolder: own(), roots: [], home: homedir(), env: process.env, only: [], storePassword: 'changeit', now: context.now, onProgress: (text) => context.output.note(`  ${text}`),
  });
  if (opened.kind !== 'doctor') return blocked(opened.why);
  const { doctor } = opened;
  try {
    const result = fromRows(await doctor.remove({ dryRun: false }), (row) => row.store, 'removed');
    const unread = (await doctor.status()).filter((row) => row.state === 'unreadable').map((row) => `${row.store} cannot be read: ${row.detail}`);
    return unread.length === 0 ? result : { done: 'in part', left: [...result.left, ...unread], needsRights: false };
  } finally {
    doctor.close();
  }
}

/** What stands in a state folder; other names are a person's, and stay. */
const ours = /^(?:root(?:\.next)?\.(?:pem|key)(?:\.new)?|pinlight\.db.*|agent\.log.*|settings\.json.*|crash-loop\.json|run|trust|steer)$/;

function removeFiles(_context: CliContext, before: readonly StepReceipt[]): Promise<StepResult> {
  const folder = own();
  const stuck = before.some((receipt) => receipt.left.length > 0);
  const running = before.some((receipt) => receipt.step === 'agent' && receipt.left.length > 0 && !receipt.needsRights);
  if (running) return Promise.resolve(blocked('key and history stay while the agent runs'));
  const sealed = ['root.key', 'root.next.key'].some((name) => isSealed(join(folder, name)));
  const kept = openSecretStore({ folder, env: process.env, service: false })?.forget(sealed) ?? null;
  const found = existsSync(folder) ? readdirSync(folder) : [];
  // The key first. The journals stay as long as they say how to put something back.
  const goes = found.filter((name) => ours.test(name) || (name === 'undo' && !stuck)).toSorted((a, b) => Number(b.endsWith('.key')) - Number(a.endsWith('.key')));
  for (const name of goes) rmSync(join(folder, name), { recursive: true, force: true });
  if (process.platform === 'linux') rmSync(autostartFile(process.env, homedir()), { force: true });
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  const left = [...(stuck && found.includes('undo') ? [`${join(folder, 'undo')}, which says how to put back what is left`] : []), ...(kept === null ? [] : [kept])];
  return Promise.resolve({ done: left.length > 0 ? 'in part' : goes.length > 0 ? 'removed' : 'nothing there', left, needsRights: stuck && kept === null });
}

/** What cannot be read is taken for sealed: then what cannot be removed is said. */
function isSealed(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').startsWith(sealedMark);
  } catch {
    return existsSync(file);
  }
}
