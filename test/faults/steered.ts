// A steered device whose agent hangs, dies, and dies for good, as policy says: where it fails open, settings go back and apps go direct; where it
// fails closed, apps are refused at once. GNOME's real settings and the session's variables in a home of its own, as a user without rights.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { runInNewContext } from 'node:vm';
import { crashLoopExitCode } from '../../electron/contract/agent-arguments.ts';
import { runPinlight } from '../cli/run-pinlight.ts';
import { exchange, fetchThrough } from '../routes/stage.ts';
import { findCommand } from '../support/find-command.ts';
import type { Fault } from './fault.ts';
import { after, makeHome, probeMs, refusalMs, shop, start, until, within, type Home } from './stage.ts';
import { replaced } from './watchdog.ts';

const nobody = 65_534;
/** A hang is noticed within 10 s. */
const noticeMs = 10_000;
const skip = (): string | null => (process.platform === 'linux' && process.getuid?.() === 0 && findCommand('gsettings') !== null ? null : 'needs Linux, gsettings, and root, which gives its rights up');

/** A person with a desktop: their home folder and session, and Pinlight's state folder. */
type Desk = { readonly home: Home; readonly env: Readonly<Record<string, string>>; remove(): void };
type FailMode = 'open' | 'closed';
/** `refused`: no way that the app was told led anywhere. */
type Got = 'inspected' | 'direct' | 'refused';
/** As a PAC names them: `DIRECT`, `PROXY 127.0.0.1:PORT`. */
type Ways = readonly string[];

const steered: Fault = {
  name: 'steered device', times: { quick: 2, full: 10 }, skip,
  run: async ({ n, origins, trial }) => {
    // One of each at a time.
    for (let round = 0; round < n; round += 2) {
      await Promise.all((['open', 'closed'] as const).slice(0, n - round).map((failMode) => trial(`fail-${failMode}, round ${round / 2}`, async () => {
        const desk = makeDesk(await makeHome(origins, { failMode, uid: nobody }));
        try {
          await oneRound(desk, failMode);
        } finally {
          desk.remove();
        }
      })));
    }
  },
};

async function oneRound(desk: Desk, failMode: FailMode): Promise<void> {
  const { home } = desk;
  const running = await start(home, { watchdog: true, account: { uid: nobody, env: desk.env } });
  try {
    const answered = after(2_500);
    const { code, stdout, stderr } = await runPinlight(['steer', 'on', '--setting', 'gnome', '--setting', 'environment'], { home: home.folder, uid: nobody, env: desk.env });
    if (code !== 0) throw new Error(`steer on ended with ${String(code)}: ${stdout}${stderr}`);
    // What an app does that reads its settings now, and one that has read them already and keeps to them.
    const kept = [await waysOfDesktop(desk), waysOfVariables(desk)];
    const apps = async (): Promise<readonly Ways[]> => (failMode === 'open' ? [await waysOfDesktop(desk), waysOfVariables(desk)] : kept);
    await each(() => Promise.resolve(failMode === 'open' ? kept.slice(0, 1) : kept), home, ['inspected'], probeMs);

    // The watchdog asks every second, and an agent that never answered has a minute; nothing outside shows its questions.
    await answered;
    const [without, limitMs]: [Got, number] = failMode === 'open' ? ['direct', probeMs] : ['refused', refusalMs];
    const whileDown: readonly Got[] = ['inspected', without];
    process.kill(running.pid, 'SIGSTOP');
    await each(apps, home, whileDown, noticeMs);
    let pid = await replaced(running, running.pid, noticeMs);

    process.kill(pid, 'SIGKILL');
    await each(apps, home, whileDown, limitMs);
    pid = await replaced(running, pid, noticeMs);
    await until('the desktop\'s apps are inspected again', async () => await visit(await waysOfDesktop(desk), home) === 'inspected');

    process.kill(pid, 'SIGKILL');
    await each(apps, home, [without], limitMs);
    await until('the watchdog gives up', () => running.child.exitCode === crashLoopExitCode, noticeMs);
    await each(apps, home, [without], limitMs);
    const steeredNow = gsettings(desk, 'mode') === "'auto'" || existsSync(dropIn(desk));
    if (steeredNow !== (failMode === 'closed')) throw new Error(`settings are ${steeredNow ? 'still there' : 'gone'}`);
  } finally {
    await running.stop();
  }
}

function makeDesk(home: Home): Desk {
  const person = mkdtempSync(join(tmpdir(), 'pinlight-person-'));
  chownSync(person, nobody, nobody);
  return { home, env: { PATH: '/usr/bin:/bin', HOME: person, GSETTINGS_BACKEND: 'keyfile', XDG_CURRENT_DESKTOP: 'GNOME' }, remove: () => {
    rmSync(person, { recursive: true, force: true });
    home.remove();
  } };
}

/** Every app gets one of these within the time, reading its settings included. */
async function each(apps: () => Promise<readonly Ways[]>, home: Home, allowed: readonly Got[], ms: number): Promise<void> {
  const told = async (): Promise<readonly { readonly ways: Ways; readonly got: Got }[]> => Promise.all((await apps()).map(async (ways) => ({ ways, got: await visit(ways, home) })));
  const wrong = (await within(ms, told(), 'an app is neither served nor refused')).find(({ got }) => !allowed.includes(got));
  if (wrong !== undefined) throw new Error(`an app told ${wrong.ways.join('; ')} was ${wrong.got} instead of ${allowed.join(' or ')}`);
}

function gsettings({ home, env }: Desk, key: string): string {
  return spawnSync('gsettings', ['get', 'org.gnome.system.proxy', key], { env: { ...env, PINLIGHT_HOME: home.folder }, uid: nobody, gid: nobody, cwd: '/', encoding: 'utf8' }).stdout.trim();
}

/** As a browser reads them: a PAC that cannot be had means direct. */
async function waysOfDesktop(desk: Desk): Promise<Ways> {
  if (gsettings(desk, 'mode') !== "'auto'") return ['DIRECT'];
  const url = new URL(gsettings(desk, 'autoconfig-url').replaceAll("'", ''));
  const answer = await exchange(Number(url.port), `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`);
  const text = answer.slice(answer.indexOf('function'));
  if (!text.startsWith('function')) return ['DIRECT'];
  const shExpMatch = (host: string, pattern: string): boolean => host === pattern;
  return String(runInNewContext(`${text}; FindProxyForURL('https://${shop}/', '${shop}')`, { shExpMatch })).split(/;\s*/);
}

function dropIn({ env }: Desk): string {
  return join(env['HOME'] ?? '', '.config/environment.d/61-pinlight-proxy.conf');
}

/** As a command-line tool of a new session reads them. */
function waysOfVariables(desk: Desk): Ways {
  const text = existsSync(dropIn(desk)) ? readFileSync(dropIn(desk), 'utf8') : '';
  const proxy = /^https_proxy=.*\bhttp:\/\/([\d.]+:\d+)/m.exec(text)?.[1];
  return [proxy === undefined ? 'DIRECT' : `PROXY ${proxy}`];
}

/** Tries one way after the other, as browsers do. */
async function visit(ways: Ways, home: Home): Promise<Got> {
  for (const way of ways) {
    const port = /^PROXY 127\.0\.0\.1:(\d+)$/.exec(way)?.[1];
    const seen = port === undefined ? await goesDirect(home) : await fetchThrough(Number(port), `${shop}:443`).then(({ text }) => text, () => '');
    if (seen.includes(`hello from ${shop}`)) return port === undefined ? 'direct' : 'inspected';
  }
  return 'refused';
}

function goesDirect({ origins }: Home): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = tls.connect({ host: '127.0.0.1', port: origins.byHost[shop]?.port ?? 0, servername: shop, ca: origins.authority.rootPem }, () => socket.write(`GET / HTTP/1.1\r\nHost: ${shop}\r\nConnection: close\r\n\r\n`));
    socket.on('data', (chunk: Buffer) => { text += chunk.toString(); }).on('error', () => undefined).once('close', () => done(text));
  });
}

export const steeredFaults: readonly Fault[] = [steered];
