// The browsers among the driven programs: Chromium and Firefox with and without our root, preconnecting, aborted, strictly pinning; Electron.
// Not for programs with an output to read: a browser's success is a request that the origin has answered.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, mustRun, proxyUrl, runCommand, slug, url, type Place, type Program, type Trust, type Visit, type VisitResult } from './program.ts';

const installedFirefox = '/usr/lib/firefox-esr/firefox-esr';
const electronFolder = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? fileURLToPath(new URL('../../node_modules/electron/dist', import.meta.url));

/** How a browser is opened and left. `path`: page asked for. `stayMs`: how long it stays after the page came. */
type Manner = { readonly path?: string; readonly stayMs?: number };

export const chromium = chromiumThat('Chromium that trusts the root', 'root');
export const chromiumOwnList = chromiumThat('Chromium without the root', 'own-list');
/** Its page names `spare.HOST`, which it connects to and never uses. Stays longer than the second after which a silent connection is no refusal. */
export const chromiumPreconnecting = chromiumOpened('Chromium that preconnects', { path: 'preconnect', stayMs: 2_500 });
/** Its page never ends; it is killed in the middle of it. */
export const chromiumKilled = chromiumOpened('Chromium that is killed in mid-load', { path: 'stalled', stayMs: 300 });
/** Its page opens `slow.HOST`, which answers late, and leaves for another page before it does. */
export const chromiumLeaving = chromiumOpened('Chromium that navigates away', { path: 'leave', stayMs: 2_500 });

export const firefox = firefoxThat('Firefox without the root', 'own-list', {});
/** Its static pins hold for roots installed by hand as well. Pins at the hosts of its own list only. */
export const firefoxStrict: Program = { ...firefoxThat('Firefox that pins strictly', 'root', { 'security.cert_pinning.enforcement_level': 2 }), pins: 'some' };
/** Started from a folder of links to the installed one, because the enterprise policy lies beside the executable. */
export const firefoxPolicy: Program = firefoxByPolicy();

/** Any Electron program: `electron` in node_modules with its binary, or ELECTRON_OVERRIDE_DIST_PATH. */
export const electron = electronThat('Electron that trusts the root', 'root');
export const electronPinned: Program = { ...electronThat('Electron that pins', 'root'), pins: 'some' };

function chromiumThat(title: string, trust: Trust): Program {
  return {
    title, trust, pins: 'none', does: 'request', debian: 'chromium libnss3-tools', needs: ['chromium', 'certutil'],
    prepare: (place) => prepareChromium(place, title, trust),
    visit: (place, visit) => runCommand('chromium', [...chromiumFlags(place), '--virtual-time-budget=3000', '--dump-dom', url(visit)], {
      env: chromiumEnvironment(place, title), limitMs: 60_000,
    }),
  };
}

function chromiumOpened(title: string, manner: Manner): Program {
  return {
    title, trust: 'root', pins: 'none', does: 'request', debian: 'chromium libnss3-tools', needs: ['chromium', 'certutil'],
    prepare: (place) => prepareChromium(place, title, 'root'),
    visit: (place, visit) => openAndLeave('chromium', [...chromiumFlags(place), url(visit) + (manner.path ?? '')], chromiumEnvironment(place, title), visit, 20_000, manner.stayMs ?? 0),
  };
}

async function prepareChromium(place: Place, title: string, trust: Trust): Promise<void> {
  const database = join(chromiumHome(place, title), '.pki', 'nssdb');
  mkdirSync(database, { recursive: true });
  await trustInNss(database, rootsOf(place, trust));
}

const chromiumHome = (place: Place, title: string): string => join(place.folder, slug(title));

const chromiumEnvironment = (place: Place, title: string): Record<string, string> => ({ HOME: chromiumHome(place, title), XDG_RUNTIME_DIR: place.folder });

const chromiumFlags = (place: Place): string[] => [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-dev-shm-usage', `--proxy-server=${proxyUrl(place)}`, `--user-data-dir=${mkdtempSync(join(place.folder, 'chromium-'))}`,
];

function firefoxThat(title: string, trust: Trust, preferences: Readonly<Record<string, number>>): Program {
  return {
    title, trust, pins: 'none', does: 'request', debian: 'firefox-esr libnss3-tools', needs: ['firefox-esr', 'certutil'],
    prepare: async (place) => {
      const profile = firefoxProfile(place, title, preferences);
      await trustInNss(profile, rootsOf(place, trust));
    },
    visit: (place, visit) => visitWithFirefox('firefox-esr', place, title, visit),
  };
}

function firefoxByPolicy(): Program {
  const title = 'Firefox with the root by its enterprise policy';
  const executable = (place: Place): string => join(place.folder, 'firefox-policy', 'firefox-esr');
  return {
    title, trust: 'root', pins: 'none', does: 'request', debian: 'firefox-esr', needs: ['firefox-esr', installedFirefox],
    prepare: async (place) => {
      const folder = dirname(executable(place));
      if (!existsSync(folder)) linkFirefox(folder, { policies: { Certificates: { Install: [place.rootFile, place.originsRootFile] } } });
      firefoxProfile(place, title, {});
    },
    visit: (place, visit) => visitWithFirefox(executable(place), place, title, visit),
  };
}

/** A folder that starts as the installed Firefox does, with a policy of its own: only the executable has to be a real copy. */
function linkFirefox(folder: string, policies: unknown): void {
  mkdirSync(join(folder, 'distribution'), { recursive: true });
  for (const name of readdirSync(dirname(installedFirefox))) {
    if (name !== 'firefox-esr' && name !== 'firefox-bin' && name !== 'distribution') symlinkSync(join(dirname(installedFirefox), name), join(folder, name));
  }
  copyFileSync(installedFirefox, join(folder, 'firefox-esr'));
  writeFileSync(join(folder, 'distribution', 'policies.json'), JSON.stringify(policies));
}

/** A fresh profile that asks nobody but the test's origins for anything. */
function firefoxProfile(place: Place, title: string, preferences: Readonly<Record<string, number>>): string {
  const profile = join(place.folder, slug(title));
  mkdirSync(profile, { recursive: true });
  const all = Object.entries<string | number | boolean>({
    'network.proxy.type': 1, 'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': place.proxyPort, 'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false, 'app.update.enabled': false, 'browser.safebrowsing.downloads.remote.enabled': false,
    'browser.shell.checkDefaultBrowser': false, 'datareporting.policy.dataSubmissionEnabled': false, 'toolkit.telemetry.enabled': false,
    'services.settings.server': 'data:,', 'browser.aboutwelcome.enabled': false, 'datareporting.policy.firstRunURL': '',
    'network.http.speculative-parallel-limit': 0, 'security.OCSP.enabled': 0, ...preferences,
  });
  writeFileSync(join(profile, 'user.js'), all.map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`).join('\n'));
  copyFileSync(join(profile, 'user.js'), join(profile, 'prefs.js'));
  return profile;
}

/** Start of a cold Firefox with a fresh profile, its request, and its own retries after a refusal. */
const firefoxLimitMs = 12_000;

function visitWithFirefox(executable: string, place: Place, title: string, visit: Visit): Promise<VisitResult> {
  return openAndLeave(executable, ['--headless', '--no-remote', '--profile', join(place.folder, slug(title)), url(visit)], {
    HOME: place.folder, XDG_RUNTIME_DIR: place.folder, MOZ_HEADLESS: '1', MOZ_DISABLE_CONTENT_SANDBOX: '1',
  }, visit, firefoxLimitMs, 0);
}

function electronThat(title: string, trust: Trust): Program {
  const script = fileURLToPath(new URL('programs/electron-fetch.cjs', import.meta.url));
  return {
    title, trust, pins: 'none', does: 'request', debian: 'none: npm package electron with its binary', needs: [join(electronFolder, 'electron'), 'certutil'],
    prepare: (place) => prepareChromium(place, title, trust),
    visit: (place, visit) => runCommand(join(electronFolder, 'electron'), [
      '--no-sandbox', '--headless', `--proxy-server=${proxyUrl(place)}`, script, url(visit), visit.pinned ? visit.certificatePem : '-',
    ], { env: chromiumEnvironment(place, title), limitMs: 30_000 }),
  };
}

/** Opens a program, waits until the origin has answered (or `limitMs`), stays, ends its whole process group. */
async function openAndLeave(
  command: string, args: readonly string[], environment: Record<string, string>, visit: Visit, limitMs: number, stayMs: number,
): Promise<VisitResult> {
  const before = visit.served();
  const child = spawn(command, args, { env: cleanEnvironment(environment), stdio: 'ignore', detached: true });
  const gone = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  const until = Date.now() + limitMs;
  while (visit.served() === before && Date.now() < until && child.exitCode === null) await pause(100);
  if (visit.served() > before && stayMs > 0) await pause(stayMs);
  end(child.pid, 'SIGTERM');
  const killer = setTimeout(() => end(child.pid, 'SIGKILL'), 10_000);
  await gone;
  clearTimeout(killer);
  return { ok: visit.served() > before, text: '' };
}

function end(leader: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // It has ended by itself.
  }
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

const rootsOf = (place: Place, trust: Trust): Record<string, string> =>
  (trust === 'root' ? { pinlight: place.rootFile, origins: place.originsRootFile } : { origins: place.originsRootFile });

/** Puts roots, by nickname, into the NSS database of a folder; makes the database where there is none. */
export async function trustInNss(folder: string, roots: Record<string, string>): Promise<void> {
  // certutil -N on an existing database loops for ever without a terminal: only where there is none.
  if (!existsSync(join(folder, 'cert9.db'))) await mustRun('certutil', ['-N', '-d', `sql:${folder}`, '--empty-password'], { limitMs: 20_000 });
  for (const [name, file] of Object.entries(roots)) {
    await mustRun('certutil', ['-A', '-d', `sql:${folder}`, '-n', name, '-t', 'C,,', '-i', file], { limitMs: 20_000 });
  }
}
