// What every driven program is: how it is found, prepared and sent through a proxy to a host. Runs real programs; never fakes one.
// Not for the programs themselves: each family has a file of its own, programs.ts holds them all.
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCommand } from '../support/find-command.ts';

export type Place = {
  /** 127.0.0.1 and the proxy's port. */
  readonly proxyPort: number;
  /** PEM: Pinlight's root. */
  readonly rootFile: string;
  /** PEM: the root of the test origins, which programs trust as they would a public one. */
  readonly originsRootFile: string;
  /** A folder of this run for profiles, stores, script copies and built programs. */
  readonly folder: string;
  /** PEM files that the mutual-TLS programs show to the server; they throw without it. */
  readonly clientCertificate?: { readonly certFile: string; readonly keyFile: string };
};

export type Visit = {
  readonly host: string;
  /** The origin's certificate, for programs that compare it. */
  readonly certificatePem: string;
  /** How many requests the origin has answered so far: the only sign of success of a browser without output. */
  readonly served: () => number;
  /** The program carries a pin for this host, to the origin's own key. Heeded by programs with `pins`. */
  readonly pinned: boolean;
};

export type VisitResult = { readonly ok: boolean; readonly text: string };

/** root: its list holds our root and the origins' root. own-list: its list holds the origins' root and lacks ours. unchecked: it verifies nothing or never gets that far. */
export type Trust = 'root' | 'own-list' | 'unchecked';

/** One identity: the same executable and script at every host, pinned there or not. */
export type Program = {
  readonly title: string;
  readonly trust: Trust;
  /** none: never pins; some: pins where the visit says so; all: pins at every host. */
  readonly pins: 'none' | 'some' | 'all';
  /** request: fetches a page, `ok` says whether it came. handshake, probe: leaves without asking for anything, on purpose; `ok` says whether it did what it came for. */
  readonly does: 'request' | 'handshake' | 'probe';
  /** Debian packages that bring it, for the list of what is missing. */
  readonly debian: string;
  /** Commands that must all be there, by name or absolute path. */
  readonly needs: readonly string[];
  /** Debian packages of Python modules and Java archives that must be there. */
  readonly libraries?: readonly string[];
  /** Once per run, before the first visit: stores, builds. */
  readonly prepare?: (place: Place) => Promise<void>;
  readonly visit: (place: Place, visit: Visit) => Promise<VisitResult>;
};

export function isPresent(program: Program): boolean {
  return program.needs.every((name) => (name.startsWith('/') ? existsSync(name) : findCommand(name) !== null))
    && (program.libraries ?? []).every((name) => existsSync(libraryFolder(name)));
}

/** A library has no command; its package leaves this folder on every Debian machine. */
const libraryFolder = (debianPackage: string): string => `/usr/share/doc/${debianPackage}`;

const packageList = fileURLToPath(new URL('debian-packages.txt', import.meta.url));

/** Every Debian package that tests, demo, lab and bench need: debian-packages.txt, which .ci/run reads too. */
export function debianPackages(): { readonly name: string; readonly present: boolean }[] {
  return readFileSync(packageList, 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const [name = '', ...commands] = line.split(/\s+/);
    return { name, present: commands.length === 0 ? existsSync(libraryFolder(name)) : commands.every((command) => findCommand(command) !== null) };
  });
}

const greeting = /hello from/;

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Standard input stays open until the expected text has come, for programs that leave at its end. */
  readonly holdInput?: true;
  readonly limitMs?: number;
  /** What the output must contain; the origin's greeting unless told otherwise. */
  readonly expect?: RegExp;
  /** The exit code does not matter. */
  readonly anyExit?: true;
};

/** Runs a command to its end; success = exit code 0 and the expected text in its output. */
export function runCommand(command: string, args: readonly string[], options: RunOptions = {}): Promise<VisitResult> {
  return new Promise((done) => {
    const child = spawn(command, args, { env: cleanEnvironment(options.env ?? {}), stdio: ['pipe', 'pipe', 'pipe'] });
    const expect = options.expect ?? greeting;
    let text = '';
    const take = (chunk: Buffer): void => {
      if (text.length < 200_000) text += chunk.toString();
      if (expect.test(text)) child.stdin.end();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.stdin.on('error', () => undefined);
    child.stdin.write(options.input ?? '');
    if (options.holdInput !== true) child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? 40_000);
    child.once('error', (error) => {
      clearTimeout(timer);
      done({ ok: false, text: error.message });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      done({ ok: (code === 0 || options.anyExit === true) && expect.test(text), text });
    });
  });
}

/** Runs a preparing step; throws with its output when it fails. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const result = await runCommand(command, args, { expect: /^/, ...options });
  if (!result.ok) throw new Error(`${command}: ${result.text}`);
}

/** The environment without anything that changes what programs trust or which proxy they take (a machine may set such variables). */
export function cleanEnvironment(more: Readonly<Record<string, string>>): Record<string, string> {
  const dropped = /^(.*_proxy|.*_PROXY|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|NODE_USE_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_CERT|JAVA_TOOL_OPTIONS|GIT_SSL_.*)$/;
  const kept = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !dropped.test(entry[0]));
  return { ...Object.fromEntries(kept), ...more };
}

/** The request that programs without a notion of HTTP send. */
export const request = (visit: Visit): string => `GET / HTTP/1.1\r\nHost: ${visit.host}\r\nConnection: close\r\n\r\n`;
export const url = (visit: Visit): string => `https://${visit.host}/`;
export const proxyUrl = (place: Place): string => `http://127.0.0.1:${place.proxyPort}`;
export const proxyEnvironment = (place: Place): Record<string, string> => ({ https_proxy: proxyUrl(place), HTTPS_PROXY: proxyUrl(place) });

/** The PEM file of roots that a program with this trust reads. */
export function rootsFile(place: Place, trust: Trust): string {
  return trust === 'own-list' ? place.originsRootFile : bothRoots(place);
}

/** Both roots in one file: a program that trusts Pinlight and the world. */
export function bothRoots(place: Place): string {
  const file = join(place.folder, 'both-roots.pem');
  if (!existsSync(file)) writeFileSync(file, readFileSync(place.rootFile, 'utf8') + readFileSync(place.originsRootFile, 'utf8'));
  return file;
}

/** SHA-256 of the origin's certificate, hex; `-` where the program carries no pin. */
export function certificatePin(visit: Visit): string {
  return visit.pinned ? createHash('sha256').update(new X509Certificate(visit.certificatePem).raw).digest('hex') : '-';
}

/** SHA-256 of the origin's public key in base64, as pin lists write it. */
export function keyPin(visit: Visit): string {
  const spki = new X509Certificate(visit.certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}

const scripts = fileURLToPath(new URL('programs', import.meta.url));

export const scriptFile = (name: string): string => join(scripts, name);

/** A copy of a script named after the program, because the identity of an interpreted program is its script: one script, one program. */
export function ownCopy(place: Place, script: string, title: string): string {
  const folder = join(place.folder, 'scripts');
  const file = join(folder, `${slug(title)}${extname(script)}`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const helper = `tunnel${extname(script)}`;
    copyFileSync(scriptFile(helper), join(folder, helper));
    copyFileSync(scriptFile(script), file);
  }
  return file;
}

const cache = fileURLToPath(new URL('../out/builds', import.meta.url));

/** A folder with what a compiler makes of these sources, kept from run to run. `build` fills the folder it is given and throws where it cannot. */
export async function builtOnce(compiler: string, sources: readonly string[], build: (folder: string, files: readonly string[]) => Promise<void>): Promise<string> {
  const hash = createHash('sha256').update(realpathSync(findCommand(compiler) ?? compiler));
  for (const source of sources) hash.update(readFileSync(scriptFile(source)));
  const folder = join(cache, `${compiler}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, 'draft-'));
  await build(draft, sources.map(scriptFile));
  // Another process may have been quicker with the same.
  if (existsSync(folder)) rmSync(draft, { recursive: true });
  else renameSync(draft, folder);
  return folder;
}

/** A title as a file name. */
export const slug = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
