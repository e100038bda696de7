// One row of the fixture file per program, situation and TLS version: the judged history as the agent kept it, with nothing of this machine in it.
// Not for running (play.ts) and not for reading it back (test/core/pinning/lab-fixtures.test.ts).
import type { HandshakeEvidence, History, Observation, Runtime, TrustView, Verdict, VerdictKind } from '../../electron/core/model.ts';
import { classifyHandshake } from '../../electron/core/tls/handshake-outcome.ts';
import type { TestAgent } from '../support/agent.ts';
import { hostOf, hostsOf, type Situation } from './situations.ts';
import type { TlsVersion } from './stage.ts';

export type FixtureRow = {
  readonly client: string;
  readonly tls: TlsVersion;
  readonly situation: string;
  readonly truth: VerdictKind;
  /** Evidence of the judged host's inspected handshakes and the outcome of each by itself, oldest first: in the history a sibling may have explained it. */
  readonly evidence: readonly { readonly seen: HandshakeEvidence; readonly runtime: Runtime | null; readonly outcome: string }[];
  /** What judgePinning looks at; times in ms from the first observation. */
  readonly history: History;
  /** The time it is judged at. */
  readonly now: number;
};

/** What the agent knows of the judged app at the hosts of a situation that has just been played. */
export async function recordRow(situation: Situation, version: TlsVersion, agent: TestAgent, app: string): Promise<FixtureRow> {
  const judged = hostOf(situation, situation.judge ?? 'here');
  const observations: Observation[] = [];
  let others: History['others'] = { refusing: 0, accepted: false };
  for (const host of hostsOf(situation).keys()) {
    const explained = await agent.client.call('explain', { app, host }, {}).catch((error: { code?: string }) => {
      if (error.code === 'not-found') return null;
      throw error;
    });
    observations.push(...explained?.observations ?? []);
    if (host === judged && explained !== null) others = othersIn(explained.verdict);
  }
  return fixtureRow(situation, version, judged, observations, others);
}

/** What the verdict says of other apps at the host: the agent's knowledge, which is no observation of this app. */
function othersIn(verdict: Verdict | null): History['others'] {
  const facts = verdict?.because ?? [];
  return { refusing: Number(facts.find((fact) => fact.code === 'others-refuse')?.values.count ?? 0), accepted: facts.some((fact) => fact.code === 'others-accept') };
}

/** `observations`: of the judged app, in any order. */
export function fixtureRow(situation: Situation, version: TlsVersion, host: string, observations: readonly Observation[], others: History['others']): FixtureRow {
  const oldestFirst = [...observations].sort((a, b) => a.at - b.at);
  const begin = oldestFirst[0]?.at ?? 0;
  const hosts = new Map<string, string>([[host, 'here']]);
  const hashes = new Map<string, string>();
  const plain = oldestFirst.map((o): Observation => ({
    ...o, at: o.at - begin, host: named(hosts, o.host, 'elsewhere'), appHash: o.appHash === null ? null : named(hashes, o.appHash, 'version'),
    trust: withoutPaths(o.trust), evidence: o.evidence === null ? null : rounded(o.evidence),
    circumstances: {
      ...o.circumstances, rootAgeMs: Math.round(o.circumstances.rootAgeMs),
      disturbance: o.circumstances.disturbance === null ? null : { ...o.circumstances.disturbance, at: o.circumstances.disturbance.at - begin },
    },
  }));
  const here = plain.filter((o) => o.host === 'here');
  return {
    client: situation.program.title, tls: version, situation: situation.id, truth: situation.truth,
    evidence: here.flatMap((o) => (o.evidence === null ? [] : [{ seen: o.evidence, runtime: o.runtime, outcome: classifyHandshake(o.evidence, o.runtime).kind }])),
    history: { host: 'here', here, elsewhere: plain.filter((o) => o.host !== 'here'), others, listed: null },
    now: (plain.at(-1)?.at ?? 0) + 1,
  };
}

function named(names: Map<string, string>, real: string, word: string): string {
  const name = names.get(real) ?? `${word}-${names.size}`;
  names.set(real, name);
  return name;
}

/** `java:/usr/lib/…` keeps its kind, `/tmp/…/both-roots.pem` its last part. */
function withoutPaths(trust: TrustView | null): TrustView | null {
  const short = (text: string): string => text.replace(/(?:\/[^\s/:;"']+)*\/([^\s/:;"']+)/g, '…/$1');
  return trust === null ? null : { ...trust, store: short(trust.store), because: short(trust.because) };
}

function rounded(evidence: HandshakeEvidence): HandshakeEvidence {
  const tenth = (ms: number): number => Math.round(ms * 10) / 10;
  return { ...evidence, msSinceLeaf: tenth(evidence.msSinceLeaf), handshakeMs: tenth(evidence.handshakeMs) };
}
