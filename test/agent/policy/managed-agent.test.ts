// A real agent with managed policy in /etc/pinlight/policies, which is a folder of this test's own in a mount namespace: nothing of the
// machine's /etc is touched. Needs root.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createControlClient, type ControlClient } from '../../../electron/client/control-client.ts';
import type { RouteBody } from '../../../electron/contract/routes.ts';
import { runPinlight } from '../../cli/run-pinlight.ts';
import { repository } from '../../support/agent.ts';

// /etc as an overlay, with the test's folder in it. The overlay's own folders stand on a tmpfs, as an overlay cannot stand on another.
const namespace = `
mkdir "$1/overlay" && mount -t tmpfs none "$1/overlay" && mkdir "$1/overlay/upper" "$1/overlay/work" &&
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/overlay/upper,workdir=$1/overlay/work" /etc &&
mkdir -p -m 755 /etc/pinlight/policies && mount --bind "$1/policies" /etc/pinlight/policies && shift && exec "$@"`;
const place = '/etc/pinlight/policies';

const folder = mkdtempSync(join(tmpdir(), 'pinlight-managed-agent-'));
mkdirSync(join(folder, 'policies'), { mode: 0o755 });
const inside = (...command: string[]): string[] => ['-m', 'sh', '-c', namespace, 'sh', folder, ...command];
const possible = spawnSync('unshare', inside('true')).status === 0;
rmSync(join(folder, 'overlay'), { recursive: true, force: true });
if (!possible) console.log('skipped: a managed agent needs root and a mount namespace with an overlay of /etc');

const managed = {
  network: { port: 0 }, user: { exclusions: 'never', stop: 'never', testApp: 'user-decides' }, learning: { firstHours: 20 },
  managedBy: { name: 'Contoso IT', caption: 'call 4711', url: 'https://it.contoso.example' },
};

describe.runIf(possible)('an agent under managed policy', () => {
  let agent: ChildProcess;
  let client: ControlClient;
  const home = join(folder, 'home');

  /** Whole at once, as configuration management writes. */
  function write(path: string, content: unknown): void {
    const file = join(folder, path);
    writeFileSync(`${file}.new`, typeof content === 'string' ? content : JSON.stringify({ version: 1, ...(content as object) }));
    chmodSync(`${file}.new`, 0o644);
    renameSync(`${file}.new`, file);
  }
  const policy = async () => (await client.call('policy', {}, {})).policy;
  const refusal = (route: 'addExclusion' | 'startTest', body: RouteBody<'addExclusion'> | RouteBody<'startTest'>): Promise<unknown> => (
    client.call(route, {}, body as never).then(() => null, (error: unknown) => error)
  );

  beforeAll(async () => {
    for (const level of ['policies/managed', 'policies/recommended', 'config/pinlight']) mkdirSync(join(folder, level), { recursive: true, mode: 0o755 });
    write('policies/managed/10-contoso.json', managed);
    write('policies/recommended/50.json', { learning: { shortMinutes: 30, confirmedDays: 5 } });
    write('config/pinlight/policy.json', { learning: { shortMinutes: 40, firstHours: 40 }, user: { exclusions: 'always', testApp: 'never' } });
    agent = spawn('unshare', inside(process.execPath, join(repository, 'electron/agent/main.ts'), '--ready-json'), {
      env: { ...process.env, PINLIGHT_HOME: home, XDG_CONFIG_HOME: join(folder, 'config'), NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    const control = await new Promise<string>((done, fail) => {
      agent.stdout?.once('data', (line: Buffer) => done((JSON.parse(line.toString()) as { control: string }).control));
      agent.once('exit', (code) => fail(new Error(`the agent ended with ${code}`)));
    });
    client = createControlClient({ controlPath: control });
  });
  afterAll(async () => {
    const gone = new Promise((done) => { agent.once('exit', done); });
    agent.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });

  test('each key is the first place\'s that sets it, and says which', async () => {
    const { learning, user, origins } = await policy();
    expect(learning).toMatchObject({ shortMinutes: 40, firstHours: 20, confirmedDays: 5 });
    expect(user).toEqual({ exclusions: 'never', stop: 'never', testApp: 'never' });
    expect(origins['learning.firstHours']).toEqual({ origin: 'managed', file: `${place}/managed/10-contoso.json` });
    expect(origins['learning.shortMinutes']).toEqual({ origin: 'user', file: join(folder, 'config/pinlight/policy.json') });
    expect(origins['learning.confirmedDays']).toEqual({ origin: 'recommended', file: `${place}/recommended/50.json` });
    expect(origins['user.testApp']?.origin).toBe('user');
  });
  test('what the organisation forbids is refused with its name, and the agent lives', async () => {
    const words = { code: 'not-permitted-by-policy', message: expect.stringContaining('Contoso IT: call 4711 (https://it.contoso.example)') };
    expect(await refusal('addExclusion', { host: 'a.example', reason: 'I want to' })).toMatchObject(words);
    expect(await refusal('startTest', { app: 'x', host: 'a.example' })).toMatchObject({ code: 'not-permitted-by-policy' });
    expect(await client.call('removeExclusion', { id: 'x' }, {}).then(() => null, (error: unknown) => error)).toMatchObject(words);
    expect(await client.call('stop', {}, {}).then(() => null, (error: unknown) => error)).toMatchObject(words);
    expect((await client.call('exclusions', {}, {})).exclusions.filter(({ kind }) => kind === 'user')).toEqual([]);
  });
  test('status and policy show name who manages the device, and the command line ends with "not permitted"', async () => {
    expect((await client.call('status', {}, {})).agent.policy).toMatchObject({ origin: 'managed', managedBy: managed.managedBy });
    expect((await runPinlight(['status'], { home })).stdout).toMatch(/^Managed by +Contoso IT: call 4711 \(https:\/\/it\.contoso\.example\)$/m);
    const { stdout } = await runPinlight(['policy', 'show'], { home });
    for (const words of ['user.exclusions', `managed (${place}/managed/10-contoso.json)`, `recommended (${place}/recommended/50.json)`]) expect(stdout).toContain(words);
    expect(await runPinlight(['exclude', 'add', 'a.example', '--reason', 'I want to'], { home })).toMatchObject({ code: 4, stderr: expect.stringContaining('Contoso IT') });
  });
  test('a change is in force within two seconds', async () => {
    write('policies/managed/10-contoso.json', { ...managed, user: { ...managed.user, exclusions: 'always' } });
    const since = performance.now();
    await vi.waitFor(async () => expect((await policy()).user.exclusions).toBe('always'), { timeout: 10_000, interval: 20 });
    expect(performance.now() - since).toBeLessThan(2_000);
    expect(await refusal('addExclusion', { host: 'a.example', reason: 'I may' })).toBeNull();
  });
  test('a broken file, and one that others may write, leave in force what was good, and say why', async () => {
    const problem = async (): Promise<string | undefined> => (await client.call('status', {}, {})).warnings.find(({ code }) => code === 'policy-invalid')?.text;
    write('policies/managed/10-contoso.json', '{"version": 1,\n "user": {"exclusions": "nevr"}}');
    await vi.waitFor(async () => expect(await problem()).toContain(`${place}/managed/10-contoso.json, line 2: user.exclusions`), { timeout: 10_000, interval: 20 });
    expect((await policy()).user.exclusions).toBe('always');
    write('policies/managed/10-contoso.json', { user: { exclusions: 'never' } });
    chmodSync(join(folder, 'policies/managed'), 0o777);
    await vi.waitFor(async () => expect(await problem()).toContain(`${place}/managed: the folder can be written by others`), { timeout: 10_000, interval: 20 });
    chmodSync(join(folder, 'policies/managed'), 0o755);
    await vi.waitFor(async () => expect((await policy()).user.exclusions).toBe('never'), { timeout: 10_000, interval: 20 });
    expect(await problem()).toBeUndefined();
  });
});
