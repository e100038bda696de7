// The window in a real Chromium: what each screen shows and what its controls do. The agent behind it is made of values
// (fixture-agent), the window server is the real one. Looks and accessibility are accessibility.test.ts.
import { describe, expect, test } from 'vitest';
import { expect as expectPage } from '@playwright/test';
import type { Page } from '@playwright/test';
import type { Snapshot } from '../../electron/contract/snapshot.ts';
import { visibleWarnings } from '../../electron/core/health/warnings.ts';
import { axeComplaints } from '../support/axe.ts';
import { fixtureSnapshot, hostile } from './fixture-data.ts';
import { hasChromium, useWindows } from './fixture-window.ts';
import type { OpenedWindow, OpenWindow } from './fixture-window.ts';

const lines = (page: Page) => page.getByRole('grid', { name: 'Connections' }).locator('tbody').getByRole('row');

describe.skipIf(!hasChromium)('the window', () => {
  const open = useWindows();

  async function openScreen(name: 'Apps' | 'Connections', options: Parameters<OpenWindow>[0] = {}): Promise<OpenedWindow> {
    const window = await open(options);
    await window.page.getByRole('link', { name }).click();
    await expectPage(window.page.getByRole('heading', { level: 1, name })).toBeVisible();
    return window;
  }

  /** Runs in the page: scrolls on at each frame until every row is loaded; answers the most rows that ever existed at once. */
  const scrollToTheEnd = `new Promise((resolve) => {
  const grid = document.querySelector('.log');
  let most = 0;
  const step = () => {
    most = Math.max(most, grid.querySelectorAll('tbody tr').length);
    if (grid.getAttribute('aria-rowcount') !== '-1') return resolve(most);
    grid.scrollTop = grid.scrollHeight;
    requestAnimationFrame(step);
  };
  step();
})`;

  describe('overview', () => {
    test('says the state in one sentence, with reason, next step, the last day as bars and table, warnings, problem and cards', async () => {
      const { page, complaints } = await open();
      await expectPage(page.getByRole('heading', { level: 1 })).toHaveText('Inspecting where policy allows; 3 apps are let through');
      await expectPage(page.getByText('Policy generation 18 with 4 rules is in force.')).toBeVisible();
      await expectPage(page.getByText('1 app keeps its own list of authorities.')).toBeVisible();
      const counts = page.getByRole('table', { name: 'Connections, Last 24 hours' });
      await expectPage(counts.getByRole('button', { name: '1,788, Inspected, Together: show them' })).toBeVisible();
      await expectPage(page.getByText('6 open now')).toBeVisible();
      for (const card of ['Agent', 'Policy', 'Root certificate', 'Proxy', 'Way to the internet', 'Recent problem', 'Warnings']) {
        await expectPage(page.getByRole('region', { name: card, exact: true })).toBeVisible();
      }
      await expectPage(page.getByRole('region', { name: 'Policy', exact: true })).toContainText('Managed byContoso IT: Questions? Call 4711');
      await expectPage(page.getByRole('region', { name: 'Proxy' })).toContainText('curl --proxy http://127.0.0.1:18443 --cacert /home/maria/.local/state/pinlight/root.pem');
      expect(complaints).toEqual([]);
    });

    test('the week is a choice away, and each number leads to its connections', async () => {
      const { page } = await open();
      await page.getByRole('region', { name: 'Connections', exact: true }).getByRole('radio', { name: 'Last 7 days' }).click();
      const counts = page.getByRole('table', { name: 'Connections, Last 7 days' });
      await counts.getByRole('button', { name: /, Refused, Together: show them/ }).click();
      await expectPage(page.getByRole('heading', { level: 1, name: 'Connections' })).toBeVisible();
      await expectPage(page.getByRole('searchbox', { name: 'Filter connections' })).toHaveValue('disposition:inspect and outcome:refused');
    });

    test('the way to the internet is as policy says, with what is wrong on it', async () => {
      const { page, agent } = await open();
      const card = page.getByRole('region', { name: 'Way to the internet' });
      await expectPage(card).toContainText('as the agent\'s environment says');
      await expectPage(card).toContainText('None known');
      agent.setPolicyNetwork({ upstreamProxy: 'http://proxy.contoso.example:3128', upstreamBypass: ['.contoso.example', '<b>x</b>'] });
      agent.setSnapshot((snapshot) => ({
        ...snapshot, agent: { ...snapshot.agent, policy: { ...snapshot.agent.policy, generation: 19 } },
        warnings: visibleWarnings([{ code: 'upstream-proxy-sign-in', key: 'proxy', values: { proxy: 'p', schemes: 'NTLM' }, since: 0 }]),
      }));
      await expectPage(card).toContainText('through the proxy http://proxy.contoso.example:3128');
      await expectPage(card).toContainText('.contoso.example, <b>x</b>');
      await expectPage(card).toContainText('The organisation\'s proxy wants a sign-in that Pinlight cannot make');
    });

    test('notifications are silenced one kind at a time where the window\'s process shows some, and have no place where it shows none', async () => {
      const { page } = await open();
      await expectPage(page.getByRole('region', { name: 'Agent', exact: true })).toBeVisible();
      await expectPage(page.getByRole('region', { name: 'Notifications' })).toHaveCount(0);
      const snapshot = JSON.stringify(fixtureSnapshot(10, Date.now()));
      await page.addInitScript(`window.chosen = [];
        window.pinlight = {
          shell: 'electron', call: () => Promise.reject({ code: 'not-found', message: 'not here', advice: '' }), saveBundle: () => Promise.resolve(null),
          watch(listener) { listener({ kind: 'snapshot', snapshot: ${snapshot} }); return () => undefined; },
          notifications(silenced) { if (silenced !== null) window.chosen.push(silenced); return Promise.resolve(silenced ?? ['agent']); },
        };`);
      await page.reload();
      const card = page.getByRole('region', { name: 'Notifications' });
      await expectPage(card.getByRole('checkbox', { name: 'Apps that are let through' })).toBeChecked();
      await expectPage(card.getByRole('checkbox', { name: 'The agent is away or back' })).not.toBeChecked();
      await card.getByRole('checkbox', { name: 'Apps that are let through' }).press('Space');
      await expectPage(card.getByRole('checkbox', { name: 'Apps that are let through' })).not.toBeChecked();
      expect(await page.evaluate('window.chosen')).toEqual([['apps', 'agent']]);
      expect(await axeComplaints(page)).toEqual([]);
    });

    test('without a single connection there is no tick; a lost agent takes no pause', async () => {
      const { page, agent } = await open();
      agent.setSnapshot((snapshot) => ({ ...snapshot, apps: [], recent: [], counts: { inspect: 0, bypass: 0, block: 0, open: 0 } }));
      await expectPage(page.getByRole('heading', { level: 1 })).toHaveText('No program sends its connections here yet');
      await expectPage(page.locator('.hero-attention')).toContainText('npx --no-install pinlight steer on');
      const pause = page.getByRole('button', { name: 'Pause protection…' });
      await expectPage(pause).toBeEnabled();
      agent.lose();
      await expectPage(page.locator('.hero-bad')).toContainText('npm start');
      await expectPage(pause).toBeDisabled();
    });

    test('a message covers nothing: the page ends above it', async () => {
      const { page } = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
      await page.evaluate("location.hash = 'apps?app=app-slack'");
      await page.getByRole('button', { name: 'Ask for a permanent exclusion' }).click();
      await expectPage(page.locator('.toast')).toBeVisible();
      const top = (await page.locator('.toast').boundingBox())?.y ?? 0;
      for (const place of ['.main', '.drawer-body']) {
        const box = await page.locator(place).boundingBox();
        expect((box?.y ?? 0) + (box?.height ?? 0), place).toBeLessThanOrEqual(top);
      }
    });

    test('the fingerprint and the curl line are copied as they are', async () => {
      const { page } = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
      await page.getByRole('button', { name: 'Copy the fingerprint' }).click();
      await expectPage(page.getByText('Copied')).toHaveCount(1);
      expect(await page.evaluate<string>('navigator.clipboard.readText()')).toMatch(/^9C:1F(:[0-9A-F]{2}){30}$/);
      await page.getByRole('button', { name: 'Copy the curl line' }).click();
      await expect.poll(() => page.evaluate<string>('navigator.clipboard.readText()')).toMatch(/^curl --proxy http:\/\/127\.0\.0\.1:18443 --cacert \S+ https:\/\/example\.com\/$/);
    });

    test('Ctrl and Cmd with 1 to 3 switch screens, and the address remembers', async () => {
      const { page } = await open();
      await page.keyboard.press('Control+2');
      await expectPage(page.getByRole('heading', { level: 1, name: 'Apps' })).toBeVisible();
      await page.keyboard.press('Meta+3');
      await expectPage(page.getByRole('heading', { level: 1, name: 'Connections' })).toBeVisible();
      await expectPage(page.getByRole('link', { name: 'Connections' })).toHaveAttribute('aria-current', 'page');
      await page.reload();
      await expectPage(page.getByRole('heading', { level: 1, name: 'Connections' })).toBeVisible();
      await page.keyboard.press('Control+1');
      await expectPage(page).toHaveTitle('Overview · Pinlight');
    });

    test('a lost agent keeps the last snapshot with its time, and its return clears the banner', async () => {
      const { page, agent } = await open();
      await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
      agent.lose();
      await expectPage(page.getByRole('heading', { level: 1, name: 'Agent not running' })).toBeVisible();
      await expectPage(page.getByRole('alert')).toContainText(/What you see is as of \d{1,2}:\d{2}/);
      await expectPage(page.getByRole('region', { name: 'Root certificate' })).toBeVisible();
      agent.find();
      await expectPage(page.getByRole('alert')).toHaveCount(0);
      await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    });

    test('an agent that never answered is said to be absent, with what to do', async () => {
      const { page } = await open({ prepare: (agent) => agent.lose() });
      await expectPage(page.getByRole('heading', { level: 1, name: 'Agent not running' })).toBeVisible();
      await expectPage(page.getByText('npm start')).toBeVisible();
      await page.keyboard.press('Control+3');
      await expectPage(page.getByRole('heading', { name: 'The log cannot be read now' })).toBeVisible();
    });

    test('a fault in the screens is said in words instead of an empty window', async () => {
      const absent: Snapshot['apps'] = JSON.parse('null');
      const { page } = await open({ prepare: (agent) => agent.setSnapshot((snapshot) => ({ ...snapshot, apps: absent })) });
      await expectPage(page.getByRole('alert')).toContainText('Protection is not affected');
      await expectPage(page.getByRole('button', { name: 'Load the window again' })).toBeVisible();
    });

    test('lost events are noticed and the snapshot is asked for again', async () => {
      const { page, agent } = await open();
      await expectPage(page.getByText('LAPTOP-42').first()).toBeVisible();
      agent.skip();
      await expectPage(page.getByText('LAPTOP-43').first()).toBeVisible();
      expect(agent.calls.filter((call) => call.route === 'status')).toHaveLength(1);
    });
  });

  describe('apps', () => {
    test('every app stands with its verdict in words, and Bypassed leaves the others out', async () => {
      const { page } = await openScreen('Apps');
      const table = page.getByRole('grid', { name: 'Apps' });
      await expectPage(table.getByRole('row', { name: /Slack/ })).toContainText('Pinned');
      await expectPage(table.getByRole('row', { name: /sync\.jar/ })).toContainText('Private trust store');
      await expectPage(table.getByRole('row', { name: /vpn-connect/ })).toContainText('Client certificate');
      await page.getByRole('radio', { name: 'Bypassed (3)' }).click();
      await expectPage(table.getByRole('row')).toHaveCount(4);
      await page.getByRole('searchbox', { name: 'Search apps and hosts' }).fill('nothing like it');
      await expectPage(page.getByRole('heading', { name: 'No app fits' })).toBeVisible();
      await page.getByRole('button', { name: 'Show all apps' }).click();
      await expectPage(table.getByRole('row')).toHaveCount(11);
    });

    test('bypassed apps stand with why, hosts, evidence, end, and since when; what policy lets through is no open question', async () => {
      const { page } = await open({ prepare: (agent) => agent.setSnapshot((snapshot) => ({ ...snapshot, apps: snapshot.apps.map((app) => (app.name !== 'backup-tool' ? app
        : { ...app, hosts: app.hosts.map((host) => ({ ...host, next: { ...host.next, disposition: 'bypass' as const } })) })) })) });
      await page.getByRole('link', { name: 'Apps' }).click();
      await page.getByRole('radio', { name: 'Bypassed (4)' }).click();
      const table = page.getByRole('grid', { name: 'Apps' });
      await expectPage(table.getByRole('columnheader')).toHaveText(['App', 'Why', 'Hosts', 'Evidence', 'Ends', 'Last seen']);
      await expectPage(table.getByRole('row', { name: /Slack/ })).toContainText(/Pinned.*edgeapi.*alert 46 ×4.*in 2 h \d min.*since/s);
      await expectPage(table.getByRole('row', { name: /sync\.jar/ })).toContainText(/Private trust store.*alert 46 ×8.*No end/s);
      await expectPage(table.getByRole('row', { name: /Dropbox/ })).toContainText('Known exclusion');
      await expectPage(table.getByRole('row', { name: /backup-tool/ })).toContainText('Bypassed by policy');
      await expectPage(table).not.toContainText('Undetermined');
    });

    test('an address that names an app opens it, also where the tray names the same one again', async () => {
      const { page } = await open();
      const drawer = page.getByRole('dialog', { name: 'Slack' });
      for (let time = 0; time < 2; time += 1) {
        await page.evaluate("location.hash = 'apps?app=app-slack'");
        await expectPage(drawer).toBeVisible();
        await page.keyboard.press('Escape');
        await expectPage(drawer).toHaveCount(0);
      }
      await page.evaluate("location.hash = 'apps?app=nobody'");
      await expectPage(page.getByRole('heading', { name: 'Apps' })).toBeVisible();
      await expectPage(page.getByRole('dialog')).toHaveCount(0);
    });

    test('a learned exclusion can be asked for as a permanent one: the request is copied, and that is said', async () => {
      const { page } = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
      await page.evaluate("location.hash = 'apps?app=app-slack'");
      await page.getByRole('button', { name: 'Ask for a permanent exclusion' }).click();
      await expectPage(page.getByText('The request is copied.')).toBeVisible();
      const request = await page.evaluate<string>('navigator.clipboard.readText()');
      expect(request).toMatch(/^Please let Slack at edgeapi\.slack\.example/);
      expect(JSON.parse(request.slice(request.indexOf('{\n')))).toMatchObject({ when: { app: { package: 'slack-desktop' }, host: 'edgeapi.slack.example' }, do: 'bypass' });
      await page.evaluate("location.hash = 'apps?app=app-dropbox'");
      await expectPage(page.getByRole('dialog', { name: 'Dropbox' })).toContainText('Predefined exclusion');
      await expectPage(page.getByRole('button', { name: 'Ask for a permanent exclusion' })).toHaveCount(0);
    });

    test('the drawer shows sentence, evidence, what happens next and the count-down, by keyboard too', async () => {
      const { page } = await openScreen('Apps');
      await page.getByRole('row', { name: /Slack/ }).press('Enter');
      const drawer = page.getByRole('dialog', { name: 'Slack' });
      await expectPage(drawer).toContainText('Slack pins its certificate at edgeapi.slack.example');
      await expectPage(drawer.getByRole('region', { name: 'Evidence for' })).toContainText('It refused our certificate here 4 times');
      await expectPage(drawer.getByRole('region', { name: 'Evidence against' })).toContainText('None.');
      await expectPage(drawer).toContainText('The next connection is let through untouched.');
      await expectPage(drawer).toContainText(/Ends in 2 h \d min/);
      await page.keyboard.press('Escape');
      await expectPage(drawer).toHaveCount(0);
      await expectPage(page.getByRole('row', { name: /Slack/ })).toBeFocused();
    });

    test('a removed exclusion can be put back from the message', async () => {
      const { page, agent } = await openScreen('Apps');
      await page.getByRole('row', { name: /Slack/ }).click();
      await page.getByRole('button', { name: 'Try inspection now' }).click();
      await expectPage(page.getByText('Exclusion for edgeapi.slack.example removed.')).toBeVisible();
      await expectPage(page.getByRole('button', { name: 'Exclude this host' })).toBeVisible();
      await page.getByRole('button', { name: 'Undo' }).click();
      await expectPage(page.getByText('Exclusion for edgeapi.slack.example is back.')).toBeVisible();
      await expectPage(page.getByRole('button', { name: 'Remove exclusion' })).toBeVisible();
      const added = agent.calls.find((call) => call.route === 'addExclusion')?.body;
      expect(added).toMatchObject({ host: 'edgeapi.slack.example', app: 'app-slack' });
      expect(added).toHaveProperty('hours', expect.closeTo(2 + 5 / 60, 1));
    });

    test('Ctrl+Z undoes as well, because the drawer keeps the focus', async () => {
      const { page } = await openScreen('Apps');
      await page.getByRole('row', { name: /Slack/ }).press('Enter');
      await page.getByRole('button', { name: 'Try inspection now' }).press('Enter');
      await expectPage(page.getByText('Exclusion for edgeapi.slack.example removed.')).toBeVisible();
      await page.keyboard.press('Control+z');
      await expectPage(page.getByText('Exclusion for edgeapi.slack.example is back.')).toBeVisible();
    });

    test('a test of the app is started by keyboard, shows each step as it is seen, and its result; it can be cancelled', async () => {
      const { page, agent, complaints } = await openScreen('Apps');
      await page.getByRole('row', { name: /Slack/ }).press('Enter');
      const panel = page.getByRole('region', { name: 'Test this app' }).first();
      const say = panel.getByRole('status');
      const [app, host] = ['app-slack', 'edgeapi.slack.example'];
      await panel.getByRole('button', { name: 'Test this app now' }).press('Enter');
      await expectPage(say).toContainText(`Use Slack at ${host} now. Pinlight inspects its next connection.`);
      await expectPage(panel).toContainText(/Given up in (?:10|9) min/);
      expect(agent.calls.find((call) => call.route === 'startTest')?.body).toEqual({ app, host });
      const refused = { at: Date.now(), disposition: 'inspect', outcome: { kind: 'refused', sign: 'alert', alert: 46 } } as const;
      const running = { host, startedAt: Date.now(), endsAt: Date.now() + 500_000, result: null } as const;
      agent.setTest(app, host, { ...running, phase: 'letting-through', steps: [refused] });
      await expectPage(say).toContainText('It refused. Use Slack');
      await expectPage(say.getByRole('listitem')).toHaveText(/Inspected The app refused our certificate with alert 46/);
      await panel.getByRole('button', { name: 'Cancel the test' }).press('Enter');
      await expectPage(panel.getByRole('button', { name: 'Test this app now' })).toBeVisible();
      expect(agent.calls.find((call) => call.route === 'cancelTest')?.query).toEqual({ app, host });
      const passed = { at: Date.now(), disposition: 'bypass', outcome: { kind: 'passed', data: true } } as const;
      agent.setTest(app, host, { ...running, phase: 'done', steps: [refused, passed], result: 'pinned' });
      await expectPage(say).toContainText('Result: Pinned');
      await expectPage(say.getByRole('listitem')).toHaveCount(2);
      await expectPage(panel.getByRole('button', { name: 'Test again' })).toBeVisible();
      agent.setTest(app, host, { ...running, phase: 'done', steps: [], result: 'no-attempt' });
      await expectPage(say).toContainText('No attempt was seen.');
      agent.setTest(app, host, { ...running, phase: 'done', steps: [], result: 'not-allowed' });
      await expectPage(say).toContainText('Policy does not allow this test');
      expect(complaints).toEqual([]);
    });

    test('commands in advice stand as they are typed where the window came from', async () => {
      const { page } = await openScreen('Apps');
      await page.getByRole('row', { name: /sync\.jar/ }).click();
      await expectPage(page.getByRole('dialog').getByText('npx --no-install pinlight trust status').first()).toBeVisible();
    });

    test('attempts over time: bars and table of a day or a week, each number leads to its connections', async () => {
      const { page } = await openScreen('Apps');
      await page.getByRole('row', { name: /Slack/ }).click();
      const timeline = page.getByRole('dialog', { name: 'Slack' }).getByRole('region', { name: 'Attempts over time' });
      const numbers = timeline.getByRole('table').getByRole('row');
      await expectPage(timeline.locator('.chart-bar')).not.toHaveCount(0);
      // Hours without a connection have no line: those of the table are the bars, below its head and all of them together.
      await expectPage(numbers).toHaveCount(await timeline.locator('.chart-bar').count() + 2);
      await timeline.getByRole('radio', { name: 'Last 7 days' }).click();
      await expectPage(timeline.getByRole('table', { name: 'Attempts over time, Last 7 days' })).toBeVisible();
      await timeline.getByRole('button', { name: /, Bypassed, / }).first().click();
      await expectPage(page.getByRole('heading', { level: 1, name: 'Connections' })).toBeVisible();
      await expectPage(page.getByRole('searchbox', { name: 'Filter connections' })).toHaveValue('app == app-slack and disposition:bypass and not outcome:upstream');
      await expectPage(page.getByRole('radio', { name: 'From – to' })).toBeChecked();
    });

    test('an app without a connection in that time has a sentence instead of bars', async () => {
      const { page } = await openScreen('Apps');
      await page.getByRole('row', { name: /^curl/ }).click();
      const timeline = page.getByRole('dialog', { name: 'curl' }).getByRole('region', { name: 'Attempts over time' });
      await expectPage(timeline.getByText('No connections in this time.')).toBeVisible();
      await expectPage(timeline.getByRole('table')).toHaveCount(0);
    });

    test('excluding a host wants a reason and takes hours', async () => {
      const { page, agent } = await openScreen('Apps');
      await page.getByRole('row', { name: /vpn-connect/ }).click();
      await page.getByRole('button', { name: 'Exclude this host' }).click();
      const dialog = page.getByRole('dialog', { name: 'Exclude this host' });
      await expectPage(dialog.getByRole('textbox', { name: 'Reason' })).toBeFocused();
      await dialog.getByRole('button', { name: 'Exclude', exact: true }).click();
      expect(agent.calls.some((call) => call.route === 'addExclusion')).toBe(false);
      await dialog.getByRole('textbox', { name: 'Reason' }).fill('VPN wants its own certificate');
      await dialog.getByRole('textbox', { name: 'Hours' }).fill('24');
      await dialog.getByRole('button', { name: 'Exclude', exact: true }).click();
      await expectPage(page.getByText('gate.contoso.example is excluded for 24 hours.')).toBeVisible();
      expect(agent.calls.find((call) => call.route === 'addExclusion')?.body)
        .toEqual({ host: 'gate.contoso.example', app: 'app-vpnconnect', reason: 'VPN wants its own certificate', hours: 24 });
      await expectPage(page.getByRole('dialog', { name: 'vpn-connect' })).toContainText('Exclusion by a user');
    });

    test('the ticket text names app, host and verdict', async () => {
      const { page } = await openScreen('Apps', { permissions: ['clipboard-read', 'clipboard-write'] });
      await page.getByRole('row', { name: /sync\.jar/ }).click();
      await page.getByRole('button', { name: 'Copy for the ticket' }).click();
      await expectPage(page.getByText('Copied')).toHaveCount(1);
      expect(await page.evaluate<string>('navigator.clipboard.readText()')).toMatch(/App: java · sync\.jar[\s\S]*Host: repo\.maven\.example[\s\S]*Verdict: private-trust-store/);
    });

    test('no apps yet: the screen explains what pinning is', async () => {
      const { page } = await openScreen('Apps', { prepare: (agent) => agent.setSnapshot((snapshot) => ({ ...snapshot, apps: [], recent: [] })) });
      await expectPage(page.getByRole('heading', { name: 'No apps yet' })).toBeVisible();
      await expectPage(page.getByText('That is called pinning')).toBeVisible();
    });

    test('names that mean harm are text and nothing else', async () => {
      const { page, complaints } = await openScreen('Apps');
      await expectPage(page.getByText('update⟨U+202E⟩gpj.exe').first()).toBeVisible();
      await expectPage(page.getByText(hostile.nesting).first()).toBeVisible();
      await page.getByRole('row', { name: /update/ }).click();
      await expectPage(page.getByRole('dialog')).toContainText(hostile.markup);
      await page.getByRole('button', { name: 'Exclude this host' }).click();
      await page.getByRole('textbox', { name: 'Reason' }).fill('x');
      await page.getByRole('button', { name: 'Exclude', exact: true }).click();
      await expectPage(page.getByText(`${hostile.markup} is excluded for 8 hours.`)).toBeVisible();
      expect(await page.locator('img, iframe, object').count()).toBe(0);
      expect(complaints).toEqual([]);
    });
  });

  describe('connections', () => {
    test('twenty thousand rows keep few in the page while the end is scrolled to, page by page', async () => {
      const { page, agent } = await openScreen('Connections');
      await expectPage(lines(page).first()).toBeVisible();
      const grid = page.getByRole('grid', { name: 'Connections' });
      const most = await page.evaluate<number>(scrollToTheEnd);
      await expectPage(page.getByText('20,000 connections, newest first')).toBeVisible();
      expect(most).toBeGreaterThan(10);
      expect(most).toBeLessThan(80);
      expect(agent.calls.filter((call) => call.route === 'connections')).toHaveLength(100);
      await expectPage(grid).toHaveAttribute('aria-rowcount', '20001');
      await grid.press('End');
      await expectPage(page.locator('#connection-1')).toBeVisible();
    });

    test('arrows and Enter open a connection with every fact; the drawer leads to its app and to its host', async () => {
      const { page } = await openScreen('Connections');
      const grid = page.getByRole('grid', { name: 'Connections' });
      await expectPage(lines(page).first()).toBeVisible();
      await grid.focus();
      await grid.press('ArrowDown');
      await grid.press('ArrowDown');
      await expectPage(grid).toHaveAttribute('aria-activedescendant', 'connection-19998');
      await grid.press('Enter');
      const drawer = page.getByRole('dialog');
      await expectPage(drawer).toContainText('Bypassed: an exclusion names it (dropbox).');
      await expectPage(drawer).toContainText('Let through untouched, and data went both ways.');
      await expectPage(drawer).toContainText('t13d1516h2_8daaf6152771_02713d6af862');
      await drawer.getByRole('button', { name: 'Only this host' }).click();
      await expectPage(page.getByRole('searchbox', { name: 'Filter connections' })).toHaveValue('host == "client.dropbox.example"');
      await expectPage(lines(page).first()).toContainText('client.dropbox.example');
      await lines(page).first().click();
      await drawer.getByRole('button', { name: 'Show the app' }).click();
      await expectPage(page.getByRole('dialog', { name: 'Dropbox' })).toBeVisible();
    });

    test('what can be done stands with a connection: for a refused one all that its app\'s page has, for others where to turn, nothing for one that went well', async () => {
      const { page } = await openScreen('Connections');
      await expectPage(lines(page).first()).toBeVisible();
      const todo = page.getByRole('dialog').getByRole('region', { name: 'What you can do' });
      await page.locator('#connection-19995').click();
      await expectPage(todo).toContainText('java · sync.jar keeps a list of authorities that lacks our root');
      await expectPage(todo.getByRole('region', { name: 'Evidence for' })).toContainText('alert 46');
      await expectPage(todo.getByRole('region', { name: 'What still protects it' })).toBeVisible();
      for (const name of ['Test this app now', 'Exclude this host', 'Copy for the ticket']) await expectPage(todo.getByRole('button', { name })).toBeVisible();
      await todo.getByRole('button', { name: 'Install the root there' }).click();
      await expectPage(page.getByRole('heading', { level: 1, name: 'Certificates' })).toBeVisible();
      await page.keyboard.press('Control+3');
      await page.locator('#connection-19990').click();
      await expectPage(todo).toContainText('Tell whoever runs the server');
      await expectPage(todo.getByRole('button')).toHaveCount(0);
      await page.keyboard.press('Escape');
      await page.locator('#connection-19988').click();
      await todo.getByRole('button', { name: 'Policy' }).click();
      await expectPage(page.getByRole('heading', { level: 1, name: 'Policy' })).toBeVisible();
      await page.keyboard.press('Control+3');
      await page.locator('#connection-19996').click();
      await expectPage(page.getByRole('dialog')).toContainText('The app accepted our certificate');
      await expectPage(todo).toHaveCount(0);
    });

    test('a filter is the agent\'s business, and its complaint stands in words under the box', async () => {
      const { page, agent } = await openScreen('Connections');
      const box = page.getByRole('searchbox', { name: 'Filter connections' });
      await page.getByRole('button', { name: 'Blocked' }).click();
      await expectPage(box).toHaveValue('disposition:block');
      await expectPage(lines(page).filter({ hasNotText: 'Blocked' })).toHaveCount(0);
      expect(agent.calls.at(-1)?.query).toEqual({ limit: '200', filter: 'disposition:block' });
      await box.fill('dispositio:block');
      await expectPage(page.getByText('there is no field "dispositio"')).toBeVisible();
      await expectPage(box).toHaveAttribute('aria-invalid', 'true');
      await expectPage(box).toHaveAccessibleDescription(/no field "dispositio"/);
      await expectPage(lines(page).first()).toContainText('Blocked');
      await page.getByRole('button', { name: 'Clear the filter' }).click();
      await expectPage(page.getByText('there is no field')).toHaveCount(0);
      await box.fill('nothing-like-it');
      await expectPage(page.getByRole('heading', { name: 'No connection fits' })).toBeVisible();
    });

    test('live rows come in at the top, and wait while one reads further down', async () => {
      const { page, agent } = await openScreen('Connections', { rows: 2_000 });
      await expectPage(page.locator('#connection-2000')).toBeVisible();
      agent.connect();
      await expectPage(page.locator('#connection-2001')).toBeVisible();
      await page.locator('.log').hover();
      await page.mouse.wheel(0, 900);
      await expectPage(page.locator('#connection-2001')).toHaveCount(0);
      agent.connect();
      agent.connect();
      await page.getByRole('button', { name: '2 new connections' }).click();
      await expectPage(page.locator('#connection-2003')).toBeVisible();
    });

    test('paused, the list stands still until it goes live again', async () => {
      const { page, agent } = await openScreen('Connections', { rows: 500 });
      await expectPage(page.locator('#connection-500')).toBeVisible();
      await page.getByRole('button', { name: 'Hold the list' }).click();
      agent.connect();
      // What comes later on the same stream is on the screen already: so the row would be, if it were let in.
      agent.skip();
      await expectPage(page.getByText('LAPTOP-43').first()).toBeVisible();
      expect(await page.locator('#connection-501').count()).toBe(0);
      await page.getByRole('button', { name: 'Go on' }).click();
      await expectPage(page.locator('#connection-501')).toBeVisible();
    });

    test('rows of another day say day and time, whole in the hint; a script stands before its interpreter; why begins with what differs', async () => {
      const { page } = await openScreen('Connections', { rows: 150_000 });
      const today = new Date();
      const day = [today.getFullYear(), today.getMonth() + 1, today.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
      await expectPage(lines(page).first().locator('time')).toHaveText(/^\d\d:\d\d:\d\d/);
      await page.getByRole('searchbox', { name: 'Filter connections' }).fill(`time < ${day}`);
      const time = lines(page).first().locator('time');
      await expectPage(time).toHaveText(/^[A-Z][a-z]{2} \d{1,2} \d\d:\d\d [AP]M$/);
      await expectPage(time).toHaveAttribute('title', /^\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d/);
      const script = lines(page).filter({ hasText: 'report.mjs' }).first();
      await expectPage(script.locator('.log-app')).toHaveText('report.mjs node');
      await expectPage(script.locator('.log-app bdi')).toHaveAttribute('title', 'node · report.mjs');
      await expectPage(script.locator('.log-reason')).toHaveText('own-programs (rule)');
      await expectPage(script.locator('.log-reason span')).toHaveAttribute('title', 'policy rule "own-programs" says so');
    });

    test('a word that is no field gets one line and the way to all fields', async () => {
      const { page } = await openScreen('Connections', { rows: 50 });
      await page.getByRole('searchbox', { name: 'Filter connections' }).fill('wxyz == 1');
      await expectPage(page.locator('.filter .field-problem')).toHaveText('there is no field "wxyz"; put text to search for in quotes');
      await page.getByRole('button', { name: 'Show all fields and examples' }).click();
      await expectPage(page.getByRole('dialog', { name: 'How to filter' })).toContainText('Fields: app');
    });

    test('no connections yet is said as such', async () => {
      const { page } = await openScreen('Connections', { rows: 0 });
      await expectPage(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
    });
  });
});
