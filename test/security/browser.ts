// Chromium as the judge of certificates: one process, roots in its own store, each host led to a port on loopback. Not a product part.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { findCommand } from '../support/find-command.ts';
import { portOf } from '../support/port-of.ts';
import { until } from '../support/tunnel.ts';

export type BrowserVerdict = { readonly accepted: boolean; /** `ERR_CERT_…`; '' when accepted. */ readonly error: string };
export type Browser = { judge(host: string): Promise<BrowserVerdict>; close(): Promise<void> };

/** `roots`: PEM. `ports`: host to port. Throws where chromium or certutil is missing. */
export async function openBrowser(folder: string, roots: readonly string[], ports: ReadonlyMap<string, number>): Promise<Browser> {
  const executablePath = findCommand('chromium');
  const certutil = findCommand('certutil');
  if (executablePath === null || certutil === null) throw new Error('needs chromium and certutil (Debian: chromium libnss3-tools)');
  const home = mkdtempSync(join(folder, 'browser-'));
  const store = join(home, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true });
  execFileSync(certutil, ['-d', `sql:${store}`, '-N', '--empty-password']);
  for (const [at, text] of roots.entries()) {
    const file = join(home, `root-${at}.pem`);
    writeFileSync(file, text);
    execFileSync(certutil, ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', `root ${at}`, '-i', file]);
  }
  const browser = await chromium.launch({
    executablePath, headless: true, env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home },
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-proxy-server',
      `--host-resolver-rules=${[...ports].map(([host, port]) => `MAP ${host}:443 127.0.0.1:${port}`).join(',')}`,
    ],
  });
  // One page asks for everything: visits would end in error pages, each with a life of its own. It stands on loopback like the servers, so that
  // the browser's Local Network Access rules have nothing to say.
  const base = http.createServer((_request, response) => response.end('<!doctype html>'));
  await new Promise<void>((done) => base.listen(0, '127.0.0.1', done));
  const page = await browser.newPage();
  const failures = new Map<string, string>();
  page.on('requestfailed', (request) => failures.set(new URL(request.url()).host, request.failure()?.errorText ?? 'failed'));
  await page.goto(`http://127.0.0.1:${portOf(base)}/`);
  return {
    judge: async (host) => {
      failures.delete(host);
      const accepted = await page.evaluate((url) => fetch(url, { mode: 'no-cors', cache: 'no-store' }).then(() => true, () => false), `https://${host}/`);
      const error = accepted ? '' : await until(`a reason for ${host}`, () => failures.get(host));
      return { accepted, error: error.replace('net::', '') };
    },
    close: async () => {
      await browser.close();
      base.close();
    },
  };
}
