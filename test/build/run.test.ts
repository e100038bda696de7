// The preflight of every npm script, and `npm start`, as processes.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { repository } from '../support/agent.ts';

const script = join(repository, 'build', 'run.mjs');

describe('the preflight', () => {
  it('says in words that Node is too old, before anything else', () => {
    const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } });";
    const run = spawnSync(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(old)}`, script, 'test'], { encoding: 'utf8' });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain('Node.js 18.19.0 is too old: Pinlight needs Node.js 20 or newer');
    expect(run.stdout).toBe('');
  });

  it('names the tasks there are when asked for another', () => {
    const run = spawnSync(process.execPath, [script, 'nonsense'], { encoding: 'utf8' });
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('there is no task "nonsense"; there are: start, demo');
  });
});

describe('npm start', () => {
  let home: string;
  beforeAll(() => { home = mkdtempSync(join(tmpdir(), 'pinlight-start-')); });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('prints what a stranger needs, ends on Ctrl-C, and leaves no process and no socket', async () => {
    const policy = join(home, 'policy.json');
    writeFileSync(policy, '{"version":1,"network":{"port":0}}');
    const child = spawn(process.execPath, [join(repository, 'build', 'start.ts'), '--policy', policy], {
      env: { ...process.env, PINLIGHT_HOME: home, DISPLAY: '', WAYLAND_DISPLAY: '' }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGINT'));
    const text = await new Promise<string>((done) => {
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('see it here')) done(out);
      });
    });
    expect(text).toMatch(/no tray app/);
    expect(text).toMatch(/proxy +127\.0\.0\.1:\d+/);
    expect(text).toContain(join(home, 'root.pem'));
    expect(text).toMatch(/fingerprint +([0-9A-F]{2}:){31}[0-9A-F]{2}/);
    expect(text).toContain(join(home, 'run', 'control.sock'));
    expect(text).toMatch(/curl --proxy http:\/\/127\.0\.0\.1:\d+ --cacert \S+root\.pem https:/);
    const second = spawnSync(process.execPath, [join(repository, 'build', 'start.ts'), '--policy', policy], {
      env: { ...process.env, PINLIGHT_HOME: home, DISPLAY: '', WAYLAND_DISPLAY: '' }, encoding: 'utf8',
    });
    expect({ code: second.status, stderr: second.stderr }).toEqual({ code: 0, stderr: '' });
    expect(second.stdout).toContain('Pinlight is running already, so nothing was started');
    expect(second.stdout).toContain('Use `npx --no-install pinlight status`');
    const code = await new Promise((done) => {
      child.once('exit', done);
      child.kill('SIGINT');
    });
    expect(code).toBe(0);
    expect(existsSync(join(home, 'run', 'control.sock'))).toBe(false);
    expect(existsSync(join(home, 'root.key'))).toBe(true);
  });

  it.runIf(process.platform === 'linux')('starts the tray app once the agent answers, and ends it with the agent', async () => {
    const dist = join(home, 'electron');
    mkdirSync(dist);
    // Stands in for Electron: says when it was started, and waits.
    writeFileSync(join(dist, 'electron'), '#!/bin/sh\n[ -S "$PINLIGHT_HOME/run/control.sock" ] && echo "tray beside an agent, $PINLIGHT_NODE $1"\nexec sleep 60\n', { mode: 0o755 });
    const child = spawn(process.execPath, [join(repository, 'build', 'start.ts'), '--policy', join(home, 'policy.json')], {
      env: { ...process.env, PINLIGHT_HOME: home, DISPLAY: ':99', ELECTRON_OVERRIDE_DIST_PATH: dist }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    await expect.poll(() => out).toContain(`tray beside an agent, ${process.execPath} ${repository}`);
    const ended = new Promise((done) => child.once('close', done));
    child.kill('SIGINT');
    // `close`: whoever held its output, the tray app too, is gone.
    expect(await ended).toBe(0);
  }, 60_000);
});
