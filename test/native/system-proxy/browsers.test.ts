// The browsers' policy with a real Chromium behind a real agent, in a mount namespace with an /etc of its own: what it gives back and what it enforces.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentNodeArguments } from '../../../electron/contract/agent-arguments.ts';
import { repository } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { portOf } from '../../support/port-of.ts';
import { openStoreRoom } from '../support/store-room.ts';
import type { StoreRoom } from '../support/store-room.ts';

const chromium = findCommand('chromium');
if (chromium === null) console.log('skipped: chromium is not installed');
const opened = chromium === null ? null : await openStoreRoom();
if (opened !== null && chromium !== null) suite(opened, chromium);
else test.skip('browsers behind the proxy', () => undefined);

function suite(room: StoreRoom, browser: string): void {
  const policyFile = path.join(room.folder, 'policy.json');
  const managed = '/etc/chromium/policies/managed';
  /** What a public page reported, and how often a local service was called. */
  const seen = { reports: [] as string[], victim: 0 };
  const victim = http.createServer((_request, response) => {
    seen.victim += 1;
    response.end('secret');
  });
  const site = http.createServer((request, response) => {
    const report = /^\/report\?(\w+)$/.exec(request.url ?? '')?.[1];
    if (report !== undefined) seen.reports.push(report);
    response.setHeader('content-type', 'text/html').end(`<!doctype html><script>
      const tell = (what) => fetch('/report?' + what);
      fetch('http://127.0.0.1:${portOf(victim)}/', { mode: 'no-cors' }).then(() => tell('reached'), () => tell('blocked'));
    </script>`);
  });
  let agent: { readonly port: number; end(): Promise<void> };

  beforeAll(async () => {
    for (const server of [victim, site]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    agent = await startAgent('open');
  });
  afterAll(async () => {
    await agent.end();
    for (const server of [victim, site]) {
      server.closeAllConnections();
      server.close();
    }
    room.close();
  });

  async function startAgent(failMode: 'open' | 'closed'): Promise<{ port: number; end(): Promise<void> }> {
    writeFileSync(policyFile, JSON.stringify({ version: 1, defaults: { failMode }, network: { port: 0, localTargets: { 'public.example:80': `127.0.0.1:${portOf(site)}` } } }));
    const child = room.start([process.execPath, ...agentNodeArguments(repository), path.join(repository, 'electron/agent/main.ts'), '--policy', policyFile, '--ready-json'], { PINLIGHT_HOME: room.state });
    const [line] = await once(child.stdout, 'data') as [Buffer];
    const ready: { proxy: string[] } = JSON.parse(String(line));
    return {
      port: Number(/:(\d+)$/.exec(ready.proxy[0] ?? '')?.[1]),
      async end() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      },
    };
  }

  /** Visits the public page with a new profile: what the page reported, or null when it never came. Without a proxy the page is at its own server. */
  async function visit(): Promise<string | null> {
    const profile = mkdtempSync(path.join(room.folder, 'profile-'));
    seen.reports.length = 0;
    const child = room.start([
      browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      `--user-data-dir=${profile}`, `--host-resolver-rules=MAP public.example:80 127.0.0.1:${portOf(site)}`, '--enable-logging=stderr', '--log-level=0', 'http://public.example/',
    ]);
    child.stdin.end();
    child.stdout.resume();
    child.stderr.resume();
    const closed = once(child, 'close');
    try {
      // 12 s: a page comes within two, also past a dead proxy.
      await expect.poll(() => seen.reports.length, { timeout: 12_000, interval: 50 }).toBeGreaterThan(0);
      return seen.reports[0] ?? null;
    } catch {
      return null;
    } finally {
      child.kill('SIGKILL');
      await closed;
    }
  }

  const pinlight = async (...args: string[]): Promise<unknown> => {
    const ran = await room.pinlight(['steer', ...args, '--json', '--setting', 'browser-policy:chromium']);
    expect(ran).toMatchObject({ code: 0 });
    return (JSON.parse(ran.stdout) as { data: unknown }).data;
  };

  describe('a public page that calls a service of this device', () => {
    test('is let through where only the proxy is set: a proxy on loopback makes every page a local one', async () => {
      mkdirSync(path.join(room.folder, 'control'));
      writeFileSync(path.join(room.folder, 'control/proxy.json'), JSON.stringify({ ProxySettings: { ProxyMode: 'pac_script', ProxyPacUrl: `http://127.0.0.1:${agent.port}/pinlight.pac` } }));
      await room.run(['sh', '-c', `mkdir -p ${managed} && cp ${room.folder}/control/proxy.json ${managed}/`]);
      expect(await visit()).toBe('reached');
      expect(seen.victim).toBeGreaterThan(0);
    }, 60_000);

    test('another file that sets the proxy is a rival, and named', async () => {
      const ran = await room.pinlight(['steer', 'on', '--setting', 'browser-policy:chromium']);
      expect(ran).toMatchObject({ code: 1, stdout: expect.stringContaining('proxy.json sets ProxySettings already') });
      await room.run(['rm', `${managed}/proxy.json`]);
    });

    test('is stopped by the policy that steering writes', async () => {
      expect(await pinlight('on')).toMatchObject({ settings: [{ setting: 'browser-policy:chromium', state: 'steered', done: 'steered' }] });
      const document: unknown = JSON.parse((await room.run(['cat', `${managed}/pinlight-network.json`])).stdout);
      expect(document).toEqual({
        LocalNetworkAccessIpAddressSpaceOverrides: [`127.0.0.1:${agent.port}=public`], QuicAllowed: false,
        ProxySettings: { ProxyMode: 'pac_script', ProxyPacUrl: `http://127.0.0.1:${agent.port}/pinlight.pac?v=1`, ProxyPacMandatory: false },
      });
      seen.victim = 0;
      expect(await visit()).toBe('blocked');
      expect(seen.victim).toBe(0);
    }, 60_000);
  });

  describe('while the agent is down', () => {
    test('fail-open: the page comes from its own server', async () => {
      await agent.end();
      expect(await visit()).not.toBeNull();
    }, 60_000);

    test('fail-closed: the page does not come, although its server is there', async () => {
      agent = await startAgent('closed');
      expect(await pinlight('on')).toMatchObject({ settings: [{ state: 'steered' }] });
      expect(await visit()).toBe('blocked');
      await agent.end();
      expect(await visit()).toBeNull();
    }, 60_000);

    test('off works without it, and leaves no file and no folder', async () => {
      expect(await pinlight('off')).toMatchObject({ on: false, settings: [{ state: 'off', done: 'restored' }] });
      expect((await room.run(['ls', managed])).stdout).toBe('');
    });
  });
}
