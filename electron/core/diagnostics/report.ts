// The report a helpdesk agent opens from the bundle: one page that needs no network, no script and no Pinlight to be read.
// Not for collecting or redacting: every string that arrives here has been redacted, and is escaped here whatever it holds.
import { duration, explainExclusion, explainFact, explainOutcome, explainReason, explainVerdict } from '../explain.ts';
import type { Exclusion } from '../model.ts';
import { doctorMarks, mostUrgentFirst } from './doctor-report.ts';
import type { DoctorReport } from './doctor-report.ts';
import { dispositionWord, failingHosts, isBypassed, list, plural } from './findings.ts';
import type { Finding, Judgement } from './findings.ts';
import { keptNotes, neverCollected } from './manifest.ts';
import type { ManifestFile } from './manifest.ts';
import { html, reportStyle, table, utc, utcSeconds } from './report-html.ts';
import type { Html } from './report-html.ts';
import type { ReportApp, ReportConnection, ReportHost, ReportInput, ReportPolicy, ReportStore } from './report-input.ts';
import { timelineOf } from './timeline.ts';

/**
 * The page. `sha256` answers the SHA-256 of a text (UTF-8) in base64, for the page's own content security policy.
 * On paper it is two pages: what is only worth looking up is left to the screen (`screen-only`, and the style sheet).
 */
export function renderReport(input: ReportInput, { sentence, findings }: Judgement, sha256: (text: string) => string): string {
  const security = `default-src 'none'; style-src 'sha256-${sha256(reportStyle)}'; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${{ html: security }}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pinlight report ${input.id}, ${input.device}</title>
<style>${{ html: reportStyle }}</style>
</head>
<body>
${head(input)}
<main>
<p class="verdict">${sentence}</p>
${reportedSection(input)}
${timelineSection(input)}
${findingsSection(findings)}
${doctorSection(input.doctor)}
${bypassedSection(input)}
${appsSection(input.apps)}
${hostsSection(input)}
${storesSection(input.stores)}
${policySection(input.policy)}
${connectionsSection(input)}
${environmentSection(input)}
${redactionSection(input)}
${filesSection(input.files)}
</main>
</body>
</html>
`.html;
}

function head(input: ReportInput): Html {
  const agent = input.agent;
  const since = agent === null ? '' : `, agent ${agent.version} running for ${duration(input.createdAt - agent.startedAt)}`;
  const counts = input.counts === null ? '' : ` Since the agent started: ${input.counts.inspect} inspected, ${input.counts.bypass} bypassed, ${input.counts.block} blocked.`;
  return html`<header>
<h1>Pinlight report for ${input.device}</h1>
<p>Report <span class="id">${input.id}</span>, ${utc(input.createdAt)} UTC, Pinlight ${input.version}${since}.${counts} All times are UTC.</p>
</header>`;
}

function section(title: string, body: Html, name = ''): Html {
  return html`<section${name === '' ? html`` : html` class="${name}"`}>
<h2>${title}</h2>
${body}</section>
`;
}

const missing = html`<p class="soft">Not collected; the reason stands under “Left out and removed”.</p>`;

/** As the style sheet's nth-child; further down nobody reads paper. */
const printedFindings = 4;

const levelWord = { problem: 'Problem', attention: 'Attention', note: 'For information' } as const;
const whoWord: Readonly<Record<Finding['who'], string>> = {
  nobody: 'nothing to be done', helpdesk: 'you, the helpdesk', administrator: 'the administrator', 'owner of the server': 'the owner of the server',
};

function reportedSection({ note, recording }: ReportInput): Html {
  if (note === null && recording === null) return html``;
  return section('What the user reported', html`${note === null ? html`<p class="soft">Nothing in words.</p>` : html`<p>${note}</p>`}
${recording === null ? html`` : html`<p>Recorded from ${utcSeconds(recording.from)} to ${utcSeconds(recording.to)}, ${duration(recording.to - recording.from)}.</p>`}`);
}

function timelineSection(input: ReportInput): Html {
  const entries = timelineOf(input);
  const title = input.recording === null ? 'Timeline of the last hour' : 'Timeline of the recording';
  if (entries.length === 0) return section(title, html`<p>${input.recording === null ? 'Nothing went wrong and nothing changed.' : 'Nothing happened in it.'}</p>`);
  // The newest count most, and of a recording its begin.
  const shown = input.recording === null ? entries.slice(-40) : entries.slice(0, 60);
  return section(title, html`${table(title, ['Time', 'What happened'], shown.map((entry) => [
    html`<span class="nowrap">${utcSeconds(entry.at)}</span>`, entry.kind === 'mark' ? html`<strong>${entry.text}</strong>` : entry.text,
  ]), { most: 60, rest: 'connections.ndjson' })}${entries.length > shown.length ? html`<p class="more">${entries.length - shown.length} more in connections.ndjson.</p>` : html``}`, 'timeline');
}

function findingsSection(findings: readonly Finding[]): Html {
  const shown = findings.slice(0, 12);
  const items = shown.map((finding) => html`<li class="${finding.level}">
<p class="level">${levelWord[finding.level]}</p>
<h3>${finding.problem}</h3>
<dl>
<dt>Tell the caller</dt><dd class="tell">${codes(finding.tell)}</dd>
<dt>Cause</dt><dd>${codes(finding.cause)}</dd>
${evidence('Evidence', finding.evidence)}${evidence('Against it', finding.against)}
<dt>Fix</dt><dd>${codes(finding.fix)}</dd>
<dt>Who</dt><dd>${whoWord[finding.who]}</dd>
</dl>
</li>
`);
  const more = html`${findings.length > shown.length ? html`<p class="more">${findings.length - shown.length} more of lower rank; the apps and hosts below have them.</p>` : html``}
${findings.length > printedFindings ? html`<p class="more paper-only">${findings.length - printedFindings} more of lower rank in report.html on screen.</p>` : html``}`;
  return section('Findings', findings.length === 0 ? html`<p>Nothing was found that needs anyone.</p>` : html`<ol class="findings">${items}</ol>${more}`);
}

/** What needs somebody first; paper leaves out what is as it should be. */
function doctorSection(doctor: DoctorReport | null): Html {
  if (doctor === null) return section('Check of this device', html`<p class="soft">The doctor was not run; <code>pinlight bundle</code> runs it.</p>`);
  const rows = mostUrgentFirst(doctor.checks).map(({ name, state, text, fix }) => html`<li class="${state}">
<code class="nowrap">${doctorMarks[state]}</code> <strong>${name}</strong>: ${codes(text)}${fix === null ? html`` : html`<br>Fix: ${codes(fix)}`}</li>
`);
  return section('Check of this device', html`<p>${doctor.ok ? 'Nothing is wrong.' : `${plural(doctor.checks.filter(({ state }) => state === 'wrong').length, 'thing')} wrong.`} By <code>pinlight doctor</code>, as who made this bundle.</p>
<ul class="checks">${rows}</ul>`);
}

function evidence(title: string, lines: readonly string[]): Html {
  return lines.length === 0 ? html`` : html`<dt>${title}</dt><dd><ul>${lines.map((line) => html`<li>${codes(line)}</li>`)}</ul></dd>
`;
}

/** Commands between back quotes, as the advice texts write them. */
function codes(text: string): Html[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

function bypassedSection(input: ReportInput): Html {
  if (input.apps === null) return section('Bypassed apps', missing);
  const rows = input.apps.flatMap((app) => app.hosts.filter(isBypassed).map((host) => [
    app.name,
    host.host,
    host.exclusion === null ? host.next.sentence : host.exclusion.reason,
    html`<span class="nowrap">${utc(host.exclusion?.createdAt ?? host.firstSeen)}</span>`,
    host.exclusion === null ? 'while policy says so' : until(host.exclusion, input.createdAt),
    stillApplies(app),
  ]));
  const wide = (input.exclusions ?? []).filter((exclusion) => exclusion.appId === null && exclusion.kind !== 'predefined');
  return section('Bypassed apps', html`${rows.length === 0
    ? html`<p>None. An app stands here when it refuses inspection, by a pin or a trust store of its own, and is let through.</p>`
    : html`<p>Of every app here the connections are recorded with app and host, block rules apply, and the app itself checks whom it talks to.</p>${table('Bypassed apps', ['App', 'Host', 'Why', 'Since', 'Until', 'What still applies'], rows, { most: 40, rest: 'apps.json' })}`}
${wide.length === 0 ? html`` : html`<p>Exclusions for every app:</p><ul>${wide.slice(0, 20).map((exclusion) => html`<li>${explainExclusion(exclusion, input.createdAt)}</li>`)}</ul>`}`);
}

function until(exclusion: Exclusion, now: number): string {
  if (exclusion.expiresAt === null) return 'no end';
  return exclusion.expiresAt <= now ? `ended ${utc(exclusion.expiresAt)}` : `in ${duration(exclusion.expiresAt - now)}, ${utc(exclusion.expiresAt)}`;
}

/** What this bypass does not switch off, besides what no bypass does. */
function stillApplies(app: ReportApp): string {
  const inspected = app.hosts.filter((host) => host.next.disposition === 'inspect').map((host) => host.host);
  return inspected.length === 0 ? 'Policy, at every other host.' : `Inspection, at ${list(inspected, 2)}; policy, at every other host.`;
}

function appsSection(apps: readonly ReportApp[] | null): Html {
  if (apps === null) return section('Apps and verdicts', missing);
  const rows = apps.flatMap((app) => (app.hosts.length === 0
    ? [[appCell(app), html`no host yet`, html``, html``, html``]]
    : app.hosts.map((host, i) => [i === 0 ? appCell(app) : html`${app.name}`, ...hostCells(app, host)])));
  return section('Apps and verdicts', rows.length === 0 ? html`<p>No app has been seen yet.</p>`
    : table('Apps and verdicts', ['App', 'Host', 'Verdict', 'Evidence', 'Next connection'], rows, { most: 40, rest: 'apps.json' }), 'apps');
}

function appCell(app: ReportApp): Html {
  const owner = app.package ?? (app.known ? 'known' : 'no package owns it');
  return html`${app.name}<br><code>${app.script ?? app.path}</code><br>${[app.runtime, owner].filter((part) => part !== null).join(', ')}`;
}

function hostCells(app: ReportApp, host: ReportHost): Html[] {
  const facts = host.verdict.because.slice(0, 4).map((fact) => html`<li>${fact.speaks === 'against' ? 'Against: ' : ''}${explainFact(fact)}</li>`);
  return [
    html`${host.host}`,
    html`${explainVerdict(host.verdict, app.name, host.host)}`,
    html`${facts.length === 0 ? html`${plural(host.attempts, 'attempt')}` : html`<ul>${facts}</ul>`}`,
    html`${dispositionWord[host.next.disposition]}`,
  ];
}

function hostsSection({ connections: rows, connectionsHeld }: ReportInput): Html {
  if (rows === null) return section('Failing hosts', missing);
  const hosts = failingHosts(rows);
  return section('Failing hosts', hosts.length === 0
    ? html`<p>None among ${connectionsHeld ?? 'them'}.</p>`
    : table('Failing hosts', ['Host', 'Times', 'Last', 'What happened', 'Apps'], hosts.map((host) => [
      host.host, String(host.count), utc(host.last), host.error === null ? host.sentence : `${host.sentence} ${host.error}`, list(host.apps),
    ]), { most: 15, rest: 'connections.ndjson' }));
}

const stateWord = { trusted: 'holds the root', missing: 'lacks the root', unreadable: 'cannot be read', 'not-checked': 'not checked' } as const;

function storesSection(stores: readonly ReportStore[] | null): Html {
  if (stores === null) return section('Trust stores', missing);
  return section('Trust stores', table('Trust stores', ['Store', 'State', 'Place', 'Detail'], stores.map((store) => [
    store.store, stateWord[store.state], store.path === null ? '' : html`<code>${store.path}</code>`, store.detail,
  ]), { most: 20, rest: 'trust-stores.json' }));
}

function policySection(answer: ReportPolicy | null): Html {
  if (answer === null) return section('Policy', missing);
  const { policy } = answer;
  const origin = (key: string): string => {
    const found = policy.origins[key];
    return found === undefined || found.origin === 'embedded' ? 'default' : `${found.origin}${found.file === null ? '' : `: ${found.file}`}`;
  };
  const changed = Object.entries(policy.origins).filter(([, from]) => from.origin !== 'embedded').map(([key]) => key);
  const keys: [string, string][] = [
    ...Object.entries(policy.defaults).map(([key, value]): [string, string] => [`defaults.${key}`, value]),
    ...Object.entries(policy.learning).map(([key, value]): [string, string] => [`learning.${key}`, String(value)]),
    ...Object.entries(policy.user).map(([key, value]): [string, string] => [`user.${key}`, value]),
    ...[...Object.entries(policy.pause).map(([key, value]) => [`pause.${key}`, value] as const), ...Object.entries(policy.diagnostics).map(([key, value]) => [`diagnostics.${key}`, value] as const)]
      .map(([key, value]): [string, string] => [key, value === null ? 'none' : String(value)]),
    ...Object.entries(policy.network).map(([key, value]): [string, string] => [
      `network.${key}`, typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  ];
  return section('Policy', html`<p>Generation ${answer.generation}, from ${answer.files.length === 0 ? 'the built-in default' : list(answer.files, 5)}.
${changed.length === 0 ? 'Nothing differs from the default.' : `Different from the default: ${list(changed, 12)}.`}</p>
<dl class="facts screen-only">${keys.map(([key, value]) => html`<div><dt>${key}</dt><dd>${value} <span class="soft">(${origin(key)})</span></dd></div>`)}</dl>
${table('Policy rules', ['Rule', 'When', 'Do', 'Set by'], policy.rules.map((rule) => [
    rule.id,
    html`<code>${JSON.stringify(rule.when)}</code>`,
    `${rule.do}${rule.mustInspect ? ', must inspect' : ''}${rule.reason === null ? '' : ` (${rule.reason})`}`,
    origin(policy.origins[`rules.${rule.id}`] === undefined ? 'rules' : `rules.${rule.id}`),
  ]), { most: 25, rest: 'policy.json' })}
<p>${plural(policy.exclusions.length, 'predefined exclusion')} by host: services whose makers document that inspection breaks them.</p>`);
}

/** The newest; how many there are stands above them. */
export const reportedConnections = 20;

function connectionsSection({ connections: rows, connectionsHeld }: ReportInput): Html {
  if (rows === null) return section('Recent connections', missing);
  return section('Recent connections', rows.length === 0 ? html`<p>None yet.</p>`
    : html`<p class="soft">connections.ndjson has ${connectionsHeld ?? 'them'}.</p>
${table('Recent connections', ['Start', 'App', 'Target', 'Done', 'Because', 'Outcome'], rows.slice(0, reportedConnections).map((row) => [
      html`<span class="nowrap">${utc(row.startedAt)}</span>`,
      row.appName ?? 'unknown app',
      `${row.host}:${row.port}`,
      doneWords(row),
      // The rule's name says enough in a list; its author's sentence stands with the policy.
      explainReason(row.reason.code === 'rule' ? { ...row.reason, detail: null } : row.reason, row.rule),
      row.outcome === null ? 'Still open.' : explainOutcome(row.outcome),
    ]), { most: reportedConnections, rest: 'connections.ndjson' })}`, 'recent');
}

function doneWords({ decided, disposition, reason, outcome }: ReportConnection): string {
  if (outcome?.kind === 'upstream' && reason.code === 'upstream-failed') return 'not connected';
  return decided === disposition ? dispositionWord[disposition] : `${dispositionWord[disposition]} (meant: ${dispositionWord[decided]})`;
}

function environmentSection(input: ReportInput): Html {
  const agent = input.agent;
  const facts: [string, string][] = [
    ...(agent === null ? [] : [
      ['proxy', agent.proxy.join(', ')],
      ['state folder', agent.stateFolder],
      ['root certificate', `${agent.root.subject}, until ${utc(agent.root.notAfter).slice(0, 10)}`],
      ['root fingerprint', agent.root.fingerprint],
      ['root key', agent.root.keyProtection],
    ] satisfies [string, string][]),
    ...Object.entries(input.system ?? {}).map(([key, value]): [string, string] => [inWords(key), String(value)]),
    ...Object.entries(input.versions ?? {}),
  ];
  return section('Environment and versions', facts.length === 0 ? missing
    : html`<dl class="facts">${facts.map(([key, value]) => html`<div><dt>${key}</dt><dd>${value}</dd></div>`)}</dl>`);
}

/** `memoryFreeMb` as `memory free, MB`. */
function inWords(key: string): string {
  return key.replace(/Mb$/, ', MB').replace(/Seconds$/, ', seconds').replace(/([a-z])([A-Z])/g, (_all, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

function redactionSection(input: ReportInput): Html {
  const removed = Object.entries(input.redactionCounts);
  return section('Left out and removed', html`<p>Never collected: ${neverCollected.join('; ')}.</p>
<p>${removed.length === 0 ? 'Nothing had to be removed from what was collected.' : `Removed from what was collected: ${removed.map(([kind, n]) => `${n} × ${kind}`).join(', ')}.`} ${codes(keptNotes[input.names])}</p>
${input.notCollected.length === 0 ? html`<p>Everything that should be in the bundle is in it.</p>`
    : html`<ul>${input.notCollected.map((entry) => html`<li>${entry.name} was not collected, because ${entry.because}.</li>`)}</ul>`}`);
}

function filesSection(files: readonly ManifestFile[]): Html {
  return section('Files of the bundle', table('Files of the bundle', ['File', 'Bytes', 'SHA-256'], [
    ...files.map((file) => [file.name, String(file.bytes), html`<code>${file.sha256}</code>`]),
    ['report.html', '', 'this page; its hash stands in manifest.json'],
  ], { most: 30, rest: 'manifest.json' }), 'files');
}
