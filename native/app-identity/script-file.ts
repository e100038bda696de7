// Finds the file behind what script-of.ts read: against the working directory, Node's extensions, Python's module folders. Linux layout.
// Not for hashing it.
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { markOf } from './file-facts.ts';
import type { Script } from './script-of.ts';

export type ScriptFile = {
  /** Real path, `path#Class`, or the bare word of the command line where no file was found; null for inline code or none. */
  readonly script: string | null;
  /** Regular file whose content counts as the program; null when there is none. */
  readonly file: string | null;
  /** Short form for people; null for inline code or none. */
  readonly label: string | null;
};

export type Place = {
  /** Null = not readable: relative paths then stay as they are. */
  readonly cwd: string | null;
  readonly argv0: string;
  readonly exe: string;
  /** `/proc/PID/root` for a process that sees other files than we do, else empty. Links are not followed there: they would end in ours. */
  readonly root: string;
};

/** Resolves a script. */
export function resolveScript(script: Script, place: Place): ScriptFile {
  switch (script.kind) {
    case 'inline':
    case 'none': return { script: null, file: null, label: null };
    case 'title': return { script: script.name, file: null, label: script.name };
    case 'file': return fileNamed(script.path, place);
    case 'module': {
      const file = moduleFile(script.name, place);
      return { script: file?.script ?? script.name, file: file?.file ?? null, label: script.name };
    }
    case 'class': {
      const first = fileNamed(script.classPath[0] ?? '.', place);
      return { script: `${first.script ?? '.'}#${script.name}`, file: first.file, label: script.name.slice(script.name.lastIndexOf('.') + 1) };
    }
  }
}

function fileNamed(name: string, { cwd, root }: Place): ScriptFile {
  const label = path.basename(name);
  if (!path.isAbsolute(name) && cwd === null) return { script: name, file: null, label };
  const full = path.resolve(cwd ?? '/', name);
  // Node adds these when a bare name is no file.
  const found = firstFile([full, `${full}.js`, `${full}.cjs`, `${full}.mjs`, `${full}.ts`], root);
  return { script: found?.script ?? (root === '' ? realPath(full) : null) ?? full, file: found?.file ?? null, label };
}

/** Python looks in the working directory, the virtual environment of argv[0], then the installation's and the distribution's folders. */
function moduleFile(name: string, place: Place): Found | null {
  const parts = name.split('.');
  if (!parts.every((part) => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(part))) return null;
  const invoked = path.isAbsolute(place.argv0) ? place.argv0 : place.argv0.includes('/') && place.cwd !== null ? path.resolve(place.cwd, place.argv0) : null;
  const prefixes = [invoked, place.exe].flatMap((file) => (file === null ? [] : [path.dirname(path.dirname(file))]));
  const folders = [
    ...(place.cwd === null ? [] : [place.cwd]),
    ...prefixes.flatMap((prefix) => pythonFolders(path.join(prefix, 'lib'), place.root)),
    '/usr/local/lib/python3/dist-packages', '/usr/lib/python3/dist-packages',
  ];
  return firstFile(folders.flatMap((folder) => [path.join(folder, ...parts, '__main__.py'), `${path.join(folder, ...parts)}.py`]), place.root);
}

function pythonFolders(lib: string, root: string): string[] {
  try {
    return readdirSync(root + lib).filter((name) => /^python3\.\d+$/.test(name))
      .flatMap((name) => [path.join(lib, name, 'site-packages'), path.join(lib, name, 'dist-packages'), path.join(lib, name)]);
  } catch {
    return [];
  }
}

type Found = { readonly script: string; readonly file: string };

function firstFile(candidates: readonly string[], root: string): Found | null {
  for (const candidate of candidates) {
    const at = root + candidate;
    if (!existsSync(at) || statSync(at, { throwIfNoEntry: false })?.isFile() !== true) continue;
    // Hardened services see the same files through mounts of their own.
    if (root !== '' && markOf(candidate)?.key !== markOf(at)?.key) return { script: candidate, file: at };
    const real = realPath(candidate);
    return real === null ? null : { script: real, file: real };
  }
  return null;
}

function realPath(file: string): string | null {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}
