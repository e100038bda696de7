// An agent of values behind the real window server: answers the bridge's routes out of fixture data and says what a test tells it to.
// Filters are read by the real parser; only the fields that the tests use are judged here.
import type { BridgeSignal } from '../../electron/contract/bridge.ts';
import { PinlightError } from '../../electron/contract/errors.ts';
import type { ConnectionsAnswer, ExplainAnswer, LogStatisticsAnswer, NoticeAnswer, PolicyAnswer, RouteBody } from '../../electron/contract/routes.ts';
import type { AppSummary, ConnectionRow, Snapshot } from '../../electron/contract/snapshot.ts';
import type { ControlClient } from '../../electron/client/control-client.ts';
import { adviceSentence, attemptSentence, controlSentences, decisionSentence, factSentence, verdictSentence } from '../../electron/core/explain.ts';
import { parseFilter } from '../../electron/core/log-query/parse-filter.ts';
import type { FilterTree } from '../../electron/core/log-query/parse-filter.ts';
import type { AppTest, Exclusion, Fact } from '../../electron/core/model.ts';
import { say } from '../../electron/core/sentence.ts';
import type { Pause } from '../../electron/core/policy/pause.ts';
import { fixtureRow, fixtureSnapshot } from './fixture-data.ts';
import { fixturePolicy, fixtureTrust } from './fixture-policy.ts';

export type FixtureAgent = {
  readonly client: ControlClient;
  /** Everything the window asked for, oldest first. */
  readonly calls: { readonly route: string; readonly query: Readonly<Record<string, string | undefined>>; readonly body: unknown }[];
  /** One more connection, told to every watcher. */
  connect(): void;
  /** An event whose sequence leaves a gap. */
  skip(): void;
  lose(): void;
  find(): void;
  setSnapshot(change: (snapshot: Snapshot) => Snapshot): void;
  /** What a running test has come to. */
  setTest(app: string, host: string, test: AppTest | null): void;
  setNotice(notice: NoticeAnswer): void;
  setPolicyNetwork(network: Partial<PolicyAnswer['policy']['network']>): void;
};

/** An agent that has seen `rows` connections. */
export function createFixtureAgent(rows: number, now: number): FixtureAgent {
  let snapshot = fixtureSnapshot(rows, now);
  let newest = rows;
  let lost = false;
  let policy = fixturePolicy;
  let notice: NoticeAnswer = { version: 'v1', mode: 'shown', paragraphs: [], shownAt: now, acceptedAt: now };
  const listeners = new Set<(signal: BridgeSignal) => void>();
  const calls: FixtureAgent['calls'] = [];
  const tell = (signal: BridgeSignal): void => { for (const listener of listeners) listener(signal); };

  const setExclusions = (exclusions: readonly Exclusion[]): void => {
    const apps = snapshot.apps.map((app) => ({
      ...app,
      hosts: app.hosts.map((host) => ({ ...host, exclusion: exclusions.find((one) => one.host === host.host && one.appId === app.id) ?? null })),
    }));
    snapshot = { ...snapshot, exclusions, apps, sequence: snapshot.sequence + 1 };
    tell({ kind: 'snapshot', snapshot });
  };

  const setTest = (app: string, host: string, test: AppTest | null): void => {
    const apps = snapshot.apps.map((one) => (one.id === app ? { ...one, hosts: one.hosts.map((at) => (at.host === host ? { ...at, test } : at)) } : one));
    snapshot = { ...snapshot, apps, sequence: snapshot.sequence + 1 };
    tell({ kind: 'snapshot', snapshot });
  };

  async function relay(route: string, query: Readonly<Record<string, string | undefined>>, body: unknown): Promise<unknown> {
    calls.push({ route, query, body });
    if (lost) throw new PinlightError('agent-not-running', 'The agent ended the stream.');
    switch (route) {
      case 'status': return snapshot;
      case 'connections': return page(query, newest, now, snapshot.apps);
      case 'logStatistics': return statistics(Number(query['hours']), now, snapshot.apps.length === 0 ? 'nothing' : (query['filter'] ?? '').startsWith('app == app-slack') ? 'slack' : (query['filter'] ?? '').startsWith('app ==') ? 'nothing' : 'all');
      case 'logValues': return { values: (query['field'] === 'app' ? snapshot.apps.map((app) => app.name) : []).filter((name) => name.toLowerCase().includes((query['part'] ?? '').toLowerCase())) };
      case 'policy': case 'reloadPolicy': return policy;
      case 'trust': return fixtureTrust(snapshot);
      case 'notice': return notice;
      case 'acceptNotice':
        notice = { ...notice, shownAt: now, acceptedAt: typeof body === 'object' && body !== null && 'as' in body && body.as === 'accepted' ? now : null };
        return notice;
      case 'pauseTicket': return { request: 'ABCDEFGH', device: snapshot.agent.device };
      case 'pause': case 'resume': {
        const active: Pause | null = route === 'resume' ? null : { since: now, until: Date.now() + 754_000, reason: null };
        snapshot = { ...snapshot, sequence: snapshot.sequence + 1, agent: { ...snapshot.agent, pause: { ...snapshot.agent.pause, active } } };
        tell({ kind: 'snapshot', snapshot });
        return route === 'resume' ? { ended: null } : { pause: active };
      }
      case 'logLevel': {
        const until = typeof body === 'object' && body !== null && 'level' in body && body.level === 'detailed' ? Date.now() + 30 * 60_000 : null;
        snapshot = { ...snapshot, sequence: snapshot.sequence + 1, agent: { ...snapshot.agent, logDetailUntil: until } };
        tell({ kind: 'snapshot', snapshot });
        return { until };
      }
      case 'explain': return explain(snapshot.apps, query['app'] ?? '', query['host'] ?? null, now);
      case 'removeExclusion': {
        const removed = snapshot.exclusions.find((one) => one.id === query['id']);
        if (removed === undefined) throw new PinlightError('no-such-exclusion', 'There is no such exclusion.');
        setExclusions(snapshot.exclusions.filter((one) => one !== removed));
        return { removed };
      }
      case 'addExclusion': {
        if (!isAddition(body)) throw new PinlightError('bad-request', 'An exclusion has a host and a reason.');
        const { host, app, reason, hours } = body;
        const exclusion: Exclusion = {
          id: `ex-${calls.length}`, kind: 'user', host, appId: app ?? null, appName: null, appHash: null, reason, verdict: null, createdAt: now,
          expiresAt: hours === undefined ? null : now + hours * 3_600_000,
        };
        setExclusions([...snapshot.exclusions, exclusion]);
        return { exclusion };
      }
      case 'startTest': {
        if (!isTarget(body)) throw new PinlightError('bad-request', 'A test has an app and a host.');
        const test: AppTest = { host: body.host, phase: 'inspecting', startedAt: now, endsAt: Date.now() + 600_000, steps: [], result: null };
        setTest(body.app, body.host, test);
        return { test };
      }
      case 'cancelTest':
        setTest(query['app'] ?? '', query['host'] ?? '', null);
        return { test: null };
      default: throw new PinlightError('not-found', `No fixture answers ${route}.`);
    }
  }

  return {
    calls,
    client: {
      relay,
      async watch(listener, { signal }) {
        listeners.add(listener);
        listener(lost ? { kind: 'disconnected', why: 'The agent ended the stream.' } : { kind: 'snapshot', snapshot });
        await new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
        listeners.delete(listener);
      },
      call: unsupported, openHandshakes: unsupported, openBundle: unsupported, downloadBundle: unsupported,
    },
    connect() {
      newest += 1;
      const row = fixtureRow(newest, newest, now, snapshot.apps);
      const counts = { ...snapshot.counts, [row.disposition]: snapshot.counts[row.disposition] + 1 };
      snapshot = { ...snapshot, sequence: snapshot.sequence + 1, counts, recent: [row, ...snapshot.recent].slice(0, 200) };
      tell({ kind: 'connection', sequence: snapshot.sequence, row, counts });
    },
    skip() {
      snapshot = { ...snapshot, sequence: snapshot.sequence + 5, agent: { ...snapshot.agent, device: 'LAPTOP-43' } };
      tell({ kind: 'warnings', sequence: snapshot.sequence, warnings: snapshot.warnings });
    },
    lose() {
      lost = true;
      tell({ kind: 'disconnected', why: 'The agent ended the stream.' });
    },
    find() {
      lost = false;
      tell({ kind: 'snapshot', snapshot });
    },
    setTest,
    setNotice(next) { notice = next; },
    setPolicyNetwork(network) { policy = { ...policy, policy: { ...policy.policy, network: { ...policy.policy.network, ...network } } }; },
    setSnapshot(change) {
      snapshot = change(snapshot);
      tell({ kind: 'snapshot', snapshot });
    },
  };
}

function unsupported(): never {
  throw new Error('the window never asks for this');
}

function isAddition(body: unknown): body is RouteBody<'addExclusion'> {
  return typeof body === 'object' && body !== null && 'host' in body && 'reason' in body;
}

function isTarget(body: unknown): body is RouteBody<'startTest'> {
  return typeof body === 'object' && body !== null && 'app' in body && 'host' in body;
}

function page(query: Readonly<Record<string, string | undefined>>, newest: number, now: number, apps: readonly AppSummary[]): ConnectionsAnswer {
  const read = parseFilter(query['filter'] ?? '');
  if (read.kind === 'invalid') throw new PinlightError('bad-filter', say(read.complaint));
  const limit = Number(query['limit'] ?? '100');
  const rows: ConnectionRow[] = [];
  if (query['after'] !== undefined) {
    for (let id = Number(query['after']) + 1; id <= newest && rows.length < limit; id += 1) {
      const row = fixtureRow(id, newest, now, apps);
      if (fits(read.tree, row)) rows.unshift(row);
    }
    return { rows, next: null };
  }
  let id = query['before'] === undefined ? newest : Number(query['before']) - 1;
  for (; id > 0 && rows.length < limit && apps.length > 0; id -= 1) {
    const row = fixtureRow(id, newest, now, apps);
    if (fits(read.tree, row)) rows.push(row);
  }
  return { rows, next: id > 0 && apps.length > 0 ? String(rows.at(-1)?.id ?? id) : null };
}

/** As many as the hour of the day says, so that bars differ. */
/** All apps together in every hour, Slack now and then, the other apps and an empty agent never. */
function statistics(hours: number, now: number, counted: 'nothing' | 'slack' | 'all'): LogStatisticsAnswer {
  const bucketMs = 3_600_000;
  const to = Math.ceil(now / bucketMs) * bucketMs;
  const from = to - hours * bucketMs;
  const at = (index: number): number => to - (index + 1) * bucketMs;
  const buckets = {
    nothing: [],
    slack: Array.from({ length: hours }, (_, index) => ({ at: at(index), inspected: 1 + (index % 5), refused: index % 2, bypassed: (index * 7) % 11, blocked: 0 })).filter((_, index) => index % 9 < 3),
    all: Array.from({ length: hours }, (_, index) => ({ at: at(index), inspected: 40 + (index % 24) * 3, refused: index % 5, bypassed: 12 + (index % 7), blocked: index % 3 })),
  }[counted];
  return { from, to, bucketMs, buckets };
}

function fits(tree: FilterTree, row: ConnectionRow): boolean {
  switch (tree.kind) {
    case 'all': return true;
    case 'and': return tree.parts.every((part) => fits(part, row));
    case 'or': return tree.parts.some((part) => fits(part, row));
    case 'not': return !fits(tree.part, row);
    case 'word': return row.host.includes(tree.text) || (row.appName ?? '').includes(tree.text);
    case 'test': {
      const { value: sought } = tree;
      if (tree.field.name === 'time' && sought.kind === 'moment') return tree.operator === '>=' ? row.startedAt >= sought.at : row.startedAt < sought.at;
      const wanted = JSON.stringify(sought);
      const values: Readonly<Record<string, string>> = { disposition: row.disposition, outcome: row.outcome?.kind ?? '', host: row.host, app: row.appId ?? '' };
      const value = values[tree.field.name];
      if (value === undefined) throw new Error(`the fixture does not judge the field ${tree.field.name}`);
      return wanted.includes(JSON.stringify(value));
    }
  }
}

function explain(apps: readonly AppSummary[], id: string, host: string | null, now: number): ExplainAnswer {
  const app = apps.find((one) => one.id === id);
  const here = app?.hosts.find((one) => one.host === host);
  if (app === undefined || here === undefined) throw new PinlightError('no-such-app', 'No such app has been seen.');
  const { verdict } = here;
  const facts = (speaks: Fact['speaks']) => verdict.because.filter((fact) => fact.speaks === speaks).map(factSentence);
  const decision = { disposition: 'inspect', reason: { code: 'rule', detail: null }, rule: 'own-programs' } as const;
  const attempts = [2, 9, 31].map((minutes) => ({ at: now - minutes * 60_000, host: here.host, words: attemptSentence(decision, { kind: 'refused', sign: 'alert', alert: 46 }) }));
  const words: ExplainAnswer['words'] = {
    sentence: verdictSentence(verdict, app.name, here.host), next: decisionSentence({ ...decision, disposition: here.next.disposition }), advice: adviceSentence(verdict),
    evidenceFor: facts('for'), evidenceAgainst: facts('against'), alsoKnown: facts('neither'), attempts: attempts.map((attempt) => attempt.words),
    controls: here.next.disposition === 'bypass' ? controlSentences({ connections: 3, bytes: 45_000, names: 'here' }) : [],
  };
  return {
    app, host, verdict, words, sentence: say(words.sentence), next: say(words.next), advice: say(words.advice), controls: words.controls.map(say),
    evidenceFor: words.evidenceFor.map(say), evidenceAgainst: words.evidenceAgainst.map(say), alsoKnown: words.alsoKnown.map(say),
    attempts: attempts.map(({ at, words: attempt }) => ({ at, host: here.host, sentence: say(attempt) })), observations: [],
  };
}
