// Opens the TCP connection to a target: resolves, refuses addresses a loopback proxy must not open, dials A and AAAA staggered; or has an
// organisation's proxy open it (upstream-proxy.ts). Not for TLS (connect-upstream.ts).
import { lookup as systemLookup } from 'node:dns';
import * as net from 'node:net';
import { networkInterfaces } from 'node:os';
import { addressBytes, addressKind } from '../../core/policy/address.ts';
import { formatHostPort, normaliseHost } from '../../core/policy/host-pattern.ts';
import type { PolicyNetwork } from '../../core/policy/policy.ts';
import { failureOf, type ProxyFailure } from '../../core/upstream-proxy/route.ts';
import type { Target } from '../../core/model.ts';
import { connectThrough, type ProxyWays, type ThroughWay, type UpstreamProxies } from './upstream-proxy.ts';

/** RFC 8305 section 5 recommends 250 ms between attempts. */
const staggerMs = 250;
/** A server that does not answer keeps an app waiting no longer than this. */
const connectDeadlineMs = 10_000;

export type DialResult =
  /** `address`: null behind a proxy. `forward`: the socket ends at a proxy that takes requests for absolute URLs (`use: 'plain'` alone). */
  | { readonly kind: 'connected'; readonly socket: net.Socket; readonly address: string | null; readonly forward: Forward | null }
  /** An address that is never dialled; `why` in words. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly code: string };

/** A proxy that takes plain requests. `authorization`: the value of Proxy-Authorization, a secret. */
export type Forward = {
  readonly authorization: string | null;
  /** To be told the head of its answer; gives the failure that a 407 is. */
  answered(status: number, schemes: readonly string[]): ProxyFailure | null;
};

/** `plain`: an http:// request; `captured`: the app itself has dialled the address, so no proxy is asked. */
export type DialUse = 'tunnel' | 'plain' | 'captured';

/** Name look-up as node:dns gives it with `all: true`; tests and labs may bring their own. */
export type Resolve = (host: string, done: (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void) => void;

const resolveBySystem: Resolve = (host, done) => systemLookup(host, { all: true, verbatim: true }, done);

/**
 * One TCP connection to the target, checked at the address that is dialled; where a proxy dials, only a literal address can be checked.
 * `ownPorts`: the ports this agent listens on.
 */
export function dialTarget(
  target: Target, network: PolicyNetwork, ownPorts: ReadonlySet<number>, resolve: Resolve = resolveBySystem,
  proxies: UpstreamProxies | null = null, use: DialUse = 'tunnel',
): Promise<DialResult> {
  const placed = network.localTargets[formatHostPort(normaliseHost(target.host), target.port)];
  if (placed !== undefined) return dialPlaced(placed, ownPorts);
  const check = (address: string): string | null => refusal(address, network.privateTargets);
  if (net.isIP(target.host) !== 0) {
    const why = check(target.host);
    if (why !== null) return Promise.resolve({ kind: 'refused', why: `${target.host} is ${why}` });
  }
  if (proxies === null || use === 'captured') return dialDirectly(target, check, resolve);
  const dial = (ways: ProxyWays): Promise<DialResult> => dialInOrder(ways, () => dialDirectly(target, check, resolve), target, use, proxies, ownPorts);
  const ways = proxies.waysTo(target, use);
  return ways instanceof Promise ? ways.then(dial) : dial(ways);
}

/** The first way that leads anywhere: a proxy that is not there is passed over, one that says no is believed. */
async function dialInOrder(
  ways: ProxyWays, directly: () => Promise<DialResult>, target: Target, use: 'tunnel' | 'plain', proxies: UpstreamProxies, ownPorts: ReadonlySet<number>,
): Promise<DialResult> {
  if (typeof ways === 'string') return { kind: 'failed', code: ways };
  let last: DialResult = { kind: 'failed', code: 'ERR_PROXY_SETTINGS' };
  for (const way of ways) {
    if (way.kind === 'direct') return directly();
    const through = await connectThrough(way, target, use, ownPorts);
    if (through.kind === 'connected' && use === 'plain') return { ...through, address: null, forward: forwardBy(way, proxies) };
    proxies.tried(way, through.kind === 'failed' ? through.code : null, through.kind === 'failed' ? through.schemes : []);
    if (through.kind === 'connected') return { ...through, address: null, forward: null };
    last = through;
    if (!['ERR_PROXY_UNREACHABLE', 'ERR_PROXY_TIMEOUT', 'ERR_PROXY_LOOP'].includes(through.code)) return last;
  }
  return last;
}

function forwardBy(way: ThroughWay, proxies: UpstreamProxies): Forward {
  return { authorization: way.authorization, answered: (status, schemes) => {
    const failure = status === 407 ? failureOf(status, schemes) : null;
    proxies.tried(way, failure, schemes);
    return failure;
  } };
}

function dialDirectly(target: Target, check: (address: string) => string | null, resolve: Resolve): Promise<DialResult> {
  let refused: string | null = null;
  const socket = net.connect({
    host: target.host, port: target.port, allowHalfOpen: true, noDelay: true, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: staggerMs,
    lookup: (host, _options, done) => {
      resolve(host, (error, addresses) => {
        if (error !== null) return done(error, []);
        const fit = addresses.filter(({ address }) => {
          const why = check(address);
          if (why !== null) refused = `${host} resolves to ${address}, which is ${why}`;
          return why === null;
        });
        if (fit.length > 0) done(null, fit);
        else done(Object.assign(new Error(refused ?? 'no address'), { code: refused === null ? 'ENOTFOUND' : 'ERR_PINLIGHT_REFUSED' }), []);
      });
    },
  });
  return settle(socket).then((result) => (result.kind === 'failed' && result.code === 'ERR_PINLIGHT_REFUSED' ? { kind: 'refused', why: refused ?? '' } : result));
}

function dialPlaced(placed: string, ownPorts: ReadonlySet<number>): Promise<DialResult> {
  const at = placed.lastIndexOf(':');
  const host = placed.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(placed.slice(at + 1));
  const kind = addressKind(addressBytes(host) ?? new Uint8Array(4));
  if (ownPorts.has(port) && (kind === 'loopback' || kind === 'unspecified')) {
    return Promise.resolve({ kind: 'refused', why: `${placed} is this proxy itself` });
  }
  return settle(net.connect({ host, port, allowHalfOpen: true, noDelay: true }));
}

function settle(socket: net.Socket): Promise<DialResult> {
  return new Promise((done) => {
    const deadline = setTimeout(() => {
      socket.destroy();
      done({ kind: 'failed', code: 'ETIMEDOUT' });
    }, connectDeadlineMs);
    socket.once('connect', () => {
      clearTimeout(deadline);
      socket.removeAllListeners('error');
      // Until the route takes the socket over, an early reset must not be an uncaught error; it shows as `destroyed`.
      socket.on('error', () => socket.destroy());
      done({ kind: 'connected', socket, address: socket.remoteAddress ?? '', forward: null });
    });
    socket.once('error', (error: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] }) => {
      clearTimeout(deadline);
      done({ kind: 'failed', code: error.code ?? error.errors?.[0]?.code ?? 'ECONNREFUSED' });
    });
  });
}

/** Why an address is never dialled, as the end of a sentence; null when it may be. */
function refusal(address: string, privateTargets: 'allow' | 'block'): string | null {
  const bytes = addressBytes(address);
  if (bytes === null) return 'no address';
  const kind = addressKind(bytes);
  if (kind === 'loopback' || kind === 'link-local' || kind === 'unspecified' || kind === 'multicast' || kind === 'reserved') return `a ${kind} address`;
  if (kind === 'metadata') return "a cloud's metadata address";
  if (kind === 'private' && privateTargets === 'block') return 'a private address, which policy blocks';
  // `::ffff:192.0.2.1` reaches 192.0.2.1.
  const mapped = bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return ownAddresses().has((mapped ? bytes.subarray(12) : bytes).join('.')) ? 'an address of this device' : null;
}

let own: { at: number; addresses: Set<string> } | null = null;

/** This device's own addresses, read again after 5 s: laptops change networks. */
function ownAddresses(): Set<string> {
  const at = performance.now();
  if (own === null || at - own.at > 5_000) {
    const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    own = { at, addresses: new Set(all.map((entry) => (addressBytes(entry.address.replace(/%.*$/, '')) ?? []).join('.'))) };
  }
  return own.addresses;
}
