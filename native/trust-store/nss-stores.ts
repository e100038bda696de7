// NSS databases: the ones Chromium and its relatives share in a home folder (snaps' too) and one for each Firefox profile. Changed by certutil.
// Not for browser policies (browser-policy.ts).
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Change, StepData } from '../undo-journal/index.ts';
import { nssEntries } from './nss-database.ts';
import type { NssEntry } from './nss-database.ts';
import { pinlightRootsIn, readPinlightRoot } from './pinlight-roots.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import { trouble } from './run-tool.ts';
import type { ToolResult } from './run-tool.ts';
import { nothing, proofMs, refusalOf, writeBlocked } from './trust-store.ts';
import type { Caller, Outcome, Reading, Refusal, TrustStore } from './trust-store.ts';

const certutilMs = 20_000;
/** Programs of the Chromium family, as they are typed. */
export const chromiumNames: readonly string[] = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge', 'brave-browser', 'opera', 'vivaldi'];
const databaseFiles = ['cert9.db', 'key4.db', 'pkcs11.txt'];

/** Databases in the caller's home, and the one that a Chromium would make at its first start. */
export function nssStores(caller: Caller): readonly TrustStore[] {
  // Chromium 156 takes the first that exists and makes the second; older ones know the first only (measured).
  const legacy = path.join(caller.home, '.pki/nssdb');
  const own = [legacy, path.join(caller.home, '.local/share/pki/nssdb')].filter(hasDatabase);
  const snaps = foldersIn(path.join(caller.home, 'snap')).flatMap((snap) => ['current/.pki/nssdb', 'current/.local/share/pki/nssdb', 'common/.pki/nssdb'].map((name) => path.join(snap, name))).filter(hasDatabase);
  const first = own.length === 0 && chromiumNames.some((name) => caller.tools.find(name) !== null) ? [legacy] : [];
  return [...own, ...first, ...snaps].map((folder) => nssStore(caller, 'nss', folder));
}

/** One store for each profile that has been started once. */
export function firefoxStores(caller: Caller): readonly TrustStore[] {
  const bases = [
    '.mozilla/firefox', '.config/mozilla/firefox', 'snap/firefox/common/.mozilla/firefox', '.var/app/org.mozilla.firefox/.mozilla/firefox',
    'Library/Application Support/Firefox', 'AppData/Roaming/Mozilla/Firefox',
  ].map((name) => path.join(caller.home, name));
  const profiles = bases.flatMap((base) => {
    const ini = path.join(base, 'profiles.ini');
    if (!existsSync(ini)) return [];
    return profilePaths(readFileSync(ini, 'utf8')).map((profile) => path.resolve(base, profile));
  });
  return [...new Set(profiles)].filter(hasDatabase).map((folder) => nssStore(caller, 'firefox', folder));
}

/** Every profile's path in a profiles.ini, as written. Pure. */
export function profilePaths(ini: string): readonly string[] {
  return [...ini.matchAll(/^\[Profile[^\]]*\]([^[]*)/gm)].flatMap((section) => /^Path=(.+?)\r?$/m.exec(section[1] ?? '')?.[1] ?? []);
}

function nssStore(caller: Caller, kind: 'nss' | 'firefox', folder: string): TrustStore {
  const file = path.join(folder, 'cert9.db');
  return {
    name: `${kind}:${folder}`, kind, path: file,
    blocked() {
      if (caller.tools.find('certutil') === null) return { kind: 'refused', why: 'certutil is not installed (package libnss3-tools or nss-tools)', rights: false };
      return writeBlocked(file);
    },
    check: () => Promise.resolve(check(file)),
    install: async (change, roots) => (hasDatabase(folder) ? await put(change, roots) : await create(change, roots)),
    async uninstall(change) {
      // Made by us and used by nobody since: it goes as it came.
      if (change.restore(databaseFiles.map((name) => path.join(folder, name)), (content) => content === null)) return { kind: 'changed' };
      return await put(change, []);
    },
    undoStep: (_verb, name, data) => finish(name, data),
    async prove(root) {
      const entry = entriesIn(file).find((one) => one.der.equals(root.der));
      if (entry === undefined) return null;
      // -u L: as an authority for TLS servers.
      const found = await certutil(['-V', '-n', entry.nickname, '-u', 'L'], proofMs);
      return found.kind === 'ended' ? { accepted: found.code === 0, by: 'certutil' } : null;
    },
  };

  async function put(change: Change, wanted: readonly RootCertificate[]): Promise<Outcome> {
    const before = nssEntries(readFileSync(file), isOurs);
    if (before === null) return { kind: 'refused', why: 'the database cannot be read: it is damaged or of an unknown form', rights: false };
    // Without the password certutil would add the root, fail at its trust, and leave the half (measured).
    const locked = await isProtected();
    if (locked !== null) return locked;
    for (const root of wanted.filter((one) => !before.some((entry) => entry.der.equals(one.der) && entry.trusted))) {
      change.step('add', { fingerprint: root.fingerprint });
      await add(folder, root);
    }
    for (const old of before.filter((entry) => !wanted.some((root) => entry.der.equals(root.der)))) {
      change.step('drop', { fingerprint: readPinlightRoot(old.der)?.fingerprint ?? '' });
      must(await certutil(['-D', '-n', old.nickname]));
    }
    return { kind: 'changed' };
  }

  /** A new database is built elsewhere and put in place file by file, which the journal can take back to nothing. */
  async function create(change: Change, roots: readonly RootCertificate[]): Promise<Outcome> {
    const scratch = mkdtempSync(path.join(caller.scratch, 'nss-'));
    try {
      must(await certutil(['-N', '--empty-password'], certutilMs, scratch));
      for (const root of roots) await add(scratch, root);
      for (const name of databaseFiles) {
        const content = readFileSync(path.join(scratch, name));
        change.write(path.join(folder, name), name === 'pkcs11.txt' ? Buffer.from(content.toString('utf8').replaceAll(scratch, folder)) : content, 0o600);
      }
      return { kind: 'changed' };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  async function add(database: string, root: RootCertificate): Promise<void> {
    must(await caller.tools.run('certutil', ['-A', '-d', `sql:${database}`, '-t', 'C,,', '-a', '-n', `Pinlight ${root.fingerprint.slice(0, 16)}`], { timeoutMs: certutilMs, input: root.pem }));
  }

  /**
   * certutil's own transaction is whole or not there, and a browser may have the file open: so an interrupted step is completed where it
   * was made, and nothing is done where it was not. Only a root without its trust is taken out again.
   */
  async function finish(name: string, data: StepData): Promise<void> {
    if (!existsSync(file)) return;
    // Any opening rolls back what a killed certutil left in SQLite's journal.
    await certutil(['-L']);
    const entry = entriesIn(file).find((one) => readPinlightRoot(one.der)?.fingerprint === data['fingerprint']);
    if (entry !== undefined && (name === 'drop' || !entry.trusted)) must(await certutil(['-D', '-n', entry.nickname]));
  }

  async function isProtected(): Promise<Refusal | null> {
    const empty = path.join(caller.scratch, 'empty-password');
    writeFileSync(empty, '\n', { mode: 0o600 });
    const keys = await certutil(['-K', '-f', empty]);
    const text = keys.kind === 'ended' ? keys.output + keys.errors : trouble('certutil', keys) ?? '';
    if (/Incorrect password|BAD_PASSWORD/.test(text)) {
      return { kind: 'refused', why: 'the database is protected by a password: import the certificate in the browser\'s own settings, or take the password off for the time', rights: false };
    }
    return keys.kind === 'ended' && /no keys found|^<|Checking token/m.test(text) ? null : { kind: 'refused', why: `certutil cannot open the database: ${text.trim().split('\n')[0] ?? ''}`, rights: false };
  }

  function certutil(args: readonly string[], timeoutMs = certutilMs, database = folder): Promise<ToolResult> {
    const [verb = '', ...rest] = args;
    return caller.tools.run('certutil', [verb, '-d', `sql:${database}`, ...rest], { timeoutMs });
  }
}

function check(file: string): Reading {
  if (!existsSync(file)) return { ...nothing, detail: 'there is no database yet; installing makes one' };
  try {
    const entries = nssEntries(readFileSync(file), isOurs);
    if (entries === null) return { kind: 'unreadable', detail: 'not a database that can be read: damaged, or of an unknown form' };
    const rootsOf = (some: readonly NssEntry[]): readonly RootCertificate[] => some.flatMap((entry) => readPinlightRoot(entry.der) ?? []);
    return { kind: 'read', trusted: rootsOf(entries.filter((entry) => entry.trusted)), present: rootsOf(entries), detail: 'NSS database' };
  } catch (error) {
    return { kind: 'unreadable', detail: refusalOf(error, file).why.replace('written', 'read') };
  }
}

function entriesIn(file: string): readonly NssEntry[] {
  return nssEntries(readFileSync(file), isOurs) ?? [];
}

function isOurs(der: Buffer): boolean {
  return der.includes('Pinlight') && pinlightRootsIn(der).length > 0;
}

function hasDatabase(folder: string): boolean {
  return existsSync(path.join(folder, 'cert9.db'));
}

function foldersIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
}

function must(result: ToolResult): void {
  const why = trouble('certutil', result);
  if (why === null) return;
  throw new Error(/locked|SEC_ERROR_BUSY|SEC_ERROR_BAD_DATABASE|PR_FILE_IS_LOCKED/i.test(why) ? `the database is in use or damaged: close the browser and run it again (${why})` : why);
}
