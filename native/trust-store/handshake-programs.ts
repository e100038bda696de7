// Which programs read a store, and how each is made to visit one page: bounded, without a proxy, and with nothing of its user's changed.
// Not for judging what they do (handshakes.ts).
import { copyFileSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import path from 'node:path';
import { jdkFolders } from './holds-root.ts';
import { keystoreOf } from './java-keystore.ts';
import { chromiumNames } from './nss-stores.ts';
import type { Caller, TrustStore } from './trust-store.ts';

export type Program = {
  readonly store: string;
  readonly name: string;
  /** Absolute path. */
  readonly tool: string;
  /** Why it cannot be asked; null = it can. */
  readonly missing: string | null;
  readonly browser: boolean;
  /** Its name before the version in its User-Agent. */
  readonly token: string;
  /** `folder`: a new one, for whatever it writes. */
  readonly args: (url: URL, folder: string) => readonly string[];
  readonly env: (folder: string) => Readonly<Record<string, string>>;
  readonly input?: (url: URL) => string;
  readonly prepare?: (folder: string) => void;
  /** The exit code by which a script says that what it is about is not installed. */
  readonly absentCode?: number;
};

type Recipe = Pick<Program, 'name' | 'token' | 'args'> & Partial<Pick<Program, 'env' | 'input' | 'absentCode'>> & { readonly command?: string };

/** `trusted`: the store holds the root. */
export function programsOf(store: TrustStore, caller: Caller, trusted: boolean): readonly Program[] {
  switch (store.kind) {
    case 'system': return systemPrograms(store, caller);
    case 'java': return javaPrograms(store, caller);
    case 'nss': return chromiumOf(store, caller, chromiumNames);
    case 'firefox': return [firefoxOf(store, caller, path.dirname(store.path ?? ''))];
    case 'browser-policy': return store.name === 'browser-policy:firefox' ? [firefoxOf(store, caller, null)] : chromiumOf(store, caller, policyReaders[store.name] ?? []);
    // Without our variables these programs read other stores, which have rows of their own.
    case 'environment': return trusted ? environmentPrograms(store, caller) : [];
    case 'node': case 'python': case 'containers': return [];
  }
}

/** Of the distribution alone: what somebody built elsewhere may have a store of its own. Windows and macOS bring one program that reads theirs. */
function systemPrograms(store: TrustStore, caller: Caller): readonly Program[] {
  const linux = process.platform === 'linux';
  return (linux ? [curlRecipe, wgetRecipe, gnutlsRecipe, opensslRecipe, gitRecipe, pythonRecipe] : [curlRecipe]).flatMap((recipe) => {
    const tool = caller.tools.find(linux ? `/usr/bin/${recipe.command ?? recipe.name}` : recipe.name);
    return tool === null ? [] : [programOf(store, recipe, tool, caller)];
  });
}

/** Every JDK that reads this keystore: Debian's share one. */
function javaPrograms(store: TrustStore, caller: Caller): readonly Program[] {
  const homes = new Set([store.name.slice('java:'.length), ...jdkFolders().filter((home) => keystoreOf(home) === store.path)]);
  return [...homes].map((home) => programOf(store, { ...javaRecipe, name: `java (${path.basename(home)})` }, path.join(home, 'bin', process.platform === 'win32' ? 'keytool.exe' : 'keytool'), caller));
}

/** As a new login starts them: with the variables of the drop-in, and what is set already in their stead. */
function environmentPrograms(store: TrustStore, caller: Caller): readonly Program[] {
  const ours = store.variables?.() ?? {};
  const variables = Object.fromEntries(Object.entries(ours).map(([name, value]) => [name, caller.env[name] === undefined || caller.env[name] === '' ? value : caller.env[name]]));
  return [nodeRecipe, denoRecipe, pythonRecipe, requestsRecipe, gitRecipe, curlRecipe, awsRecipe, cargoRecipe, rubyRecipe].flatMap((recipe) => {
    const tool = caller.tools.find(recipe.command ?? recipe.name);
    return tool === null ? [] : [{ ...programOf(store, recipe, tool, caller), env: (folder: string) => ({ ...variables, ...recipe.env?.(folder) }) }];
  });
}

function programOf(store: TrustStore, recipe: Recipe, tool: string, caller: Caller): Program {
  return { env: () => ({}), ...recipe, store: store.name, tool, missing: caller.tools.find(tool) === null ? 'it was not found' : null, browser: false };
}

const curlRecipe: Recipe = {
  // Without ~/.curlrc. Schannel wants to ask about revocation, which a root of a device does not answer.
  name: 'curl', token: 'curl', args: ({ href }) => ['-q', '-sS', '-o', devNull, '--max-time', '15', ...(process.platform === 'win32' ? ['--ssl-no-revoke'] : []), href],
};
const wgetRecipe: Recipe = { name: 'wget', token: 'Wget', args: ({ href }) => ['--no-config', '--no-hsts', '-q', '-t', '1', '-T', '15', '-O', devNull, href] };
const pageRequest = ({ pathname }: URL): string => `GET ${pathname} HTTP/1.0\r\nHost: localhost\r\n\r\n`;
const gnutlsRecipe: Recipe = { name: 'gnutls-cli', token: 'gnutls-cli', args: ({ port }) => ['--port', port, 'localhost'], input: pageRequest };
const opensslRecipe: Recipe = {
  name: 'openssl', token: 'openssl', input: pageRequest,
  args: ({ port }) => ['s_client', '-quiet', '-verify_return_error', '-verify_hostname', 'localhost', '-servername', 'localhost', '-connect', `localhost:${port}`],
};
const gitRecipe: Recipe = { name: 'git', token: 'git', args: ({ href }) => ['ls-remote', href], env: () => ({ GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '' }) };
/** keytool is a Java program of every JDK and JRE, and fetches a revocation list as any Java program would: with the keystore of its own home. */
const javaRecipe: Recipe = { name: 'java', token: 'Java', args: ({ href }) => ['-J-Duser.language=en', '-printcrl', '-file', href] };
const nodeRecipe: Recipe = {
  name: 'node', token: 'node',
  args: ({ href }) => ['-e', "require('https').get(process.argv[1], { headers: { 'user-agent': 'node/' + process.versions.node } }, (r) => r.resume()).on('error', (e) => { console.error(e.code); process.exitCode = 1; })", href],
};
const denoRecipe: Recipe = {
  name: 'deno', token: 'deno', args: ({ href }) => ['eval', "await (await fetch(Deno.args[0], { headers: { 'user-agent': 'deno/' + Deno.version.deno } })).text()", href],
  env: (folder) => ({ DENO_DIR: folder, DENO_NO_UPDATE_CHECK: '1' }),
};
const pythonRecipe: Recipe = {
  name: 'python3', token: 'Python-urllib', args: ({ href }) => ['-I', '-c', 'import sys, urllib.request as u\nu.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=15).read()', href],
};
const notThere = 77;
const requestsRecipe: Recipe = {
  name: 'python3 requests', command: 'python3', token: 'python-requests', absentCode: notThere,
  args: ({ href }) => ['-c', `import sys\ntry: import requests\nexcept ImportError: sys.exit(${notThere})\nrequests.get(sys.argv[1], timeout=15)`, href],
};
const awsRecipe: Recipe = {
  name: 'aws', token: 'aws-cli', args: ({ href }) => ['--endpoint-url', href, '--no-sign-request', '--region', 'us-east-1', '--cli-connect-timeout', '15', '--cli-read-timeout', '15', 's3api', 'list-buckets'],
  env: () => ({ AWS_EC2_METADATA_DISABLED: 'true', AWS_MAX_ATTEMPTS: '1', AWS_PAGER: '' }),
};
const cargoRecipe: Recipe = {
  name: 'cargo', token: 'cargo', args: ({ href }) => ['search', '--index', `sparse+${href}/`, 'x'],
  env: (folder) => ({ CARGO_HOME: folder, CARGO_NET_RETRY: '0', CARGO_HTTP_TIMEOUT: '15', RUSTUP_AUTO_INSTALL: '0' }),
};
const rubyRecipe: Recipe = {
  name: 'ruby', token: 'ruby',
  args: ({ href }) => ['-rnet/http', '-e', "u = URI(ARGV[0]); Net::HTTP.start(u.host, u.port, nil, use_ssl: true, open_timeout: 15) { |h| h.get(u.path, 'User-Agent' => 'ruby/' + RUBY_VERSION) }", href],
};

const policyReaders: Readonly<Record<string, readonly string[]>> = {
  'browser-policy:/etc/chromium': ['chromium', 'chromium-browser'], 'browser-policy:/etc/opt/chrome': ['google-chrome', 'google-chrome-stable'],
  'browser-policy:/etc/opt/edge': ['microsoft-edge'], 'browser-policy:/etc/brave': ['brave-browser'],
};
const databaseFiles = ['cert9.db', 'cert9.db-wal', 'key4.db'];

/** Each browser of the family once, with a home of its own that has a copy of the database; for a policy an empty one. */
function chromiumOf(store: TrustStore, caller: Caller, names: readonly string[]): readonly Program[] {
  const database = store.kind === 'nss' ? path.dirname(store.path ?? '') : null;
  const base = { store: store.name, browser: true, token: 'Chrome' };
  const unasked = (why: string): readonly Program[] => [{ ...base, name: names[0] ?? 'browser', tool: '', missing: why, args: () => [], env: () => ({}) }];
  if (database !== null && database.startsWith(path.join(caller.home, 'snap'))) return unasked('a snap sees no home but its own: its own next connection tells');
  const tools = new Map(names.flatMap((name) => {
    const tool = caller.tools.find(name);
    return tool === null ? [] : [[realpathSync(tool), { name, tool }] as const];
  }));
  if (tools.size === 0) return unasked('no browser that reads it was found');
  return [...tools.values()].map(({ name, tool }) => ({
    ...base, name, tool, missing: null,
    prepare: (folder) => copyDatabase(database, path.join(folder, '.pki/nssdb')),
    env: homeIn,
    args: ({ href }, folder) => [
      '--headless', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--no-default-browser-check', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--no-proxy-server', ...(caller.machine ? ['--no-sandbox'] : []), `--user-data-dir=${path.join(folder, 'profile')}`, '--dump-dom', href,
    ],
  }));
}

/** With a new profile that has a copy of the database: its user's is neither read by a second Firefox nor changed. */
function firefoxOf(store: TrustStore, caller: Caller, profile: string | null): Program {
  const tool = ['firefox', 'firefox-esr'].map((name) => caller.tools.find(name)).find((one) => one !== null) ?? null;
  const own = (folder: string): string => path.join(folder, 'profile');
  return {
    store: store.name, name: 'firefox', tool: tool ?? '', missing: tool === null ? 'it was not found' : null, browser: true, token: 'Firefox',
    prepare(folder) {
      copyDatabase(profile, own(folder));
      writeFileSync(path.join(own(folder), 'user.js'), quietFirefox);
    },
    env: (folder) => ({ ...homeIn(folder), MOZ_CRASHREPORTER_DISABLE: '1', MOZ_DISABLE_AUTO_SAFE_MODE: '1' }),
    args: ({ href }, folder) => ['--headless', '--no-remote', '--profile', own(folder), href],
  };
}

/** A check asks nobody but us. */
const quietFirefox = [
  ['network.proxy.type', 0], ['network.captive-portal-service.enabled', false], ['network.connectivity-service.enabled', false], ['app.update.enabled', false], ['app.normandy.enabled', false],
  ['datareporting.policy.dataSubmissionEnabled', false], ['toolkit.telemetry.unified', false], ['browser.safebrowsing.malware.enabled', false], ['browser.safebrowsing.phishing.enabled', false],
  ['services.settings.server', ''], ['browser.shell.checkDefaultBrowser', false], ['browser.aboutwelcome.enabled', false], ['extensions.update.enabled', false], ['media.gmp-manager.updateEnabled', false],
].map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join('');

function homeIn(folder: string): Readonly<Record<string, string>> {
  return { HOME: folder, XDG_CONFIG_HOME: path.join(folder, '.config'), XDG_CACHE_HOME: path.join(folder, '.cache'), XDG_DATA_HOME: path.join(folder, '.local/share'), XDG_RUNTIME_DIR: folder };
}

function copyDatabase(from: string | null, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of databaseFiles) if (from !== null && existsSync(path.join(from, name))) copyFileSync(path.join(from, name), path.join(to, name));
}
