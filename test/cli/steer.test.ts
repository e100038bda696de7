// `pinlight steer` as a person runs it: without an agent, with one, beside somebody else's proxy. As a user without rights, so that no setting of
// this machine can be touched.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent } from '../support/agent.ts';
import type { TestAgent } from '../support/agent.ts';
import { runPinlight } from './run-pinlight.ts';
import type { RunResult } from './run-pinlight.ts';

const root = process.getuid?.() === 0;
const possible = process.platform === 'linux' && root && spawnSync('gsettings', ['--version']).status === 0;
if (!possible) console.log('skipped: needs Linux, gsettings and root, which gives its rights up for each command');

describe.skipIf(!possible)('pinlight steer', () => {
  const nobody = 65_534;
  let folder: string;
  let agent: TestAgent;
  const at = (...names: string[]): string => path.join(folder, ...names);
  const dropIn = (): string => at('home/.config/environment.d/61-pinlight-proxy.conf');
  const steer = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunResult> => runPinlight(['steer', ...args], {
    home: at('state'), uid: nobody, env: { HOME: at('home'), PATH: '/usr/bin:/bin', GSETTINGS_BACKEND: 'keyfile', XDG_CURRENT_DESKTOP: 'GNOME', ...env },
  });
  const data = (result: RunResult): Record<string, unknown> => (JSON.parse(result.stdout) as { data: Record<string, unknown> }).data;
  const settings = ['--setting', 'desktop', '--setting', 'environment'];

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'steer-cli-'));
    for (const name of ['home', 'state']) mkdirSync(at(name), { mode: 0o700 });
    for (const name of ['', 'home', 'state']) chownSync(at(name), nobody, nobody);
    agent = await startTestAgent({});
  });
  afterAll(async () => {
    await agent.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('without an agent nothing is changed', async () => {
    expect(await steer(['on', ...settings])).toMatchObject({ code: 3, stderr: expect.stringContaining('No agent answers') });
    expect(await steer(['on', '--port', '9', ...settings])).toMatchObject({ code: 3, stderr: expect.stringContaining('No proxy of Pinlight\'s answers on 127.0.0.1:9, so nothing was changed.') });
    expect(existsSync(dropIn())).toBe(false);
  });

  test('on, status and off, in words and as data', async () => {
    const on = await steer(['on', '--port', String(agent.proxyPort), ...settings]);
    expect(on).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2 settings of 2 bring programs to 127\.0\.0\.1:\d+, or protect them there\./) });
    expect(on.stdout).toContain('While the agent is down, programs that follow a PAC go direct (fail-open).');
    expect(readFileSync(dropIn(), 'utf8')).toContain(`http://127.0.0.1:${agent.proxyPort}/pinlight.pac?v=1`);
    const status = await steer(['status', '--json', ...settings]);
    expect(status.code).toBe(0);
    expect(data(status)).toMatchObject({ on: true, suspended: false, proxyAnswers: true, failClosed: null, settings: [{ setting: 'gnome', state: 'steered' }, { setting: 'environment', state: 'steered' }] });
    const off = await steer(['off', ...settings]);
    expect(off).toMatchObject({ code: 0, stdout: expect.stringContaining('Put back 2 settings.') });
    expect(existsSync(dropIn())).toBe(false);
    expect(await steer(['status', ...settings])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Steering is off\./) });
  });

  test('a browser\'s policy needs more rights: the rest goes on, and the command for it is printed', async () => {
    if (!existsSync('/etc/chromium')) return console.log('skipped: there is no /etc/chromium here');
    const on = await steer(['on', '--port', String(agent.proxyPort)]);
    expect(on.code).toBe(4);
    expect(on.stdout).toContain('web pages in it may reach services of this device');
    expect(on.stdout).toMatch(new RegExp(`sudo .*pinlight steer on --setting browser-policy:chromium --port ${agent.proxyPort}`));
    expect(await steer(['status'])).toMatchObject({ code: 1 });
    expect(await steer(['off'])).toMatchObject({ code: 0 });
  });

  test('somebody else\'s proxy is never replaced, and the policy key for it is named', async () => {
    const result = await steer(['on', '--port', String(agent.proxyPort), ...settings], { https_proxy: 'http://proxy.corp.example:3128' });
    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(/Another proxy is set here, so nothing was changed \(environment: https_proxy=http:\/\/proxy\.corp\.example:3128\)\.\s+Name that proxy in the policy \(`network\.upstreamProxy`\)/) });
    expect(existsSync(dropIn())).toBe(false);
    expect((await steer(['status', ...settings], { https_proxy: 'http://proxy.corp.example:3128' })).stdout).toContain('another proxy');
  });

  test('steering that waits for its agent says so', async () => {
    await steer(['on', '--port', String(agent.proxyPort), ...settings]);
    // What the watchdog does when the agent ends.
    const script = 'const { openSteering } = await import(process.argv[1]); const o = await openSteering({ stateFolder: process.env.PINLIGHT_HOME, home: process.env.HOME, env: process.env, only: ["desktop", "environment"], now: Date.now }); await o.steering.suspend(); o.steering.close();';
    const steering = fileURLToPath(new URL('../../native/system-proxy/steering.ts', import.meta.url));
    const env = { HOME: at('home'), PATH: '/usr/bin:/bin', PINLIGHT_HOME: at('state'), GSETTINGS_BACKEND: 'keyfile' };
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', script, steering], { env, uid: nobody, gid: nobody, cwd: '/', encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    const wanted: Record<string, unknown> = JSON.parse(readFileSync(at('state/steer/wanted.json'), 'utf8'));
    writeFileSync(at('state/steer/wanted.json'), JSON.stringify({ ...wanted, port: 9 }));
    expect(await steer(['status', ...settings])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Steering is asked for, and put back while the agent is down/) });
    expect(await steer(['off', ...settings])).toMatchObject({ code: 0 });
    expect(data(await steer(['status', '--json', ...settings]))).toMatchObject({ on: false, wanted: null });
  });

  test.each<[string, readonly string[], number, string]>([
    ['a setting that is not here', ['status', '--setting', 'frob'], 5, 'There is no setting "frob" here; there are:'],
    ['a port that is none', ['on', '--port', '70000'], 2, 'whole number from 1 to 65535'],
    ['a verb that is none', ['sideways'], 2, 'unknown command'],
  ])('%s', async (_name, args, code, words) => {
    const result = await steer(args);
    expect(result.code).toBe(code);
    expect(result.stderr.toLowerCase()).toContain(words.toLowerCase());
  });

  test('help of each verb has an example', async () => {
    for (const verb of ['on', 'off', 'status']) expect((await steer([verb, '--help'])).stdout).toMatch(/Examples?:\n {2}\$ /);
  });
});
