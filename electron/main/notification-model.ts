// Which notices a new state of the agent deserves: few, never one per connection. Pure: no Electron, no clock.
// Not for showing them (app.ts) and not for the standing state (tray-model).
import { bypassedApps } from '../contract/bypassed-apps.ts';
import type { NotificationKind } from '../contract/notification-kinds.ts';
import type { Snapshot } from '../contract/snapshot.ts';
import { warningWords, word } from '../contract/sentences.ts';
import type { WindowPlace } from '../contract/window-place.ts';
import { plainText } from './tray-items.ts';
import type { TrustCount } from './trust-count.ts';
import type { Words } from './words.ts';

export type Notice = {
  readonly kind: 'app-bypassed' | 'apps-bypassed' | 'policy-invalid' | 'root-untrusted' | 'paused' | 'resumed' | 'agent-gone' | 'agent-returned' | 'no-tray';
  readonly title: string;
  readonly body: string;
  /** What a click opens. */
  readonly place: WindowPlace;
};

/** What was told already. Times: ms since the epoch. */
export type NoticeMemory = {
  /** Ids of apps that were told or were bypassed before the icon appeared; null until the first snapshot. */
  readonly known: readonly string[] | null;
  /** Apps that wait for the next digest. */
  readonly waiting: readonly { readonly id: string; readonly name: string }[];
  /** When notices about apps were given, within the last window. */
  readonly told: readonly number[];
  /** Keys of the policy problems that stand and were told. */
  readonly policyProblems: readonly string[];
  /** Null until the first snapshot. */
  readonly paused: boolean | null;
  /** Fingerprint of the root that was told to be trusted nowhere; null = none, or it is trusted by now. */
  readonly untrusted: string | null;
  /** Since when no agent has answered; null while one does, or before the first snapshot. */
  readonly goneSince: number | null;
  readonly goneTold: boolean;
};

export const emptyNoticeMemory: NoticeMemory = {
  known: null, waiting: [], told: [], policyProblems: [], paused: null, untrusted: null, goneSince: null, goneTold: false,
};

export type NoticeFacts = {
  /** Null = no agent answers. */
  readonly snapshot: Snapshot | null;
  readonly trust: TrustCount | null;
  /** Apps about which nobody wants to hear. */
  readonly silenced: readonly string[];
  /** Kinds of which nobody wants to hear: told to nobody, and no news later. */
  readonly silencedKinds: readonly NotificationKind[];
  readonly now: number;
  readonly words: Words;
};

type Told = { readonly notices: readonly Notice[]; readonly memory: NoticeMemory };

const kindOf = {
  'app-bypassed': 'apps', 'apps-bypassed': 'apps', 'policy-invalid': 'policy', 'root-untrusted': 'trust', paused: 'pause', resumed: 'pause',
  'agent-gone': 'agent', 'agent-returned': 'agent',
} as const satisfies Record<Exclude<Notice['kind'], 'no-tray'>, NotificationKind>;

/** The notices that are due, and what to remember. Call it on each change and every few seconds. */
export function noticesFor(memory: NoticeMemory, facts: NoticeFacts): Told {
  const told = allNotices(memory, facts);
  return { ...told, notices: told.notices.filter(({ kind }) => kind === 'no-tray' || !facts.silencedKinds.includes(kindOf[kind])) };
}

function allNotices(memory: NoticeMemory, facts: NoticeFacts): Told {
  const { snapshot, words } = facts;
  if (snapshot === null) return whileGone(memory, facts);
  const notices: Notice[] = [];
  if (memory.goneTold) notices.push({ kind: 'agent-returned', title: words('notice.backTitle'), body: words('notice.backBody'), place: { screen: 'overview' } });

  const problems = snapshot.warnings.filter((warning) => warning.code === 'policy-invalid');
  for (const problem of problems.filter((warning) => !memory.policyProblems.includes(warning.key))) {
    notices.push({ kind: 'policy-invalid', title: warningWords(words.translate, problem, 'title'), body: plainText(warningWords(words.translate, problem, 'text'), longestBody), place: { screen: 'policy' } });
  }

  const trust = aboutTrust(memory.untrusted, facts);
  const apps = aboutApps(memory, snapshot, facts);
  return {
    notices: [...notices, ...aboutPause(memory.paused, snapshot, words), ...trust.notices, ...apps.notices],
    memory: {
      ...apps.memory, policyProblems: problems.map((warning) => warning.key), paused: snapshot.agent.pause.active !== null, untrusted: trust.untrusted,
      goneSince: null, goneTold: false,
    },
  };
}

// An agent that is started anew by its service manager is back within 2 s; only a longer gap is worth a notice.
const goneGraceMs = 10_000;
const windowMs = 10 * 60_000;
const singlesPerWindow = 3;
const longestBody = 200;

function whileGone(memory: NoticeMemory, { now, words }: NoticeFacts): Told {
  if (memory.known === null || memory.goneTold) return { notices: [], memory };
  const goneSince = memory.goneSince ?? now;
  if (now - goneSince < goneGraceMs) return { notices: [], memory: { ...memory, goneSince } };
  return { notices: [{ kind: 'agent-gone', title: words('notice.goneTitle'), body: words('notice.goneBody'), place: { screen: 'overview' } }], memory: { ...memory, goneSince, goneTold: true } };
}

/** A pause that ran before the icon appeared stands in the menu. */
function aboutPause(paused: boolean | null, { agent: { pause: { active } } }: Snapshot, words: Words): readonly Notice[] {
  if (paused === null || paused === (active !== null)) return [];
  return active === null
    ? [{ kind: 'resumed', title: words('notice.resumedTitle'), body: words('notice.resumedBody'), place: { screen: 'overview' } }]
    : [{ kind: 'paused', title: words('notice.pausedTitle'), body: words('notice.pausedBody', { time: new Date(active.until).toTimeString().slice(0, 5) }), place: { screen: 'overview' } }];
}

/** Once for each root, and again when it was trusted in between. */
function aboutTrust(untrusted: string | null, { trust, words }: NoticeFacts): { readonly notices: readonly Notice[]; readonly untrusted: string | null } {
  if (trust === null || trust.checked === 0 || trust.fingerprint === '') return { notices: [], untrusted };
  if (trust.trusted > 0) return { notices: [], untrusted: null };
  if (untrusted === trust.fingerprint) return { notices: [], untrusted };
  return { notices: [{ kind: 'root-untrusted', title: words('notice.untrustedTitle'), body: words('notice.untrustedBody'), place: { screen: 'certificates' } }], untrusted: trust.fingerprint };
}

function aboutApps(memory: NoticeMemory, snapshot: Snapshot, { silenced, now, words }: NoticeFacts): Told {
  const learned = bypassedApps(snapshot).filter((app) => app.learned);
  // What was bypassed before the icon appeared is no news.
  if (memory.known === null) return { notices: [], memory: { ...memory, known: learned.map((app) => app.id) } };

  const known = memory.known;
  const fresh = learned.filter((app) => !known.includes(app.id));
  const notices: Notice[] = [];
  let told = memory.told.filter((at) => now - at < windowMs);
  let waiting = memory.waiting.filter(({ id }) => !silenced.includes(id));
  for (const app of fresh) {
    if (silenced.includes(app.id)) continue;
    if (told.length >= singlesPerWindow || waiting.length > 0) {
      waiting = [...waiting, { id: app.id, name: app.name }];
      continue;
    }
    told = [...told, now];
    notices.push({
      kind: 'app-bypassed',
      title: plainText(words('notice.appTitle', { app: app.name })),
      body: plainText(words('notice.appBody', { why: words(`why.${app.why}`), sentence: app.hosts[0] === undefined ? '' : word(words.translate, app.hosts[0].words) }), longestBody),
      place: { screen: 'apps', app: app.id },
    });
  }
  // The digest comes when the window has room again, so nobody sees more than three notices about apps in ten minutes.
  if (waiting.length > 0 && told.length < singlesPerWindow) {
    told = [...told, now];
    notices.push({
      kind: 'apps-bypassed', title: words('notice.appsTitle', { count: waiting.length }),
      body: plainText(words('notice.appsBody', { names: waiting.map(({ name }) => name).join(', ') }), longestBody),
      place: { screen: 'apps' },
    });
    waiting = [];
  }
  return { notices, memory: { ...memory, known: [...known, ...fresh.map((app) => app.id)], waiting, told } };
}
