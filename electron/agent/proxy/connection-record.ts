// The record of one connection while it runs: what is known so far, told when the outcome is known and when it ends.
// Not for deciding, and no payload: only facts about the connection.
import { hash } from 'node:crypto';
import type { Circumstances, ConnectionOutcome, Decision, HandshakeEvidence, Observation, Reason, Target, TrustView } from '../../core/model.ts';
import type { ClientHello } from '../../core/tls/client-hello.ts';
import { ja4 } from '../../core/tls/ja4.ts';
import type { ConnectionRow } from '../../contract/snapshot.ts';
import type { ProxyContext, Who } from './proxy-context.ts';

type Facts = Partial<Pick<ConnectionRow, 'ip' | 'serverName' | 'tlsVersion' | 'cipher' | 'alpn' | 'ja4' | 'error'>
  & Pick<Circumstances, 'clientCertificateAsked' | 'unanswerable' | 'ech' | 'upstream'>>;

export type ConnectionRecord = {
  readonly id: number;
  readonly who: () => Who | null;
  identify(who: Who): void;
  note(facts: Facts): void;
  /** What policy meant; `apply` says what is done where that differs. */
  decided(decision: Decision): void;
  apply(disposition: Decision['disposition'], reason: Reason): void;
  /** The outcome is known, the connection goes on. */
  outcome(outcome: ConnectionOutcome): void;
  /** Tells the monitor what an app did with our certificate, or with a pass-through (`evidence` null). Once; later calls do nothing. */
  observe(outcome: ConnectionOutcome, trust: TrustView | null, evidence: HandshakeEvidence | null): void;
  /** The connection is over. Once; later calls do nothing. */
  end(outcome: ConnectionOutcome, bytesUp: number, bytesDown: number): void;
};

export function openRecord(proxy: ProxyContext, target: Target): ConnectionRecord {
  const id = proxy.store.nextConnectionId();
  const startedAt = proxy.now();
  const clock = performance.now();
  const facts: Facts = {};
  let who: Who | null = null;
  let meant: Decision = { disposition: 'bypass', reason: { code: 'no-match', detail: null }, rule: null };
  let done: Pick<Decision, 'disposition' | 'reason'> = meant;
  let outcome: ConnectionOutcome | null = null;
  let bytes = { up: 0, down: 0 };
  let observed = false;
  let over = false;
  proxy.log.opened();

  const row = (): ConnectionRow => {
    const owner = who?.owner ?? null;
    const app = who?.app ?? null;
    return {
      id, startedAt, durationMs: over ? Math.round(performance.now() - clock) : null,
      appId: app?.id ?? null, appName: app?.name ?? null, appPath: app?.path ?? null, package: app?.package ?? null,
      pid: owner?.kind === 'process' ? owner.pid : null, user: owner?.kind === 'process' ? owner.user : null,
      host: target.host, port: target.port, ip: facts.ip ?? null, serverName: facts.serverName ?? null,
      decided: meant.disposition, disposition: done.disposition, reason: done.reason, rule: meant.rule, outcome,
      tlsVersion: facts.tlsVersion ?? null, cipher: facts.cipher ?? null, alpn: facts.alpn ?? null, ja4: facts.ja4 ?? null,
      bytesUp: bytes.up, bytesDown: bytes.down, error: facts.error ?? null,
    };
  };
  const tell = (): void => {
    const current = row();
    proxy.log.record(current, over);
    proxy.store.putConnection({
      row: current, uid: who?.owner.uid ?? null, signer: who?.app?.signer ?? null,
      verdict: current.appId === null ? null : proxy.monitor.verdictAt(current.appId, hostOf())?.kind ?? null,
    });
  };
  const hostOf = (): string => facts.serverName ?? target.host;

  return {
    id,
    who: () => who,
    identify: (known) => {
      who = known;
    },
    note: (more) => {
      Object.assign(facts, more);
    },
    decided: (decision) => {
      meant = decision;
      done = decision;
    },
    apply: (disposition, reason) => {
      done = { disposition, reason };
    },
    outcome: (known) => {
      outcome = known;
      tell();
    },
    observe: (known, trust, evidence) => {
      if (observed || who?.app === null || who === null || who.owner.kind !== 'process') return;
      observed = true;
      // First: it may find a disturbance this very moment, which must not be later than what it disturbed.
      const now = proxy.circumstances(who, trust, known.kind !== 'established');
      const observation: Observation = {
        at: proxy.now(), host: hostOf(), disposition: done.disposition, outcome: known, appHash: who.app.hash, runtime: who.app.runtime,
        perCallTrust: who.app.perCallTrust, trust, ja4: facts.ja4 ?? null, evidence,
        circumstances: {
          ...now, clientCertificateAsked: facts.clientCertificateAsked ?? false, unanswerable: facts.unanswerable ?? null,
          ech: facts.ech ?? false, upstream: facts.upstream ?? 'not-inspected',
        },
      };
      proxy.monitor.observeOutcome(who.app, who.owner.user, who.owner.pid, id, observation);
    },
    end: (known, bytesUp, bytesDown) => {
      if (over) return;
      over = true;
      outcome = known;
      bytes = { up: bytesUp, down: bytesDown };
      tell();
      if (who?.app !== null && who !== null) {
        proxy.monitor.countConnection(who.app, who.owner.kind === 'process' ? who.owner.user : null, done.disposition);
      }
    },
  };
}

/** The fingerprint for the record. */
export function ja4Of(hello: ClientHello): string {
  return ja4(hello, (text) => hash('sha256', text));
}
