// The route of one connection, top to bottom: owner, head, dial, peek, decide, then inspect | bypass | block, and the record.
// Not for how each step works: every step is a file of its own beside this one.
import type { Socket } from 'node:net';
import { whyUnanswerable } from '../../core/ca/leaf-profile.ts';
import { explainReason } from '../../core/explain.ts';
import { decide, mayBlock } from '../../core/policy/decide.ts';
import { isProxyFailure, proxyFailureWords } from '../../core/upstream-proxy/route.ts';
import type { ConnectionFacts, Decision, Held, Target } from '../../core/model.ts';
import { accountOf, whyNotServed } from './admission.ts';
import { ja4Of, openRecord, type ConnectionRecord } from './connection-record.ts';
import type { DialResult } from './dial.ts';
import type { UpstreamResult } from './connect-upstream.ts';
import { beginUpstream, inspect } from './inspect.ts';
import { peekClientHello, type Peeked } from './peek.ts';
import type { PlainHttp } from './plain-http.ts';
import type { ProxyContext, Who } from './proxy-context.ts';
import { readHead } from './read-head.ts';
import { sameShape, shapeOf, type Asker, type HelloShape } from './recent-targets.ts';
import { refuseRequest, refuseTls } from './refuse.ts';
import { servePac } from './serve-pac.ts';
import { splice } from './splice.ts';

const established = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n');

/** Serves one accepted client until it is over. Never rejects: the one catch of a connection is here. */
export async function serveConnection(client: Socket, proxy: ProxyContext, plainHttp: PlainHttp): Promise<void> {
  // Until a step takes the socket over, an early reset must not be an uncaught error; it shows as `destroyed`.
  client.on('error', () => client.destroy());
  try {
    // Asked while the client still writes its request.
    const looking = whoIs(client, null, proxy);
    const head = await readHead(client);
    if (head.kind === 'gone' && head.why === 'begun') return refuseRequest(client, 408, 'http_request_error', 'the request did not end in time.');
    if (head.kind === 'gone') return void client.destroy();
    if (head.kind === 'absolute') return plainHttp(client, looking);
    if (head.kind === 'pac') return servePac(client, head.host, proxy.policy());
    if (head.kind === 'invalid') return refuseRequest(client, head.status, 'http_request_error', `${head.why}.`);
    await serveTunnel(client, head.target, 'asked', looking, proxy);
  } catch (error) {
    proxy.onBug(error);
    client.destroy();
  }
}

/** Serves one client that dialled `target` itself and was redirected to us: the same route, without a head before it and words for no. Never rejects. */
export async function serveCaptured(client: Socket, target: Target, proxy: ProxyContext): Promise<void> {
  client.on('error', () => client.destroy());
  try {
    await serveTunnel(client, target, 'captured', whoIs(client, target, proxy), proxy);
  } catch (error) {
    proxy.onBug(error);
    client.destroy();
  }
}

/** A fault is met by whoever waits for the answer, and is not the agent's end where nobody does. */
function whoIs(client: Socket, target: Target | null, proxy: ProxyContext): Who | Promise<Who> {
  const looking = proxy.whoIs(client, target);
  if (looking instanceof Promise) looking.catch(() => undefined);
  return looking;
}

/** `captured`: the target is the address that the app has dialled; which name it means the ClientHello says, and nobody resolves that again. */
async function serveTunnel(client: Socket, target: Target, how: 'asked' | 'captured', looking: Who | Promise<Who>, proxy: ProxyContext): Promise<void> {
  const record = openRecord(proxy, target);
  let server: Socket | null = null;
  let ahead: Ahead | null = null;
  try {
    const captured = how === 'captured';
    const dial = (): Promise<DialResult> => proxy.dial(target, captured ? 'captured' : 'tunnel');
    const isHeld = (): Held => proxy.isHeld(client, captured ? target : null);
    // Where not everybody is served, or several users are, nothing is promised or dialled before it is known for whom.
    const known = captured || (proxy.servedUid === null && !proxy.shared) ? null : await looking;
    const notServed = known === null ? null : whyNotServed(known.owner, proxy.servedUid);
    if (known !== null && notServed !== null) {
      record.identify(known);
      return block(client, record, notServed);
    }
    const nameMayBlock = !captured && mayBlock(proxy.policy());
    // The client builds its ClientHello meanwhile. Only where nothing can be blocked by name, as such a host is not even dialled.
    const promised = !captured && !nameMayBlock && proxy.recentTargets.answeredLately(target, askerOf(known, proxy));
    if (promised) client.write(established);
    const dialling = promised ? dial() : null;

    const who = known ?? await looking;
    const asker = askerOf(who, proxy);
    record.identify(who);
    // The rules spare our own user: were they wrong, each connection of ours would make another without end.
    if (captured && who.owner.uid === proxy.selfUid) return noWay(client, record, target, { kind: 'refused', why: 'it is a connection of Pinlight\'s own' }, true);
    const beforehand = (): Decision => decide(proxy.policy(), factsOf(proxy, target, who, null));
    if (nameMayBlock && beforehand().disposition === 'block') return block(client, record, beforehand());
    const dialled = await (dialling ?? dial());
    if (dialled.kind !== 'connected') {
      proxy.recentTargets.failed(target, asker);
      return noWay(client, record, target, dialled, promised || captured);
    }
    proxy.recentTargets.answered(target, asker);
    server = dialled.socket;
    record.note({ ip: dialled.address });
    if (!promised && !captured) client.write(established);

    ahead = captured ? null : beginAhead(server, target, who, record, proxy);
    const peeked = await peekClientHello(client, ahead === null ? server : null, proxy.handshakes.wanted());
    if (peeked.kind === 'gone') {
      record.decided(beforehand());
      client.destroy();
      return record.end({ kind: 'abandoned' }, 0, 0);
    }
    if (peeked.kind === 'client-hello') record.note({ serverName: peeked.hello.serverName, ech: peeked.hello.ech });
    // Of a captured client the name is all that policy can mean; by its address alone a rule for everything else would win over one for the name.
    const meantTarget = captured ? { ...target, host: nameOf(peeked, target) } : target;
    const meant = decide(proxy.policy(), factsOf(proxy, meantTarget, who, peeked));
    const decision = proxy.inspection === null ? withoutRoot(meant) : meant;
    record.decided(decision);
    // Used up the moment it is decided: nothing may wait between the two.
    if (decision.reason.code === 'control-experiment' && who.app !== null) proxy.monitor.takePassThrough(who.app, nameOf(peeked, target));
    switch (decision.disposition) {
      case 'block':
        return block(client, record, decision, peeked.kind !== 'not-tls');
      case 'bypass':
        if (ahead !== null) server = await dialAnew(client, server, record, target, dial);
        if (server !== null) await bypass(client, server, record, decision, peeked, isHeld);
        return;
      case 'inspect': {
        if (peeked.kind !== 'client-hello') throw new Error('decide() inspects only what can be read');
        const shape = shapeOf(peeked.hello);
        proxy.recentTargets.inspected(target, who.app, shape);
        let connecting = ahead !== null && sameShape(ahead.shape, shape) ? ahead.connecting : null;
        if (connecting !== null) ahead = null;
        else if (ahead !== null) server = await dialAnew(client, server, record, target, dial);
        if (server === null) return;
        connecting ??= beginUpstream(server, target, shape, record, proxy);
        return await inspect({ client, connecting, target, dial, isHeld, hello: peeked.hello, helloBytes: peeked.bytes, decision, record, proxy });
      }
    }
  } finally {
    server?.destroy();
    void closeUnused(ahead);
    record.end({ kind: 'abandoned' }, client.bytesRead, client.bytesWritten);
  }
}

/** A server leg that was begun before the app's hello came. */
type Ahead = { readonly shape: HelloShape; readonly connecting: Promise<UpstreamResult> };

/**
 * An app that was inspected here a moment ago will very likely say the same hello again, and policy the same thing: then the server's
 * handshake begins now. What turns out otherwise costs a new connection to the server; nobody was answered yet.
 */
function beginAhead(server: Socket, target: Target, who: Who, record: ConnectionRecord, proxy: ProxyContext): Ahead | null {
  const shape = proxy.inspection === null ? null : proxy.recentTargets.lastShape(target, who.app);
  if (shape === null) return null;
  const expected = decide(proxy.policy(), { ...factsOf(proxy, target, who, null), serverName: shape.serverName, ...proxy.monitor.factsFor(who.app, shape.serverName ?? target.host) });
  if (expected.disposition !== 'inspect') return null;
  const connecting = beginUpstream(server, target, shape, record, proxy);
  // Nobody may be waiting for it yet, or ever.
  connecting.catch(() => undefined);
  return { shape, connecting };
}

async function closeUnused(ahead: Ahead | null): Promise<void> {
  const unused = await ahead?.connecting;
  if (unused?.kind === 'verified') unused.socket.destroy();
}

/** The server leg was begun for another hello: it is closed, and a fresh one made. Null when there is none, and the record says so. */
async function dialAnew(client: Socket, begun: Socket, record: ConnectionRecord, target: Target, dial: () => Promise<DialResult>): Promise<Socket | null> {
  begun.destroy();
  const dialled = await dial();
  if (dialled.kind === 'connected') return dialled.socket;
  noWay(client, record, target, dialled, true);
  return null;
}

/** Copies the tunnel unread. */
async function bypass(client: Socket, server: Socket, record: ConnectionRecord, decision: Decision, peeked: Peeked, isHeld: () => Held): Promise<void> {
  const { code } = decision.reason;
  const app = record.who()?.app ?? null;
  const unanswerable = peeked.kind === 'client-hello' && code === 'incompatible' ? whyUnanswerable(peeked.hello) : null;
  const watched = app !== null && (code === 'control-experiment' || code === 'exclusion' || unanswerable !== null);
  if (peeked.kind === 'client-hello') record.note({ ja4: ja4Of(peeked.hello), unanswerable });
  const end = await splice(client, server, peeked.kind !== 'not-tls', { isHeld }, () => {
    record.outcome({ kind: 'passed', data: true });
    if (watched) record.observe({ kind: 'passed', data: true }, null, null);
  });
  const outcome = peeked.kind === 'not-tls' ? { kind: 'relayed' as const } : { kind: 'passed' as const, data: end.data };
  if (watched) record.observe({ kind: 'passed', data: end.data }, null, null);
  record.end(outcome, client.bytesRead, server.bytesRead);
}

function block(client: Socket, record: ConnectionRecord, decision: Decision, tunnelOpen?: boolean): void {
  record.decided(decision);
  if (tunnelOpen === undefined) refuseRequest(client, 403, 'http_request_denied', `blocked: ${explainReason(decision.reason, decision.rule)}.`);
  else if (tunnelOpen) refuseTls(client);
  else client.destroy();
  record.end({ kind: 'blocked' }, client.bytesRead, client.bytesWritten);
}

/** `promised`: the tunnel was said to be open already; then closing is all that is left, and the record has the reason. */
function noWay(client: Socket, record: ConnectionRecord, target: Target, dialled: Exclude<DialResult, { kind: 'connected' }>, promised: boolean): void {
  if (promised) client.destroy();
  if (dialled.kind === 'refused') {
    record.apply('block', { code: 'refused-target', detail: dialled.why });
    refuseRequest(client, 403, 'destination_ip_prohibited', `Pinlight does not connect there: ${dialled.why}. Policy key network.localTargets can name it.`);
    return record.end({ kind: 'blocked' }, 0, 0);
  }
  record.apply('bypass', { code: 'upstream-failed', detail: dialled.code });
  record.note({ error: dialled.code });
  if (isProxyFailure(dialled.code)) {
    refuseRequest(client, dialled.code === 'ERR_PROXY_TIMEOUT' ? 504 : 502, 'proxy_configuration_error', proxyFailureWords(dialled.code, `${target.host}:${target.port}`));
    return record.end({ kind: 'upstream', code: dialled.code }, 0, 0);
  }
  const late = dialled.code === 'ETIMEDOUT';
  const unknown = dialled.code === 'ENOTFOUND' || dialled.code === 'EAI_AGAIN';
  refuseRequest(client, late ? 504 : 502, late ? 'connection_timeout' : unknown ? 'dns_error' : 'connection_refused',
    unknown ? `the name ${target.host} cannot be resolved (${dialled.code}).` : `${target.host}:${target.port} cannot be reached (${dialled.code}).`);
  record.end({ kind: 'upstream', code: dialled.code }, 0, 0);
}

/** For whom it is remembered what answered: one for all where there is one user, who need not be known for that. */
function askerOf(who: Who | null, proxy: ProxyContext): Asker {
  if (!proxy.shared) return 'anybody';
  return who === null ? null : accountOf(who.owner);
}

function nameOf(peeked: Peeked, target: Target): string {
  return peeked.kind === 'client-hello' ? peeked.hello.serverName ?? target.host : target.host;
}

/** What decide() knows. `peeked` null: before the tunnel, when only name and owner are known. */
function factsOf(proxy: ProxyContext, target: Target, who: Who, peeked: Peeked | null): ConnectionFacts {
  const hello = peeked?.kind === 'client-hello' ? peeked.hello : null;
  const host = hello?.serverName ?? target.host;
  return {
    target, os: proxy.os, serverName: hello?.serverName ?? null, app: who.app,
    transport: peeked === null || hello !== null ? 'tls' : peeked.kind === 'unreadable-tls' ? 'unreadable-tls' : 'not-tls',
    cannotAnswer: hello === null ? null : whyUnanswerable(hello),
    uid: who.owner.uid, user: who.owner.kind === 'process' ? who.owner.user : null, selfUid: proxy.selfUid,
    suspended: proxy.suspended(who.owner), ...proxy.monitor.factsFor(who.app, host),
  };
}

/** Without a usable root nothing can be inspected: ordinary hosts pass, must-inspect hosts do not. */
function withoutRoot(decision: Decision): Decision {
  if (decision.disposition !== 'inspect') return decision;
  const reason = { code: 'incompatible' as const, detail: 'the root key cannot be used' };
  return { ...decision, disposition: decision.reason.code === 'must-inspect' ? 'block' : 'bypass', reason };
}
