// `npm run lab`: real programs in every situation through a real agent, TLS 1.2 and 1.3; how often each verdict was right, and how soon
// each program worked. Not a test of the machine it runs on: what is not installed is listed. Touches no setting of the machine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { VerdictKind } from '../../electron/core/model.ts';
import { judgePinning } from '../../electron/core/pinning/verdict.ts';
import { runPinlight } from '../cli/run-pinlight.ts';
import type { Program } from '../clients/program.ts';
import { forgerMissing, runForger, type ForgerReport } from './forger/run-forger.ts';
import { attemptsUntilWorks, failuresOf, falsePinnedIn, figuresOf, matrixOf } from './matrix.ts';
import { noiseHistory, noiseNow, seeded } from './noise.ts';
import { missingFor, play, type Played, type Run } from './play.ts';
import { recordRow, type FixtureRow } from './record.ts';
import { printLab, type LabResult } from './report.ts';
import { hostsOf, situations, type Situation } from './situations.ts';
import { openOrigins, openStage, type Origins, type Stage, type TlsVersion } from './stage.ts';

const help = `Usage: npm run lab [-- options]

Drives the real programs of this machine in every situation through a Pinlight of its own, TLS 1.2 and 1.3, and prints how often each
verdict was right, how many attempts each program needed, and what could not be run.

  --repeat N      repetitions of every situation (5; browsers once)
  --only REGEX    situations whose id or program matches; "noise" and "forger" are two more
  --tls 1.2|1.3   one version only
  --forge N       handshakes of the hostile forger against one host, and again against a hundred (2000)
  --noise N       synthetic histories without a pin (10000)
  --record FILE   writes the judged histories, one row for each program, situation and TLS version
  --explain       prints what "pinlight explain" says, once for each verdict
  --json          one document on standard output
  --help

Exit code 0 when nothing is falsely called pinned, every pinned program works at its second attempt, recall of pinned and
private-trust-store is 1, nothing is learned where nothing may be, and the forger gets nothing lasting; else 1.`;

const { values } = parseArgs({ options: {
  repeat: { type: 'string', default: '5' }, only: { type: 'string', default: '' }, tls: { type: 'string' }, forge: { type: 'string', default: '2000' },
  noise: { type: 'string', default: '10000' }, record: { type: 'string' }, explain: { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} });
if (values.help) console.log(help);
else process.exitCode = await main();

async function main(): Promise<number> {
  const wanted = new RegExp(values.only, 'i');
  const chosen = situations.filter((situation) => wanted.test(situation.id) || wanted.test(situation.program.title));
  const skipped = new Map<string, string>();
  for (const program of chosen.flatMap(missingFor)) skipped.set(program.title, `not on this machine (Debian: ${program.debian})`);
  const present = chosen.filter((situation) => missingFor(situation).length === 0);
  const versions = (['1.3', '1.2'] as const).filter((version) => values.tls === undefined || values.tls === version);
  if (versions.length === 0) throw new Error('--tls must be 1.2 or 1.3');
  const lab: Lab = { origins: await openOrigins(), rows: values.record === undefined ? null : [], explained: values.explain ? new Map() : null, troubles: [], browserTurn: Promise.resolve() };
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-lab-forger-'));
  try {
    const runs: Run[] = [];
    for (let repetition = 1; repetition <= wholeNumber(values.repeat, '--repeat'); repetition += 1) {
      // Both at once: two cores, and each version has agents of its own.
      const played = await Promise.all(versions.map((version) => playAll(lab, present, version, repetition)));
      runs.push(...played.flat());
    }
    const noise = wanted.test('noise') ? judgeNoise(wholeNumber(values.noise, '--noise')) : { histories: 0, pinned: 0 };
    const forger: ForgerReport[] = [];
    if (wanted.test('forger')) {
      const missing = forgerMissing();
      if (missing !== null) skipped.set('forger', missing);
      else for (const version of versions.slice(0, 1)) forger.push(...await runForger(lab.origins, version, wholeNumber(values.forge, '--forge'), folder));
    }
    const falsePinned = falsePinnedIn(runs) + noise.pinned;
    const learned = runs.filter((run) => run.learnedWrongly);
    const failures = [
      ...(runs.length + noise.histories + forger.length === 0 ? ['nothing was run'] : failuresOf(runs, falsePinned)),
      ...learned.map((run) => `${run.situation}, TLS ${run.tls}: an exclusion was learned where nothing may be`),
      ...forger.flatMap((report) => report.failures), ...lab.troubles,
    ];
    const result: LabResult = {
      classes: figuresOf(runs), falsePinned, attemptsUntilWorks: attemptsUntilWorks(runs), lateLookups: runs.reduce((sum, run) => sum + run.lateLookups, 0),
      skipped: [...skipped].map(([program, why]) => ({ program, why })), matrix: matrixOf(runs), noise, forger, failures, runs, ok: failures.length === 0,
    };
    if (values.record !== undefined) writeFileSync(values.record, `[\n${(lab.rows ?? []).map((row) => JSON.stringify(row)).join(',\n')}\n]\n`);
    if (values.json) console.log(JSON.stringify(result, null, 1));
    else printLab(result, console.log);
    for (const [kind, words] of lab.explained ?? []) (values.json ? console.error : console.log)(`\n===== ${kind} =====\n${words}`);
    return result.ok ? 0 : 1;
  } finally {
    await lab.origins.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Lab = {
  readonly origins: Origins;
  readonly rows: FixtureRow[] | null;
  readonly explained: Map<VerdictKind, string> | null;
  /** What went wrong with the lab itself. */
  readonly troubles: string[];
  /** Browsers fill both cores: one at a time, whatever its version. */
  browserTurn: Promise<unknown>;
};

/** One repetition at one version: a fresh agent for all, and one each for situations that must stand apart. */
async function playAll(lab: Lab, chosen: readonly Situation[], version: TlsVersion, repetition: number): Promise<Run[]> {
  const due = chosen.filter((situation) => (situation.tls ?? version) === version && repetition <= (situation.most ?? Infinity));
  const together = due.filter((situation) => situation.apart !== true);
  const runs: Run[] = [];
  for (const group of [together, ...due.filter((situation) => situation.apart === true).map((situation) => [situation])]) {
    if (group.length === 0) continue;
    const stage = await openStage(lab.origins, version, new Map(group.flatMap((situation) => [...hostsOf(situation)])));
    try {
      const prepared = new Set<Program>();
      for (const situation of group) runs.push(...await playOne(lab, situation, stage, version, repetition, prepared));
    } finally {
      await stage.close();
    }
  }
  return runs;
}

async function playOne(lab: Lab, situation: Situation, stage: Stage, version: TlsVersion, repetition: number, prepared: Set<Program>): Promise<Run[]> {
  try {
    const playing = (): Promise<Played> => play(situation, stage, lab.origins, version, repetition, prepared);
    const { run, explained, appId } = situation.heavy === true ? await inTurn(lab, playing) : await playing();
    const wrong = run.verdict === run.truth ? '' : `  ← must be ${run.truth}`;
    const late = run.worksAt !== null && (run.workedAt ?? Infinity) > run.worksAt ? `  ← must work at attempt ${run.worksAt}` : '';
    console.error(`${repetition} ${version} ${situation.id.padEnd(24)} ${run.verdict.padEnd(20)} ${run.attempts.map((attempt) => `${attempt.outcome}${attempt.ok ? '' : ' ✗'}`).join(' → ')}${wrong}${late}`);
    if (appId !== null && lab.rows !== null && repetition === 1) lab.rows.push(await recordRow(situation, version, stage.agent, appId));
    if (explained !== null && run.verdict === run.truth && lab.explained?.has(run.verdict) === false) lab.explained.set(run.verdict, await wordsOf(stage, explained.app.id, explained.host));
    return [run];
  } catch (error) {
    console.error(`${repetition} ${version} ${situation.id.padEnd(24)} could not be played: ${(error as Error).message}`);
    lab.troubles.push(`${situation.id}, TLS ${version}: could not be played: ${(error as Error).message.split('\n')[0]}`);
    return [];
  }
}

function inTurn<Value>(lab: Lab, work: () => Promise<Value>): Promise<Value> {
  const mine = lab.browserTurn.then(work);
  lab.browserTurn = mine.catch(() => undefined);
  return mine;
}

async function wordsOf(stage: Stage, app: string, host: string | null): Promise<string> {
  const said = await runPinlight(['explain', app, ...(host === null ? [] : [host])], { home: stage.agent.home });
  return said.stdout;
}

function judgeNoise(histories: number): LabResult['noise'] {
  const random = seeded(20_261_121);
  let pinned = 0;
  for (let n = 0; n < histories; n += 1) {
    const { kind, history } = noiseHistory(random, n);
    if (judgePinning(history, noiseNow).kind !== 'pinned') continue;
    pinned += 1;
    console.error(`noise ${n} (${kind}) was called pinned`);
  }
  return { histories, pinned };
}

function wholeNumber(text: string, name: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${name} must be a whole number`);
  return Number(text);
}
