// An inspected connection: server first, verified; then a leaf; then the app's handshake; then the relay; then the evidence.
// Not for the steps themselves. Upstream first is structural: no leaf can come into being before the server's chain has been verified.
import type { Socket } from 'node:net';
import { bulkCipherOf, leafKeyFor, offersBulk } from '../../core/ca/leaf-profile.ts';
import { saidGoodbye } from '../../core/tls/app-close.ts';
import { classifyHandshake, lateLimitMs } from '../../core/tls/handshake-outcome.ts';
import type { ClientHello } from '../../core/tls/client-hello.ts';
import type { ConnectionOutcome, Decision, HandshakeEvidence, Reason, Target } from '../../core/model.ts';
import type { RefusedHandshake } from '../events/handshake-log.ts';
import { accountOf } from './admission.ts';
import { acceptDownstream, type DownstreamHandshake } from './accept-downstream.ts';
import { ja4Of, type ConnectionRecord } from './connection-record.ts';
import type { DialResult } from './dial.ts';
import type { ProxyContext, Who } from './proxy-context.ts';
import type { UpstreamResult } from './connect-upstream.ts';
import type { HelloShape } from './recent-targets.ts';
import { refuseTls } from './refuse.ts';
import { relay, type RelayEnd, type RelayOptions } from './relay.ts';
import { splice } from './splice.ts';
import { alertOf, codeOf } from './tls-error.ts';

export type InspectRequest = {
  readonly client: Socket;
  /** The server leg, begun (`beginUpstream`) and shaped by this hello. */
  readonly connecting: Promise<UpstreamResult>;
  readonly target: Target;
  /** Another connection to the target. */
  readonly dial: () => Promise<DialResult>;
  readonly isHeld: RelayOptions['isHeld'];
  readonly hello: ClientHello;
  /** Null where no capture is kept. */
  readonly helloBytes: Uint8Array | null;
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
  // While the server is asked: the app waits, and is surely still alive. Once it has our answer, a short-lived one may be gone.
  const trust = proxy.trustViewOf(record.who() ?? nobody);

  const upstream = await request.connecting;
  // Only of a name that was dialled: one that the app merely claims (SNI) may belong to any server.
  if (host === target.host && upstream.kind === 'verified') {
    proxy.disturbances.upstreamVerified(host);
    proxy.alreadyInspected.seen(host, upstream.localRoot);
  }
  if (host === target.host && upstream.kind === 'invalid') proxy.disturbances.upstreamInvalid(host);
  if (client.destroyed) {
    if (upstream.kind === 'verified') upstream.socket.destroy();
    return record.end({ kind: 'abandoned' }, 0, 0);
  }
  if (upstream.kind === 'invalid') return giveServersOwnBytes(request, { code: 'upstream-invalid', detail: upstream.why });
  record.note({ clientCertificateAsked: upstream.clientCertificateAsked });
  // Only the app can present one. A host that must be inspected may do without.
  if (upstream.clientCertificateAsked && request.decision.reason.code !== 'must-inspect') {
    if (upstream.kind === 'verified') upstream.socket.destroy();
    return giveServersOwnBytes(request, { code: 'client-certificate', detail: null });
  }
  if (upstream.kind === 'failed') {
    if (upstream.clientCertificateAsked) record.observe({ kind: 'upstream', code: upstream.code }, null, null);
    return giveServersOwnBytes(request, { code: 'upstream-failed', detail: upstream.code });
  }
  record.note({ tlsVersion: upstream.version, cipher: upstream.cipher, alpn: upstream.alpn, upstream: 'verified' });

  const wanted = upstream.version === 'TLSv1.3' ? 0x0304 : 0x0303;
  if (!hello.versions.includes(wanted)) {
    upstream.socket.destroy();
    return giveServersOwnBytes(request, { code: 'incompatible', detail: `the server speaks ${upstream.version}, which the app did not offer` });
  }
  const bulk = bulkCipherOf(upstream.cipher);
  if (!offersBulk(hello, upstream.version, bulk)) {
    upstream.socket.destroy();
    return giveServersOwnBytes(request, { code: 'incompatible', detail: `the server chose ${upstream.cipher}, the like of which the app did not offer` });
  }
  const context = proxy.inspection.leaves.contextFor({
    account: accountOf(record.who()?.owner ?? nobody.owner), host, upstreamHash: upstream.leafHash, upstreamNotAfter: upstream.notAfter, alpn: upstream.alpn, maxVersion: upstream.version,
    bulk,
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
  const kept = handshakeToKeep(request, host, upstream, context.leaf.sha256);
  let outcome: ConnectionOutcome;
  let evidence: HandshakeEvidence;
  let bytesUp = 0;
  let bytesDown = 0;
  try {
    const accepting = acceptDownstream(client, context);
    await answered();
    record.note({ ja4: ja4Of(hello) });
    const down = await accepting;
    if (down.kind === 'failed') {
      upstream.socket.destroy();
      // Lets an alert of ours out; a handshake that missed its deadline is still open here.
      client.destroySoon();
      evidence = evidenceOf(down.handshake, upstream.version, validNow(context.leaf, proxy.now()), {
        clientFinished: false, alert: down.alert, alertBy: down.alertBy, fault: down.fault, appBytes: 0, closedBy: down.closedBy, closeKind: down.closeKind,
        endedAt: down.handshake.endedAt, bytesRead: down.handshake.readAtEnd,
      });
      outcome = classifyHandshake(evidence, app?.runtime ?? null);
    } else {
      const relayed = relay(down.socket, upstream.socket, request);
      // Behind the relay's own listener: the app's first bytes go on before they are noted.
      down.socket.once('data', (bytes: Buffer) => {
        record.outcome({ kind: 'established' });
        record.observe({ kind: 'established' }, null, evidenceOf(down.handshake, upstream.version, validNow(context.leaf, proxy.now()), {
          ...finished, appBytes: bytes.length, closedBy: 'client', closeKind: 'none', endedAt: performance.now(), bytesRead: client.bytesRead,
        }));
        if (app !== null) proxy.monitor.sawData(app, host, pid);
      });
      // An app that leaves without a word has nothing to wait for; a server that does not close in its turn would keep the outcome open.
      down.socket.once('end', () => {
        proxy.appLeft(client);
        if (down.socket.bytesRead === 0) setTimeout(() => upstream.socket.destroy(), lateLimitMs).unref();
      });
      const end = await relayed;
      bytesUp = down.socket.bytesRead;
      bytesDown = upstream.socket.bytesRead;
      evidence = evidenceOf(down.handshake, upstream.version, validNow(context.leaf, proxy.now()), {
        ...howItEnded(end, bytesUp, down.handshake, client.bytesRead, upstream.version), bytesRead: client.bytesRead,
      });
      // The server broke off before the app said a word: its trouble, not the app's answer to our certificate.
      outcome = bytesUp === 0 && end.first === 'server' && end.serverError !== null
        ? { kind: 'upstream', code: codeOf(end.serverError) } : classifyHandshake(evidence, app?.runtime ?? null);
    }
  } finally {
    proxy.live.delete(record.id);
    if (app !== null) proxy.monitor.connectionClosed(app, host, pid);
  }
  if (kept !== null && (outcome.kind === 'refused' || outcome.kind === 'incompatible')) proxy.handshakes.keep({ ...kept, endedAt: proxy.now(), outcome, alert: evidence.alert, alertBy: evidence.alertBy });
  if (outcome.kind === 'established') record.observe(outcome, null, evidence);
  else if (outcome.kind !== 'abandoned') record.observe(outcome, await trust, evidence);
  record.end(outcome, bytesUp, bytesDown);
}

/** Node answers a hello that was handed over in the next tick; this is right behind it. */
function answered(): Promise<void> {
  return new Promise((done) => process.nextTick(done));
}

/**
 * The app gets the server's own bytes over a new connection, or a block: by policy for a certificate that does not verify,
 * always a block for must-inspect hosts. Never a leaf.
 */
async function giveServersOwnBytes(request: InspectRequest, reason: Reason): Promise<void> {
  const { client, hello, decision, record, proxy } = request;
  record.note({ error: reason.detail, ja4: ja4Of(hello) });
  const policy = proxy.policy();
  if (decision.reason.code === 'must-inspect' || (reason.code.startsWith('upstream-') && policy.defaults.onInvalidUpstream === 'block')) {
    record.apply('block', reason);
    refuseTls(client);
    return record.end({ kind: 'blocked' }, 0, 0);
  }
  record.apply('bypass', reason);
  const dialled = await request.dial();
  if (dialled.kind !== 'connected') {
    client.destroy();
    return record.end({ kind: 'upstream', code: dialled.kind === 'failed' ? dialled.code : 'refused-target' }, 0, 0);
  }
  if (reason.code === 'incompatible') record.note({ unanswerable: reason.detail });
  // Only here has the app's own handshake something to teach: that it works where we could not have answered it.
  const teaches = reason.code === 'client-certificate' || reason.code === 'incompatible';
  const end = await splice(client, dialled.socket, true, request, () => {
    record.outcome({ kind: 'passed', data: true });
    if (teaches) record.observe({ kind: 'passed', data: true }, null, null);
  });
  if (teaches) record.observe({ kind: 'passed', data: end.data }, null, null);
  record.end({ kind: 'passed', data: end.data }, client.bytesRead, dialled.socket.bytesRead);
}

/** How a handshake ended, or stands: what evidence needs beside the handshake itself. */
type Ending = Pick<HandshakeEvidence, 'clientFinished' | 'alert' | 'alertBy' | 'fault' | 'appBytes' | 'closedBy' | 'closeKind'> & {
  /** On the clock of performance.now(), ms. */
  readonly endedAt: number;
  /** Counter of the raw socket then. */
  readonly bytesRead: number;
};

const finished = { clientFinished: true, alert: null, alertBy: null, fault: null } as const;

function evidenceOf(handshake: DownstreamHandshake, tls: HandshakeEvidence['tls'], leafValid: boolean, ending: Ending): HandshakeEvidence {
  const { endedAt, bytesRead, ...known } = ending;
  return {
    ...known, leafSent: handshake.leafSent, leafValid, resumed: false, tls,
    msSinceLeaf: endedAt - handshake.leafAt, handshakeMs: handshake.endedAt - handshake.startedAt, bytesAfterLeaf: bytesRead - handshake.readAtLeaf,
  };
}

/** The end of a connection whose handshake was finished. */
function howItEnded(
  end: RelayEnd, appBytes: number, handshake: DownstreamHandshake, bytesRead: number, tls: HandshakeEvidence['tls'],
): Omit<Ending, 'bytesRead'> {
  const common = { ...finished, appBytes, endedAt: end.firstAt };
  if (end.first === 'server') return { ...common, closedBy: 'agent', closeKind: 'none' };
  const alert = end.appError === null ? null : alertOf(end.appError);
  if (alert !== null) return { ...common, alert, alertBy: 'client', closedBy: 'client', closeKind: 'none' };
  if (end.appError !== null) return { ...common, closedBy: 'client', closeKind: 'rst' };
  const goodbye = appBytes === 0 && saidGoodbye(tls, bytesRead - handshake.readAtLeaf, bytesRead - handshake.readAtEnd);
  return { ...common, closedBy: 'client', closeKind: goodbye ? 'close-notify' : 'fin' };
}

/** What a capture needs of a handshake that may be refused, while its sockets still know their ends; null where none is kept. */
function handshakeToKeep(
  { client, helloBytes, target, record, proxy }: InspectRequest, host: string, upstream: Extract<UpstreamResult, { kind: 'verified' }>, leaf: string,
): Omit<RefusedHandshake, 'endedAt' | 'outcome' | 'alert' | 'alertBy'> | null {
  if (helloBytes === null) return null;
  const who = record.who();
  return {
    connection: record.id, at: proxy.now(), host, leaf, hello: helloBytes, tlsVersion: upstream.version,
    appName: who?.app?.name ?? null, user: who?.owner.kind === 'process' ? who.owner.user : null,
    client: { address: client.remoteAddress ?? '::', port: client.remotePort ?? 0 },
    server: { address: upstream.socket.remoteAddress ?? '::', port: target.port },
  };
}

const nobody: Who = { owner: { kind: 'unknown', why: 'gone', uid: null, sandbox: null }, app: null };

function validNow(leaf: { notBefore: number; notAfter: number }, now: number): boolean {
  return now >= leaf.notBefore && now < leaf.notAfter;
}

function pidOf(record: ConnectionRecord): number {
  const owner = record.who()?.owner;
  return owner?.kind === 'process' ? owner.pid : 0;
}
