// The trust-store doctor: puts the root into every store of this device, takes every root of Pinlight's out, and says of each what it holds.
// Each store by itself: journaled, read back, taken back when it did not work. Run by a person's command, never by the agent.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { recoverAfterTools } from '../undo-journal/after-tools.ts';
import { openJournal } from '../undo-journal/index.ts';
import type { Change, Journal } from '../undo-journal/index.ts';
import { renewBundle } from './environment-store.ts';
import { askPrograms } from './handshakes.ts';
import type { AskOptions, Handshake } from './handshakes.ts';
import { createRootSearch } from './holds-root.ts';
import { runtimeStores } from './installed-stores.ts';
import type { InstalledStore } from './installed-stores.ts';
import { readPinlightRoot } from './pinlight-roots.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import { createToolRunner } from './run-tool.ts';
import type { ToolRunner } from './run-tool.ts';
import { storesOf } from './stores-of.ts';
import { isAmong, refusalOf } from './trust-store.ts';
import type { Caller, Outcome, Reading, Refusal, TrustStore } from './trust-store.ts';

export type DoctorRow = InstalledStore & {
  /** Roots of Pinlight's in it, in any way, this device's own one included. */
  readonly roots: number;
  /** What was done: `would-…` for a rehearsal; `refused` and `failed` leave the store as it was, with the reason in `detail`. */
  readonly done: 'nothing' | 'installed' | 'removed' | 'would-install' | 'would-remove' | 'refused' | 'failed';
  /** The same by a caller with more rights would work. */
  readonly needsRights: boolean;
  /** What a program that reads the store made of the root after an installation; null = none was asked. */
  readonly accepted: boolean | null;
  /** It holds the next root; false where there is none. */
  readonly holdsNext: boolean;
};

/** What an interrupted predecessor left and what became of it. */
export type Recovered = { readonly store: string; readonly left: readonly string[] };

export type Doctor = {
  /** Taken back or completed at the start; empty when the predecessor ended well. */
  readonly recovered: readonly Recovered[];
  status(): Promise<readonly DoctorRow[]>;
  /** Programs with a list of their own, which the environment reaches: what they trust as this caller starts them. */
  runtimes(): Promise<readonly InstalledStore[]>;
  install(options: Rehearsal): Promise<readonly DoctorRow[]>;
  remove(options: Rehearsal): Promise<readonly DoctorRow[]>;
  /** Has the programs of these stores, as rows of this doctor name them, visit servers under one of the roots. Rejects where none can be opened. */
  handshakes(rows: readonly DoctorRow[], root: 'current' | 'next', open: AskOptions['open'], signal: AbortSignal): Promise<readonly Handshake[]>;
  /** Lets the next one in. */
  close(): void;
};

export type Rehearsal = { readonly dryRun: boolean };

export type DoctorOptions = {
  /** The caller's own state folder: journal and copies of what was replaced stand in it. */
  readonly stateFolder: string;
  /** PEM of this device's root, and of the next one while that takes over; none is enough to look and to remove. */
  readonly roots: readonly string[];
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Names or kinds of stores; empty = every store. */
  readonly only: readonly string[];
  /** Password of Java keystores. */
  readonly storePassword: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Told what is being done, in a few words. */
  readonly onProgress: (text: string) => void;
};

export type DoctorResult =
  | { readonly kind: 'doctor'; readonly doctor: Doctor }
  | { readonly kind: 'in-use' | 'unusable' | 'no-such-store' | 'not-a-root'; readonly why: string };

/** What every store of this device holds, for a reader that may not change anything: no journal is opened, nothing is recovered. Never rejects. */
export async function listStores(options: Pick<DoctorOptions, 'stateFolder' | 'home' | 'env'> & { readonly root: Buffer }): Promise<readonly DoctorRow[]> {
  const root = readPinlightRoot(options.root);
  return Promise.all(readableStores(options).map(async (store) => rowOf(store, await store.check(), root === null ? [] : [root])));
}

export type LackingStore = Pick<TrustStore, 'kind'> & { /** Its name. */ readonly store: string };

/** The stores whose programs trust `root` and not yet `next`. What cannot be read is not among them, but for the system's. Never rejects. */
export async function storesWithoutNext(options: Pick<DoctorOptions, 'stateFolder' | 'home' | 'env'> & { readonly root: Buffer; readonly next: Buffer }): Promise<readonly LackingStore[]> {
  const [root, next] = [readPinlightRoot(options.root), readPinlightRoot(options.next)];
  if (root === null || next === null) return [];
  const lacking = await Promise.all(readableStores(options).map(async (store) => {
    const found = await store.check();
    const lacks = found.kind === 'read' ? isAmong(root, found.trusted) && !isAmong(next, found.trusted) : found.kind === 'unreadable' && store.kind === 'system';
    return lacks ? [{ store: store.name, kind: store.kind }] : [];
  }));
  return lacking.flat();
}

function readableStores(options: Pick<DoctorOptions, 'stateFolder' | 'home' | 'env'>): readonly TrustStore[] {
  const folder = path.join(options.stateFolder, 'undo');
  return storesOf(callerOf({ ...options, storePassword: 'changeit' }, path.join(folder, 'scratch'), createToolRunner(options.env, folder)));
}

/** Another command is waited for this long: reading every store takes about a second. */
const otherMs = 5_000;
/** A tool that outlived a killed predecessor is waited for this long; the slowest one measured took 4 s. */
const outlivedMs = 60_000;

/** Opens the journal, first takes back what a crashed predecessor left, and answers with the doctor. */
export async function openDoctor(options: DoctorOptions): Promise<DoctorResult> {
  const roots = options.roots.flatMap((pem) => readPinlightRoot(pem) ?? []);
  if (roots.length < options.roots.length) return { kind: 'not-a-root', why: 'the certificate is not a root that Pinlight made' };
  const folder = path.join(options.stateFolder, 'undo');
  const opened = openJournal(folder, 'trust', options.now, otherMs);
  if (opened.kind === 'in-use') return { kind: 'in-use', why: 'another `pinlight trust` is at work' };
  if (opened.kind === 'unusable') return opened;
  const { journal } = opened;
  const scratch = path.join(folder, 'scratch');
  // Nobody else is at work: what stands there was left by a crash.
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { mode: 0o700 });
  const tools = createToolRunner(options.env, folder);
  const caller = callerOf(options, scratch, tools);
  const stores = storesOf(caller);

  try {
    const recovered = await recover(journal, tools, stores, options.onProgress);
    if (recovered === null) {
      journal.close();
      return { kind: 'in-use', why: `a tool that an interrupted run started is still at work (process ${tools.outlived().join(', ')})` };
    }
    const chosen = options.only.length === 0 ? stores : stores.filter((store) => options.only.some((name) => matches(store, name)));
    const unknown = options.only.find((name) => !stores.some((store) => matches(store, name)));
    if (unknown !== undefined) {
      journal.close();
      return { kind: 'no-such-store', why: `there is no store "${unknown}" here; there are: ${stores.map((store) => store.name).join(', ')}` };
    }
    renew(journal, caller);
    return { kind: 'doctor', doctor: createDoctor({ journal, stores: chosen, all: stores, roots, caller, env: options.env, say: options.onProgress, recovered }) };
  } catch (error) {
    journal.close();
    throw error;
  }
}

type Parts = {
  readonly journal: Journal; readonly stores: readonly TrustStore[]; readonly all: readonly TrustStore[]; readonly roots: readonly RootCertificate[];
  readonly caller: Caller; readonly env: NodeJS.ProcessEnv; readonly say: (text: string) => void; readonly recovered: readonly Recovered[];
};

function createDoctor({ journal, stores, all, roots, caller, env, say, recovered }: Parts): Doctor {
  const [root] = roots;
  return {
    recovered,
    status: () => each(async (store) => rowOf(store, await store.check(), roots)),
    runtimes: async () => (root === undefined ? [] : await runtimeStores(createRootSearch(root.der), env)),
    install: ({ dryRun }) => each((store) => install(store, dryRun)),
    async remove({ dryRun }) {
      const rows = await each((store) => remove(store, dryRun));
      if (!dryRun && await isClean()) journal.forget();
      return rows;
    },
    handshakes: (rows, which, open, signal) => askPrograms({
      caller, open, say, signal,
      stores: stores.flatMap((store) => {
        const row = rows.find((one) => one.store === store.name);
        return row === undefined || row.state === 'unreadable' || row.state === 'not-checked' ? [] : [{ store, trusted: which === 'next' ? row.holdsNext : row.state === 'trusted' }];
      }),
    }),
    close() {
      rmSync(caller.scratch, { recursive: true, force: true });
      journal.close();
    },
  };

  // One after the other: the system's tool fills Java's keystore, and a person shall read what is being done.
  async function each(ask: (store: TrustStore) => Promise<DoctorRow>): Promise<readonly DoctorRow[]> {
    const rows: DoctorRow[] = [];
    for (const store of stores) rows.push(await ask(store));
    return rows;
  }

  async function install(store: TrustStore, dryRun: boolean): Promise<DoctorRow> {
    const before = await store.check();
    if (root === undefined || before.kind === 'not-checked') return rowOf(store, before, roots);
    if (before.kind === 'read' && isAsWanted(before, roots)) return withProof(store, rowOf(store, before, roots));
    const blocked = before.kind === 'read' ? store.blocked() : { kind: 'refused' as const, why: before.detail, rights: false };
    if (blocked !== null) return refused(rowOf(store, before, roots), blocked);
    if (dryRun) return { ...rowOf(store, before, roots), done: 'would-install' };
    say(`${store.name}: installing`);
    const row = await change(store, 'install', (begun) => store.install(begun, roots), (after) => isAsWanted(after, roots));
    return row.done === 'installed' ? withProof(store, row) : row;
  }

  async function remove(store: TrustStore, dryRun: boolean): Promise<DoctorRow> {
    const before = await store.check();
    if (before.kind !== 'read' || (before.present.length === 0 && (before.traces ?? []).length === 0)) return rowOf(store, before, roots);
    const blocked = store.blocked();
    if (blocked !== null) return refused(rowOf(store, before, roots), blocked);
    if (dryRun) return { ...rowOf(store, before, roots), done: 'would-remove' };
    say(`${store.name}: removing`);
    return change(store, 'remove', (begun) => store.uninstall(begun), (after) => after.present.length === 0);
  }

  async function change(store: TrustStore, verb: 'install' | 'remove', act: (begun: Change) => Promise<Outcome>, wanted: (after: Reading & { kind: 'read' }) => boolean): Promise<DoctorRow> {
    const begun = journal.begin(store.name, verb);
    const outcome = await act(begun).catch(asRefusal(store));
    const after = await store.check();
    if (outcome.kind === 'changed' && after.kind === 'read' && wanted(after)) {
      begun.done();
      return { ...rowOf(store, after, roots), done: verb === 'install' ? 'installed' : 'removed' };
    }
    const undone = await begun.undo((_subject, name, step, data) => store.undoStep?.(name, step, data) ?? Promise.resolve());
    const why = outcome.kind === 'refused' ? outcome.why : 'reading it back did not show what was written, so it was put back';
    const row = rowOf(store, await store.check(), roots);
    return { ...row, done: outcome.kind === 'refused' ? 'refused' : 'failed', needsRights: outcome.kind === 'refused' && outcome.rights, detail: [why, ...undone.left].join('; ') };
  }

  async function isClean(): Promise<boolean> {
    for (const store of all) {
      const found = await store.check();
      if (found.kind === 'unreadable' || (found.kind === 'read' && (found.present.length > 0 || (found.traces ?? []).length > 0))) return false;
    }
    return !journal.hasUnfinished();
  }

  async function withProof(store: TrustStore, row: DoctorRow): Promise<DoctorRow> {
    if (store.prove === undefined) return row;
    say(`${store.name}: asking a program that reads it`);
    for (const one of roots) {
      const proof = await store.prove(one);
      if (proof === null) return row;
      if (!proof.accepted || one === roots.at(-1)) return { ...row, accepted: proof.accepted, detail: `${proof.accepted ? 'accepted' : 'not accepted'} by ${proof.by}; ${row.detail}` };
    }
    return row;
  }
}

async function recover(journal: Journal, tools: ToolRunner, stores: readonly TrustStore[], say: (text: string) => void): Promise<readonly Recovered[] | null> {
  if (journal.hasUnfinished()) say('taking back what an interrupted run left');
  const undone = await recoverAfterTools(journal, tools, async (subject, verb, name, data) => {
    const store = stores.find((one) => one.name === subject);
    if (store === undefined) throw new Error(`the store ${subject} is not to be found any more`);
    await store.undoStep?.(verb, name, data);
  }, outlivedMs);
  return undone === null ? null : undone.map(({ subject, left }) => ({ store: subject, left }));
}

/** Names what a system error was about; a tool's complaint is a plain Error with its words. */
function asRefusal(store: TrustStore): (error: unknown) => Refusal {
  return (error) => {
    if (error instanceof Error && !('code' in error) && error.constructor === Error) return { kind: 'refused', why: error.message, rights: false };
    return refusalOf(error, store.path ?? store.name);
  };
}

function renew(journal: Journal, caller: Caller): void {
  try {
    renewBundle(caller, () => journal.begin('environment', 'renew'));
  } catch (error) {
    refusalOf(error, caller.ownFolder); // no rights or no space: the row of the environment says what it holds
  }
}

function callerOf(options: Pick<DoctorOptions, 'stateFolder' | 'home' | 'env' | 'storePassword'>, scratch: string, tools: ToolRunner): Caller {
  const machine = process.geteuid?.() === 0;
  const ownFolder = machine && process.platform === 'linux' ? '/etc/pinlight/trust' : path.join(options.stateFolder, 'trust');
  return { home: options.home, env: options.env, machine, ownFolder, scratch, storePassword: options.storePassword, tools };
}

function matches(store: TrustStore, name: string): boolean {
  return store.name === name || store.kind === name;
}

/** These roots and no other of Pinlight's. */
function isAsWanted(reading: Reading & { kind: 'read' }, roots: readonly RootCertificate[]): boolean {
  return roots.every((root) => isAmong(root, reading.trusted)) && reading.present.every((one) => isAmong(one, roots));
}

function rowOf(store: TrustStore, reading: Reading, roots: readonly RootCertificate[]): DoctorRow {
  const base = { store: store.name, kind: store.kind, path: store.path, done: 'nothing' as const, needsRights: false, accepted: null };
  if (reading.kind !== 'read') return { ...base, state: reading.kind, detail: reading.detail, roots: 0, holdsNext: false };
  const [root, next] = roots;
  const holdsNext = next !== undefined && isAmong(next, reading.trusted);
  const old = reading.present.filter((one) => !isAmong(one, roots)).length;
  const from = root === undefined ? 'of Pinlight\'s' : 'of an earlier installation';
  const detail = [
    ...(old === 0 ? [] : [`${old === 1 ? 'a root' : `${old} roots`} ${from} ${old === 1 ? 'is' : 'are'} in it`]),
    ...(next === undefined || holdsNext ? [] : ['the next root is not in it yet']), reading.detail,
  ].filter((part) => part !== '').join('; ');
  return { ...base, state: root !== undefined && isAmong(root, reading.trusted) ? 'trusted' : 'missing', detail, roots: reading.present.length, holdsNext };
}

function refused(row: DoctorRow, refusal: Refusal): DoctorRow {
  return { ...row, done: 'refused', needsRights: refusal.rights, detail: refusal.why };
}
