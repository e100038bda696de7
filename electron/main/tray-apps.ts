// Two submenus of the tray: the apps that are let through, and what failed just now. Pure. Not for the rest of the menu (tray-model).
import type { BypassedApp } from '../contract/bypassed-apps.ts';
import type { ConnectionRow, Snapshot } from '../contract/snapshot.ts';
import { word } from '../contract/sentences.ts';
import { decisionSentence, durationSentence, outcomeSentence } from '../core/explain.ts';
import { act, info, line, plainText, submenu } from './tray-items.ts';
import type { TrayItem } from './tray-items.ts';
import type { Words } from './words.ts';

// A menu longer than this does not fit on a 720-pixel screen; the window has the whole list.
const mostApps = 15;
const mostHosts = 8;
// "Recent": what the person still remembers having seen fail.
const recentProblemMs = 15 * 60_000;

/** Who is let through, and why; each can be silenced once it has been told. */
export function bypassedItem(apps: readonly BypassedApp[], silenced: readonly string[], words: Words): TrayItem {
  if (apps.length === 0) return info('bypassed', words('tray.bypassedNone'));
  const shown = apps.slice(0, mostApps).map((app): TrayItem => {
    const id = `bypassed:${app.id}`;
    const hosts = app.hosts.slice(0, mostHosts).map(({ host, words: next }) => info(`${id}:${host}`, words('tray.bypassedHost', { host, sentence: word(words.translate, next) })));
    const more = app.hosts.length - hosts.length;
    return submenu(id,
      // The reason stays whole, whatever the app calls itself.
      words('tray.bypassedApp', { app: plainText(app.name, 50), why: words(`why.${app.why}`) }), [
        ...hosts,
        ...(more === 0 ? [] : [info(`${id}:more`, words('tray.bypassedMore', { count: more }))]),
        act(`${id}:open`, words('tray.bypassedOpen'), { kind: 'open-window', place: { screen: 'apps', app: app.id } }),
        ...(!app.learned || silenced.includes(app.id) ? [] : [act(`${id}:silence`, words('tray.silenceApp'), { kind: 'silence', app: app.id })]),
      ]);
  });
  return submenu('bypassed', words('tray.bypassed', { number: apps.length }), [
    ...shown, line('bypassed:end'), act('bypassed:all', words('tray.bypassedAll'), { kind: 'open-window', place: { screen: 'apps' } }),
  ]);
}

/** The newest failure of the last minutes, with what a person can do about it; empty when there is none. */
export function recentProblem({ recent, agent: { device } }: Snapshot, now: number, words: Words): readonly TrayItem[] {
  const row = recent.find((candidate) => isProblem(candidate) && now - candidate.startedAt <= recentProblemMs);
  if (row?.outcome == null) return [];
  const app = plainText(row.appName ?? words('tray.problemApp'), 400);
  const what = word(words.translate, row.outcome.kind === 'blocked' ? decisionSentence(row) : outcomeSentence(row.outcome));
  // By the minute: a menu that changed every second would be replaced under the pointer.
  const when = now - row.startedAt < 60_000 ? words('tray.problemNow') : words('tray.problemAgo', { duration: word(words.translate, durationSentence(now - row.startedAt)) });
  const host = plainText(row.host, 400);
  const time = new Date(row.startedAt).toISOString();
  return [submenu('recent-problem', words('tray.problem', { app, host }), [
    info('recent-problem:what', what),
    info('recent-problem:when', when),
    act('recent-problem:why', words('tray.problemWhy'), {
      kind: 'open-window', place: row.appId === null ? { screen: 'connections', filter: `id == ${row.id}` } : { screen: 'apps', app: row.appId },
    }),
    act('recent-problem:ask', words('tray.problemAsk'), { kind: 'copy', text: words('tray.problemAskText', { app, host: `${host}:${row.port}`, what, time, number: row.id, device }) }),
    act('recent-problem:copy', words('tray.problemCopy'), {
      kind: 'copy', text: `${words('tray.problemCopyText', { app, host: `${host}:${row.port}`, what, number: row.id })}${row.error === null ? '' : ` (${plainText(row.error, 400)})`}`,
    }),
    act('recent-problem:report', words('tray.problemReport'), { kind: 'open-window', place: { screen: 'diagnostics' } }),
  ])];
}

function isProblem(row: ConnectionRow): boolean {
  const kind = row.outcome?.kind;
  return kind === 'refused' || kind === 'incompatible' || kind === 'agent-fault' || kind === 'upstream' || kind === 'blocked';
}
