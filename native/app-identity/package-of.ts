// Which package of the operating system owns a file: dpkg's own text files, or `rpm -qf` where there is no dpkg.
// Answers are kept per path; nothing is started per connection. Not for judging whether that makes a program known: index.ts does.
import { execFile } from 'node:child_process';
import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from './provenance.ts';

export type PackageAnswer = {
  readonly name: string;
  /** Null when the status file does not say. */
  readonly version: string | null;
  /** Of the file as packaged; null when the package lists none, as for its configuration. */
  readonly digest: Digest | null;
};

export type PackageBook = {
  /** Package that owns the real path; null when none does. Never rejects. */
  ownerOf(realPath: string): Promise<PackageAnswer | null>;
};

/** Opens the package data below `dpkgRoot`; nothing is read before the first question. */
export function createPackageBook(dpkgRoot = '/var/lib/dpkg'): PackageBook {
  const info = path.join(dpkgRoot, 'info');
  const answers = new Map<string, Promise<PackageAnswer | null>>();
  let mark = '';

  return {
    async ownerOf(realPath) {
      // dpkg replaces its status file with every transaction: then all answers are asked again.
      const now = await stat(path.join(dpkgRoot, 'status')).then((found) => `${found.ino} ${found.mtimeMs}`, () => 'none');
      if (now !== mark) {
        answers.clear();
        mark = now;
      }
      if (!/^\/(usr(?!\/local\/)|bin|sbin|lib\w*|opt|etc)\//.test(realPath)) return null; // packages install nowhere else
      const known = answers.get(realPath) ?? (now === 'none' ? askRpm(realPath) : askDpkg(realPath)).catch(() => null);
      answers.set(realPath, known);
      return known;
    },
  };

  async function askDpkg(realPath: string): Promise<PackageAnswer | null> {
    const paths = listedPaths(realPath);
    const needles = paths.map((one) => Buffer.from(`\n${one}\n`));
    const lists = (await readdir(info)).filter((name) => name.endsWith('.list'));
    for (const batch of inBatches(likelyFirst(lists, realPath), 24)) {
      const texts = await Promise.all(batch.map((name) => readFile(path.join(info, name)).catch(() => null)));
      const at = texts.findIndex((text) => text !== null && needles.some((needle) => text.includes(needle)));
      const list = batch[at];
      if (list !== undefined) return describe(list.slice(0, -'.list'.length), paths);
    }
    return null;
  }

  async function describe(qualified: string, paths: readonly string[]): Promise<PackageAnswer> {
    const [name = qualified, architecture = null] = qualified.split(':');
    const [status, sums] = await Promise.all([
      readFile(path.join(dpkgRoot, 'status'), 'utf8').catch(() => ''),
      readFile(path.join(info, `${qualified}.md5sums`), 'utf8').catch(() => ''),
    ]);
    const hex = md5Of(sums, paths);
    return { name, version: versionOf(status, name, architecture), digest: hex === null ? null : { algorithm: 'md5', hex } };
  }
}

/** The path and its form from before /bin, /lib and /sbin became links into /usr: packages may still list that one. */
export function listedPaths(realPath: string): readonly string[] {
  const before = /^\/usr(\/(?:bin|sbin|lib\d*|libx32)\/.*)$/.exec(realPath)?.[1];
  return before === undefined ? [realPath] : [realPath, before];
}

/** Version of an installed package in dpkg's status text; `architecture` null = any. */
export function versionOf(status: string, name: string, architecture: string | null): string | null {
  const head = `Package: ${name}\n`;
  for (let at = status.indexOf(head); at >= 0; at = status.indexOf(head, at + 1)) {
    if (at > 0 && status[at - 1] !== '\n') continue;
    const end = status.indexOf('\n\n', at);
    const stanza = status.slice(at, end < 0 ? undefined : end);
    const field = (key: string): string | null => new RegExp(`^${key}: (.+)$`, 'm').exec(stanza)?.[1] ?? null;
    if (architecture === null || field('Architecture') === architecture) return field('Version');
  }
  return null;
}

/** MD5 of the first listed path in a package's md5sums text; its lines are `hash  path without leading slash`. */
export function md5Of(sums: string, paths: readonly string[]): string | null {
  for (const line of sums.split('\n')) {
    const found = /^([0-9a-f]{32}) {2}(.+)$/.exec(line);
    if (found !== null && paths.includes(`/${found[2]}`)) return found[1] ?? null;
  }
  return null;
}

/**
 * Reads what `rpm -qf` prints by `rpmFormat`: a line for the package, then one for each of its files. Null for its "not owned" sentence.
 * rpm's digests are MD5 (1) or SHA-256 (8), those of directories and links are empty.
 */
export function parseRpmAnswer(text: string, paths: readonly string[]): PackageAnswer | null {
  const [head = '', ...files] = text.split('\n');
  const [name, version, algorithm] = head.split('\t');
  if (name === undefined || version === undefined || name === '') return null;
  const hex = files.map((line) => line.split('\t')).find(([file]) => file !== undefined && paths.includes(file))?.[1];
  if (hex === undefined || hex === '') return { name, version, digest: null };
  return { name, version, digest: algorithm === '8' ? { algorithm: 'sha256', hex } : algorithm === '1' ? { algorithm: 'md5', hex } : null };
}

/** Format for `rpm -qf --qf`. */
export const rpmFormat = '%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{FILEDIGESTALGO}\\n[%{FILENAMES}\\t%{FILEDIGESTS}\\n]';

/** The largest packages list some 50,000 files. */
const rpmLimit = 16 * 1024 * 1024;

function askRpm(realPath: string): Promise<PackageAnswer | null> {
  return new Promise((resolve) => {
    execFile('/usr/bin/rpm', ['-qf', '--qf', rpmFormat, '--', realPath], { timeout: 10_000, maxBuffer: rpmLimit }, (error, stdout) => {
      resolve(error === null ? parseRpmAnswer(stdout, listedPaths(realPath)) : null);
    });
  });
}

// Most programs live in a package that shares words with their path (`openjdk`, `chromium`): those lists first saves reading the others.
function likelyFirst(lists: readonly string[], realPath: string): readonly string[] {
  const words = [...new Set(realPath.split(/[^A-Za-z0-9+]+/).filter((word) => word.length > 2 && !commonWords.has(word)))];
  const program = path.basename(realPath);
  const rank = (list: string): number => (list === `${program}.list` ? 100 : 0) + words.filter((word) => list.includes(word)).length;
  return lists.map((list) => [rank(list), list] as const).sort((one, other) => other[0] - one[0]).map(([, list]) => list);
}

const commonWords: ReadonlySet<string> = new Set(['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libexec', 'opt', 'share', 'x86', 'linux', 'gnu', 'amd64', 'arm64', 'aarch64']);

function inBatches<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
