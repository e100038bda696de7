// An inspected connection: server first, verified; then a leaf; then the app's handshake; then the relay; then the evidence.
// Not for the steps themselves. Upstream first is structural: no leaf can come into being before the server's chain has been verified.
import type { Socket } from 'node:net';
import { bulkCipherOf, leafKeyFor } from '../../core/ca/leaf-profile.ts';
import { classifyHandshake } from '../../core/tls/handshake-outcome.ts';
import type { ClientHello } from '../../core/tls/client-hello.ts';
import type { ConnectionOutcome, Decision, HandshakeEvidence, Reason, Target, TrustView } from '../../core/model.ts';
import { acceptDownstream, type DownstreamHandshake, type DownstreamResult } from './accept-downstream.ts';
import { ja4Of, type ConnectionRecord } from './connection-record.ts';
import { dialTarget } from './dial.ts';
import type { ProxyContext, Who } from './proxy-context.ts';
import type { UpstreamResult } from './connect-upstream.ts';
import type { HelloShape } from './recent-targets.ts';
import { refuseTls } from './refuse.ts';
import { relay, type RelayEnd } from './relay.ts';
import { splice } from './splice.ts';
import { alertOf, codeOf } from './tls-error.ts';

export type InspectRequest = {
  readonly client: Socket;
  /** The server leg, begun (`beginUpstream`) and shaped by this hello. */
  readonly connecting: Promise<UpstreamResult>;
  readonly target: Target;
  readonly hello: ClientHello;
  readonly decision: Decision;
  readonly record: ConnectionRecord;
  readonly proxy: ProxyContext;
};

/** Begins TLS to the server over an open TCP connection (consumed), as this app's hello asks for it. Verifies; answers nobody yet. */
export function beginUpstream(server: Socket, target: Target, shape: HelloShape, record: ConnectionRecord, proxy: ProxyContext): Promise<UpstreamResult> {
  if (proxy.inspection === null) throw new Error('inspection needs a root');
  const host = shape.serverName ?? target.host;
  const app = record.who()?.app ?? null;
  return proxy.inspection.upstreams().connect({
    socket: server, host, shape, sessionKey: [app?.id ?? `connection ${record.id}`, host, target.host, target.port, shape.tls13, proxy.policyGeneration()].join(' '),
  }, proxy.now());
}

/** Carries one connection that policy wants inspected, to its end. */
export async function inspect(request: InspectRequest): Promise<void> {
  const { client, target, hello, record, proxy } = request;
  if (proxy.inspection === null) throw new Error('inspect needs a root');
  const host = hello.serverName ?? target.host;
  const app = record.who()?.app ?? null;

  const upstream = await request.connecting;
  if (client.destroyed) {
    if (upstream.kind === 'verified') upstream.socket.destroy();
    return record.end({ kind: 'abandoned' }, 0, 0);
  }
  if (upstream.kind === 'invalid') return giveServersOwnBytes(request, { code: 'upstream-invalid', detail: upstream.why });
  if (upstream.kind === 'failed') return giveServersOwnBytes(request, { code: 'upstream-failed', detail: upstream.code });
  record.note({ tlsVersion: upstream.version, cipher: upstream.cipher, alpn: upstream.alpn });

  const wanted = upstream.version === 'TLSv1.3' ? 0x0304 : 0x0303;
  if (!hello.versions.includes(wanted)) {
    upstream.socket.destroy();
    return giveServersOwnBytes(request, { code: 'incompatible', detail: `the server speaks ${upstream.version}, which the app did not offer` });
  }
  const context = proxy.inspection.leaves.contextFor({
    host, upstreamHash: upstream.leafHash, upstreamNotAfter: upstream.notAfter, alpn: upstream.alpn, maxVersion: upstream.version,
    bulk: bulkCipherOf(upstream.cipher),
    key: leafKeyFor(hello, upstream.version), rule: request.decision.rule,
  }, proxy.now());
  if (context.kind === 'impossible') {
    upstream.socket.destroy();
    return giveServersOwnBytes(request, { code: 'incompatible', detail: context.why });
  }

  const pid = pidOf(record);
  if (app !== null) proxy.monitor.connectionOpened(app, host, pid);
  proxy.live.set(record.id, {
    appId: app?.id ?? null, host, moved: () => client.bytesRead + client.bytesWritten, close: () => upstream.socket.destroy(),
  });
  let outcome: ConnectionOutcome;
  let trust: Promise<TrustView | null> = Promise.resolve(null);
  let bytesUp = 0;
  let bytesDown = 0;
  try {
    const accepting = acceptDownstream(client, context);
    // While the app looks at our certificate: it has time then, and is surely still alive.
    record.note({ ja4: ja4Of(hello) });
    trust = proxy.trustViewOf(record.who() ?? nobody);
    const down = await accepting;
    if (down.kind === 'failed') {
      upstream.socket.destroy();
      // Lets an alert of ours out; a handshake that missed its deadline is still open here.
      client.destroySoon();
      outcome = classifyHandshake(evidenceOfFailure(down, validNow(context.leaf, proxy.now())));
    } else {
      const finishedBytes = client.bytesRead;
      const relayed = relay(down.socket, upstream.socket);
      // Behind the relay's own listener: the app's first bytes go on before they are noted.
      down.socket.once('data', () => {
        record.outcome({ kind: 'established' });
        record.observe({ kind: 'established' }, null);
        if (app !== null) proxy.monitor.sawData(app, host, pid);
      });
      const end = await relayed;
      bytesUp = down.socket.bytesRead;
      bytesDown = upstream.socket.bytesRead;
      outcome = outcomeOf(down.handshake, end, bytesUp, client.bytesRead > finishedBytes, validNow(context.leaf, proxy.now()));
    }
  } finally {
    proxy.live.delete(record.id);
    if (app !== null) proxy.monitor.connectionClosed(app, host, pid);
  }
  if (outcome.kind === 'refused' || outcome.kind === 'incompatible' || outcome.kind === 'unused') record.observe(outcome, await trust);
  record.end(outcome, bytesUp, bytesDown);
}

/**
 * The app gets the server's own bytes over a new connection, or a block: by policy for a certificate that does not verify,
 * always a block for must-inspect hosts. Never a leaf.
 */
async function giveServersOwnBytes(request: InspectRequest, reason: Reason): Promise<void> {
  const { client, target, hello, decision, record, proxy } = request;
  record.note({ error: reason.detail, ja4: ja4Of(hello) });
  const policy = proxy.policy();
  if (decision.reason.code === 'must-inspect' || (reason.code !== 'incompatible' && policy.defaults.onInvalidUpstream === 'block')) {
    record.apply('block', reason);
    refuseTls(client);
    return record.end({ kind: 'blocked' }, 0, 0);
  }
  record.apply('bypass', reason);
  const dialled = await dialTarget(target, policy.network, proxy.ownPorts(), proxy.resolve);
  if (dialled.kind !== 'connected') {
    client.destroy();
    return record.end({ kind: 'upstream', code: dialled.kind === 'failed' ? dialled.code : 'refused-target' }, 0, 0);
  }
  const end = await splice(client, dialled.socket, true, () => record.outcome({ kind: 'passed', data: true }));
  record.end({ kind: 'passed', data: end.data }, client.bytesRead, dialled.socket.bytesRead);
}

function evidenceOfFailure(down: Extract<DownstreamResult, { kind: 'failed' }>, leafValid: boolean): HandshakeEvidence {
  const { handshake } = down;
  return {
    leafSent: handshake.leafSent, clientFinished: false, alert: down.alert, alertBy: down.alertBy, leafValid, resumed: false, fault: down.fault,
    appBytes: 0, closedBy: down.closedBy, closeKind: down.closeKind,
    msSinceLeaf: handshake.endedAt - handshake.leafAt, handshakeMs: handshake.endedAt - handshake.startedAt,
  };
}

function outcomeOf(
  handshake: DownstreamHandshake, end: RelayEnd, appBytes: number, moreRecords: boolean, leafValid: boolean,
): ConnectionOutcome {
  // The server broke off before the app said a word: its trouble, not the app's answer to our certificate.
  if (appBytes === 0 && end.first === 'server' && end.serverError !== null) return { kind: 'upstream', code: codeOf(end.serverError) };
  const alert = end.appError === null ? null : alertOf(end.appError);
  return classifyHandshake({
    leafSent: true, clientFinished: true, alert, alertBy: alert === null ? null : 'client', leafValid, resumed: false, fault: null, appBytes,
    closedBy: end.first === 'app' ? 'client' : 'agent',
    closeKind: end.appError?.code === 'ECONNRESET' ? 'rst' : moreRecords && appBytes === 0 ? 'close-notify' : 'fin',
    msSinceLeaf: end.firstAt - handshake.leafAt, handshakeMs: handshake.endedAt - handshake.startedAt,
  });
}

const nobody: Who = { owner: { kind: 'unknown', why: 'gone', uid: null }, app: null };

function validNow(leaf: { notBefore: number; notAfter: number }, now: number): boolean {
  return now >= leaf.notBefore && now < leaf.notAfter;
}

function pidOf(record: ConnectionRecord): number {
  const owner = record.who()?.owner;
  return owner?.kind === 'process' ? owner.pid : 0;
}
