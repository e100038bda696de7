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
