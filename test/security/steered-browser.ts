// Chromium with a proxy, roots and an enterprise policy of its own: what rows about web pages drive. Not the judge of certificates (browser.ts)
// and not a product part.
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { chromium, type Browser } from '@playwright/test';
import { findCommand } from '../support/find-command.ts';

export type SteeredBrowser = {
  readonly folder: string;
  /** `http://127.0.0.1:PORT`; absent = no proxy. */
  readonly proxy?: string;
  /** PEM. */
  readonly roots?: readonly string[];
  /** Laid as /etc/chromium/policies/managed in a mount namespace of the browser's own; needs root. */
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
};

/** The machine's own /etc stays as it is: an overlay whose parts stand on a tmpfs, as an overlay cannot stand on another. */
const withPolicy = (folder: string, browser: string): string => `#!/bin/sh
exec unshare -m sh -ec '
mkdir -p "$0/layer"; mount -t tmpfs none "$0/layer"; mkdir -p "$0/layer/up/chromium/policies/managed" "$0/layer/work"
cp "$0/policy.json" "$0/layer/up/chromium/policies/managed/pinlight.json"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/layer/up,workdir=$0/layer/work" /etc
exec "${browser}" "$@"' '${folder}' "$@"
`;

/** Throws where chromium or certutil is missing. */
export async function openSteeredBrowser({ folder, proxy, roots = [], policy, args = [] }: SteeredBrowser): Promise<Browser> {
  const browser = findCommand('chromium');
  const certutil = findCommand('certutil');
  if (browser === null || certutil === null) throw new Error('needs chromium and certutil (Debian: chromium libnss3-tools)');
  const home = mkdtempSync(join(folder, 'browser-'));
  const store = join(home, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true });
  execFileSync(certutil, ['-d', `sql:${store}`, '-N', '--empty-password']);
  for (const [at, text] of roots.entries()) {
    const file = join(home, `root-${at}.pem`);
    writeFileSync(file, text);
    execFileSync(certutil, ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', `root ${at}`, '-i', file]);
  }
  let executablePath = browser;
  if (policy !== undefined) {
    writeFileSync(join(home, 'policy.json'), JSON.stringify(policy));
    executablePath = join(home, 'chromium-with-policy');
    writeFileSync(executablePath, withPolicy(home, browser));
    chmodSync(executablePath, 0o755);
  }
  return chromium.launch({
    executablePath, headless: true, env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home },
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      proxy === undefined ? '--no-proxy-server' : `--proxy-server=${proxy}`, ...args,
    ],
  });
}
