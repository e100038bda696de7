// Does this file, folder, keystore or database hold our root? Reads only; answers are kept until the file changes.
// Not for choosing which store a program reads: store-of-process.ts does that.
import { execFile } from 'node:child_process';
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { mayStart, readWhole } from '../procfs/foreign-file.ts';
import { readFirefoxPolicy, p11KitPlace } from './browser-store.ts';
import { nssTrusts } from './nss-database.ts';
import type { Place } from './places.ts';

/** true / false, or null when it could not be read; `changedAt` = newest change of what was read, ms since the epoch, 0 for nothing. */
export type Holding = { readonly holds: boolean | null; readonly changedAt: number };

export type RootSearch = {
  /** Answer from memory; null when something has to be read first. Costs a few stat() calls. */
  known(places: readonly Place[]): Holding | null;
  /** Answer, reading what is new or has changed. Never rejects. */
  find(places: readonly Place[]): Promise<Holding>;
};

/** Largest store read: the biggest bundle known is below 1 MB. */
const largestFile = 32 * 1024 * 1024;
const answerLimit = 256;
/** OID of PKCS#7 encryptedData: certificates in an older PKCS12 are hidden by the password. */
const encryptedData = Buffer.from('06092a864886f70d010706', 'hex');

/** A search for one root certificate, DER. */
export function createRootSearch(rootDer: Buffer): RootSearch {
  const base64 = rootDer.toString('base64');
  const answers = new Map<string, { readonly mark: string; readonly holds: boolean | null }>();
  /** Reads under way: a burst of connections at start must not read the same bundle once each. */
  const pending = new Map<string, Promise<boolean | null>>();

  return { known, find };

  function known(places: readonly Place[]): Holding | null {
    let holds: boolean | null = false;
    let changedAt = 0;
    for (const place of places) {
      const target = targetOf(place);
      if (target === null) continue;
      const answer = answers.get(keyOf(place, target.path));
      if (answer === undefined || answer.mark !== target.mark) return null;
      holds = either(holds, answer.holds);
      changedAt = Math.max(changedAt, target.changedAt);
    }
    return { holds, changedAt };
  }

  async function find(places: readonly Place[]): Promise<Holding> {
    const parts = await Promise.all(places.map(async (place): Promise<Holding> => {
      const target = targetOf(place);
      if (target === null) return { holds: false, changedAt: 0 };
      const key = keyOf(place, target.path);
      const answer = answers.get(key);
      if (answer?.mark === target.mark) return { holds: answer.holds, changedAt: target.changedAt };
      const holds = await lookOnce(`${key} ${target.mark}`, place, target.path);
      answers.set(key, { mark: target.mark, holds });
      for (const oldest of answers.keys()) {
        if (answers.size <= answerLimit) break;
        answers.delete(oldest);
      }
      return { holds, changedAt: target.changedAt };
    }));
    return {
      holds: parts.reduce<boolean | null>((sum, part) => either(sum, part.holds), false),
      changedAt: Math.max(0, ...parts.map((part) => part.changedAt)),
    };
  }

  function lookOnce(id: string, place: Place, file: string): Promise<boolean | null> {
    const running = pending.get(id) ?? look(place, file).catch(() => null).finally(() => pending.delete(id));
    pending.set(id, running);
    return running;
  }

  async function look(place: Place, file: string): Promise<boolean | null> {
    switch (place.form) {
      case 'pem': return holdsText(await readStore(file));
      case 'hash-dir': return anyIn(file, (name) => /^[0-9a-f]{8}\.\d+$/.test(name));
      case 'text-dir': return anyIn(file, () => true);
      case 'keystore': return inKeystore(file, await readStore(file), place.password ?? 'changeit');
      case 'nss': return nssTrusts(await readStore(file), rootDer);
      case 'firefox-policy': return inFirefoxPolicy((await readStore(file)).toString('utf8'));
    }
  }

  function holdsText(content: Buffer): boolean {
    // Line breaks differ from tool to tool, and JSON may write `/` as `\/`.
    return content.includes(rootDer) || content.toString('latin1').replace(/[\s\\]+/g, '').includes(base64);
  }

  async function anyIn(folder: string, counts: (name: string) => boolean): Promise<boolean> {
    const names = (await readdir(folder)).filter(counts);
    for (let from = 0; from < names.length; from += 32) {
      const batch = await Promise.all(names.slice(from, from + 32).map(async (name) => {
        const content = await readStore(path.join(folder, name)).catch(() => null);
        return content !== null && holdsText(content);
      }));
      if (batch.includes(true)) return true;
    }
    return false;
  }

  async function inKeystore(file: string, content: Buffer, password: string): Promise<boolean | null> {
    if (content.includes(rootDer)) return true; // JKS, and PKCS12 without a password as JDK 18 and later ship it
    if (content[0] !== 0x30 || !content.includes(encryptedData)) return false;
    const listing = await listKeystore(file, password);
    return listing === null ? null : holdsText(Buffer.from(listing));
  }

  async function inFirefoxPolicy(text: string): Promise<boolean | null> {
    const policy = readFirefoxPolicy(text);
    const files = policy.install.filter((one) => path.isAbsolute(one));
    const found = await find([
      ...files.map((one): Place => ({ form: 'pem', firstOf: [one] })),
      ...(policy.systemToo ? [p11KitPlace] : []),
    ]);
    return found.holds;
  }
}

/** A `keytool` that we may start: of the system's JDKs or JAVA_HOME, never the one beside a store that a process names. */
export function systemKeytool(folders: readonly string[] = jdkFolders()): string | null {
  return [...folders.map((home) => path.join(home, 'bin', 'keytool')), '/usr/bin/keytool'].find(mayStart) ?? null;
}

/** Home folders of the JDKs below /usr/lib/jvm and of JAVA_HOME, by real path. */
export function jdkFolders(root = '/usr/lib/jvm', javaHome = process.env['JAVA_HOME']): readonly string[] {
  let names: string[] = [];
  try {
    names = readdirSync(root).filter((name) => !name.startsWith('.')).map((name) => path.join(root, name));
  } catch {
    // No JDK of the distribution.
  }
  const real = [...names, ...(javaHome === undefined || javaHome === '' ? [] : [javaHome])].flatMap((folder) => {
    try {
      return [realpathSync(folder)];
    } catch {
      return [];
    }
  });
  return [...new Set(real)];
}

function listKeystore(store: string, password: string): Promise<string | null> {
  const keytool = systemKeytool();
  if (keytool === null) return Promise.resolve(null);
  return new Promise((resolve) => {
    // The password travels by variable, not on a command line that every user can read. JAVA_TOOL_OPTIONS is left out on purpose.
    const child = execFile(
      keytool, ['-list', '-rfc', '-keystore', store, '-storepass:env', 'STOREPASS'],
      { timeout: 10_000, maxBuffer: 8 * 1024 * 1024, env: { PATH: '/usr/bin:/bin', LANG: 'C', STOREPASS: password } },
      (error, stdout) => resolve(error === null ? stdout : null),
    );
    child.stdin?.end();
  });
}

async function readStore(file: string): Promise<Buffer> {
  const content = await readWhole(file, largestFile);
  if (content === null) throw new Error('not readable as a store');
  return content;
}

type FileTarget = { readonly path: string; readonly mark: string; readonly changedAt: number };

function targetOf(place: Place): FileTarget | null {
  for (const file of place.firstOf) {
    try {
      const found = statSync(file, { throwIfNoEntry: false });
      if (found === undefined || found.isDirectory() !== place.form.endsWith('-dir')) continue;
      const parts = [found, ...(found.isDirectory() ? smallFolder(file) : companions(place, file))];
      return {
        path: file,
        mark: parts.map((part) => `${part.ino} ${part.mtimeMs} ${part.size}`).join(' '),
        changedAt: Math.max(...parts.map((part) => part.mtimeMs)),
      };
    } catch {
      return { path: file, mark: 'unreadable', changedAt: 0 };
    }
  }
  return null;
}

// Files of a policy folder are edited in place, which leaves the folder's own time alone; a folder of hundreds of roots is rebuilt by its tool.
function smallFolder(folder: string): { ino: number; mtimeMs: number; size: number }[] {
  const names = readdirSync(folder);
  return names.length > 32 ? [] : names.flatMap((name) => statSync(path.join(folder, name), { throwIfNoEntry: false }) ?? []);
}

// A change may still stand in SQLite's journal files only.
function companions(place: Place, file: string): { ino: number; mtimeMs: number; size: number }[] {
  return place.form === 'nss' ? [`${file}-wal`].flatMap((one) => statSync(one, { throwIfNoEntry: false }) ?? []) : [];
}

function keyOf(place: Place, file: string): string {
  return `${place.form} ${place.password ?? ''} ${file}`;
}

function either(left: boolean | null, right: boolean | null): boolean | null {
  if (left === true || right === true) return true;
  return left === null || right === null ? null : false;
}
