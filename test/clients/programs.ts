// Real programs and how each is sent through a proxy to a host: what the demo and the client tests drive. Finds them; never fakes one.
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCommand } from '../support/find-command.ts';

const scripts = fileURLToPath(new URL('programs', import.meta.url));

export type Place = {
  /** 127.0.0.1 and the proxy's port. */
  readonly proxyPort: number;
  /** PEM: Pinlight's root. */
  readonly rootFile: string;
  /** PEM: the root of the test origins, which programs trust as they would a public one. */
  readonly originsRootFile: string;
  /** A folder of this run for profiles, stores and built programs. */
  readonly folder: string;
};

export type Visit = {
  readonly host: string;
  /** The origin's certificate, for programs that compare it. */
  readonly certificatePem: string;
  /** How many requests the origin has answered so far: the only sign of success of a browser without output. */
  readonly served: () => number;
};

export type VisitResult = { readonly ok: boolean; readonly text: string };

export type Program = {
  readonly title: string;
  /** Debian package that brings it, for the list of what is missing. */
  readonly debian: string;
  /** Commands that must all be there. */
  readonly needs: readonly string[];
  /** Once per run, before the first visit: stores, builds. */
  readonly prepare?: (place: Place) => Promise<void>;
  readonly visit: (place: Place, visit: Visit) => Promise<VisitResult>;
};

/** Every command the tests drive, with the Debian packages that bring it. */
export const clientCommands: Readonly<Record<string, string>> = {
  curl: 'curl', openssl: 'openssl', wget: 'wget', python3: 'python3', java: 'default-jdk-headless', javac: 'default-jdk-headless', keytool: 'default-jdk-headless',
  go: 'golang-go', 'gnutls-cli': 'gnutls-bin', git: 'git', chromium: 'chromium', 'firefox-esr': 'firefox-esr', certutil: 'libnss3-tools',
  nginx: 'nginx-light', sslsplit: 'sslsplit', squid: 'squid-openssl', unzip: 'unzip', unshare: 'util-linux', ip: 'iproute2',
};

export function isPresent(program: Program): boolean {
  return program.needs.every((name) => findCommand(name) !== null);
}

const greeting = /hello from/;

/** Runs a command to its end; success = exit code 0 and, unless told otherwise, the origin's greeting in its output. */
export function runCommand(
  command: string, args: readonly string[], options: { env?: Record<string, string>; input?: string; limitMs?: number; expect?: RegExp } = {},
): Promise<VisitResult> {
  return new Promise((done) => {
    const child = spawn(command, args, { env: cleanEnvironment(options.env ?? {}), stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    const take = (chunk: Buffer): void => {
      if (text.length < 200_000) text += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const timer = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? 40_000);
    child.once('error', (error) => {
      clearTimeout(timer);
      done({ ok: false, text: error.message });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      done({ ok: code === 0 && (options.expect ?? greeting).test(text), text });
    });
  });
}

/** The environment without anything that changes what programs trust or which proxy they take (a machine may set such variables). */
export function cleanEnvironment(more: Record<string, string>): Record<string, string> {
  const dropped = /^(.*_proxy|.*_PROXY|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|NODE_USE_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_CERT|JAVA_TOOL_OPTIONS|GIT_SSL_.*)$/;
  const kept = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !dropped.test(entry[0]));
  return { ...Object.fromEntries(kept), ...more };
}

const url = (visit: Visit): string => `https://${visit.host}/`;
const proxyUrl = (place: Place): string => `http://127.0.0.1:${place.proxyPort}`;
const proxyEnvironment = (place: Place): Record<string, string> => ({ https_proxy: proxyUrl(place), HTTPS_PROXY: proxyUrl(place) });

/** Both roots in one file: a program that trusts Pinlight and the world. */
function bothRoots(place: Place): string {
  const file = join(place.folder, 'both-roots.pem');
  if (!existsSync(file)) writeFileSync(file, readFileSync(place.rootFile, 'utf8') + readFileSync(place.originsRootFile, 'utf8'));
  return file;
}

export const curlTrusting: Program = {
  title: 'curl that trusts the root', debian: 'curl', needs: ['curl'],
  visit: (place, visit) => runCommand('curl', ['-sS', '--max-time', '20', '--proxy', proxyUrl(place), '--cacert', bothRoots(place), url(visit)]),
};

export const curlPinned: Program = {
  title: 'curl with --pinnedpubkey', debian: 'curl', needs: ['curl'],
  visit: (place, visit) => {
    const spki = new X509Certificate(visit.certificatePem).publicKey.export({ type: 'spki', format: 'der' });
    const pin = `sha256//${createHash('sha256').update(spki).digest('base64')}`;
    return runCommand('curl', ['-sS', '--max-time', '20', '--proxy', proxyUrl(place), '--cacert', bothRoots(place), '--pinnedpubkey', pin, url(visit)]);
  },
};

export const opensslClient: Program = {
  title: 'openssl s_client', debian: 'openssl', needs: ['openssl'],
  visit: (place, visit) => runCommand('openssl', [
    's_client', '-proxy', `127.0.0.1:${place.proxyPort}`, '-connect', `${visit.host}:443`, '-servername', visit.host, '-verify_hostname', visit.host,
    // Without -verify_return_error s_client goes on whatever the chain is (decision 34).
    '-CAfile', place.originsRootFile, '-verify_return_error', '-quiet', '-ign_eof',
  ], { input: `GET / HTTP/1.1\r\nHost: ${visit.host}\r\nConnection: close\r\n\r\n` }),
};

export const wget: Program = {
  title: 'wget', debian: 'wget', needs: ['wget'],
  visit: (place, visit) => runCommand('wget', ['-q', '-O', '-', '--tries=1', '--timeout=20', `--ca-certificate=${place.originsRootFile}`, url(visit)], { env: proxyEnvironment(place) }),
};

export const pythonFetch: Program = {
  title: 'Python urllib', debian: 'python3', needs: ['python3'],
  visit: (place, visit) => runCommand('python3', [join(scripts, 'fetch.py'), url(visit)], { env: { ...proxyEnvironment(place), SSL_CERT_FILE: place.originsRootFile } }),
};

export const pythonPinned: Program = {
  title: 'Python that pins every host', debian: 'python3', needs: ['python3'],
  visit: (place, visit) => {
    const hash = createHash('sha256').update(new X509Certificate(visit.certificatePem).raw).digest('hex');
    return runCommand('python3', [join(scripts, 'pinned.py'), '127.0.0.1', String(place.proxyPort), visit.host, '443', bothRoots(place), hash]);
  },
};

export const nodeFetch: Program = {
  title: 'Node fetch', debian: 'nodejs', needs: ['node'],
  visit: (place, visit) => runCommand(process.execPath, [join(scripts, 'fetch.mjs'), url(visit)], {
    env: { ...proxyEnvironment(place), NODE_USE_ENV_PROXY: '1', NODE_EXTRA_CA_CERTS: place.originsRootFile },
  }),
};

export const preconnect: Program = {
  title: 'Node that preconnects only', debian: 'nodejs', needs: ['node'],
  // 1.6 s: longer than the second after which a silent connection is no refusal (decision 6).
  visit: (place, visit) => runCommand(process.execPath, [join(scripts, 'preconnect.mjs'), String(place.proxyPort), visit.host, '443', '1600'], {
    env: { NODE_EXTRA_CA_CERTS: bothRoots(place) }, expect: /connected/,
  }),
};

export const javaFetch: Program = {
  title: 'Java HttpsURLConnection', debian: 'default-jdk-headless', needs: ['java', 'keytool', 'javac'],
  prepare: async (place) => {
    const made = await runCommand('keytool', ['-importcert', '-noprompt', '-alias', 'origins', '-file', place.originsRootFile, '-keystore', join(place.folder, 'trust.jks'), '-storetype', 'JKS', '-storepass', 'changeit'], { expect: /./ });
    if (!made.ok) throw new Error(`keytool: ${made.text}`);
    const built = await runCommand('javac', ['-d', place.folder, join(scripts, 'Fetch.java')], { expect: /^/ });
    if (!built.ok) throw new Error(`javac: ${built.text}`);
  },
  visit: (place, visit) => runCommand('java', [
    '-Dhttps.proxyHost=127.0.0.1', `-Dhttps.proxyPort=${place.proxyPort}`, `-Djavax.net.ssl.trustStore=${join(place.folder, 'trust.jks')}`,
    '-cp', place.folder, 'Fetch', url(visit),
  ]),
};

export const goFetch: Program = {
  title: 'Go net/http', debian: 'golang-go', needs: ['go'],
  prepare: async (place) => {
    const built = await runCommand('go', ['build', '-o', join(place.folder, 'go-fetch'), join(scripts, 'fetch.go')], {
      env: { GOCACHE: join(place.folder, 'go-cache'), GOFLAGS: '-mod=mod', GO111MODULE: 'off' }, expect: /^/, limitMs: 180_000,
    });
    if (!built.ok) throw new Error(`go build: ${built.text}`);
  },
  visit: (place, visit) => runCommand(join(place.folder, 'go-fetch'), [url(visit)], { env: { ...proxyEnvironment(place), SSL_CERT_FILE: place.originsRootFile } }),
};

export const chromium: Program = {
  title: 'Chromium that trusts the root', debian: 'chromium libnss3-tools', needs: ['chromium', 'certutil'],
  prepare: async (place) => {
    const database = join(place.folder, 'chromium-home', '.pki', 'nssdb');
    mkdirSync(database, { recursive: true });
    await trustInNss(database, { pinlight: place.rootFile, origins: place.originsRootFile });
  },
  visit: (place, visit) => runCommand('chromium', [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--disable-dev-shm-usage', `--proxy-server=${proxyUrl(place)}`, `--user-data-dir=${mkdtempSync(join(place.folder, 'chromium-'))}`,
    '--virtual-time-budget=3000', '--dump-dom', url(visit),
  ], { env: { HOME: join(place.folder, 'chromium-home'), XDG_RUNTIME_DIR: place.folder }, limitMs: 60_000 }),
};

export const firefox: Program = {
  title: 'Firefox without the root', debian: 'firefox-esr libnss3-tools', needs: ['firefox-esr', 'certutil'],
  prepare: async (place) => {
    const profile = join(place.folder, 'firefox-profile');
    mkdirSync(profile, { recursive: true });
    await trustInNss(profile, { origins: place.originsRootFile });
    writeFileSync(join(profile, 'user.js'), [
      ['network.proxy.type', 1], ['network.proxy.ssl', '127.0.0.1'], ['network.proxy.ssl_port', place.proxyPort], ['network.captive-portal-service.enabled', false],
      ['network.connectivity-service.enabled', false], ['app.update.enabled', false], ['browser.safebrowsing.downloads.remote.enabled', false],
      ['browser.shell.checkDefaultBrowser', false], ['datareporting.policy.dataSubmissionEnabled', false], ['toolkit.telemetry.enabled', false],
      ['services.settings.server', 'data:,'], ['browser.aboutwelcome.enabled', false], ['datareporting.policy.firstRunURL', ''],
      ['network.http.speculative-parallel-limit', 0], ['security.OCSP.enabled', 0],
    ].map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`).join('\n'));
    copyFileSync(join(profile, 'user.js'), join(profile, 'prefs.js'));
  },
  visit: (place, visit) => visitWithFirefox(place, visit),
};

/** Start of a cold Firefox with a fresh profile, its request, and its own retries after a refusal. */
const firefoxLimitMs = 12_000;

async function visitWithFirefox(place: Place, visit: Visit): Promise<VisitResult> {
  const before = visit.served();
  const child = spawn('firefox-esr', ['--headless', '--no-remote', '--profile', join(place.folder, 'firefox-profile'), url(visit)], {
    env: cleanEnvironment({ HOME: place.folder, XDG_RUNTIME_DIR: place.folder, MOZ_HEADLESS: '1', MOZ_DISABLE_CONTENT_SANDBOX: '1' }), stdio: 'ignore', detached: true,
  });
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  const until = Date.now() + firefoxLimitMs;
  while (visit.served() === before && Date.now() < until && child.exitCode === null) await new Promise((done) => setTimeout(done, 100));
  process.kill(-(child.pid as number), 'SIGTERM');
  const killer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 10_000);
  await gone;
  clearTimeout(killer);
  return { ok: visit.served() > before, text: '' };
}

async function trustInNss(folder: string, roots: Record<string, string>): Promise<void> {
  // certutil -N on an existing database loops for ever without a terminal (facts/platform.md section 4): only where there is none.
  if (!existsSync(join(folder, 'cert9.db'))) {
    const made = await runCommand('certutil', ['-N', '-d', `sql:${folder}`, '--empty-password'], { expect: /^/, limitMs: 20_000 });
    if (!made.ok) throw new Error(`certutil -N: ${made.text}`);
  }
  for (const [name, file] of Object.entries(roots)) {
    const added = await runCommand('certutil', ['-A', '-d', `sql:${folder}`, '-n', name, '-t', 'C,,', '-i', file], { expect: /^/, limitMs: 20_000 });
    if (!added.ok) throw new Error(`certutil -A: ${added.text}`);
  }
}
