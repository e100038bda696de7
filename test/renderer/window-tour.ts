// One walk through every screen, drawer, dialog and designed state of the window, whatever its language: elements are found by the words of
// that language's own catalogue. Not for what is checked at each stop (languages.test.ts).
import { expect as expectPage } from '@playwright/test';
import type { Locator } from '@playwright/test';
import type { BundleJob } from '../../electron/contract/jobs.ts';
import type { DoctorReport } from '../../electron/core/diagnostics/doctor-report.ts';
import { visibleWarnings } from '../../electron/core/health/warnings.ts';
import { noticeParagraphs } from '../../electron/core/policy/notice.ts';
import { bundleOptions, deviceSources, makeZip } from '../agent/diagnostics/sources.ts';
import type { FixtureAgent } from './fixture-agent.ts';
import type { OpenedWindow } from './fixture-window.ts';

/** The texts of one language by key. */
export type Words = ReadonlyMap<string, string>;

/** Called at each stop with its name. */
type Visit = (place: string) => Promise<void>;

/** What a look at the device finds. */
export const doctorFound: DoctorReport = { ok: false, checks: [
  { name: 'agent', state: 'ok', text: 'Version 0.1.0 answers, process 4711.', fix: null, ms: 3 },
  { name: 'stores', state: 'wrong', text: 'The root is missing in nss:/home/maria/.pki/nssdb.', fix: 'Run `pinlight trust install`; programs that read these stores refuse inspection until then.', ms: 900 },
  { name: 'internet', state: 'unknown', text: '<b>www.example.com</b> was not reached yet.', fix: null, ms: 1 },
] };

/** What the first start shows. */
export function firstNotice(agent: FixtureAgent): void {
  const managedBy = { name: 'Contoso IT', caption: null, url: null };
  agent.setNotice({ version: 'v1', mode: 'required', shownAt: null, acceptedAt: null, paragraphs: noticeParagraphs({ notice: { mode: 'required', text: null }, managedBy }) });
}

/** Walks; the window was opened with `firstNotice`. */
export async function walk({ page, agent }: OpenedWindow, words: Words, visit: Visit): Promise<void> {
  const named = (key: string): RegExp => new RegExp(`^${(words.get(key) ?? key).split(/\{\{\w+\}\}/u).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`)).join('.*')}$`, 'u');
  const button = (key: string): Locator => page.getByRole('button', { name: named(key) });
  const screen = async (number: number): Promise<void> => {
    await page.keyboard.press(`Control+${number}`);
    await expectPage(page.getByRole('heading', { level: 1 })).toBeVisible();
  };

  await expectPage(page.getByRole('dialog', { name: named('notice.title') })).toBeVisible();
  await visit('notice');
  await button('notice.accept').click();
  await visit('overview');
  await button('pause.ask').click();
  await visit('pause-dialog');
  await page.getByRole('dialog').getByRole('textbox', { name: named('pause.reason') }).fill('x');
  await button('pause.confirm').click();
  await expectPage(button('pause.resume')).toBeVisible();
  await visit('paused');
  await button('pause.resume').click();
  agent.setSnapshot((snapshot) => ({ ...snapshot, warnings: visibleWarnings([
    { code: 'policy-invalid', key: '', values: { place: 'a.json, line 3', message: 'no comma' }, since: 0 },
    { code: 'captive-portal', key: '', values: {}, since: 0 },
    { code: 'learning-paused', key: '', values: { why: 'the network changed', kind: 'network', until: '10:00:00' }, since: 0 },
  ]) }));
  await expectPage(page.locator('.hero-bad')).toBeVisible();
  await visit('warnings');

  await screen(2);
  await visit('apps');
  await page.getByRole('searchbox').fill('zzz');
  await visit('apps-none-fits');
  await button('apps.showAll').click();
  await page.getByRole('row', { name: /Slack/u }).click();
  await expectPage(page.locator('.evidence').first()).toBeVisible();
  await visit('app-drawer');
  await expectPage(page.locator('.timeline .chart')).toBeVisible();
  await page.locator('.timeline').scrollIntoViewIfNeeded();
  await visit('app-timeline');
  await page.locator('.timeline').getByRole('radio', { name: named('chart.week') }).click();
  await expectPage(page.locator('.timeline .chart')).toBeVisible();
  await visit('app-timeline-week');
  await button('test.start').first().click();
  await expectPage(button('test.cancel')).toBeVisible();
  agent.setTest('app-slack', 'edgeapi.slack.example', {
    host: 'edgeapi.slack.example', startedAt: 0, endsAt: 0, phase: 'done', result: 'pinned',
    steps: [{ at: Date.now(), disposition: 'inspect', outcome: { kind: 'refused', sign: 'alert', alert: 46 } }, { at: Date.now(), disposition: 'bypass', outcome: { kind: 'passed', data: true } }],
  });
  await expectPage(button('test.again')).toBeVisible();
  await button('host.inspectNow').click();
  await visit('app-drawer-tested');
  // Narrow windows have no other place for it than over what comes next.
  await button('toast.dismiss').click();
  await button('host.exclude').first().click();
  await visit('exclude-dialog');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');

  await screen(3);
  await expectPage(page.locator('.log-line').first()).toBeVisible();
  await visit('connections');
  await page.locator('.log-line').nth(2).click();
  await expectPage(page.locator('.drawer')).toBeVisible();
  await visit('connection-drawer');
  await page.keyboard.press('Escape');
  await button('filter.help').click();
  await visit('filter-help');
  await page.keyboard.press('Escape');
  await button('connections.columns').click();
  await visit('columns');
  await page.keyboard.press('Escape');
  await button('export.start').click();
  await visit('export-menu');
  await page.keyboard.press('Escape');
  await page.getByRole('radio', { name: named('range.between') }).click();
  await visit('range');
  await page.getByRole('radio', { name: named('range.any') }).click();
  const filter = page.getByRole('searchbox');
  await filter.click();
  await expectPage(page.locator('.suggestion').first()).toBeVisible();
  await visit('suggestions');
  await filter.fill('nofield:x');
  await expectPage(page.locator('.filter .field-problem')).toContainText('nofield');
  await visit('filter-complaint');
  await filter.fill('disposition:bypass since:7d');
  // Low windows have no room for them.
  await expectPage(page.locator('.part').first()).toBeAttached();
  await visit('filter-parts');
  await filter.fill('nothing-like-it');
  await expectPage(button('filter.clearAll')).toBeVisible();
  await visit('no-connection-fits');
  await button('filter.clearAll').click();
  await page.getByRole('radio', { name: named('connections.asChart') }).click();
  await expectPage(page.locator('.chart').first()).toBeVisible();
  await visit('chart');
  await page.getByRole('radio', { name: named('connections.asList') }).click();

  await screen(4);
  await expectPage(page.locator('.fact-table').first()).toBeVisible();
  await visit('policy');
  await screen(5);
  await expectPage(page.locator('.fact-table').first()).toBeVisible();
  await visit('certificates');

  await screen(6);
  await visit('diagnostics');
  await button('doctor.start').click();
  await expectPage(page.locator('.checks-found')).toBeVisible();
  await visit('device-check');
  await button('logging.start').click();
  await expectPage(button('logging.stop')).toBeVisible();
  await visit('detailed-logging');
  await button('logging.stop').click();
  await button('diagnostics.record').click();
  await visit('recording');
  const { zip, bundle } = await makeZip(deviceSources(), { note: 'The printer page stays empty.' });
  const job: BundleJob = { id: 'job', phase: 'collecting', done: 3, total: 9, unit: 'sources', manifest: null, fileName: null, key: null, sealed: false, error: null };
  let told = job;
  await page.route('**/bridge/call', async (route) => {
    const { route: asked } = route.request().postDataJSON() as { readonly route: string };
    if (asked === 'startBundle' || asked === 'bundleJob' || asked === 'cancelBundle') await route.fulfill({ json: { ok: true, data: { job: told } } });
    else await route.continue();
  });
  await button('diagnostics.stop').click();
  await expectPage(page.locator('.progress')).toBeVisible();
  await visit('collecting');
  told = { ...job, phase: 'ready', manifest: bundle.manifest, fileName: 'pinlight-diag-LAPTOP-42.zip', key: 'ABCD-EFGH-IJKL' };
  await expectPage(button('diagnostics.save')).toBeVisible();
  await visit('preview');
  await button('diagnostics.discard').click();
  await page.unroute('**/bridge/call');
  // The viewer has one of its own, for the bundle to compare with.
  const files = page.locator('input[type=file]').last();
  await files.setInputFiles({ name: 'broken.zip', mimeType: 'application/zip', buffer: Buffer.from('PK') });
  await expectPage(page.locator('.failure')).toBeVisible();
  await visit('bundle-refused');
  await files.setInputFiles({ name: 'sent.zip', mimeType: 'application/zip', buffer: zip });
  await expectPage(page.locator('.viewer')).toBeVisible();
  await visit('bundle-viewer');
  const second = page.locator('.viewer input[type=file]');
  await second.setInputFiles({ name: 'broken.zip', mimeType: 'application/zip', buffer: Buffer.from('PK') });
  await expectPage(page.locator('.viewer .failure')).toBeVisible();
  await visit('second-bundle-refused');
  await second.setInputFiles({ name: 'same.zip', mimeType: 'application/zip', buffer: zip });
  await expectPage(page.getByText(named('compare.same'))).toBeVisible();
  await visit('bundles-alike');
  const later = await makeZip(deviceSources({ exclusions: async () => [], versions: async () => ({ pinlight: '0.2.0' }) }), { now: bundleOptions.now + 3_600_000 });
  await second.setInputFiles({ name: 'later.zip', mimeType: 'application/zip', buffer: later.zip });
  await expectPage(page.locator('.difference-table').first()).toBeVisible();
  await visit('bundles-compared');
  await page.locator('.name-search input').first().fill('www.example.com');
  await button('who.ask').click();
  await expectPage(page.locator('.name-search + output p')).toBeVisible();
  await visit('name-search');
  await page.getByRole('button', { name: 'connections.ndjson' }).click();
  await expectPage(page.locator('.bundle-rows')).toBeVisible();
  await visit('bundle-rows');
  await page.keyboard.press('Escape');
  await page.locator('.viewer .link-button').first().click();
  await visit('bundle-file');
  await page.keyboard.press('Escape');

  agent.setSnapshot((snapshot) => ({ ...snapshot, apps: [], recent: [] }));
  await screen(2);
  await visit('no-apps');
  agent.lose();
  await expectPage(page.locator('.banner')).toBeVisible();
  await visit('lost-apps');
  await screen(5);
  await expectPage(page.locator('.failure')).toBeVisible();
  await visit('failure');
  await screen(1);
  await visit('lost-overview');
}
