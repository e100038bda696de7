// What a helpdesk agent should act on, ranked: problem, evidence, cause, fix, who, and what to tell the caller.
// Not for how it looks (report) and not for judging apps (core/pinning): this only orders what is already known.
import { adviseVerdict, explainFact, explainOutcome, explainVerdict } from '../explain.ts';
import type { VisibleWarning } from '../health/warnings.ts';
import type { Disposition, VerdictKind } from '../model.ts';
import { placeOf } from '../policy/policy.ts';
import type { PolicyProblem } from '../policy/policy.ts';
import { selfTestFaults, type SelfTestRow } from './tls-selftest.ts';
import type { ReportApp, ReportConnection, ReportHost, ReportStore } from './report-input.ts';

/** problem: something does not work; attention: it works, but not as meant; note: as designed, worth knowing. */
export type FindingLevel = 'problem' | 'attention' | 'note';

export type Finding = {
  readonly level: FindingLevel;
  readonly problem: string;
  readonly evidence: readonly string[];
  /** What speaks against the cause named. */
  readonly against: readonly string[];
  readonly cause: string;
  readonly fix: string;
  /** Who can do the fix. */
  readonly who: 'nobody' | 'helpdesk' | 'administrator' | 'owner of the server';
  /** One sentence for the caller. */
  readonly tell: string;
};

/** Everything is null that was not collected. */
export type FindingsInput = {
  /** No agent ran when this was collected. */
  readonly agentGone?: boolean;
  readonly warnings: readonly VisibleWarning[] | null;
  readonly policyProblems: readonly PolicyProblem[] | null;
  readonly apps: readonly ReportApp[] | null;
  readonly connections: readonly ReportConnection[] | null;
  readonly stores: readonly ReportStore[] | null;
  readonly selfTest: readonly SelfTestRow[] | null;
};

/** What a report and `findings.json` say of a device. */
export type Judgement = { readonly sentence: string; readonly findings: readonly Finding[] };

export function judgeDevice(input: FindingsInput): Judgement {
  const findings = rankFindings(input);
  return { sentence: `${input.agentGone === true ? 'The agent was not running. ' : ''}${verdictSentence(findings, input.apps)}`, findings };
}

/** Worst first; of one level, in the order: policy, Pinlight itself, trust, apps, servers. */
export function rankFindings(input: FindingsInput): Finding[] {
  const order: readonly FindingLevel[] = ['problem', 'attention', 'note'];
  const lacking = (input.stores ?? []).filter((store) => store.kind === 'system' && store.state === 'missing');
  const apps = input.apps ?? [];
  const all = [
    ...goneFindings(input.agentGone ?? false),
    ...policyFindings(input.policyProblems ?? []),
    ...warningFindings(input),
    ...selfTestFindings(input.selfTest ?? []),
    ...faultFindings(input.connections ?? []),
    ...storeFindings(lacking, apps.filter((app) => app.hosts.some((host) => rests(host, lacking))).map((app) => app.name)),
    ...apps.map((app) => ({ ...app, hosts: app.hosts.filter((host) => !rests(host, lacking)) })).flatMap(appFindings),
    ...serverFindings(input.connections ?? []),
  ];
  return all.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

/** The whole state of the device as one sentence. */
export function verdictSentence(findings: readonly Finding[], apps: readonly ReportApp[] | null): string {
  if (apps === null) return 'The state of the apps could not be collected, so this report cannot judge this device.';
  const count = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length;
  const problems = count('problem');
  const bypassed = apps.filter((app) => app.hosts.some(isBypassed)).length;
  const tail = bypassed === 0 ? 'no app is bypassed' : `${plural(bypassed, 'app')} ${bypassed === 1 ? 'is' : 'are'} bypassed at some of ${bypassed === 1 ? 'its' : 'their'} hosts`;
  if (problems > 0) return `${plural(problems, 'problem')} to solve, ${problems === 1 ? 'shown first' : 'worst first'} below; ${tail}.`;
  const attention = count('attention');
  if (attention > 0) return `Everything works; ${plural(attention, 'thing')} could be better, and ${tail}.`;
  return `Everything works as policy says; ${tail}.`;
}

/** True when the next connection to this host is let through although inspection was meant or tried. */
export function isBypassed(host: ReportHost): boolean {
  return host.next.disposition === 'bypass' && (host.exclusion !== null || host.verdict.kind !== 'inspectable');
}

/** `1 app`, `3 apps`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function goneFindings(gone: boolean): Finding[] {
  if (!gone) return [];
  return [{
    level: 'problem',
    problem: 'The agent was not running.',
    against: [],
    evidence: ['Nobody answered at its control socket; this bundle has what the last agent left on disk.'],
    cause: 'It was stopped, it ended by a fault, or it could not start. The last lines of agent.log say which.',
    fix: 'Start it (open Pinlight, or `pinlight service status`); if it ends again, its own words stand in agent.log.',
    who: 'administrator',
    tell: 'Pinlight is not running, so nothing is inspected; your apps work without it unless your organisation wants otherwise.',
  }];
}

function policyFindings(problems: readonly PolicyProblem[]): Finding[] {
  if (problems.length === 0) return [];
  return [{
    level: 'problem',
    problem: `The policy has ${plural(problems.length, 'error')}.`,
    against: [],
    evidence: problems.slice(0, 5).map((p) => `${placeOf(p)}${p.column === null ? '' : `, column ${p.column}`}: ${p.path === '' ? '' : `${p.path}: `}${p.message}`),
    cause: 'A policy file was changed and does not follow the format. A good version read earlier stays in force; without one, nothing is inspected on a guess.',
    fix: 'Correct the file at the lines named; `pinlight policy check FILE` tests it before it is used.',
    who: 'administrator',
    tell: 'Your computer keeps working under the earlier rules; the administrator has to correct a settings file.',
  }];
}

/** Two codes have a fuller finding of their own: policy errors by line, and private trust stores by app. */
function warningFindings(input: FindingsInput): Finding[] {
  const covered = (code: string): boolean => (code === 'policy-invalid' && (input.policyProblems ?? []).length > 0)
    || (code === 'private-trust-store' && (input.apps ?? []).some((app) => app.hosts.some((host) => host.verdict.kind === 'private-trust-store')));
  const levels = { error: 'problem', warning: 'attention', notice: 'note' } as const;
  return (input.warnings ?? []).filter((warning) => !covered(warning.code)).map((warning) => ({
    level: levels[warning.severity],
    problem: `${warning.title}.`,
    evidence: [],
    against: [],
    cause: warning.text,
    fix: warning.advice,
    who: warning.severity === 'notice' ? 'helpdesk' as const : 'administrator' as const,
    tell: warning.severity === 'error'
      ? 'Pinlight itself needs repair; your apps keep their connections meanwhile as policy says.'
      : 'You can go on working; we will look after it.',
  }));
}

function selfTestFindings(rows: readonly SelfTestRow[]): Finding[] {
  const faults = selfTestFaults(rows);
  if (faults.length === 0) return [];
  return [{
    level: 'problem',
    problem: 'Pinlight\'s own handshakes do not come out as they must.',
    evidence: faults,
    against: [],
    cause: 'The root, the clock or the cryptography of this device: no program could accept our certificates then, whatever it trusts.',
    fix: 'Look at the clock and at the root (`pinlight doctor`); where both are right, report tls-selftest.json to the makers of Pinlight.',
    who: 'administrator',
    tell: 'Pinlight itself needs repair; your apps keep their connections meanwhile as policy says.',
  }];
}

function faultFindings(rows: readonly ReportConnection[]): Finding[] {
  const faults = rows.filter(isAgentFault);
  return groups(faults, (row) => (row.outcome?.kind === 'agent-fault' ? row.outcome.code : '')).map(([code, found]) => ({
    level: 'problem',
    problem: `Pinlight itself failed at ${plural(found.length, 'connection')} (${code}).`,
    evidence: examples(found),
    against: [],
    cause: 'A fault in Pinlight, not in the app and not at the server.',
    fix: 'Restart the agent; if it happens again, send this bundle to whoever supports Pinlight.',
    who: 'administrator',
    tell: 'The fault is ours, not yours; please try again, and we pass the report on if it stays.',
  }));
}

/** One finding for the system's store, however many files it is made of; the apps that refuse because of it stand there and nowhere else. */
function storeFindings(lacking: readonly ReportStore[], readers: readonly string[]): Finding[] {
  if (lacking.length === 0) return [];
  return [{
    level: 'problem',
    problem: 'The root certificate of this device is not in the system\'s trust store.',
    against: [],
    evidence: [
      ...lacking.map((store) => `${store.store}${store.path === null ? '' : ` (${store.path})`}: ${store.detail}`),
      ...(readers.length === 0 ? [] : [`Apps that read it and refuse inspection: ${list(readers, 5)}.`]),
    ],
    cause: 'The root was never installed there, or something removed it. Every app that reads this store refuses inspection.',
    fix: 'Install the root as an administrator; `pinlight trust status` names the file and the store.',
    who: 'administrator',
    tell: 'Some apps warn about certificates because this computer does not know ours; an administrator can repair that.',
  }];
}

/** The host's verdict rests on one of these stores. */
function rests(host: ReportHost, lacking: readonly ReportStore[]): boolean {
  return host.verdict.kind === 'private-trust-store'
    && host.verdict.because.some((fact) => fact.code === 'store-lacks-root' && lacking.some(({ store }) => store === fact.values['store']));
}

const pinningKinds: readonly VerdictKind[] = ['undetermined', 'private-trust-store', 'pinned', 'client-certificate', 'incompatible'];

/** One finding for each verdict an app has, however many hosts share it, and apart for what fails and what is let through. */
function appFindings(app: ReportApp): Finding[] {
  return pinningKinds.flatMap((kind) => {
    const hosts = app.hosts.filter((host) => host.verdict.kind === kind && saysSomething(host));
    return groups(hosts, (host) => (host.next.disposition === 'bypass' ? 'works' : 'fails')).flatMap(([state, found]) => {
      const first = found[0];
      return first === undefined ? [] : [appFinding(app, first, found, state === 'works')];
    });
  });
}

/** Undetermined without a refusal is the ordinary state of an app that was seen once. */
function saysSomething(host: ReportHost): boolean {
  return host.verdict.kind !== 'undetermined' || host.verdict.because.some((fact) => fact.code === 'refused-here');
}

function appFinding(app: ReportApp, first: ReportHost, hosts: readonly ReportHost[], works: boolean): Finding {
  const others = hosts.slice(1).map((host) => host.host);
  const verdict = first.verdict;
  const settled = works && hosts.every((host) => host.exclusion !== null && host.exclusion.expiresAt === null);
  return {
    level: works ? verdict.kind === 'pinned' || verdict.kind === 'client-certificate' ? 'note' : 'attention' : 'problem',
    problem: works
      ? `${app.name} is not inspected at ${list([first.host, ...others])}.`
      : `${app.name} does not work at ${list([first.host, ...others])}.`,
    evidence: [
      ...verdict.because.filter((fact) => fact.speaks === 'for' || (fact.speaks === 'neither' && fact.code === 'refused-here')).map(explainFact),
      `Next connection: ${dispositionWord[first.next.disposition]}. ${first.next.sentence}`,
    ],
    against: verdict.because.filter((fact) => fact.speaks === 'against').map(explainFact),
    cause: explainVerdict(verdict, app.name, first.host),
    fix: !works && verdict.kind === 'pinned' ? 'Ask the administrator for an exclusion; it cannot be inspected by design.'
      : settled ? 'Nothing to do: an exclusion without an end covers it.' : adviseVerdict(verdict),
    who: settled || (works && verdict.kind === 'pinned') ? 'nobody' : verdict.kind === 'private-trust-store' ? 'helpdesk' : 'administrator',
    tell: works
      ? `${app.name} works and you need do nothing; Pinlight lets it through at ${first.host} because it cannot inspect it there.`
      : `${app.name} refuses our inspection at ${first.host}; it is neither your fault nor the site's, and an exception for it can be asked for.`,
  };
}

/** A decision as a word of what happens to the connection. */
export const dispositionWord: Readonly<Record<Disposition, string>> = { inspect: 'inspected', bypass: 'bypassed', block: 'blocked' };

function serverFindings(rows: readonly ReportConnection[]): Finding[] {
  return failingHosts(rows).slice(0, 10).map((host) => ({
    level: 'attention',
    problem: host.certificate
      ? `The certificate of ${host.host} does not verify (${plural(host.count, 'connection')}).`
      : `${host.host} could not be reached (${plural(host.count, 'connection')}).`,
    against: [],
    evidence: [`${host.sentence} Apps: ${list(host.apps)}.`],
    cause: host.error ?? 'The server\'s side failed before anything was inspected.',
    fix: host.certificate
      ? 'Whoever runs the server has to mend its certificate; if it belongs to the organisation, its authority can be named in the policy (network.upstreamRoots).'
      : 'Check whether the host is reachable from this network without Pinlight.',
    who: host.certificate ? 'owner of the server' : 'helpdesk',
    tell: host.certificate
      ? `The site ${host.host} shows a certificate that nobody should trust; do not enter passwords there.`
      : `The site ${host.host} does not answer; the trouble is between this network and the site.`,
  }));
}

export type FailingHost = {
  readonly host: string;
  readonly count: number;
  readonly last: number;
  readonly apps: readonly string[];
  readonly sentence: string;
  readonly error: string | null;
  /** The server's certificate was the reason, not the way to it. */
  readonly certificate: boolean;
};

/** Hosts whose own side failed, most failures first. */
export function failingHosts(rows: readonly ReportConnection[]): FailingHost[] {
  const failed = rows.filter(isServerFault);
  return groups(failed, (row) => row.host).flatMap(([host, found]) => {
    const newest = found.reduce((a, b) => (b.startedAt > a.startedAt ? b : a));
    return [{
      host,
      count: found.length,
      last: newest.startedAt,
      apps: [...new Set(found.map((row) => row.appName ?? 'unknown app'))],
      sentence: newest.outcome === null ? 'Still open.' : explainOutcome(newest.outcome),
      error: newest.error ?? newest.reason.detail,
      certificate: newest.reason.code === 'upstream-invalid',
    }];
  }).sort((a, b) => b.count - a.count || b.last - a.last);
}

/** Findings and failing hosts are made of these connections. */
export function isJudged(row: ReportConnection): boolean {
  return isAgentFault(row) || isServerFault(row);
}

function isAgentFault(row: ReportConnection): boolean {
  return row.outcome?.kind === 'agent-fault';
}

function isServerFault(row: ReportConnection): boolean {
  return row.outcome?.kind === 'upstream' || row.reason.code === 'upstream-invalid' || row.reason.code === 'upstream-failed';
}

function examples(rows: readonly ReportConnection[]): string[] {
  return rows.slice(0, 3).map((row) => `${row.appName ?? 'unknown app'} at ${row.host}:${row.port}${row.error === null ? '' : `: ${row.error}`}`);
}

function groups<T>(values: readonly T[], key: (value: T) => string): [string, T[]][] {
  const found = new Map<string, T[]>();
  for (const value of values) {
    const name = key(value);
    const group = found.get(name);
    if (group === undefined) found.set(name, [value]);
    else group.push(value);
  }
  return [...found];
}

/** `a, b, c and 4 more`. */
export function list(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
