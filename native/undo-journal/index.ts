// The undo journal: what is about to be changed on this device is written down first, and a start after a crash takes it back, newest first.
// Lines of JSON, only ever appended, synced before each change. Not for deciding what to change: whoever owns a concern opens a journal of its own.
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { dropFolders, isTemporaryOf, makeFolders, missingFolders, readImage, replaceFile, targetOf } from './durable-file.ts';
import type { FileImage } from './durable-file.ts';

/** Data of a step that only its owner can take back. */
export type StepData = Readonly<Record<string, string | number | boolean | null>>;

/** One change of one subject (a trust store, a proxy setting): steps, then `done` or taken back. */
export type Change = {
  readonly subject: string;
  /** Replaces (or with null removes) a whole file, journaled with what was there. `mode` counts for new files. Throws what the system says. */
  write(file: string, content: Buffer | null, mode?: number): void;
  /**
   * Puts files back to what they were before Pinlight's first change, byte for byte: all of them, or none and false when one is not what
   * the last finished change left, or when `acceptable` refuses an old content.
   */
  restore(files: readonly string[], acceptable: (content: Buffer | null) => boolean): boolean;
  /** Writes down a step that `UndoStep` knows how to take back. To be called before the step is made. */
  step(name: string, data: StepData): void;
  /** The subject is as wanted and was read back. */
  done(): void;
  /** Takes the steps back, last first. */
  undo(undoStep: UndoStep): Promise<Undone>;
};

/** Takes back one step of an owner. Called with what may never have happened: it has to look first. Throws when it cannot. */
export type UndoStep = (subject: string, verb: string, name: string, data: StepData) => Promise<void>;

/** `left`: what could not be taken back, in words; the change stays open then and the next start tries again. */
export type Undone = { readonly subject: string; readonly verb: string; readonly left: readonly string[] };

export type Journal = {
  begin(subject: string, verb: string): Change;
  /** Whether a predecessor left something. */
  hasUnfinished(): boolean;
  /** Takes back every change that was begun and not finished, newest first. */
  recover(undoStep: UndoStep): Promise<readonly Undone[]>;
  /** Forgets everything, saved files included. Only when nothing of what it describes is left on the device. */
  forget(): void;
  /** Lets the next one in. */
  close(): void;
};

export type JournalResult = { readonly kind: 'journal'; readonly journal: Journal } | { readonly kind: 'in-use' } | { readonly kind: 'unusable'; readonly why: string };

type FileLine = {
  readonly type: 'file'; readonly change: string; readonly path: string; readonly before: string | null; readonly after: string | null;
  readonly mode: number; readonly uid: number; readonly gid: number; readonly folders: readonly string[];
};
type Line =
  | { readonly type: 'begin'; readonly change: string; readonly subject: string; readonly verb: string; readonly at: number }
  | FileLine
  | { readonly type: 'step'; readonly change: string; readonly name: string; readonly data: StepData }
  | { readonly type: 'done' | 'undone'; readonly change: string };

/**
 * Opens the journal `name` in a folder that, like the one above it, only the caller may write to: whoever can write here decides what
 * is written elsewhere.
 * One process at a time; the lock dies with its holder, and is waited for, blocking, for `waitMs`.
 * `now`: ms since the epoch.
 */
export function openJournal(folder: string, name: string, now: () => number, waitMs = 0): JournalResult {
  const file = path.join(folder, `${name}.jsonl`);
  // Of its own: forgetting one journal must not take the copies of another.
  const saved = path.join(folder, `${name}.saved`);
  try {
    mkdirSync(saved, { recursive: true, mode: 0o700 });
    for (const one of [folder, path.dirname(folder)]) {
      const found = statSync(one);
      if (process.geteuid !== undefined && (found.uid !== process.geteuid() || (found.mode & 0o022) !== 0)) {
        return { kind: 'unusable', why: `${one} belongs to somebody else or is open to others` };
      }
    }
    const lock = takeLock(path.join(folder, `${name}.lock`), waitMs);
    return lock === null ? { kind: 'in-use' } : { kind: 'journal', journal: createJournal(file, saved, lock, now) };
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
}

/** The lines of a journal; a last line that a crash cut short says nothing, because its change had not begun. */
export function parseJournal(text: string): readonly Line[] {
  return text.split('\n').flatMap((one) => {
    try {
      const value: unknown = JSON.parse(one);
      return isLine(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

/** Ids of the changes that were begun and neither finished nor taken back, oldest first. */
export function unfinishedIn(lines: readonly Line[]): readonly string[] {
  const closed = new Set(lines.filter((line) => line.type === 'done' || line.type === 'undone').map((line) => line.change));
  return lines.filter((line) => line.type === 'begin').map((line) => line.change).filter((change) => !closed.has(change));
}

function createJournal(file: string, saved: string, lock: Database.Database, clock: () => number): Journal {
  const text = readText(file);
  const lines: Line[] = [...parseJournal(text)];
  let fd = openSync(file, 'a', 0o600);
  if (text !== '' && !text.endsWith('\n')) writeSync(fd, '\n');

  return {
    begin(subject, verb) {
      const change = randomUUID();
      append({ type: 'begin', change, subject, verb, at: clock() });
      return {
        subject,
        write: (target, content, mode = 0o644) => {
          write(change, targetOf(target), content, mode);
        },
        restore(files, acceptable) {
          const originals = files.map((one) => originalOf(targetOf(one)));
          if (!originals.every((original) => original !== null && acceptable(original.image?.content ?? null))) return false;
          for (const original of originals) if (original !== null) put(change, original.path, readImage(original.path), original.image);
          // Last of all: the folders were made for the first of the files.
          for (const original of originals) dropFolders(original?.folders ?? []);
          return true;
        },
        step: (step, data) => append({ type: 'step', change, name: step, data }),
        done: () => append({ type: 'done', change }),
        undo: (undoStep) => takeBack(change, undoStep),
      };
    },
    hasUnfinished: () => unfinishedIn(lines).length > 0,
    async recover(undoStep) {
      const undone: Undone[] = [];
      for (const change of unfinishedIn(lines).toReversed()) undone.push(await takeBack(change, undoStep));
      return undone;
    },
    forget() {
      closeSync(fd);
      rmSync(file, { force: true });
      rmSync(saved, { recursive: true, force: true });
      mkdirSync(saved, { mode: 0o700 });
      lines.length = 0;
      fd = openSync(file, 'a', 0o600);
    },
    close() {
      closeSync(fd);
      lock.close();
    },
  };

  function append(line: Line): void {
    writeSync(fd, `${JSON.stringify(line)}\n`);
    fsyncSync(fd);
    lines.push(line);
  }

  function write(change: string, target: string, content: Buffer | null, mode: number): void {
    const before = readImage(target);
    if (content === null ? before === null : before?.content.equals(content) === true) return;
    put(change, target, before, content === null ? null : {
      content, mode: before?.mode ?? mode, uid: before?.uid ?? process.geteuid?.() ?? 0, gid: before?.gid ?? process.getegid?.() ?? 0,
    });
  }

  function put(change: string, target: string, before: FileImage, image: FileImage): void {
    const folders = image === null ? [] : missingFolders(path.dirname(target));
    const owner = before ?? image;
    append({
      type: 'file', change, path: target, before: save(before), after: image === null ? null : hash(image.content),
      mode: owner?.mode ?? 0o644, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0, folders,
    });
    // 0755: a folder of ours below /etc has to be readable for the programs that look for it; the state folder is there already.
    makeFolders(folders, 0o755);
    replaceFile(target, image);
  }

  function save(image: FileImage): string | null {
    if (image === null) return null;
    const name = hash(image.content);
    const copy = path.join(saved, name);
    if (statSync(copy, { throwIfNoEntry: false }) === undefined) replaceFile(copy, { content: image.content, mode: 0o600, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 });
    return name;
  }

  function imageBefore(line: FileLine): FileImage {
    return line.before === null ? null : { content: readFileSync(path.join(saved, line.before)), mode: line.mode, uid: line.uid, gid: line.gid };
  }

  async function takeBack(change: string, undoStep: UndoStep): Promise<Undone> {
    const begun = lines.find((line) => line.type === 'begin' && line.change === change);
    const subject = begun?.type === 'begin' ? begun.subject : '';
    const verb = begun?.type === 'begin' ? begun.verb : '';
    const left: string[] = [];
    for (const line of lines.filter((one) => one.change === change).toReversed()) {
      try {
        if (line.type === 'step') await undoStep(subject, verb, line.name, line.data);
        else if (line.type === 'file') takeBackFile(line);
      } catch (error) {
        left.push(error instanceof Error ? error.message : String(error));
      }
    }
    if (left.length === 0) append({ type: 'undone', change });
    return { subject, verb, left };
  }

  function takeBackFile(line: FileLine): void {
    const folder = path.dirname(line.path);
    if (statSync(folder, { throwIfNoEntry: false }) !== undefined) {
      for (const name of readdirSync(folder)) if (isTemporaryOf(line.path, name)) rmSync(path.join(folder, name), { force: true });
    }
    const is = hashOrNull(readImage(line.path));
    // Neither the old nor the new one: somebody else has written since, and theirs stays.
    if (is !== line.before && is === line.after) {
      if (line.before !== null) makeFolders(missingFolders(folder), 0o755);
      replaceFile(line.path, imageBefore(line));
    }
    dropFolders(line.folders);
  }

  /** What was at the path before the unbroken chain of finished changes that led to what is there now; null when there is no such chain. */
  function originalOf(target: string): { readonly path: string; readonly image: FileImage; readonly folders: readonly string[] } | null {
    const finished = new Set(lines.filter((line) => line.type === 'done').map((line) => line.change));
    const writes = lines.filter((line) => line.type === 'file').filter((line) => line.path === target && finished.has(line.change)).toReversed();
    let is = hashOrNull(readImage(target));
    let oldest: FileLine | null = null;
    const folders: string[] = [];
    for (const line of writes) {
      if (line.after !== is) break;
      oldest = line;
      is = line.before;
      folders.unshift(...line.folders);
    }
    return oldest === null ? null : { path: target, image: imageBefore(oldest), folders };
  }
}

// A lock of SQLite's is the kernel's: it ends with the process that holds it, however that ends.
function takeLock(file: string, waitMs: number): Database.Database | null {
  const lock = new Database(file, { timeout: waitMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}

function isLine(value: unknown): value is Line {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('change' in value) || typeof value.change !== 'string') return false;
  switch (value.type) {
    case 'begin': return 'subject' in value && typeof value.subject === 'string' && 'verb' in value && typeof value.verb === 'string';
    case 'file': return 'path' in value && typeof value.path === 'string' && 'before' in value && 'after' in value && 'folders' in value && Array.isArray(value.folders);
    case 'step': return 'name' in value && typeof value.name === 'string' && 'data' in value && typeof value.data === 'object';
    case 'done': case 'undone': return true;
    default: return false;
  }
}

function readText(file: string): string {
  return statSync(file, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(file, 'utf8');
}

function hash(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function hashOrNull(image: FileImage): string | null {
  return image === null ? null : hash(image.content);
}
