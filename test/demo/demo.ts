// `npm run demo`: the five-minute proof. Origins of its own, an agent in a temporary profile, the real programs of this machine,
// one table of what happened and why, a bundle. Touches no setting of the machine. Not a test, but exits 1 if a verdict is not what it must be.
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { explainFact, explainVerdict } from '../../electron/core/explain.ts';
import type { ConnectionOutcome, Disposition, Verdict, VerdictKind } from '../../electron/core/model.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import * as programs from '../clients/programs.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';

type Step = { readonly program: programs.Program; readonly host: string; readonly pinned?: true; readonly visits: number; readonly must: VerdictKind; readonly works: 'first' | 'second' };
type Attempt = { readonly disposition: Disposition; readonly outcome: string; readonly ok: boolean };
type Row = {
  readonly app: string; readonly program: string; readonly host: string; readonly attempts: readonly Attempt[];
  readonly verdict: VerdictKind; readonly because: readonly string[]; readonly sentence: string; readonly asExpected: boolean;
};

const shop = 'shop.pinlight.test';
const bank = 'bank.pinlight.test';
const mail = 'mail.pinlight.test';

/** Every program that refuses us refuses us everywhere, so two hosts each; curl trusts at one and pins at another. */
const steps: readonly Step[] = [
  { program: programs.commandLine.curl, host: shop, visits: 2, must: 'inspectable', works: 'first' },
  { program: programs.commandLine.curl, host: bank, pinned: true, visits: 3, must: 'pinned', works: 'second' },
  ...refusing(programs.commandLine.opensslOwnList), ...refusing(programs.commandLine.wgetOwnList), ...refusing(programs.python.urllibOwnList),
  ...refusing(programs.node.fetchOwnList), ...refusing(programs.java.urlOwnList), ...refusing(programs.go.httpOwnList),
  // Pins everywhere, over a runtime that never refuses an unknown root in this way: both readings stay open.
  { program: programs.python.pinsAll, host: shop, visits: 2, must: 'undetermined', works: 'second' },
  { program: programs.python.pinsAll, host: mail, visits: 2, must: 'undetermined', works: 'second' },
  { program: programs.node.preconnect, host: shop, visits: 2, must: 'undetermined', works: 'first' },
  { program: programs.chromium, host: shop, visits: 2, must: 'inspectable', works: 'first' },
  { program: programs.firefox, host: shop, visits: 2, must: 'private-trust-store', works: 'second' },
];

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    console.log('Usage: npm run demo [-- --json]\n\nDrives the real programs of this machine through a Pinlight of its own and shows which were inspected,\nwhich were let through, and why. Exit code 0 when every verdict is what it must be, else 1.');
    return;
  }
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const stage = await openStage();
  try {
    const missing = [...new Set(steps.map((step) => step.program))].filter((program) => !programs.isPresent(program));
    for (const program of missing) say(`not here: ${program.title} (Debian: ${program.debian})`);
    const rows: Row[] = [];
    const prepared = new Set<programs.Program>();
    for (const step of steps) {
      if (missing.includes(step.program)) continue;
      say(`${step.program.title} → ${step.host} …`);
      if (!prepared.has(step.program)) await step.program.prepare?.(stage.place);
      prepared.add(step.program);
      rows.push(await runStep(step, stage));
    }
    const bundle = join(mkdtempSync(join(tmpdir(), 'pinlight-demo-')), 'pinlight-diag.zip');
    await stage.agent.client.downloadBundle(createWriteStream(bundle, { mode: 0o600 }));
    const ok = rows.length > 0 && rows.every((row) => row.asExpected);
    if (values.json === true) {
      console.log(JSON.stringify({
        apps: rows.map(({ app, host, attempts, verdict, because }) => ({ app, host, attempts, verdict, because })),
        bundle, missing: missing.map((program) => program.title), ok,
      }, null, 2));
    } else print(rows, bundle, missing.map((program) => program.title), ok);
    process.exitCode = ok ? 0 : 1;
  } finally {
    await stage.close();
  }
}

function refusing(program: programs.Program): Step[] {
  return [shop, mail].map((host) => ({ program, host, visits: 3, must: 'private-trust-store', works: 'second' }));
}

type Stage = { readonly agent: TestAgent; readonly place: programs.Place; readonly served: (host: string) => number; readonly pems: Map<string, string>; close(): Promise<void> };

async function openStage(): Promise<Stage> {
  const authority: TestAuthority = createTestAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-demo-clients-'));
  const served = new Map<string, number>();
  const pems = new Map<string, string>();
  const origins: Origin[] = [];
  for (const host of [shop, bank, mail]) {
    const leaf = authority.leaf(host);
    pems.set(host, leaf.cert);
    origins.push(await startOrigin(authority, host, { leaf, onRequest: (_request, response) => {
      served.set(host, (served.get(host) ?? 0) + 1);
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>${host}</title><p>hello from ${host}</p>\n`);
    } }));
  }
  // The embedded default rules; only the network section says where the demo's own names are.
  const agent = await startTestAgent({ network: {
    localTargets: Object.fromEntries(origins.map((origin) => [`${origin.host}:443`, `127.0.0.1:${origin.port}`])), upstreamRoots: [authority.rootFile],
  } });
  return {
    agent, pems, served: (host) => served.get(host) ?? 0,
    place: { proxyPort: agent.proxyPort, rootFile: agent.rootFile, originsRootFile: authority.rootFile, folder },
    close: async () => {
      await agent.stop();
      await Promise.all(origins.map((origin) => origin.close()));
      authority.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function runStep(step: Step, stage: Stage): Promise<Row> {
  const attempts: Attempt[] = [];
  let appId: string | null = null;
  let app = step.program.title;
  for (let visit = 0; visit < step.visits; visit += 1) {
    const before = await newestId(stage.agent);
    const result = await step.program.visit(stage.place, {
      host: step.host, certificatePem: stage.pems.get(step.host) as string, served: () => stage.served(step.host), pinned: step.pinned ?? false,
    });
    const row = await decisiveRow(stage.agent, step.host, before);
    appId = row.appId ?? appId;
    app = row.appName ?? app;
    attempts.push({ disposition: row.disposition, outcome: outcomeWord(row.outcome), ok: result.ok });
  }
  if (appId === null) throw new Error(`the agent did not identify ${step.program.title}`);
  const explained = await stage.agent.client.call('explain', { app: appId, host: step.host }, {});
  const verdict = explained.verdict as Verdict;
  const workedFrom = step.works === 'first' ? 0 : 1;
  return {
    app, program: step.program.title, host: step.host, attempts, verdict: verdict.kind, because: verdict.because.map(explainFact),
    sentence: explainVerdict(verdict, app, step.host),
    asExpected: verdict.kind === step.must && attempts.every((attempt, index) => attempt.ok === (index >= workedFrom)),
  };
}

async function newestId(agent: TestAgent): Promise<number> {
  return (await agent.client.call('connections', { limit: '1' }, {})).rows[0]?.id ?? 0;
}

/** The connection of a visit that says most, once all of them have an outcome: browsers make several. */
async function decisiveRow(agent: TestAgent, host: string, after: number): Promise<ConnectionRow> {
  const rank: Partial<Record<ConnectionOutcome['kind'], number>> = { established: 5, passed: 4, refused: 3, unused: 2, incompatible: 1 };
  for (let tries = 0; tries < 100; tries += 1) {
    const { rows } = await agent.client.call('connections', { filter: `host == "${host}"`, limit: '50' }, {});
    const mine = rows.filter((row) => row.id > after);
    if (mine.length > 0 && mine.every((row) => row.outcome !== null)) {
      return [...mine].sort((a, b) => (rank[b.outcome?.kind ?? 'abandoned'] ?? 0) - (rank[a.outcome?.kind ?? 'abandoned'] ?? 0))[0] as ConnectionRow;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`no finished connection to ${host} was seen`);
}

function outcomeWord(outcome: ConnectionOutcome | null): string {
  if (outcome === null) return 'open';
  if (outcome.kind === 'refused') return outcome.sign === 'alert' ? `refused (alert ${outcome.alert})` : `refused (${outcome.sign})`;
  return outcome.kind === 'passed' ? (outcome.data ? 'passed' : 'passed, no data') : outcome.kind;
}

function print(rows: readonly Row[], bundle: string, missing: readonly string[], ok: boolean): void {
  const color = (style: 'green' | 'red' | 'bold' | 'dim', text: string): string => (process.stdout.isTTY ? styleText(style, text) : text);
  const head = ['app', 'host', 'attempts', 'verdict'];
  const lines = rows.map((row) => [
    `${row.app}${row.app === row.program ? '' : ` (${row.program})`}`, row.host.replace('.pinlight.test', ''),
    row.attempts.map((attempt) => `${attempt.disposition}: ${attempt.outcome}${attempt.ok ? '' : ' ✗'}`).join(' → '),
    `${row.verdict}${row.asExpected ? '' : '  ← not as expected'}`,
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => (line[column] as string).length)));
  const format = (line: readonly string[]): string => line.map((cell, column) => cell.padEnd(widths[column] as number)).join('  ').trimEnd();
  console.log(`\n${color('bold', format(head))}`);
  rows.forEach((row, index) => {
    console.log(color(row.asExpected ? 'green' : 'red', format(lines[index] as string[])));
    for (const reason of row.because) console.log(color('dim', `    ${reason}`));
  });
  if (missing.length > 0) console.log(`\nNot on this machine, so not shown: ${missing.join(', ')}.`);
  console.log(`\nDiagnostic bundle: ${bundle}\n${ok ? color('green', 'Every verdict is what it must be.') : color('red', 'A verdict is not what it must be.')}`);
}
