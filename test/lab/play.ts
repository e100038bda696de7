// Plays one situation before a running agent: visits in order, then what the agent says about the judged program and host.
// Not for what is played (situations.ts) and not for adding up (matrix.ts).
import { setTimeout as pause } from 'node:timers/promises';
import type { ExplainAnswer } from '../../electron/contract/routes.ts';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import type { ConnectionOutcome, Disposition, ReasonCode, VerdictKind } from '../../electron/core/model.ts';
import { isPresent, type Place, type Program, type Visit } from '../clients/program.ts';
import type { TestAgent } from '../support/agent.ts';
import type { Judged } from './matrix.ts';
import { hostOf, programsOf, type Situation } from './situations.ts';
import type { Origins, Stage, TlsVersion } from './stage.ts';

export type Attempt = {
  readonly disposition: Disposition | null;
  /** Code of the reason; null where no connection was seen. */
  readonly reason: ReasonCode | null;
  readonly outcome: string;
  readonly ok: boolean;
};

export type Run = Judged & {
  readonly situation: string;
  readonly program: string;
  readonly tls: TlsVersion;
  readonly repetition: number;
  /** Visits at the judged host. */
  readonly attempts: readonly Attempt[];
  /** A learned exclusion stood at the judged host although nothing was to be learned there. */
  readonly learnedWrongly: boolean;
  /** Visits made again because the agent could not tell in time whose they were: a busy machine. */
  readonly lateLookups: number;
  readonly ms: number;
};

export type Played = { readonly run: Run; readonly explained: ExplainAnswer | null; readonly appId: string | null };

/** Programs of a situation that this machine lacks. */
export function missingFor(situation: Situation): Program[] {
  return programsOf(situation).filter((program) => !isPresent(program));
}

/** `prepared`: programs whose preparing step this stage has already had. */
export async function play(situation: Situation, stage: Stage, origins: Origins, version: TlsVersion, repetition: number, prepared: Set<Program>): Promise<Played> {
  const begun = performance.now();
  const { agent, place } = stage;
  const judged = hostOf(situation, situation.judge ?? 'here');
  const attempts: Attempt[] = [];
  let appId: string | null = null;
  let lateLookups = 0;
  for (const step of situation.steps) {
    const program = step.program ?? situation.program;
    if (!prepared.has(program)) await program.prepare?.(place);
    prepared.add(program);
    for (let time = 0; time < (step.times ?? 1); time += 1) {
      const host = hostOf(situation, step.at);
      const label = step.watch ?? step.at;
      if (time === 0) step.before?.(place);
      const visit = { host, certificatePem: origins.certificateOf(host), served: () => origins.served(host), pinned: step.pinned ?? false };
      let { ok, row } = await visitOnce(agent, place, program, visit, hostOf(situation, label));
      // The machine was too busy to say in time whose connection it was: nothing is learned from such a one, so it is no attempt.
      for (let again = 0; again < 3 && program.does === 'request' && row?.reason.code === 'unknown-app'; again += 1) {
        lateLookups += 1;
        ({ ok, row } = await visitOnce(agent, place, program, visit, hostOf(situation, label)));
      }
      if (label !== (situation.judge ?? 'here')) continue;
      appId = row?.appId ?? appId;
      attempts.push({ disposition: row?.disposition ?? null, reason: row?.reason.code ?? null, outcome: row === null ? 'no connection' : outcomeWord(row.outcome), ok });
    }
  }
  const explained = appId === null ? null : await explain(agent, appId, judged);
  const exclusions = (await agent.client.call('exclusions', {}, {})).exclusions;
  const failedLast = attempts.findLastIndex((attempt) => !attempt.ok);
  return {
    explained, appId,
    run: {
      situation: situation.id, program: situation.program.title, tls: version, repetition, truth: situation.truth, verdict: verdictOf(explained),
      worksAt: situation.worksAt, workedAt: failedLast + 1 < attempts.length ? failedLast + 2 : null, attempts,
      learnedWrongly: situation.learns === false && exclusions.some((exclusion) => exclusion.kind === 'learned' && exclusion.host === judged),
      lateLookups, ms: Math.round(performance.now() - begun),
    },
  };
}

async function visitOnce(agent: TestAgent, place: Place, program: Program, visit: Visit, watched: string): Promise<{ ok: boolean; row: ConnectionRow | null }> {
  const before = await newestId(agent);
  const { ok } = await program.visit(place, visit);
  return { ok, row: await decisiveRow(agent, watched, before) };
}

/** A host the agent has no history of has no verdict either, which is what undetermined means. */
function verdictOf(explained: ExplainAnswer | null): VerdictKind {
  return explained?.verdict?.kind ?? 'undetermined';
}

async function explain(agent: TestAgent, app: string, host: string): Promise<ExplainAnswer | null> {
  try {
    return await agent.client.call('explain', { app, host }, {});
  } catch (error) {
    if ((error as { code?: string }).code === 'not-found') return null;
    throw error;
  }
}

async function newestId(agent: TestAgent): Promise<number> {
  return (await agent.client.call('connections', { limit: '1' }, {})).rows[0]?.id ?? 0;
}

/** How long a visit may leave no connection behind before it counts as having made none: the program is over by then. */
const noRowMs = 5_000;
const settledMs = 15_000;

/** The connection of a visit that says most, once all of them have an outcome: browsers make several. Null when there was none. */
async function decisiveRow(agent: TestAgent, host: string, after: number): Promise<ConnectionRow | null> {
  const rank: Partial<Record<ConnectionOutcome['kind'], number>> = { established: 5, passed: 4, refused: 3, unused: 2, incompatible: 1 };
  const begun = performance.now();
  for (;;) {
    const { rows } = await agent.client.call('connections', { filter: `host == "${host}"`, limit: '100' }, {});
    const mine = rows.filter((row) => row.id > after);
    const waited = performance.now() - begun;
    if (mine.length > 0 && (mine.every((row) => row.durationMs !== null) || waited > settledMs)) {
      return [...mine].sort((a, b) => (rank[b.outcome?.kind ?? 'abandoned'] ?? 0) - (rank[a.outcome?.kind ?? 'abandoned'] ?? 0) || b.id - a.id)[0] ?? null;
    }
    if (mine.length === 0 && waited > noRowMs) return null;
    await pause(20);
  }
}

function outcomeWord(outcome: ConnectionOutcome | null): string {
  if (outcome === null) return 'open';
  if (outcome.kind === 'refused') return outcome.sign === 'alert' ? `refused, alert ${outcome.alert}` : `refused, ${outcome.sign}`;
  if (outcome.kind === 'passed') return outcome.data ? 'passed' : 'passed without data';
  return outcome.kind;
}
