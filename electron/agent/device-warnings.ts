// What the agent tells people about the device, its policy and itself, as warnings. Not for their words (core/health/warnings.ts).
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readDevice } from '../../native/device-state/index.ts';
import { crashLoopFile } from '../contract/agent-arguments.ts';
import type { TrustAnswer } from '../contract/routes.ts';
import { disturbanceSentence } from '../core/explain.ts';
import { readingEveryMs } from '../core/health/disturbance.ts';
import { disturbedMs } from '../core/pinning/verdict.ts';
import { placeOf } from '../core/policy/policy.ts';
import { say } from '../core/sentence.ts';
import type { Authority } from './ca/authority.ts';
import { createDisturbances, type Disturbances } from './health/disturbances.ts';
import type { Health } from './health/health.ts';
import type { LogFile } from './log-file.ts';
import type { AppRecord } from './pinning/pinning-monitor.ts';
import type { PolicyStore } from './policy/policy-store.ts';
import type { Store } from './store/store.ts';

/** Says when learning pauses, and drops what a sleep or another network made stale. */
export function watchDevice(
  health: Health, log: LogFile['log'], onOtherNetwork: () => void, now: () => number, closers: (() => void)[], onClockStep: () => void,
): Disturbances {
  const tellNetwork = (): void => {
    if (readDevice().network === '') health.raise('offline', 'device', {}, now());
    else health.clear('offline', 'device');
  };
  tellNetwork();
  const disturbances = createDisturbances({ read: readDevice, now, everyMs: readingEveryMs, onPortal: (there) => {
    if (there) health.raise('captive-portal', 'device', {}, now());
    else health.clear('captive-portal', 'device');
  }, onChange: (disturbance) => {
    if (disturbance === null) return health.clear('learning-paused', 'device');
    const { kind, at } = disturbance;
    if (kind === 'resume' || kind === 'network') {
      tellNetwork();
      onOtherNetwork();
    }
    if (kind === 'clock') onClockStep();
    health.raise('learning-paused', 'device', { why: say(disturbanceSentence(kind)), kind, until: new Date(at + disturbedMs).toTimeString().slice(0, 8) }, at);
    log.info({ disturbance: kind }, 'learning paused');
  } });
  closers.push(() => disturbances.close());
  return disturbances;
}

/** A clock before our own root's first day is wrong, and every server's certificate with it. */
export function tellClock(authority: Authority | null, health: Health, now: () => number): void {
  if (authority === null || now() >= authority.notBefore) health.clear('clock-wrong', 'clock');
  else health.raise('clock-wrong', 'clock', { date: new Date(authority.notBefore).toISOString().slice(0, 10) }, now());
}

export function tellPolicyProblems(policy: PolicyStore, health: Health, now: () => number): void {
  const problems = policy.problems();
  const keys = new Set(problems.map((problem) => problem.file));
  for (const warning of health.visible()) if (warning.code === 'policy-invalid' && !keys.has(warning.key)) health.clear('policy-invalid', warning.key);
  for (const file of keys) {
    const first = problems.find((problem) => problem.file === file);
    if (first !== undefined) health.raise('policy-invalid', file, { place: placeOf(first), message: first.path === '' ? first.message : `${first.path}: ${first.message}` }, now());
  }
}

/** Every store that could be looked at lacks the root in use: apps refuse, unless told of it by hand. Told when somebody asks for the stores. */
export function tellTrust({ root, stores }: TrustAnswer, health: Health, now: () => number): void {
  const checked = stores.filter(({ state }) => state === 'trusted' || state === 'missing');
  if (root.fingerprint !== '' && checked.length > 0 && checked.every(({ state }) => state === 'missing')) health.raise('root-not-trusted', 'root', { checked: checked.length }, now());
  else health.clear('root-not-trusted', 'root');
}

/** The watchdog gave up before this start: told until the next one. */
export function tellCrashLoop(folder: string, store: Store, health: Health, now: () => number): void {
  const file = join(folder, crashLoopFile);
  try {
    const note: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const at = typeof note === 'object' && note !== null && 'at' in note && typeof note.at === 'number' ? note.at : now();
    health.raise('crash-loop', 'agent', { date: new Date(at).toISOString().slice(0, 16).replace('T', ' ') }, now());
    store.audit(now(), 'crash-loop', { at });
    rmSync(file);
  } catch {
    // There is no note, or none that can be read: nothing to tell.
  }
}

/** The listener stays where programs were pointed at; policy's other port holds from the next start. */
export function tellPort(policy: PolicyStore, first: number, port: number, health: Health, now: () => number): void {
  const wanted = policy.current().network.port;
  if (wanted === first || wanted === port) health.clear('port-after-restart', 'port');
  else health.raise('port-after-restart', 'port', { wanted, port }, now());
}

export function warnAboutStore(app: AppRecord, health: Health, now: () => number): void {
  const pair = [...app.pairs.values()].find(({ verdict }) => verdict.kind === 'private-trust-store');
  if (pair === undefined) health.clear('private-trust-store', app.identity.id);
  else health.raise('private-trust-store', app.identity.id, { app: app.identity.name, store: app.trust?.store ?? 'its list of authorities' }, now());
}
