// The way out through an organisation's proxy: which one for which target, and CONNECT through it with limits in bytes and time.
// Not for dialling targets themselves (dial.ts) and not for the rules of NO_PROXY and PAC answers (core/upstream-proxy/route.ts).
import { lstatSync, readFileSync } from 'node:fs';
import { lookup as systemLookup } from 'node:dns';
import * as net from 'node:net';
import { addressBytes, addressKind } from '../../core/policy/address.ts';
import { formatHostPort, normaliseHost } from '../../core/policy/host-pattern.ts';
import type { PolicyNetwork } from '../../core/policy/policy.ts';
import {
  chooseWay, failureOf, proxySettings, readConnectAnswer, readPacAnswer, type ProxyFailure, type ProxySettings, type UpstreamProxy, type Way,
} from '../../core/upstream-proxy/route.ts';
import type { Target } from '../../core/model.ts';
import { waitForBytes } from './wait-for-bytes.ts';

/** Runs a PAC file: the text of its answer for a target, or null when it has none in time. */
export type PacFile = { find(pacUrl: string, targetUrl: string, host: string): Promise<string | null>; close(): void };

/** What is wrong with the way out, for people; `schemes`: what a proxy asked for. Null = a connection came about. */
export type ProxyTrouble = { readonly failure: ProxyFailure; readonly proxy: string; readonly schemes: readonly string[]; readonly detail: string };

export type UpstreamProxies = {
  /** The ways to try, in order. At once where no PAC file has to be asked. */
  waysTo(target: Target, use: 'plain' | 'tunnel'): ProxyWays | Promise<ProxyWays>;
  /** Told how it went with a proxy. */
  tried(way: ThroughWay, failure: ProxyFailure | null, schemes: readonly string[]): void;
};

/** `authorization`: the value of Proxy-Authorization, a secret. */
export type ThroughWay = { readonly kind: 'proxy'; readonly proxy: UpstreamProxy; readonly authorization: string | null };
export type ProxyWays = readonly ({ readonly kind: 'direct' } | ThroughWay)[] | ProxyFailure;

export type ThroughProxy =
  /** For `plain` the socket ends at the proxy itself, which takes requests for absolute URLs. */
  | { readonly kind: 'connected'; readonly socket: net.Socket }
  | { readonly kind: 'failed'; readonly code: ProxyFailure; readonly schemes: readonly string[] };

/** `connect`: as for any server. `answer`: the proxy dials the target meanwhile; squid's own limit is a minute, and apps wait some 30 s. */
const deadlinesMs = { connect: 10_000, answer: 30_000 };
/** squid's own limit for a reply's head. */
const headLimit = 65_536;

/** Settings follow the policy and are read again when it changes; `onTrouble` hears a change, and null when all is well again. */
export function createUpstreamProxies(options: {
  readonly network: () => PolicyNetwork;
  readonly ownPorts: () => ReadonlySet<number>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pac: PacFile;
  readonly onTrouble: (trouble: ProxyTrouble | null) => void;
}): UpstreamProxies {
  let read: { readonly network: PolicyNetwork; readonly settings: ProxySettings; readonly file: string | null } | null = null;
  let told: ProxyTrouble | null = null;
  const tell = (trouble: ProxyTrouble | null): void => {
    if (JSON.stringify(trouble) === JSON.stringify(told)) return;
    told = trouble;
    options.onTrouble(trouble);
  };
  const current = (): { readonly settings: ProxySettings; readonly file: string | null } => {
    const network = options.network();
    if (read?.network === network) return read;
    const file = network.upstreamCredentials === '' ? null : readCredentials(network.upstreamCredentials);
    const settings = proxySettings(network.upstreamProxy, network.upstreamBypass, options.env);
    read = { network, settings, file: file?.text ?? null };
    const problems = [...settings.problems, ...(file?.why === undefined ? [] : [file.why])];
    tell(problems.length === 0 ? null : { failure: 'ERR_PROXY_SETTINGS', proxy: 'the settings', schemes: [], detail: problems.join('; ') });
    return read;
  };
  const wayOf = (way: Way & { readonly kind: 'direct' | 'proxy' }, mayBeOurselves: boolean): { readonly kind: 'direct' } | ThroughWay => {
    if (way.kind === 'direct' || (mayBeOurselves && isOurs(way.proxy, options.ownPorts()))) return { kind: 'direct' };
    const credentials = way.proxy.credentials ?? current().file;
    return { ...way, authorization: credentials === null ? null : `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}` };
  };
  return {
    waysTo: (target, use) => {
      const { settings } = current();
      const way = chooseWay(settings, target, use);
      if (way.kind === 'unusable') return 'ERR_PROXY_SETTINGS';
      if (way.kind !== 'pac') return [wayOf(way, settings.mayBeOurselves)];
      const host = normaliseHost(target.host);
      const url = `${use === 'plain' ? 'http' : 'https'}://${formatHostPort(host, target.port)}/`;
      return options.pac.find(way.url, url, host).then((answer) => {
        const ways = answer === null ? null : readPacAnswer(answer);
        if (ways !== null) {
          if (told?.failure === 'ERR_PROXY_PAC') tell(null);
          return ways.map((one) => wayOf(one, true));
        }
        tell({ failure: 'ERR_PROXY_PAC', proxy: way.url, schemes: [], detail: answer === null ? 'it gave no answer' : `it answered "${answer.slice(0, 100)}"` });
        return 'ERR_PROXY_PAC';
      });
    },
    tried: ({ proxy }, failure, schemes) => {
      if (failure === null) tell(null);
      // What one target meets there says nothing about the proxy.
      else if (failure !== 'ERR_PROXY_DENIED' && failure !== 'ERR_PROXY_GATEWAY') tell({ failure, proxy: formatHostPort(proxy.host, proxy.port), schemes, detail: '' });
    },
  };
}

/** Connects to the proxy and, for a tunnel, has it connect to the target. What the server said meanwhile is back in the socket. */
export async function connectThrough(
  way: ThroughWay, target: Target, use: 'plain' | 'tunnel', ownPorts: ReadonlySet<number>, deadlines = deadlinesMs,
): Promise<ThroughProxy> {
  const connected = await connect(way.proxy, ownPorts, deadlines.connect);
  if (connected.kind === 'failed' || use === 'plain') return connected;
  const { socket } = connected;
  const place = formatHostPort(normaliseHost(target.host), target.port);
  const authorization = way.authorization === null ? '' : `Proxy-Authorization: ${way.authorization}\r\n`;
  socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n${authorization}\r\n`);
  const fail = (code: ProxyFailure, schemes: readonly string[] = []): ThroughProxy => {
    socket.destroy();
    return { kind: 'failed', code, schemes };
  };
  const deadline = performance.now() + deadlines.answer;
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const more = await waitForBytes(socket, deadline);
    if (typeof more === 'string') return fail(more === 'deadline' ? 'ERR_PROXY_TIMEOUT' : 'ERR_PROXY_ANSWER');
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0 || end > headLimit) {
      if (bytes.length > headLimit) return fail('ERR_PROXY_ANSWER');
      continue;
    }
    const answer = readConnectAnswer(bytes.toString('latin1', 0, end));
    if (answer === null) return fail('ERR_PROXY_ANSWER');
    const failure = failureOf(answer.status, answer.schemes);
    if (failure !== null) return fail(failure, answer.schemes);
    if (bytes.length > end + 4) socket.unshift(bytes.subarray(end + 4));
    return { kind: 'connected', socket };
  }
}

function connect(proxy: UpstreamProxy, ownPorts: ReadonlySet<number>, deadlineMs: number): Promise<ThroughProxy> {
  if (isOurs(proxy, ownPorts)) return Promise.resolve({ kind: 'failed', code: 'ERR_PROXY_LOOP', schemes: [] });
  return new Promise((done) => {
    let ours = false;
    const socket = net.connect({
      host: proxy.host, port: proxy.port, allowHalfOpen: true, noDelay: true, autoSelectFamily: true,
      lookup: (host, options, answer) => systemLookup(host, { ...options, all: true, verbatim: true }, (error, addresses) => {
        const others = addresses?.filter(({ address }) => !isOurs({ ...proxy, host: address }, ownPorts)) ?? [];
        ours = others.length === 0 && error === null;
        if (others.length === 0) answer(error ?? Object.assign(new Error('loop'), { code: 'ELOOP' }), []);
        else answer(null, others);
      }),
    });
    const settle = (result: ThroughProxy): void => {
      clearTimeout(deadline);
      socket.removeAllListeners('error');
      // Until the route takes the socket over, an early reset must not be an uncaught error; it shows as `destroyed`.
      socket.on('error', () => socket.destroy());
      if (result.kind === 'failed') socket.destroy();
      done(result);
    };
    const deadline = setTimeout(() => settle({ kind: 'failed', code: 'ERR_PROXY_TIMEOUT', schemes: [] }), deadlineMs);
    socket.once('error', () => settle({ kind: 'failed', code: ours ? 'ERR_PROXY_LOOP' : 'ERR_PROXY_UNREACHABLE', schemes: [] }));
    socket.once('connect', () => settle({ kind: 'connected', socket }));
  });
}

/** We listen on loopback alone; an address that names every address of this device reaches it too. */
function isOurs(proxy: Pick<UpstreamProxy, 'host' | 'port'>, ownPorts: ReadonlySet<number>): boolean {
  if (!ownPorts.has(proxy.port)) return false;
  if (proxy.host === 'localhost') return true;
  const bytes = addressBytes(proxy.host);
  const kind = bytes === null ? null : addressKind(bytes);
  return kind === 'loopback' || kind === 'unspecified';
}

/** The first line of the file, which nobody but its owner may read. `why`: what is wrong with it, without what it holds. */
function readCredentials(file: string): { readonly text: string | null; readonly why?: string } {
  try {
    const found = lstatSync(file);
    if (!found.isFile() || found.size > 4096) return { text: null, why: `${file} is no small file` };
    if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) return { text: null, why: `${file} may be read by others (chmod 600)` };
    const [line = ''] = readFileSync(file, 'utf8').split(/\r?\n/u, 1);
    return line.includes(':') ? { text: line } : { text: null, why: `${file} does not begin with "user:password"` };
  } catch (error) {
    return { text: null, why: `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` };
  }
}
