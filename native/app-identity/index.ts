// Names the program behind a process: executable, script, package, hash, runtime. Decision 11 says what counts as known.
// Not for finding the process: native/process-attribution does that. Not for its trust store: native/trust-store does.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { AppIdentity, Owner, Runtime } from '../../electron/core/model.ts';
import { readStart } from '../procfs/foreign-file.ts';
import { readLink, readProcText } from '../procfs/read.ts';
import { createFileBook, markOf } from './file-facts.ts';
import type { FileFacts, FileMark } from './file-facts.ts';
import { interpreterOf } from './interpreters.ts';
import { createPackageBook } from './package-of.ts';
import type { PackageBook } from './package-of.ts';
import { hasPerCallTrust, runtimeOf } from './runtime-of.ts';
import { resolveScript } from './script-file.ts';
import type { ScriptFile } from './script-file.ts';
import { scriptOf } from './script-of.ts';

export type ProcessOwner = Extract<Owner, { kind: 'process' }>;

export type AppIdentifier = {
  /**
   * Identity of the process's program: at once when its files are known, else a promise that settles within 150 ms. What takes longer
   * (hash, package, known) is then null or false and stands in the answers to later calls. Never throws, never rejects.
   */
  identify(owner: ProcessOwner): AppIdentity | Promise<AppIdentity>;
  /** Forgets everything. */
  close(): void;
};

/** Longest time the first look-up of a program may hold its connection back. */
const firstAnswerMs = 150;
const processLimit = 1024;
/** Go's mark stands in the first pages of its programs. */
const headBytes = 64 * 1024;

type Program = {
  readonly owner: ProcessOwner;
  readonly exe: string;
  readonly exeMark: FileMark | null;
  readonly interpreted: boolean;
  readonly inline: boolean;
  readonly script: ScriptFile;
  readonly scriptMark: FileMark | null;
  readonly runtime: Runtime | null;
};

/** An identifier over this system's package database. */
export function createAppIdentifier(packages: PackageBook = createPackageBook()): AppIdentifier {
  const files = createFileBook(packages);
  /** By process and arguments: an exec() keeps pid and start time, so the arguments belong to the key. */
  const byProcess = new Map<string, AppIdentity>();
  /** Complete identities by version of their files and uid, shared by all processes of a program. */
  const byFiles = new Map<string, AppIdentity>();
  /** Runtimes by version of the executable; never null, because a library may be loaded later. */
  const runtimes = new Map<string, Runtime>();

  return {
    identify(owner) {
      const processKey = `${owner.pid} ${owner.startedAt} ${owner.uid} ${owner.path} ${owner.commandLine.join('\0')}`;
      const known = byProcess.get(processKey);
      if (known !== undefined) return known;
      const program = readProgram(owner);
      const filesKey = `${program.exeMark?.key} ${program.scriptMark?.key} ${program.inline} ${program.runtime} ${program.exe} ${program.script.script} ${owner.uid}`;
      const complete = byFiles.get(filesKey);
      if (complete !== undefined) {
        remember(byProcess, processKey, complete);
        return complete;
      }
      const full = describe(program).then((identity) => {
        if (identity.hash !== null) remember(byFiles, filesKey, identity);
        remember(byProcess, processKey, identity);
        return identity;
      });
      return within(full, firstAnswerMs, () => identityOf(program, null, null));
    },
    close() {
      byProcess.clear();
      byFiles.clear();
      runtimes.clear();
    },
  };

  function readProgram(owner: ProcessOwner): Program {
    const exe = owner.path;
    const interpreter = interpreterOf(exe);
    const read = interpreter === null ? null : scriptOf(interpreter, owner.commandLine);
    const place = { cwd: readLink(`/proc/${owner.pid}/cwd`), argv0: owner.commandLine[0] ?? '', exe };
    const script = read === null ? { script: null, file: null, label: null } : resolveScript(read, place);
    const exeMark = markOf(`/proc/${owner.pid}/exe`) ?? markOf(exe);
    return {
      owner, exe, exeMark, script,
      interpreted: interpreter !== null, inline: read?.kind === 'inline',
      scriptMark: script.file === null ? null : markOf(script.file),
      runtime: runtimeFor(owner, exeMark),
    };
  }

  function runtimeFor(owner: ProcessOwner, mark: FileMark | null): Runtime | null {
    const key = `${owner.path} ${mark?.key}`;
    const known = runtimes.get(key);
    if (known !== undefined) return known;
    const maps = readProcText(`/proc/${owner.pid}/maps`);
    const runtime = runtimeOf({
      path: owner.path,
      neighbours: namesIn(path.dirname(owner.path)),
      head: readStart(`/proc/${owner.pid}/exe`, headBytes) ?? readStart(owner.path, headBytes),
      maps: typeof maps === 'string' ? null : maps.text,
    });
    if (runtime !== null) remember(runtimes, key, runtime);
    return runtime;
  }

  async function describe(program: Program): Promise<AppIdentity> {
    const { exe, exeMark, script, scriptMark, owner } = program;
    const exeLink = `/proc/${owner.pid}/exe`;
    // A short-lived process may be gone by now; its file is still there under its own name.
    const readAt = exeMark !== null && markOf(exeLink)?.key === exeMark.key && markOf(exe)?.key !== exeMark.key ? exeLink : exe;
    const [exeFacts, scriptFacts] = await Promise.all([
      exeMark === null ? null : files.factsOf(exe, readAt, exeMark),
      script.file === null || scriptMark === null ? null : files.factsOf(script.file, script.file, scriptMark),
    ]);
    return identityOf(program, exeFacts, scriptFacts);
  }
}

function identityOf(program: Program, exe: FileFacts | null, script: FileFacts | null): AppIdentity {
  const { owner, interpreted, inline } = program;
  const scriptPath = program.script.script;
  const owned = exe?.package ?? null;
  return {
    id: createHash('sha256').update(`${program.exe}\0${scriptPath ?? ''}\0${owner.uid}`).digest('hex').slice(0, 16),
    name: nameOf(program.exe, program.script.label),
    path: program.exe,
    script: scriptPath,
    package: owned === null ? null : owned.version === null ? owned.name : `${owned.name} ${owned.version}`,
    signer: null,
    hash: hashOf(program, exe, script),
    runtime: program.runtime,
    perCallTrust: hasPerCallTrust(program.exe) || inline,
    // A packaged interpreter vouches for nothing it runs: the script has to be as packaged too.
    known: exe?.asPackaged === true && (!interpreted || script?.asPackaged === true),
  };
}

function hashOf(program: Program, exe: FileFacts | null, script: FileFacts | null): string | null {
  if (exe === null || exe.sha256 === null) return null;
  if (program.script.file === null) return exe.sha256;
  if (script === null || script.sha256 === null) return null;
  return createHash('sha256').update(`${exe.sha256}\0${script.sha256}`).digest('hex');
}

/** `curl`, `python3 · sync.py`: the version that distributions put behind an interpreter's name is left to `package`. */
export function nameOf(exe: string, scriptLabel: string | null): string {
  const file = exe.slice(exe.lastIndexOf('/') + 1);
  const interpreter = interpreterOf(exe);
  const name = interpreter === 'python' ? file.replace(/^(\D+\d?)\..*$/, '$1') : file;
  return scriptLabel === null || scriptLabel === '' ? name : `${name} · ${scriptLabel}`;
}

async function within<Value>(promise: Promise<Value>, ms: number, otherwise: () => Value): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Value>((resolve) => {
    timer = setTimeout(() => resolve(otherwise()), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= processLimit) break;
    map.delete(oldest);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    // Browsers and Electron apps have folders of their own; a folder of programs such as /usr/bin says nothing and is long.
    return /^\/(usr\/)?(local\/)?s?bin$/.test(folder) ? [] : readdirSync(folder);
  } catch {
    return [];
  }
}
