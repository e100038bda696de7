// G1 to G8: Electron's checklist. Without Electron's binary: the tests of sources, bundles and pure parts, counted here and not repeated, and the
// real window in a real Chromium with hostile names in it. Where a binary is found, test/main/electron-shell.test.ts asks at run time.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { createControlClient } from '../../../electron/client/control-client.ts';
import { builtRenderer } from '../../../electron/cli/window/renderer-files.ts';
import { serveWindow } from '../../../electron/cli/window/serve-window.ts';
import { contentSecurityPolicy } from '../../../electron/main/app-scheme.ts';
import { repository } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { until } from '../../support/tunnel.ts';
import { createTally, inspectAll, run, withLegs, type Tally } from '../legs.ts';
import { skip, type CheckRun, type Row, type RowResult } from '../registry.ts';
import { openSteeredBrowser } from '../steered-browser.ts';
import { make, san, dns, authority as madeAuthority } from '../workshop.ts';

export const rows: readonly Row[] = [
  { id: 'G1', title: 'isolated, sandboxed, no Node in pages', source: 'Electron', run: (of) => fromTests(of, /checklist (2|3|4|6|8|9|10|20) |main never imports|no other kind of window|two of Electron/) },
  { id: 'G2', title: 'a policy that allows nothing inline or remote, and no violation', source: 'Electron', run: contentPolicy },
  { id: 'G3', title: 'no navigation, no new windows, nothing opened outside', source: 'Electron', run: (of) => fromTests(of, /checklist (11|12|13|14|15) |downloads are refused/) },
  { id: 'G4', title: 'every channel knows its sender and its arguments', source: 'Electron', run: (of) => fromTests(of, /checklist (17|18) |who may ask|wrong arguments|every channel of the contract|refused with bad-request|whatever arrives|only the page itself/) },
  { id: 'G5', title: 'every permission is denied', source: 'Electron', run: (of) => fromTests(of, /checklist 5 /) },
  { id: 'G6', title: 'fuses', source: 'Electron', run: (of) => fromTests(of, /checklist 19 |the fuses are the list|electron-builder accepts/) },
  { id: 'G7', title: 'names from outside are text and nothing else', source: 'Electron', slow: true, run: hostileNames },
  { id: 'G8', title: 'a current Electron, and no network for the page', source: 'Electron', run: (of) => fromTests(of, /checklist (1|7|16) /) },
];

type Ran = { readonly name: string; readonly status: string };
const runs = new WeakMap<CheckRun, Promise<readonly Ran[]>>();

/** The tests of the shell, run once for all rows; they are numbered after Electron's own checklist. */
function shellTests(of: CheckRun): Promise<readonly Ran[]> {
  const known = runs.get(of) ?? runShellTests();
  runs.set(of, known);
  return known;
}

async function runShellTests(): Promise<readonly Ran[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-shell-tests-'));
  try {
    const file = join(folder, 'results.json');
    const tests = ['test/main/shell-security.test.ts', 'test/main/shell-bundles.test.ts', 'test/main/packaging.test.ts', 'test/main/app-scheme.test.ts', 'test/preload/bridge.test.ts', 'test/contract/ipc.test.ts'];
    await run([process.execPath, join(repository, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'test/vitest.config.ts', '--reporter=json', `--outputFile=${file}`, ...tests], { cwd: repository, timeoutMs: 120_000 });
    const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as { testResults: { assertionResults: { fullName: string; status: string }[] }[] };
    return testResults.flatMap(({ assertionResults }) => assertionResults.map(({ fullName, status }) => ({ name: fullName, status })));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fromTests(of: CheckRun, names: RegExp): Promise<RowResult> {
  const tally = createTally();
  const own = (await shellTests(of)).filter(({ name, status }) => names.test(name) && (status === 'passed' || status === 'failed'));
  for (const { name, status } of own) tally.check(name, status === 'passed');
  return tally.result(`${own.length} tests of test/main, test/preload and test/contract by name; by sources and bundles, as no Electron binary is needed`);
}

const directives = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];

async function contentPolicy(): Promise<RowResult> {
  if (findCommand('chromium') === null) return skip('needs chromium');
  const tally = createTally();
  for (const directive of directives) tally.check(`in Electron: ${directive}`, contentSecurityPolicy.includes(directive), contentSecurityPolicy);
  tally.check('in Electron: nothing unsafe, nothing remote', !/unsafe|https?:|\*/.test(contentSecurityPolicy), contentSecurityPolicy);
  await withWindow(tally, async (page, violations, policy) => {
    for (const directive of directives) tally.check(`in the browser: ${directive}`, policy.includes(directive), policy);
    tally.check('in the browser: nothing unsafe', !policy.includes('unsafe'), policy);
    for (const screen of await page.locator('nav a, nav button, [role=tab]').all()) await screen.click({ timeout: 3_000 }).catch(() => undefined);
    tally.check('no screen breaks the policy', violations.length === 0, violations);
    await page.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      const image = document.createElement('img');
      image.setAttribute('onerror', 'window.injected = true');
      image.src = 'data:,x';
      document.body.append(image);
    }`);
    await until('the injected script was refused', () => violations.length > 0);
    tally.check('an injected script does not run', await page.evaluate<boolean>('window.injected === undefined'));
    const out = await page.evaluate(() => fetch('https://example.com/').then(() => 'reached', () => 'refused'));
    tally.check('the page reaches nobody outside', out === 'refused', out);
  });
  return tally.result('the policy of the packaged window as text; every screen of the browser\'s window in Chromium, and a script that is put into it');
}

const markup = ['<img src=x onerror=window.pwned=1>', '"><svg onload=window.pwned=1>', "'-window.pwned=1-'", '{{constructor.constructor("window.pwned=1")()}}', '<script>window.pwned=1<\u2044script>', 'javascript:window.pwned=1', '\u202ekcatta', '${window.pwned=1}'];

/** The window of a real agent that has seen programs with hostile names, hosts and certificates. */
async function withWindow(tally: Tally, work: (page: Page, violations: string[], policy: string) => Promise<void>): Promise<void> {
  await withLegs(async (legs) => {
    const root = madeAuthority(markup[0] ?? '');
    const bad = make({ subject: markup[1] ?? '', by: root, extensions: [san(dns('cn.window.test'))] });
    await legs.origin('cn.window.test', { leaf: { key: bad.keyPem, cert: bad.pem } });
    await legs.origin('well.window.test');
    const agent = await legs.agent(inspectAll);
    const curl = findCommand('curl');
    if (curl === null) throw new Error('needs curl');
    for (const [n, name] of markup.entries()) {
      const place = join(legs.authority.folder, `${n}`);
      mkdirSync(place);
      const program = join(place, name.replaceAll('/', '').slice(0, 100));
      copyFileSync(curl, program);
      for (const host of ['cn.window.test', 'well.window.test']) await run([program, '-s', '-A', name, '--proxy', `http://${agent.proxy}`, '--cacert', agent.rootFile, `https://${host}/${encodeURIComponent(name)}`]);
    }
    await agent.client.call('addExclusion', {}, { host: 'excluded.window.test', reason: markup.join(' ') });
    const window = await serveWindow({ client: createControlClient({ controlPath: agent.controlPath }), folder: builtRenderer, now: Date.now, uids: null, idleMs: 600_000, command: 'pinlight' });
    const browser = await openSteeredBrowser({ folder: legs.authority.folder });
    try {
      const page = await browser.newPage();
      const violations: string[] = [];
      page.on('console', (message) => { if (/Content Security Policy|Refused to/.test(message.text())) violations.push(message.text()); });
      page.on('dialog', (dialog) => {
        tally.check('a dialog opened', false, dialog.message());
        void dialog.dismiss();
      });
      const answer = await page.goto(window.url);
      await page.getByText('Pinlight').first().waitFor();
      await work(page, violations, answer?.headers()['content-security-policy'] ?? '');
    } finally {
      await browser.close();
      await window.close();
    }
  });
}

async function hostileNames(): Promise<RowResult> {
  if (findCommand('chromium') === null) return skip('needs chromium');
  const tally = createTally();
  await withWindow(tally, async (page, violations) => {
    let shown = '';
    const look = async (what: string): Promise<void> => {
      shown += await page.locator('body').innerText();
      tally.check(`${what}: nothing ran`, await page.evaluate<boolean>('window.pwned === undefined'));
      tally.check(`${what}: no element came of a name`, await page.evaluate<boolean>("document.querySelectorAll('img[onerror], svg[onload], script:not([src])').length === 0"));
    };
    for (const screen of await page.locator('nav a, nav button, [role=tab]').all()) {
      await screen.click({ timeout: 3_000 }).catch(() => undefined);
      await page.waitForTimeout(300);
      await look(`the screen ${(await screen.innerText()).replaceAll(/\s+/g, ' ').slice(0, 20)}`);
      const row = page.locator('[role=row], tbody tr, li button').nth(1);
      await row.click({ timeout: 1_000 }).catch(() => undefined);
      await look('an opened entry');
      await page.keyboard.press('Escape');
    }
    tally.check('the names were on the screens, so the check can tell', shown.includes('onerror=window.pwned'), shown.slice(0, 200));
    tally.check('nothing was even tried', violations.length === 0, violations);
  });
  return tally.result(`${markup.length} program names, user agents, paths, an exclusion's reason and a certificate with markup; every screen and an entry of each opened in Chromium`);
}
