// What can be said of a whole app out of its hosts: whether anything is let through, which host comes first, what can be searched.
// Pure; not for the sentences (core/explain).
import type { AppHost, AppSummary } from '../../electron/contract/snapshot.ts';
import type { VerdictKind } from '../../electron/core/model.ts';

/** Worst news first: what a person should hear about an app before anything else. */
const order: readonly VerdictKind[] = ['pinned', 'private-trust-store', 'client-certificate', 'incompatible'];

/** The next connection to at least one host is going to be bypassed. */
export function isLetThrough(app: AppSummary): boolean {
  return app.hosts.some((host) => host.next.disposition === 'bypass');
}

/** The refusals that the app's verdicts rest on, by form, the most frequent first; `alert`: null for a refusal without a word. */
export function refusalsOf(app: AppSummary): readonly { readonly alert: number | null; readonly count: number }[] {
  const counts = new Map<number | null, number>();
  for (const { code, values } of app.hosts.flatMap((host) => host.verdict.because)) {
    if (code !== 'refused-here') continue;
    const alert = values['sign'] === 'alert' ? Number(values['alert']) : null;
    counts.set(alert, (counts.get(alert) ?? 0) + Number(values['count']));
  }
  return [...counts].map(([alert, count]) => ({ alert, count })).sort((a, b) => b.count - a.count);
}

/** When the first of the app's exclusions in force ends, ms since the epoch; null = none of them ends by itself. */
export function nextEnd(app: AppSummary): number | null {
  const ends = app.hosts.flatMap((host) => (host.next.disposition === 'bypass' ? host.exclusion?.expiresAt ?? [] : []));
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Hosts in the order a person wants them: weighty verdicts first, then the latest seen. */
export function hostsByWeight(app: AppSummary): readonly AppHost[] {
  return [...app.hosts].sort((a, b) => weight(a) - weight(b) || b.lastSeen - a.lastSeen);
}

/** Apps whose name, path, script, package or host contains every word of `text`, latest seen first. */
export function findApps(apps: readonly AppSummary[], text: string, letThroughOnly: boolean): readonly AppSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return apps
    .filter((app) => !letThroughOnly || isLetThrough(app))
    .filter((app) => {
      const all = [app.name, app.path, app.script, app.package, ...app.hosts.map((host) => host.host)].join('\n').toLowerCase();
      return words.every((word) => all.includes(word));
    })
    .sort((a, b) => b.lastSeen - a.lastSeen || (a.id < b.id ? -1 : 1));
}

function weight(host: AppHost): number {
  const index = order.indexOf(host.verdict.kind);
  if (index >= 0) return index;
  return refusedWithoutAnswer(host) ? order.length : order.length + 1;
}

function refusedWithoutAnswer(host: AppHost): boolean {
  return host.verdict.kind === 'undetermined' && host.verdict.because.some((fact) => fact.code === 'refused-here');
}
