// Plain HTTP through the proxy (absolute-form requests): the same rules, relayed by node:http, one record a request.
// Not for tunnels. node:http's strict parser refuses ambiguous messages (E5); nothing is ever upgraded or rewritten but hop-by-hop headers.
import * as http from 'node:http';
import type { Socket } from 'node:net';
import { explainReason } from '../../core/explain.ts';
import { readRequestHead } from '../../core/http/request-head.ts';
import { decide } from '../../core/policy/decide.ts';
import { isProxyFailure, proxyFailureWords, readConnectAnswer } from '../../core/upstream-proxy/route.ts';
import { whyNotServed } from './admission.ts';
import { openRecord } from './connection-record.ts';
import type { ProxyContext, Who } from './proxy-context.ts';

/** Takes a client over whose first request is absolute-form, its bytes still unread. */
export type PlainHttp = (client: Socket, who: Who | Promise<Who>) => void;

/** RFC 9110 section 7.6.1: these end at a proxy. Transfer-encoding is kept: node:http frames by it. */
const hopByHop = new Set(['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'proxy-authorization', 'proxy-authenticate']);

export function createPlainHttp(proxy: ProxyContext, silentMs = 300_000): PlainHttp {
  const owners = new WeakMap<Socket, Who | Promise<Who>>();
  // It never listens, so Node's own deadlines do not run: the head came whole (read-head.ts), and a pause of five minutes ends the rest.
  const server = http.createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    forward(request, response, owners.get(request.socket), proxy, silentMs).catch((error: unknown) => {
      proxy.onBug(error);
      response.destroy();
    });
  });
  server.on('clientError', (_error, socket) => {
    if (!socket.destroyed && socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  return (client, who) => {
    owners.set(client, who);
    server.emit('connection', client);
  };
}

async function forward(request: http.IncomingMessage, response: http.ServerResponse, looking: Who | Promise<Who> | undefined, proxy: ProxyContext, silentMs: number): Promise<void> {
  const url = request.url ?? '';
  const head = readRequestHead(Buffer.from(`${request.method ?? ''} ${url} HTTP/1.1\r\n\r\n`, 'latin1'));
  if (head.kind !== 'absolute') return answer(response, 400, head.kind === 'invalid' ? `${head.why}.` : 'this proxy takes absolute http:// URLs.');
  const { target } = head;
  const record = openRecord(proxy, target);
  const who = (await looking) ?? { owner: { kind: 'unknown' as const, why: 'gone' as const, uid: null, sandbox: null }, app: null };
  record.identify(who);
  const decision = whyNotServed(who.owner, proxy.servedUid) ?? decide(proxy.policy(), {
    target, os: proxy.os, transport: 'http', serverName: null, cannotAnswer: null, app: who.app, uid: who.owner.uid,
    user: who.owner.kind === 'process' ? who.owner.user : null, selfUid: proxy.selfUid, exclusion: null, passThroughDue: false,
    suspended: null,
  });
  record.decided(decision);
  if (decision.disposition === 'block') {
    answer(response, 403, `blocked: ${explainReason(decision.reason, decision.rule)}.`);
    return record.end({ kind: 'blocked' }, 0, 0);
  }
  const dialled = await proxy.dial(target, 'plain');
  if (dialled.kind !== 'connected') {
    const refused = dialled.kind === 'refused';
    if (refused) record.apply('block', { code: 'refused-target', detail: dialled.why });
    answer(response, refused ? 403 : 502, refused ? `Pinlight does not connect there: ${dialled.why}.` : isProxyFailure(dialled.code)
      ? proxyFailureWords(dialled.code, `${target.host}:${target.port}`) : `${target.host}:${target.port} cannot be reached (${dialled.code}).`);
    return record.end(refused ? { kind: 'blocked' } : { kind: 'upstream', code: dialled.code }, 0, 0);
  }
  // A proxy of the organisation's at the other end takes the whole address, and its password.
  const { forward: further } = dialled;
  const secret = further?.authorization ?? null;
  record.note({ ip: dialled.address });
  if (response.destroyed) {
    dialled.socket.destroy();
    return record.end({ kind: 'abandoned' }, 0, 0);
  }
  // One request a connection: each head goes through the strict reader, with its limits in bytes and in time.
  response.shouldKeepAlive = false;
  const after = url.slice('http://'.length).replace(/^[^/?#]*/, '').replace(/#.*$/, '');
  const path = after.startsWith('/') ? after : `/${after}`;
  const host = target.port === 80 ? bracketed(target.host) : `${bracketed(target.host)}:${target.port}`;
  const onward = http.request({
    // No `agent`: with one, even `false`, node:http ignores createConnection and dials by itself.
    createConnection: () => dialled.socket, method: request.method ?? 'GET', path: further === null ? path : `http://${host}${path}`,
    // The target that was decided on is what the server hears, whatever the client's own Host says (RFC 9112 section 3.2.2).
    headers: ['Host', host, ...(secret === null ? [] : ['Proxy-Authorization', secret]), ...keepHeaders(request.rawHeaders, 'host')],
    setHost: false,
  });
  const finish = (code: string | null, words = `the server broke off (${code ?? ''}).`): void => {
    if (code !== null && !response.headersSent) answer(response, 502, words);
    else if (code !== null) response.destroy();
    record.end(code === null ? { kind: 'relayed' } : { kind: 'upstream', code }, dialled.socket.bytesWritten, dialled.socket.bytesRead);
    dialled.socket.destroy();
  };
  onward.on('response', (reply) => {
    reply.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'ECONNRESET'));
    const status = reply.statusCode ?? 0;
    const failure = further?.answered(status, readConnectAnswer(headText(status, reply.rawHeaders))?.schemes ?? []) ?? null;
    if (failure !== null) return finish(failure, proxyFailureWords(failure, `${target.host}:${target.port}`));
    const phrase = reply.statusMessage ?? '';
    const headers = keepHeaders(reply.rawHeaders);
    // Node reads status lines and headers that it then refuses to write: the server's fault, and not the end of the agent.
    if (status < 200 || status > 999 || ![phrase, ...headers].every((text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text))) return finish('malformed answer');
    response.writeHead(status, phrase, headers);
    reply.pipe(response);
  });
  onward.on('upgrade', (_reply, socket) => {
    socket.destroy();
    finish('unasked upgrade');
  });
  // The option `timeout` does nothing for a socket that is connected already.
  dialled.socket.setTimeout(silentMs, () => onward.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
  onward.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'ECONNRESET'));
  response.once('finish', () => finish(null));
  response.once('close', () => finish(response.writableFinished ? null : 'client left'));
  request.pipe(onward);
}

function headText(status: number, raw: readonly string[]): string {
  return raw.reduce((text, part, at) => text + (at % 2 === 0 ? `\r\n${part}: ` : part), `HTTP/1.1 ${status}`);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** What frames or addresses a message is never hop-by-hop, whatever a Connection header names. */
const neverNamed = new Set(['host', 'content-length', 'transfer-encoding']);

/** rawHeaders without what ends at a proxy (and `also`), names and order as they came. */
function keepHeaders(raw: readonly string[], also?: string): string[] {
  const named = new Set<string>(hopByHop);
  for (let i = 0; i < raw.length; i += 2) {
    if ((raw[i] as string).toLowerCase() === 'connection') {
      for (const token of (raw[i + 1] as string).split(',').map((word) => word.trim().toLowerCase())) if (!neverNamed.has(token)) named.add(token);
    }
  }
  if (also !== undefined) named.add(also);
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (!named.has((raw[i] as string).toLowerCase())) kept.push(raw[i] as string, raw[i + 1] as string);
  return kept;
}

function answer(response: http.ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-security-policy': "default-src 'none'", connection: 'close' });
  response.end(`Pinlight: ${sentence}\n`);
}
