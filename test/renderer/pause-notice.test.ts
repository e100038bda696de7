// The first-start notice and the pause in a real Chromium: who is asked what, what reaches the agent, hostile words as text, axe.
import { AxeBuilder } from '@axe-core/playwright';
import { expect as expectPage } from '@playwright/test';
import { describe, expect, test } from 'vitest';
import type { NoticeAnswer } from '../../electron/contract/routes.ts';
import { noticeParagraphs } from '../../electron/core/policy/notice.ts';
import type { PauseView } from '../../electron/core/policy/pause.ts';
import { hasChromium, useWindows } from './fixture-window.ts';
import type { OpenedWindow } from './fixture-window.ts';
import { takePicture } from './picture.ts';

const managedBy = { name: 'Contoso <b>IT</b>\u202E', caption: null, url: null };
const fresh: NoticeAnswer = {
  version: 'v1', mode: 'shown', shownAt: null, acceptedAt: null, paragraphs: noticeParagraphs({ notice: { mode: 'shown', text: null }, managedBy }),
};

describe.skipIf(!hasChromium)('the notice and the pause', () => {
  const openWindow = useWindows();

  async function openWith(notice: NoticeAnswer | null, pause: Partial<PauseView> = {}): Promise<OpenedWindow> {
    const opened = await openWindow({ rows: 50, prepare: (agent) => {
      if (notice !== null) agent.setNotice(notice);
      agent.setSnapshot((snapshot) => ({ ...snapshot, agent: { ...snapshot.agent, pause: { ...snapshot.agent.pause, ...pause } } }));
    } });
    return opened;
  }
  const bodies = (window: OpenedWindow, route: string): unknown[] => window.agent.calls.filter((call) => call.route === route).map(({ body }) => body);

  test('a first opening shows the notice with the manager\'s name as text, and accepting closes it for good', async () => {
    const window = await openWith(fresh);
    const { page, complaints } = window;
    const dialog = page.getByRole('dialog', { name: 'Before you start' });
    await expectPage(dialog).toContainText('where the policy of Contoso <b>IT</b>⟨U+202E⟩ says so');
    await expectPage(dialog).toContainText('never stores or sends what a connection carries');
    await takePicture(page, 'notice');
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.keyboard.press('Enter');
    await expectPage(dialog).toBeHidden();
    expect(bodies(window, 'acceptNotice')).toEqual([{ version: 'v1', as: 'accepted' }]);
    await page.reload();
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    await expectPage(dialog).toBeHidden();
    expect(complaints).toEqual([]);
  });

  test('Escape is "later": shown, not accepted', async () => {
    const window = await openWith(fresh);
    await expectPage(window.page.getByRole('dialog')).toBeVisible();
    await window.page.keyboard.press('Escape');
    await expectPage(window.page.getByRole('dialog')).toBeHidden();
    expect(bodies(window, 'acceptNotice')).toEqual([{ version: 'v1', as: 'shown' }]);
  });

  test.each<[string, Partial<NoticeAnswer>, boolean]>([
    ['comes back until it is accepted where policy requires it', { mode: 'required', shownAt: 1 }, true],
    ['does not come back where it was shown', { shownAt: 1 }, false],
    ['does not come back once accepted', { mode: 'required', shownAt: 1, acceptedAt: 2 }, false],
  ])('it %s', async (_name, change, shown) => {
    const { page } = await openWith({ ...fresh, ...change });
    await expectPage(page.getByRole('heading', { level: 1, includeHidden: true })).toContainText('Inspecting');
    if (shown) await expectPage(page.getByRole('dialog')).toContainText('nothing of yours is inspected');
    else await expectPage(page.getByRole('dialog')).toHaveCount(0);
  });

  test('what was put off is read again from the status, from the tray\'s address, and once accepted from the policy', async () => {
    const window = await openWith({ ...fresh, mode: 'required', shownAt: 1 });
    const { page, agent } = window;
    agent.setSnapshot((snapshot) => ({ ...snapshot, agent: { ...snapshot.agent, noticePending: true } }));
    const dialog = page.getByRole('dialog', { name: 'Before you start' });
    await dialog.getByRole('button', { name: 'Later' }).click();
    await expectPage(dialog).toBeHidden();
    await page.locator('.hero').getByRole('button', { name: 'Read the notice' }).press('Enter');
    await expectPage(dialog).toContainText('nothing of yours is inspected');
    await page.keyboard.press('Escape');
    await expectPage(dialog).toBeHidden();
    for (const _ of ['first', 'again']) {
      await page.evaluate("location.hash = '#notice'");
      await expectPage(dialog).toBeVisible();
      await page.keyboard.press('Escape');
      await expectPage(dialog).toBeHidden();
    }
    await page.locator('.hero').getByRole('button', { name: 'Read the notice' }).click();
    await dialog.getByRole('button', { name: 'I have read this' }).click();
    await expectPage(dialog).toBeHidden();
    agent.setSnapshot((snapshot) => ({ ...snapshot, agent: { ...snapshot.agent, noticePending: false } }));
    await page.getByRole('region', { name: 'Policy', exact: true }).getByRole('button', { name: 'Read the notice' }).click();
    await expectPage(dialog).toContainText('You have accepted this.');
    await expectPage(dialog.getByRole('button')).toHaveText(['Close']);
    await page.keyboard.press('Enter');
    await expectPage(dialog).toBeHidden();
    expect(bodies(window, 'acceptNotice').filter((body) => JSON.stringify(body).includes('accepted'))).toHaveLength(1);
  });

  test('the organisation\'s own words are shown as they are', async () => {
    const { page } = await openWith({ ...fresh, paragraphs: [{ code: 'own', values: {}, text: 'Ihr Gerät wird <i>geprüft</i>.' }] });
    await expectPage(page.getByRole('dialog')).toContainText('Ihr Gerät wird <i>geprüft</i>.');
  });

  test('a pause asks for the reason that policy wants, counts down, and is ended by hand', async () => {
    const window = await openWith(null, { mode: 'comment', maxMinutes: 20, left: 3 });
    const { page, complaints } = window;
    await page.getByRole('button', { name: 'Pause protection…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pause protection' });
    await expectPage(dialog).toBeVisible();
    await takePicture(page, 'pause');
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await dialog.getByRole('button', { name: 'Pause', exact: true }).click();
    expect(bodies(window, 'pause')).toEqual([]);
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('the call drops');
    await dialog.getByRole('button', { name: 'Pause', exact: true }).click();
    await expectPage(page.getByRole('heading', { level: 1 })).toHaveText('Protection is paused');
    await expectPage(page.getByRole('region', { name: 'Pause', exact: true })).toContainText(/Protection is paused: 12:\d\d left, until \d\d:\d\d/);
    expect(bodies(window, 'pause')).toEqual([{ minutes: 15, reason: 'the call drops' }]);
    expect((await new AxeBuilder({ page }).include('section[aria-label="Pause"]').analyze()).violations).toEqual([]);
    await page.getByRole('button', { name: 'Resume now' }).click();
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    expect(complaints).toEqual([]);
  });

  test('a ticket shows the request and sends the answer', async () => {
    const window = await openWith(null, { mode: 'ticket', left: 3 });
    await window.page.getByRole('button', { name: 'Pause protection…' }).click();
    await expectPage(window.page.getByRole('dialog')).toContainText('request ABCD-EFGH, device LAPTOP-42');
    await window.page.getByRole('textbox', { name: 'Code of your helpdesk' }).fill('AAAAA-BBBBB');
    await window.page.getByRole('button', { name: 'Pause', exact: true }).click();
    await expectPage(window.page.getByRole('dialog')).toBeHidden();
    expect(bodies(window, 'pause')).toEqual([{ minutes: 15, code: 'AAAAA-BBBBB' }]);
  });

  test('where policy has no pause there is no button, and a used-up day says so', async () => {
    const { page, agent } = await openWith(null, { mode: 'disallow' });
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    await expectPage(page.getByRole('button', { name: 'Pause protection…' })).toHaveCount(0);
    agent.setSnapshot((snapshot) => ({ ...snapshot, agent: { ...snapshot.agent, pause: { mode: 'allow', maxMinutes: 30, left: 0, active: null } } }));
    await expectPage(page.getByText('No pause is left for today.')).toBeVisible();
  });

  test('the tray\'s address opens the dialog, a link\'s address the log through its filter', async () => {
    const { page } = await openWith(null, { mode: 'comment', left: 3 });
    await expectPage(page.getByRole('heading', { level: 1 })).toContainText('Inspecting');
    await page.evaluate("location.hash = '#pause'");
    await expectPage(page.getByRole('dialog', { name: 'Pause protection' })).toBeVisible();
    await page.keyboard.press('Escape');
    await page.evaluate("location.hash = '#connections?f=disposition%3Abypass'");
    await expectPage(page.getByRole('searchbox').or(page.getByRole('combobox', { name: 'Filter connections' })).or(page.getByRole('textbox', { name: 'Filter connections' }))).toHaveValue('disposition:bypass');
  });
});
