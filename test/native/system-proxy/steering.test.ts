// Steering on settings of a home of its own: gsettings' keyfile, kioslaverc, a drop-in. What was there comes back exactly, foreign proxies are left alone.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createToolRunner } from '../../../native/trust-store/run-tool.ts';
import { openSteering, readWanted, wasSteered } from '../../../native/system-proxy/steering.ts';
import type { SteerRequest, Steering } from '../../../native/system-proxy/steering.ts';
import { programOrSkip } from '../support/clients.ts';

const gsettings = programOrSkip('gsettings');

let folder: string;
let env: NodeJS.ProcessEnv;
const at = (...names: string[]): string => path.join(folder, ...names);
const kioslaverc = (): string => at('home/.config/kioslaverc');
const dropIn = (): string => at('home/.config/environment.d/61-pinlight-proxy.conf');
const request: SteerRequest = { port: 18_443, failMode: 'open', tools: false, quicOff: [], browsersByPolicy: false, chained: false };

beforeEach(() => {
  folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'steering-'));
  for (const name of ['home', 'state']) mkdirSync(at(name), { mode: 0o700 });
  mkdirSync(at('home/.config'));
  env = { PATH: '/usr/bin:/bin', HOME: at('home'), GSETTINGS_BACKEND: 'keyfile', XDG_CURRENT_DESKTOP: 'KDE' };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Never the browsers' policy: that is a file of this machine's. */
async function steering<T>(use: (steering: Steering) => Promise<T>, only: readonly string[] = ['desktop', 'environment']): Promise<T> {
  const opened = await openSteering({
    stateFolder: at('state'), home: at('home'), env, only, now: () => 1_000, waitMs: 2_000, platform: 'linux',
    caller: { home: at('home'), env, machine: false, folder: at('state/steer'), tools: createToolRunner(env, at('state')), wininet: () => { throw new Error('not on Linux'); } },
  });
  if (opened.kind !== 'steering') throw new Error(`${opened.kind}: ${opened.why}`);
  try {
    return await use(opened.steering);
  } finally {
    opened.steering.close();
  }
}

function gnome(...args: string[]): string {
  return execFileSync(gsettings ?? '', args, { env, encoding: 'utf8' }).trim();
}

function gnomeState(): string {
  return gnome('list-recursively', 'org.gnome.system.proxy');
}

describe.skipIf(gsettings === null)('on and off', () => {
  test('every setting is steered, read back, and put back byte for byte; nothing is remembered afterwards', async () => {
    const kde = '[Other]\nkey=value\n\n[Proxy Settings]\nProxyType=0\nNoProxyFor=corp.example\n';
    writeFileSync(kioslaverc(), kde);
    gnome('set', 'org.gnome.system.proxy', 'autoconfig-url', 'http://old.example/unused.pac');
    const before = gnomeState();
    expect(wasSteered(at('state'))).toBe(false);

    expect(await steering((one) => one.on(request))).toMatchObject({ kind: 'on', rows: [
      { setting: 'gnome', state: 'steered', done: 'steered' }, { setting: 'kde', state: 'steered', done: 'steered' }, { setting: 'environment', state: 'steered', done: 'steered' },
    ] });
    expect(gnome('get', 'org.gnome.system.proxy', 'mode')).toBe("'auto'");
    expect(gnome('get', 'org.gnome.system.proxy', 'autoconfig-url')).toBe("'http://127.0.0.1:18443/pinlight.pac?v=1'");
    expect(readFileSync(kioslaverc(), 'utf8')).toContain('ProxyType=2\nProxy Config Script=http://127.0.0.1:18443/pinlight.pac?v=1\nNoProxyFor=corp.example');
    expect(readFileSync(dropIn(), 'utf8')).toMatch(/^auto_proxy=\$\{auto_proxy:-http:\/\/127\.0\.0\.1:18443\/pinlight\.pac\?v=1\}$/m);
    expect(wasSteered(at('state'))).toBe(true);

    expect((await steering((one) => one.off())).map((row) => row.done)).toEqual(['restored', 'restored', 'restored']);
    expect(gnomeState()).toBe(before);
    expect(readFileSync(kioslaverc(), 'utf8')).toBe(kde);
    expect(existsSync(at('home/.config/environment.d'))).toBe(false);
    expect(readdirSync(at('state/undo/steer.saved'))).toEqual([]);
    expect(readFileSync(at('state/undo/steer.jsonl'), 'utf8')).toBe('');
    expect(readWanted(at('state'))).toBeNull();
  });

  test('off is what nothing was steered answers, and changes nothing', async () => {
    expect((await steering((one) => one.off())).map((row) => [row.state, row.done])).toEqual([['off', 'nothing'], ['off', 'nothing'], ['off', 'nothing']]);
    expect(existsSync(kioslaverc())).toBe(false);
  });

  test('on twice moves to another address and still remembers what was there first', async () => {
    gnome('set', 'org.gnome.system.proxy', 'mode', 'none');
    await steering((one) => one.on(request));
    await steering((one) => one.on({ ...request, port: 20_000, tools: true }));
    expect(gnome('get', 'org.gnome.system.proxy', 'autoconfig-url')).toBe("'http://127.0.0.1:20000/pinlight.pac?v=2'");
    expect(readFileSync(dropIn(), 'utf8')).toContain('https_proxy=${https_proxy:-http://127.0.0.1:20000}');
    await steering((one) => one.off());
    expect([gnome('get', 'org.gnome.system.proxy', 'mode'), gnome('get', 'org.gnome.system.proxy', 'autoconfig-url')]).toEqual(["'none'", "''"]);
  });

  test('fail-closed names the proxy itself to programs that read variables, and no PAC they could go round', async () => {
    await steering((one) => one.on({ ...request, failMode: 'closed', tools: true }));
    const text = readFileSync(dropIn(), 'utf8');
    expect(text).toContain('http_proxy=');
    expect(text).not.toContain('auto_proxy');
  });

  test('suspended everything is as before, and comes again under a new address', async () => {
    const before = gnomeState();
    await steering((one) => one.on(request));
    await steering((one) => one.suspend());
    expect(gnomeState()).toBe(before);
    expect(readWanted(at('state'))).toMatchObject({ port: 18_443, version: 1 });
    expect(await steering((one) => one.resume(19_000))).toMatchObject([{ done: 'steered' }, { done: 'steered' }, { done: 'steered' }]);
    expect(gnome('get', 'org.gnome.system.proxy', 'autoconfig-url')).toBe("'http://127.0.0.1:19000/pinlight.pac?v=2'");
    await steering((one) => one.off());
    expect(await steering((one) => one.resume(19_000))).toBeNull();
    expect(gnomeState()).toBe(before);
  });

  test('one setting alone, by name; resuming brings that one alone', async () => {
    await steering((one) => one.on(request), ['gnome']);
    await steering((one) => one.suspend());
    await steering((one) => one.resume(18_443));
    expect([gnome('get', 'org.gnome.system.proxy', 'mode'), existsSync(kioslaverc()), existsSync(dropIn())]).toEqual(["'auto'", false, false]);
  });

  test('a name that no setting has is answered with those there are', async () => {
    await expect(steering((one) => one.status(), ['frob'])).rejects.toThrow(/no-such-setting: there is no setting "frob" here; there are: .*gnome, kde, environment/);
  });
});

describe.skipIf(gsettings === null)('somebody else\'s proxy', () => {
  const rows: readonly [string, () => void, string, boolean][] = [
    ['a PAC in GNOME', () => {
      gnome('set', 'org.gnome.system.proxy', 'autoconfig-url', 'http://corp.example/p.pac');
      gnome('set', 'org.gnome.system.proxy', 'mode', 'auto');
    }, 'PAC http://corp.example/p.pac', true],
    ['an HTTP proxy in GNOME', () => {
      gnome('set', 'org.gnome.system.proxy.http', 'host', 'proxy.corp.example');
      gnome('set', 'org.gnome.system.proxy', 'mode', 'manual');
    }, 'HTTP proxy proxy.corp.example:8080', true],
    ['a SOCKS proxy in GNOME', () => {
      gnome('set', 'org.gnome.system.proxy.socks', 'host', 'socks.corp.example');
      gnome('set', 'org.gnome.system.proxy', 'mode', 'manual');
    }, 'SOCKS proxy socks.corp.example:0', false],
    ['WPAD in GNOME', () => void gnome('set', 'org.gnome.system.proxy', 'mode', 'auto'), 'the network is asked for a proxy (WPAD)', false],
    ['an HTTP proxy in KDE', () => writeFileSync(kioslaverc(), '[Proxy Settings]\nProxyType=1\nhttpsProxy=http://proxy.corp.example 3128\n'), 'HTTP proxy http://proxy.corp.example:3128', true],
    ['a proxy in the environment, its password not told', () => {
      env = { ...env, https_proxy: 'http://ada:secret@proxy.corp.example:3128' };
    }, 'https_proxy=http://…@proxy.corp.example:3128', false],
    ['a plain proxy in the environment', () => {
      env = { ...env, HTTPS_PROXY: 'http://proxy.corp.example:3128' };
    }, 'HTTPS_PROXY=http://proxy.corp.example:3128', true],
  ];
  test.each(rows)('%s: nothing is changed, and it is named', async (_name, prepare, words, plain) => {
    prepare();
    const [before, kde] = [gnomeState(), existsSync(kioslaverc()) ? readFileSync(kioslaverc(), 'utf8') : null];
    expect(await steering((one) => one.on(request))).toMatchObject({ kind: 'stood-down', plain, found: [{ words }] });
    expect([gnomeState(), existsSync(kioslaverc()) ? readFileSync(kioslaverc(), 'utf8') : null, existsSync(dropIn())]).toEqual([before, kde, false]);
    expect((await steering((one) => one.status())).find((row) => row.state === 'taken')?.detail).toBe(words);
    // Only what the agent can be told to go through may be replaced, and comes back.
    const chained = await steering((one) => one.on({ ...request, chained: true }));
    expect(chained.kind).toBe(plain ? 'on' : 'stood-down');
    await steering((one) => one.off());
    expect([gnomeState(), existsSync(kioslaverc()) ? readFileSync(kioslaverc(), 'utf8') : null]).toEqual([before, kde]);
  });

  test('set while the agent was away, it is not replaced when steering comes again', async () => {
    await steering((one) => one.on(request));
    await steering((one) => one.suspend());
    gnome('set', 'org.gnome.system.proxy', 'autoconfig-url', 'http://corp.example/p.pac');
    gnome('set', 'org.gnome.system.proxy', 'mode', 'auto');
    const before = gnomeState();
    expect(await steering((one) => one.resume(18_443))).toMatchObject([
      { setting: 'gnome', state: 'taken', done: 'refused', detail: 'another proxy is set here: PAC http://corp.example/p.pac' }, { setting: 'kde', done: 'steered' }, { setting: 'environment', done: 'steered' },
    ]);
    expect(gnomeState()).toBe(before);
  });

  test('set over ours while we steer, it stays when steering ends', async () => {
    await steering((one) => one.on(request));
    gnome('set', 'org.gnome.system.proxy', 'autoconfig-url', 'http://corp.example/p.pac');
    writeFileSync(kioslaverc(), '[Proxy Settings]\nProxyType=0\n');
    const before = gnomeState();
    expect((await steering((one) => one.off())).map((row) => [row.setting, row.done])).toEqual([['gnome', 'nothing'], ['kde', 'nothing'], ['environment', 'restored']]);
    expect(gnomeState()).toBe(before);
    expect(readFileSync(kioslaverc(), 'utf8')).toBe('[Proxy Settings]\nProxyType=0\n');
  });

  test('KDE\'s file written by somebody else since: only our two lines go', async () => {
    writeFileSync(kioslaverc(), '[Proxy Settings]\nProxyType=0\n');
    await steering((one) => one.on(request));
    writeFileSync(kioslaverc(), readFileSync(kioslaverc(), 'utf8') + '[New]\na=b\n');
    await steering((one) => one.off());
    expect(readFileSync(kioslaverc(), 'utf8')).toBe('[Proxy Settings]\nProxyType=0\n[New]\na=b\n');
  });
});

describe('in a bad way', () => {
  test('a drop-in of the same name that is not ours stays, and the rest goes on', async () => {
    mkdirSync(path.dirname(dropIn()));
    writeFileSync(dropIn(), 'A=b\n');
    const result = await steering((one) => one.on(request), ['environment', 'kde']);
    expect(result.rows.map((row) => [row.setting, row.done])).toEqual([['kde', 'steered'], ['environment', 'refused']]);
    expect(readFileSync(dropIn(), 'utf8')).toBe('A=b\n');
  });

  test('our own state folder lost, what is ours still goes', async () => {
    await steering((one) => one.on(request), ['kde', 'environment']);
    rmSync(at('state'), { recursive: true });
    mkdirSync(at('state'), { mode: 0o700 });
    await steering((one) => one.off(), ['kde', 'environment']);
    expect([readFileSync(kioslaverc(), 'utf8'), existsSync(dropIn())]).toEqual(['[Proxy Settings]\n', false]);
  });

  test.skipIf(gsettings === null)('without a session GNOME\'s settings are not written, and that is said', async () => {
    env = { PATH: '/usr/bin:/bin', HOME: at('home') };
    const { rows } = await steering((one) => one.on(request), ['gnome']);
    expect(rows).toMatchObject([{ setting: 'gnome', state: 'off', done: expect.stringMatching(/refused|failed/), detail: expect.stringMatching(/no session bus answers|was put back/) }]);
    expect(readWanted(at('state'))).toBeNull();
  });

  test('one at a time', async () => {
    await steering(async () => {
      const second = await openSteering({ stateFolder: at('state'), home: at('home'), env, only: ['environment'], now: () => 1 });
      expect(second.kind).toBe('in-use');
    });
  });
});
