// Transparent capture on Linux: check, install, release and uninstall our own nftables table, journaled before each change and read back after it.
// Not for who asks for it (`pinlight capture`, and the service's unit) and not for the listener it redirects to (agent/proxy/transparent.ts).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createToolRunner, trouble, type ToolRunner } from '../trust-store/run-tool.ts';
import { replaceFile } from '../undo-journal/durable-file.ts';
import { recoverAfterTools } from '../undo-journal/after-tools.ts';
import { openJournal, type Journal, type UndoStep } from '../undo-journal/index.ts';
import { captureScript, captureSettingsIn, captureTable, parseCapture, sameCapture, type CaptureSettings } from './rules.ts';

export type { CaptureSettings } from './rules.ts';

/** `foreign`: a table of our name that is not as we make it. */
export type CaptureState =
  | { readonly kind: 'off' }
  | { readonly kind: 'on'; readonly settings: CaptureSettings }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'unreadable'; readonly why: string };

export type CaptureChange = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly why: string };

/** What root asked for and did not end. `failMode`: what holds while no agent is there, as policy said when one was there last. */
export type WantedCapture = { readonly settings: CaptureSettings; readonly failMode: 'open' | 'closed' };

export type Capture = {
  /** What an interrupted predecessor left and was taken back; `left`: what could not be. */
  readonly recovered: readonly { readonly left: readonly string[] }[];
  check(): Promise<CaptureState>;
  /**
   * Puts the rules in, in one transaction; what was there before comes back when they do not read back as asked. `remembered` only where
   * something looks after them later: else they are forgotten with the system's end, and no service begins with them unasked.
   */
  install(wanted: WantedCapture, remembered: boolean): Promise<CaptureChange>;
  /** What holds without an agent: no rules, or rules that refuse at once. What was asked for stays remembered; where nothing was, nothing stays. */
  release(): Promise<CaptureChange>;
  /** Takes the rules away, whatever state they are in, and forgets what was asked for. */
  uninstall(): Promise<CaptureChange>;
  close(): void;
};

export type CaptureResult = { readonly kind: 'capture'; readonly capture: Capture } | { readonly kind: 'in-use' | 'unusable'; readonly why: string };

export type CaptureOptions = { readonly env: NodeJS.ProcessEnv; /** ms since the epoch. */ readonly now: () => number };

/** Root's own, with the journal: one place for the machine, whatever HOME and variables the caller has. */
export const captureFolder = '/var/lib/pinlight-capture';
const wantedFile = path.join(captureFolder, 'wanted.json');

/** One nft call takes some 6 ms; another command is waited for. */
const otherMs = 5_000;
const nftMs = 10_000;

/** What holds now, for a reader that may not change anything. Needs the right to see the rules (CAP_NET_ADMIN). Never rejects. */
export function readCapture(env: NodeJS.ProcessEnv): Promise<CaptureState> {
  return check(createToolRunner(env, 'pinlight-capture'));
}

/** What was asked for last and not ended; null also for who may not look, which is everybody but root. */
export function readWantedCapture(): WantedCapture | null {
  try {
    return wantedIn(JSON.parse(readFileSync(wantedFile, 'utf8')));
  } catch {
    return null;
  }
}

/** Opens root's journal and takes back what a crashed predecessor left. Needs root. */
export async function openCapture(options: CaptureOptions): Promise<CaptureResult> {
  const folder = path.join(captureFolder, 'undo');
  const opened = openJournal(folder, 'capture', options.now, otherMs);
  if (opened.kind === 'in-use') return { kind: 'in-use', why: 'another command changes capture at this moment' };
  if (opened.kind === 'unusable') return opened;
  const { journal } = opened;
  const tools = createToolRunner(options.env, `${folder} capture`);
  const recovered = await recoverAfterTools(journal, tools, undo(tools), nftMs);
  if (recovered === null) {
    journal.close();
    return { kind: 'in-use', why: 'an nft that an interrupted command started is still at work' };
  }
  return { kind: 'capture', capture: {
    recovered,
    check: () => check(tools),
    install: (wanted, remembered) => change(journal, tools, { rules: wanted.settings, wanted: remembered ? wanted : null }),
    release: () => change(journal, tools, withoutAgent(readWantedCapture())),
    uninstall: () => change(journal, tools, { rules: null, wanted: null }),
    close: () => journal.close(),
  } };
}

/** Everything of capture's on this device. */
type State = { readonly rules: CaptureSettings | null; readonly wanted: WantedCapture | null };

function withoutAgent(wanted: WantedCapture | null): State {
  return { rules: wanted?.failMode === 'closed' ? { ...wanted.settings, listenerPort: null } : null, wanted };
}

async function check(tools: ToolRunner): Promise<CaptureState> {
  const result = await tools.run('nft', ['-j', '-n', '-n', 'list', 'table', ...captureTable.split(' ')], { timeoutMs: nftMs });
  if (result.kind === 'ended' && result.code !== 0 && /No such file or directory/u.test(result.errors)) return { kind: 'off' };
  const why = trouble('nft', result);
  if (result.kind !== 'ended' || why !== null) return { kind: 'unreadable', why: why ?? '' };
  const settings = parseCapture(result.output);
  return settings === null ? { kind: 'foreign' } : { kind: 'on', settings };
}

async function change(journal: Journal, tools: ToolRunner, next: State): Promise<CaptureChange> {
  const found = await check(tools);
  if (found.kind === 'unreadable') return { kind: 'failed', why: found.why };
  const wantedBefore = readWantedCapture();
  // A table that is not as we make it, as every earlier version's, cannot be made again: what holds without an agent comes in its place.
  const before: State = found.kind === 'foreign' ? withoutAgent(wantedBefore) : { rules: found.kind === 'on' ? found.settings : null, wanted: wantedBefore };
  if (found.kind !== 'foreign' && sameCapture(before.rules, next.rules) && JSON.stringify(before.wanted) === JSON.stringify(next.wanted)) return { kind: 'done' };
  const begun = journal.begin('capture', next.rules === null ? 'uninstall' : 'install');
  // An interrupted removal is completed, never turned back.
  begun.step('state', { back: JSON.stringify(next.rules === null ? next : before) });
  const why = await put(tools, next, found);
  if (why !== null) {
    const undone = await begun.undo(undo(tools));
    return { kind: 'failed', why: [why, ...undone.left].join('; ') };
  }
  begun.done();
  // A service writes here at each start and stop, and a finished change is never gone back to.
  if (!journal.hasUnfinished()) journal.forget();
  return { kind: 'done' };
}

/** Null, or why not. Remembered first and forgotten last: rules that nobody remembers would stay. */
async function put(tools: ToolRunner, { rules, wanted }: State, found: CaptureState): Promise<string | null> {
  if (wanted !== null) replaceFile(wantedFile, { content: Buffer.from(JSON.stringify(wanted)), mode: 0o600, uid: 0, gid: 0 });
  const why = await load(tools, rules, found);
  if (why === null && wanted === null) replaceFile(wantedFile, null);
  return why;
}

/** Loads the rules and reads them back; null when they are as wanted, else why not. */
async function load(tools: ToolRunner, wanted: CaptureSettings | null, found: CaptureState): Promise<string | null> {
  // A table of ours is filled where it stands; another one has to go first, in the same transaction.
  const script = `${found.kind === 'foreign' ? captureScript(null) : ''}${captureScript(wanted, found.kind === 'on' ? found.settings : null)}`;
  const why = trouble('nft', await tools.run('nft', ['-f', '-'], { timeoutMs: nftMs, input: script }));
  if (why !== null) return why;
  const after = await check(tools);
  const is = after.kind === 'on' ? after.settings : null;
  return after.kind !== 'foreign' && after.kind !== 'unreadable' && sameCapture(is, wanted) ? null : 'reading the rules back did not show what was written';
}

function undo(tools: ToolRunner): UndoStep {
  return async (_subject, _verb, _name, data) => {
    const why = await put(tools, stateIn(JSON.parse(String(data['back']))), await check(tools));
    if (why !== null) throw new Error(why);
  };
}

function stateIn(value: unknown): State {
  const { rules, wanted } = Object(value) as { readonly rules?: unknown; readonly wanted?: unknown };
  return { rules: captureSettingsIn(rules), wanted: wantedIn(wanted) };
}

function wantedIn(value: unknown): WantedCapture | null {
  const { settings, failMode } = Object(value) as { readonly settings?: unknown; readonly failMode?: unknown };
  const whole = captureSettingsIn(settings);
  return whole === null ? null : { settings: whole, failMode: failMode === 'closed' ? 'closed' : 'open' };
}
