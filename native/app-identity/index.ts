// Names the program behind a process: executable, script, package, hash, runtime. Known is what file-facts.ts calls intact.
// Not for finding the process: native/process-attribution does that. Not for its trust store: native/trust-store does.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { AppIdentity, Runtime } from '../../electron/core/model.ts';
import { withParts } from '../procfs/foreign-file.ts';
import { createFileBook, markOf } from './file-facts.ts';
import type { FileFacts, FileMark } from './file-facts.ts';
import { interpreterOf, programName } from './interpreters.ts';
import { hasPerCallTrust, runtimeOf } from './runtime-of.ts';
import { resolveScript } from './script-file.ts';
import type { ScriptFile } from './script-file.ts';
import { scriptOf } from './script-of.ts';
import { systemHere } from './system.ts';
import type { AppSystem, ProcessOwner } from './system.ts';

export type { ProcessOwner } from './system.ts';

export type AppIdentifier = {
  /**
   * Identity of the process's program: at once when its files are known, else a promise that settles within 150 ms (or 2 s, `matters`). What takes longer
   * (hash, package, known) is then null or false and stands in the answers to later calls. Never throws, never rejects.
   */
  identify(owner: ProcessOwner): AppIdentity | Promise<AppIdentity>;
  /** Forgets everything. */
  close(): void;
};

/** Longest time the first look-up of a program may hold its connection back. */
const firstAnswerMs = 150;
/** The same where what was learned of an earlier version would be used for this one. */
const lastAnswerMs = 2_000;
const processLimit = 1024;

type Program = {
  readonly owner: ProcessOwner;
  readonly exe: string;
  readonly exeMark: FileMark | null;
  /** The process sees other files than we do, and its executable is one of them. */
  readonly foreign: boolean;
  readonly interpreted: boolean;
  readonly inline: boolean;
  readonly script: ScriptFile;
  readonly scriptMark: FileMark | null;
  readonly runtime: Runtime | null;
};

export type LateHashes = {
  /** Hears the whole identity where an answer came before its hash. */
  readonly onLate: (identity: AppIdentity) => unknown;
  /** Something hangs on this app's hash: then its connection waits for it, two seconds at most. */
  readonly matters: (id: string) => boolean;
};

/** An identifier over what the operating system says and vouches for. */
export function createAppIdentifier(system: AppSystem = systemHere(), late: LateHashes = { onLate: () => undefined, matters: () => false }): AppIdentifier {
  const files = createFileBook(system.provenance);
  /** By process and arguments: an exec() keeps pid and start time, so the arguments belong to the key. */
  const byProcess = new Map<string, AppIdentity>();
  /** Complete identities by version of their files and uid, shared by all processes of a program. */
  const byFiles = new Map<string, AppIdentity>();
  /** Runtimes by version of the executable; never null, because a library may be loaded later. */
  const runtimes = new Map<string, Runtime>();

  return {
    identify(owner) {
      const processKey = `${owner.pid} ${owner.startedAt} ${userOf(owner)} ${owner.path} ${owner.commandLine.join('\0')}`;
      const known = byProcess.get(processKey);
      if (known !== undefined) return known;
      const program = readProgram(owner);
      const filesKey = `${program.exeMark?.key} ${program.scriptMark?.key} ${program.inline} ${program.runtime} ${program.exe} ${program.script.script} ${userOf(owner)}${insideOf(program)}`;
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
      return within(full, firstAnswerMs, () => {
        const soFar = identityOf(program, null, null);
        if (late.matters(soFar.id)) return within(full, lastAnswerMs, () => soFar);
        void full.then((identity) => identity.hash !== null && late.onLate(identity));
        return soFar;
      });
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
    const root = system.rootOf(owner.pid);
    const place = { cwd: system.cwdOf(owner.pid), argv0: owner.commandLine[0] ?? '', exe, root };
    const script = read === null ? { script: null, file: null, label: null } : resolveScript(read, place);
    const exeMark = markOf(system.exeOf(owner)) ?? markOf(exe);
    return {
      owner, exe, exeMark, script,
      foreign: root !== '' && markOf(exe)?.key !== exeMark?.key,
      interpreted: interpreter !== null, inline: read?.kind === 'inline',
      scriptMark: script.file === null ? null : markOf(script.file),
      runtime: runtimeFor(owner, exeMark),
    };
  }

  function runtimeFor(owner: ProcessOwner, mark: FileMark | null): Runtime | null {
    const key = `${owner.path} ${mark?.key}`;
    const known = runtimes.get(key);
    if (known !== undefined) return known;
    const exeAt = system.exeOf(owner);
    const runtime = withParts(markOf(exeAt) === null ? owner.path : exeAt, (readAt) => runtimeOf({
      path: owner.path, neighbours: neighboursOf(owner.path), readAt, maps: system.mapsOf(owner.pid),
    }));
    if (runtime !== null) remember(runtimes, key, runtime);
    return runtime;
  }

  async function describe(program: Program): Promise<AppIdentity> {
    const { exe, exeMark, script, scriptMark, owner } = program;
    const exeLink = system.exeOf(owner);
    // A short-lived process may be gone by now; its file is still there under its own name.
    const readAt = exeMark !== null && markOf(exeLink)?.key === exeMark.key && markOf(exe)?.key !== exeMark.key ? exeLink : exe;
    const [exeFacts, scriptFacts] = await Promise.all([
      exeMark === null ? null : files.factsOf({ path: exe, readAt, mark: exeMark, pid: owner.pid, sandbox: owner.sandbox }),
      script.file === null || scriptMark === null ? null
        : files.factsOf({ path: script.file, readAt: script.file, mark: scriptMark, pid: owner.pid, sandbox: owner.sandbox }),
    ]);
    return identityOf(program, exeFacts, scriptFacts);
  }
}

function identityOf(program: Program, exe: FileFacts | null, script: FileFacts | null): AppIdentity {
  const { owner, interpreted, inline } = program;
  const scriptPath = program.script.script;
  return {
    id: createHash('sha256').update(`${program.exe}\0${scriptPath ?? ''}\0${userOf(owner)}${insideOf(program)}`).digest('hex').slice(0, 16),
    name: nameOf(program.exe, program.script.label),
    path: program.exe,
    script: scriptPath,
    package: exe?.package ?? null,
    signer: exe?.signer ?? null,
    hash: hashOf(program, exe, script),
    runtime: program.runtime,
    perCallTrust: hasPerCallTrust(program.exe) || inline,
    // A packaged interpreter vouches for nothing it runs: the script has to be as packaged too.
    known: exe?.intact === true && (!interpreted || script?.intact === true),
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
  const file = programName(exe);
  const interpreter = interpreterOf(exe);
  const name = interpreter === 'python' ? file.replace(/^(\D+\d?)\..*$/, '$1') : file;
  return scriptLabel === null || scriptLabel === '' ? name : `${name} · ${scriptLabel}`;
}

async function within<Value>(promise: Promise<Value>, ms: number, otherwise: () => Value | Promise<Value>): Promise<Value> {
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

function userOf({ uid, user }: ProcessOwner): string {
  return String(uid ?? user);
}

/** Files of one name are another program in a container; a container's own id changes at each start, a Flatpak's does not. */
function insideOf({ foreign, owner: { sandbox } }: Program): string {
  if (!foreign) return '';
  return `\0${sandbox === null ? 'elsewhere' : sandbox.kind === 'flatpak' ? `flatpak:${sandbox.id}` : sandbox.kind}`;
}

/** Frameworks stand beside the executable's folder in a bundle, or around a helper's bundle. */
function neighboursOf(exe: string): readonly string[] {
  const folder = path.dirname(exe);
  const bundled = folder.endsWith('/Contents/MacOS') ? [path.join(folder, '../Frameworks'), path.join(folder, '../../..')] : [];
  return [folder, ...bundled].flatMap(namesIn);
}

function namesIn(folder: string): readonly string[] {
  try {
    // Browsers and Electron apps have folders of their own; a folder of programs such as /usr/bin says nothing and is long.
    return /^\/(usr\/)?(local\/)?s?bin$/.test(folder) ? [] : readdirSync(folder);
  } catch {
    return [];
  }
}
