// Transparent capture on Linux: check, install and uninstall our own nftables table, journaled before each change and read back after it.
// Not for who asks for it (`pinlight capture`, the watchdog) and not for the listener it redirects to (agent/proxy/transparent.ts).
import path from 'node:path';
import { createToolRunner, trouble, type ToolRunner } from '../trust-store/run-tool.ts';
import { openJournal, type Journal } from '../undo-journal/index.ts';
import { captureScript, captureTable, parseCapture, sameCapture, type CaptureSettings } from './rules.ts';

export type { CaptureSettings } from './rules.ts';

/** `foreign`: a table of our name that is not as we make it. */
export type CaptureState =
  | { readonly kind: 'off' }
  | { readonly kind: 'on'; readonly settings: CaptureSettings }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'unreadable'; readonly why: string };

export type CaptureChange = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly why: string };

export type Capture = {
  /** What an interrupted predecessor left and was taken back; `left`: what could not be. */
  readonly recovered: readonly { readonly left: readonly string[] }[];
  check(): Promise<CaptureState>;
  /** Puts the rules in, in one transaction; what was there before comes back when they do not read back as asked. */
  install(settings: CaptureSettings): Promise<CaptureChange>;
  uninstall(): Promise<CaptureChange>;
  close(): void;
};

export type CaptureResult = { readonly kind: 'capture'; readonly capture: Capture } | { readonly kind: 'in-use' | 'unusable'; readonly why: string };

export type CaptureOptions = { readonly stateFolder: string; readonly env: NodeJS.ProcessEnv; /** ms since the epoch. */ readonly now: () => number };

/** One nft call takes some 6 ms; another command is waited for. */
const otherMs = 5_000;
const nftMs = 10_000;

/** What holds now, for a reader that may not change anything. Needs the right to see the rules (CAP_NET_ADMIN). Never rejects. */
export function readCapture(env: NodeJS.ProcessEnv): Promise<CaptureState> {
  return check(createToolRunner(env, 'pinlight-capture'));
}

/** Opens the journal in the caller's state folder and takes back what a crashed predecessor left. Needs root to change anything. */
export async function openCapture(options: CaptureOptions): Promise<CaptureResult> {
  const folder = path.join(options.stateFolder, 'undo');
  const opened = openJournal(folder, 'capture', options.now, otherMs);
  if (opened.kind === 'in-use') return { kind: 'in-use', why: 'another command changes capture at this moment' };
  if (opened.kind === 'unusable') return opened;
  const { journal } = opened;
  const tools = createToolRunner(options.env, `${folder} capture`);
  const recovered = await recover(journal, tools);
  if (recovered === null) {
    journal.close();
    return { kind: 'in-use', why: 'an nft that an interrupted command started is still at work' };
  }
  return { kind: 'capture', capture: {
    recovered,
    check: () => check(tools),
    install: (settings) => change(journal, tools, settings),
    uninstall: () => change(journal, tools, null),
    close: () => journal.close(),
  } };
}

/**
 * Takes the rules away whatever state they are in, for the watchdog of an agent that is gone (`failMode: open`) and for `pinlight uninstall`.
 * Null = nothing is left; else why not.
 */
export async function releaseCapture(options: CaptureOptions): Promise<string | null> {
  const opened = await openCapture(options);
  if (opened.kind !== 'capture') return opened.why;
  try {
    const result = await opened.capture.uninstall();
    return result.kind === 'done' ? null : result.why;
  } finally {
    opened.capture.close();
  }
}

async function check(tools: ToolRunner): Promise<CaptureState> {
  const result = await tools.run('nft', ['-j', '-n', '-n', 'list', 'table', ...captureTable.split(' ')], { timeoutMs: nftMs });
  if (result.kind === 'ended' && result.code !== 0 && /No such file or directory/u.test(result.errors)) return { kind: 'off' };
  const why = trouble('nft', result);
  if (result.kind !== 'ended' || why !== null) return { kind: 'unreadable', why: why ?? '' };
  const settings = parseCapture(result.output);
  return settings === null ? { kind: 'foreign' } : { kind: 'on', settings };
}

async function change(journal: Journal, tools: ToolRunner, wanted: CaptureSettings | null): Promise<CaptureChange> {
  const before = await check(tools);
  if (before.kind === 'unreadable') return { kind: 'failed', why: before.why };
  const had = before.kind === 'on' ? before.settings : null;
  if (before.kind !== 'foreign' && sameCapture(had, wanted)) return { kind: 'done' };
  const begun = journal.begin('capture', wanted === null ? 'uninstall' : 'install');
  // An interrupted removal is completed, never turned back.
  begun.step('table', { before: wanted === null || had === null ? null : JSON.stringify(had) });
  const why = await load(tools, wanted);
  if (why === null) {
    begun.done();
    return { kind: 'done' };
  }
  const undone = await begun.undo((_subject, _verb, _name, data) => undo(tools, data['before'] ?? null));
  return { kind: 'failed', why: [why, ...undone.left].join('; ') };
}

/** Loads the rules and reads them back; null when they are as wanted, else why not. */
async function load(tools: ToolRunner, wanted: CaptureSettings | null): Promise<string | null> {
  const why = trouble('nft', await tools.run('nft', ['-f', '-'], { timeoutMs: nftMs, input: captureScript(wanted) }));
  if (why !== null) return why;
  const after = await check(tools);
  const is = after.kind === 'on' ? after.settings : null;
  return after.kind !== 'foreign' && after.kind !== 'unreadable' && sameCapture(is, wanted) ? null : 'reading the rules back did not show what was written';
}

async function undo(tools: ToolRunner, before: string | number | boolean | null): Promise<void> {
  const why = await load(tools, typeof before === 'string' ? settingsIn(before) : null);
  if (why !== null) throw new Error(why);
}

/** Null while an nft of the predecessor's does not end. */
async function recover(journal: Journal, tools: ToolRunner): Promise<Capture['recovered'] | null> {
  if (!journal.hasUnfinished()) return [];
  for (const start = performance.now(); tools.outlived().length > 0;) {
    if (performance.now() - start > nftMs) return null;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return journal.recover((_subject, _verb, _name, data) => undo(tools, data['before'] ?? null));
}

/** What a step of ours holds; null (no rules) for what nobody of us wrote. */
function settingsIn(text: string): CaptureSettings | null {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return null;
  const { uids, gids, ports, listenerPort, agentUid } = { uids: [], gids: [], ports: [], listenerPort: 0, agentUid: -1, ...value };
  const whole = [...uids, ...gids, ...ports, listenerPort, agentUid].every((one) => Number.isInteger(one) && one >= 0);
  return whole ? { uids, gids, ports, listenerPort, agentUid } : null;
}
