// The keystores of the JDKs on this machine, by their own keytool. A change is made on a copy and put in place whole.
// Not for which keystore one Java process reads: java-store.ts.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { replaceFile, readImage } from '../undo-journal/durable-file.ts';
import type { Change } from '../undo-journal/index.ts';
import { jdkFolders } from './holds-root.ts';
import { distinct, pinlightRootsIn, readPinlightRoot } from './pinlight-roots.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import { trouble } from './run-tool.ts';
import type { ToolResult } from './run-tool.ts';
import { isAmong, proofMs, writeBlocked } from './trust-store.ts';
import type { Caller, Outcome, Reading, TrustStore } from './trust-store.ts';

/** OID of PKCS#7 encryptedData: certificates in an older PKCS12 are hidden by the password. */
const encryptedData = Buffer.from('06092a864886f70d010706', 'hex');
const keytoolMs = 20_000;

/** One store per keystore: Debian's JDKs share one through links. */
export function javaStores(caller: Caller, homes: readonly string[] = jdkFolders()): readonly TrustStore[] {
  const byFile = new Map<string, string>();
  for (const home of homes) {
    const file = keystoreOf(home);
    if (file !== null && !byFile.has(file)) byFile.set(file, home);
  }
  return [...byFile].map(([file, home]) => javaStore(caller, home, file));
}

/** The keystore that a JDK or JRE reads, by real path; null where it has none. */
export function keystoreOf(home: string): string | null {
  const file = ['lib/security/jssecacerts', 'lib/security/cacerts', 'jre/lib/security/cacerts'].map((name) => path.join(home, name)).find((one) => existsSync(one));
  return file === undefined ? null : realpathSync(file);
}

function javaStore(caller: Caller, home: string, file: string): TrustStore {
  return {
    name: `java:${home}`, kind: 'java', path: file,
    blocked() {
      if (keytoolOf(caller, home) === null) return { kind: 'refused', why: 'keytool is not installed (it comes with the JDK)', rights: false };
      return writeBlocked(file);
    },
    check: () => check(caller, file),
    install: put,
    uninstall: (change) => put(change, []),
    async prove(root) {
      const listed = await keytool(caller, ['-list', '-rfc', '-keystore', file], home, proofMs);
      return listed.kind === 'ended' ? { accepted: pinlightRootsIn(Buffer.from(listed.output)).some((one) => one.fingerprint === root.fingerprint), by: 'keytool' } : null;
    },
  };

  async function put(change: Change, wanted: readonly RootCertificate[]): Promise<Outcome> {
    if (wanted.length === 0 && change.restore([file], (content) => content !== null && isClean(content))) return { kind: 'changed' };
    const folder = mkdtempSync(path.join(caller.scratch, 'keystore-'));
    try {
      const copy = path.join(folder, 'cacerts');
      copyFileSync(file, copy);
      const entries = await listKeystore(caller, copy, home);
      if (typeof entries === 'string') return { kind: 'refused', why: entries, rights: false };
      for (const entry of entries) {
        if (isAmong(entry.root, wanted)) continue;
        must(await keytool(caller, ['-delete', '-alias', entry.alias, '-keystore', copy], home));
      }
      const held = entries.map((entry) => entry.root);
      for (const root of wanted.filter((one) => !isAmong(one, held))) {
        const pem = path.join(folder, `${root.fingerprint}.pem`);
        replaceFile(pem, { content: Buffer.from(root.pem), mode: 0o600, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 });
        must(await keytool(caller, ['-importcert', '-noprompt', '-alias', `pinlight-${root.fingerprint.slice(0, 16)}`, '-file', pem, '-keystore', copy], home));
      }
      change.write(file, readFileSync(copy));
      return { kind: 'changed' };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Roots of Pinlight's in a keystore; null when it cannot be read. */
export async function keystoreRoots(caller: Caller, file: string): Promise<readonly RootCertificate[] | null> {
  const content = readFileSync(file);
  if (content[0] !== 0x30 || !content.includes(encryptedData)) return looksLikeKeystore(content) ? pinlightRootsIn(content) : null;
  const entries = await listKeystore(caller, file, null);
  return typeof entries === 'string' ? null : distinct(entries.map((entry) => entry.root));
}

/** Takes the entries that `drop` names out of a keystore, without a journal: only for what a tool of the system's derives from other files. */
export async function rewriteKeystore(caller: Caller, file: string, drop: (alias: string, root: RootCertificate) => boolean): Promise<void> {
  const entries = await listKeystore(caller, file, null);
  const image = readImage(file);
  if (typeof entries === 'string' || image === null) throw new Error(typeof entries === 'string' ? entries : `${file} is gone`);
  const folder = mkdtempSync(path.join(caller.scratch, 'keystore-'));
  try {
    const copy = path.join(folder, 'cacerts');
    copyFileSync(file, copy);
    for (const { alias, root } of entries) if (drop(alias, root)) must(await keytool(caller, ['-delete', '-alias', alias, '-keystore', copy], null));
    replaceFile(realpathSync(file), { ...image, content: readFileSync(copy) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Entry = { readonly alias: string; readonly root: RootCertificate };

/** Pinlight's entries in what `keytool -list -rfc` prints. Pure. */
export function parseKeytoolList(text: string): readonly Entry[] {
  return text.split(/^Alias name: /m).slice(1).flatMap((part) => {
    const pem = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(part)?.[0];
    const root = pem === undefined ? null : readPinlightRoot(pem);
    return root === null ? [] : [{ alias: part.slice(0, part.indexOf('\n')).trim(), root }];
  });
}

async function check(caller: Caller, file: string): Promise<Reading> {
  try {
    const found = await keystoreRoots(caller, file);
    if (found === null) return { kind: 'unreadable', detail: 'no keystore, or one with another password (--storepass-file names a file with it)' };
    return { kind: 'read', trusted: found, present: found, detail: 'keystore of this JDK' };
  } catch (error) {
    return { kind: 'unreadable', detail: error instanceof Error ? error.message : String(error) };
  }
}

/** The entries, or why there is no telling. */
async function listKeystore(caller: Caller, file: string, home: string | null): Promise<readonly Entry[] | string> {
  const listed = await keytool(caller, ['-list', '-rfc', '-keystore', file], home);
  const why = trouble('keytool', listed);
  if (why !== null) return /password was incorrect|password verification failed/.test(why) ? 'the keystore has another password (--storepass-file names a file with it)' : why;
  return parseKeytoolList(listed.kind === 'ended' ? listed.output : '');
}

function keytool(caller: Caller, args: readonly string[], home: string | null, timeoutMs = keytoolMs): Promise<ToolResult> {
  // The password travels by variable, not on a command line that every user can read.
  return caller.tools.run(keytoolOf(caller, home) ?? 'keytool', [...args, '-storepass:env', 'STOREPASS', '-J-Duser.language=en'], { timeoutMs, env: { STOREPASS: caller.storePassword } });
}

/** The JDK's own keytool: an older one cannot read what a newer one writes. */
function keytoolOf(caller: Caller, home: string | null): string | null {
  return (home === null ? null : caller.tools.find(path.join(home, 'bin', 'keytool'))) ?? caller.tools.find('keytool');
}

function must(result: ToolResult): void {
  const why = trouble('keytool', result);
  if (why !== null) throw new Error(why);
}

function isClean(content: Buffer): boolean {
  return content.includes(encryptedData) ? false : pinlightRootsIn(content).length === 0;
}

// JKS begins with FEEDFEED, JCEKS with CECECECE, PKCS12 is a SEQUENCE.
function looksLikeKeystore(content: Buffer): boolean {
  return content.length > 4 && (content[0] === 0x30 || ['feedfeed', 'cececece'].includes(content.toString('hex', 0, 4)));
}
