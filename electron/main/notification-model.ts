// Which notices a new state of the agent deserves: few, never one per connection. Pure: no Electron, no clock.
// Not for showing them (app.ts) and not for the standing state (tray-model).
import type { Snapshot } from '../contract/snapshot.ts';
import { bypassedApps } from './bypassed-apps.ts';
import { plainText } from './tray-model.ts';

export type Notice = {
  readonly kind: 'app-bypassed' | 'apps-bypassed' | 'policy-invalid' | 'agent-gone' | 'agent-returned';
  readonly title: string;
  readonly body: string;
};

/** What was told already. Times: ms since the epoch. */
export type NoticeMemory = {
  /** Ids of apps that were told or were bypassed before the icon appeared; null until the first snapshot. */
  readonly known: readonly string[] | null;
  /** Names that wait for the next digest. */
  readonly waiting: readonly string[];
  /** When notices about apps were given, within the last window. */
  readonly told: readonly number[];
  /** Keys of the policy problems that stand and were told. */
  readonly policyProblems: readonly string[];
  /** Since when no agent has answered; null while one does, or before the first snapshot. */
  readonly goneSince: number | null;
  readonly goneTold: boolean;
};

export const emptyNoticeMemory: NoticeMemory = {
  known: null, waiting: [], told: [], policyProblems: [], goneSince: null, goneTold: false,
};

/** The notices due at `now` for a snapshot (null = no agent answers), and what to remember. Call it on each change and every few seconds. */
export function noticesFor(
  memory: NoticeMemory, snapshot: Snapshot | null, now: number,
): { readonly notices: readonly Notice[]; readonly memory: NoticeMemory } {
  if (snapshot === null) return whileGone(memory, now);
  const notices: Notice[] = [];
  if (memory.goneTold) notices.push({ kind: 'agent-returned', title: 'Pinlight is back', body: 'The agent is running again.' });

  const problems = snapshot.warnings.filter((warning) => warning.code === 'policy-invalid');
  for (const problem of problems.filter((warning) => !memory.policyProblems.includes(warning.key))) {
    notices.push({ kind: 'policy-invalid', title: problem.title, body: plainText(problem.text, longestBody) });
  }

  const apps = aboutApps(memory, snapshot, now);
  return {
    notices: [...notices, ...apps.notices],
    memory: { ...apps.memory, policyProblems: problems.map((warning) => warning.key), goneSince: null, goneTold: false },
  };
}

// An agent that is started anew by its service manager is back within 2 s; only a longer gap is worth a notice.
const goneGraceMs = 10_000;
const windowMs = 10 * 60_000;
const singlesPerWindow = 3;
const longestBody = 200;

function whileGone(memory: NoticeMemory, now: number): { notices: readonly Notice[]; memory: NoticeMemory } {
  if (memory.known === null || memory.goneTold) return { notices: [], memory };
  const goneSince = memory.goneSince ?? now;
  if (now - goneSince < goneGraceMs) return { notices: [], memory: { ...memory, goneSince } };
  return {
    notices: [{ kind: 'agent-gone', title: 'Pinlight agent is not running', body: 'Nothing is inspected until it runs again. The tray menu can start it.' }],
    memory: { ...memory, goneSince, goneTold: true },
  };
}

function aboutApps(memory: NoticeMemory, snapshot: Snapshot, now: number): { notices: readonly Notice[]; memory: NoticeMemory } {
  const learned = bypassedApps(snapshot).filter((app) => app.learned);
  // What was bypassed before the icon appeared is no news.
  if (memory.known === null) return { notices: [], memory: { ...memory, known: learned.map((app) => app.id) } };

  const known = memory.known;
  const fresh = learned.filter((app) => !known.includes(app.id));
  const notices: Notice[] = [];
  let told = memory.told.filter((at) => now - at < windowMs);
  let waiting = memory.waiting;
  for (const app of fresh) {
    if (told.length >= singlesPerWindow || waiting.length > 0) {
      waiting = [...waiting, app.name];
      continue;
    }
    told = [...told, now];
    notices.push({
      kind: 'app-bypassed',
      title: plainText(`${app.name} is let through uninspected`),
      body: plainText(`${app.why}: ${app.hosts[0]?.sentence ?? ''}`, longestBody),
    });
  }
  // The digest comes when the window has room again, so nobody sees more than three notices about apps in ten minutes.
  if (waiting.length > 0 && told.length < singlesPerWindow) {
    told = [...told, now];
    notices.push(digest(waiting));
    waiting = [];
  }
  return { notices, memory: { ...memory, known: [...known, ...fresh.map((app) => app.id)], waiting, told } };
}

function digest(names: readonly string[]): Notice {
  const title = names.length === 1 ? '1 more app is let through uninspected' : `${names.length} more apps are let through uninspected`;
  return { kind: 'apps-bypassed', title, body: plainText(`${names.join(', ')}. The tray menu says why.`, longestBody) };
}
