// What every system's service manager has to offer, and the one way a change of it is made: journaled, read back, taken back when it did not work.
// Not for any one manager (systemd.ts, launchd.ts, windows.ts).
import type { Change, Journal, StepData } from '../undo-journal/index.ts';

/** What the service runs: the watchdog, which runs the agent. `cli`: the script of the `pinlight` command. Absolute paths. */
export type ServiceProgram = { readonly file: string; readonly args: readonly string[]; readonly folder: string; readonly cli: string };

/** `detail`: in words, for people. */
export type ServiceState = { readonly installed: boolean; readonly running: boolean; readonly detail: string };

/** A manager's verbs; `install`, `remove` and `forget` throw an Error with words for what the system refuses. */
export type ServiceManager = {
  /** `systemd`, `launchd`, `Windows services`. */
  readonly name: string;
  /** The file that makes it a service. */
  readonly unit: string;
  /** Why it cannot be installed, or removed, here; null = nothing seems in the way. Looks only. */
  blocked(verb: 'install' | 'remove'): { readonly why: string; readonly rights: boolean } | null;
  check(): Promise<ServiceState>;
  install(change: Change): Promise<void>;
  remove(change: Change): Promise<void>;
  undoStep(name: string, data: StepData): Promise<void>;
  /** Takes away what `remove` keeps for a later installation: account and sealed key. Answers what is left, in words. */
  forget(): Promise<readonly string[]>;
};

export type ServiceOutcome =
  | { readonly kind: 'done'; readonly state: ServiceState }
  | { readonly kind: 'refused'; readonly why: string; readonly rights: boolean };

/** Makes the service be there and run, or be gone. Asked for what is so already, it writes what may have changed and does no harm. */
export async function changeService(journal: Journal, manager: ServiceManager, verb: 'install' | 'remove'): Promise<ServiceOutcome> {
  const before = await manager.check();
  if (verb === 'remove' && !before.installed) return { kind: 'done', state: before };
  const blocked = manager.blocked(verb);
  if (blocked !== null) return { kind: 'refused', ...blocked };
  const change = journal.begin('service', verb);
  const trouble = await (verb === 'install' ? manager.install(change) : manager.remove(change)).then(() => null, asWords);
  const after = await manager.check();
  if (trouble === null && after.installed === (verb === 'install') && after.running === (verb === 'install')) {
    change.done();
    return { kind: 'done', state: after };
  }
  const { left } = await change.undo((_subject, _verb, name, data) => manager.undoStep(name, data));
  return { kind: 'refused', rights: false, why: [trouble ?? `${manager.name} does not show what was asked for (${after.detail}), so it was put back`, ...left].join('; ') };
}

function asWords(error: unknown): string {
  if (error instanceof Error) return error.message;
  throw error;
}
