// Which way to a target leads through a proxy of the organisation's: reads proxy addresses, NO_PROXY lists and PAC answers, and chooses.
// Not for connecting (agent/proxy/upstream-proxy.ts) and not for running a PAC file (agent/proxy/pac.ts).
import { addressBytes } from '../policy/address.ts';
import { normaliseHost } from '../policy/host-pattern.ts';
import type { Target } from '../model.ts';

/** A proxy that takes CONNECT. `credentials`: `user:password` out of its address, or null; never shown to anybody. */
export type UpstreamProxy = { readonly host: string; readonly port: number; readonly credentials: string | null };

export type ProxyRead = { readonly kind: 'proxy'; readonly proxy: UpstreamProxy } | { readonly kind: 'invalid'; readonly why: string };

/**
 * Where traffic goes, as somebody set it. `plain`: for http:// requests, `tunnel`: for everything else. `unusable`: a proxy is wanted that we
 * cannot use, and nothing is sent past it. `problems`: why, in words.
 */
export type ProxySettings = {
  readonly plain: UpstreamProxy | 'unusable' | null;
  readonly tunnel: UpstreamProxy | 'unusable' | null;
  /** Address of a PAC file, http:, https: or file:; it goes before the other two. */
  readonly pac: string | null;
  readonly bypass: readonly string[];
  /** The environment of an agent may well name the agent: then it says how to reach us, and nothing about the way out. */
  readonly mayBeOurselves: boolean;
  readonly problems: readonly string[];
};

export type Way =
  | { readonly kind: 'direct' }
  | { readonly kind: 'proxy'; readonly proxy: UpstreamProxy }
  | { readonly kind: 'pac'; readonly url: string }
  | { readonly kind: 'unusable' };

/** `http://user:password@proxy.example:3128`, or without scheme; port 80 where there is none. Other kinds of proxies are not understood. */
export function readProxyUrl(text: string): ProxyRead {
  const found = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^/]*)@)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?\/?$/iu.exec(text.trim());
  if (found === null) return { kind: 'invalid', why: 'it is no address of a proxy, such as http://proxy.example:3128' };
  const [, scheme = 'http', userInfo, name = '', digits = '80'] = found;
  if (scheme.toLowerCase() !== 'http') return { kind: 'invalid', why: `only http:// proxies are understood, not ${scheme.toLowerCase()}://` };
  const port = Number(digits);
  const host = normaliseHost(name);
  if (port < 1 || port > 65_535 || (name.startsWith('[') && addressBytes(host) === null)) return { kind: 'invalid', why: 'it is no address with a port from 1 to 65535' };
  const credentials = userInfo === undefined ? null : decoded(userInfo);
  if (credentials !== null && /\p{Cc}/u.test(credentials)) return { kind: 'invalid', why: 'its user name or password holds characters that none can hold' };
  return { kind: 'proxy', proxy: { host, port, credentials: credentials === null || credentials.includes(':') ? credentials : `${credentials}:` } };
}

/**
 * What policy (`network.upstreamProxy`) and the agent's environment say. `direct`: no proxy; `system`: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
 * NO_PROXY, or a PAC file named by auto_proxy; else the address of a proxy, or of a PAC file as `pac+http://…`.
 */
export function proxySettings(upstreamProxy: string, upstreamBypass: readonly string[], env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const none = { plain: null, tunnel: null, pac: null, bypass: upstreamBypass, mayBeOurselves: false, problems: [] };
  if (upstreamProxy === 'direct') return none;
  if (upstreamProxy === 'system') return environmentSettings(upstreamBypass, env);
  const pac = pacUrl(upstreamProxy);
  if (pac !== null) return { ...none, pac };
  const read = readProxyUrl(upstreamProxy);
  const proxy = read.kind === 'proxy' ? read.proxy : 'unusable';
  return { ...none, plain: proxy, tunnel: proxy, problems: read.kind === 'proxy' ? [] : [`network.upstreamProxy: ${read.why}`] };
}

/** What is wrong with a value of `network.upstreamProxy`, in words; null when nothing is. No passwords: a policy is there to be read. */
export function upstreamProxyFault(text: string): string | null {
  if (text === 'direct' || text === 'system' || pacUrl(text) !== null) return null;
  const read = readProxyUrl(text);
  if (read.kind === 'invalid') return `must be "direct", "system", "http://HOST:PORT" or "pac+http://…": ${read.why}`;
  if (read.proxy.credentials !== null) return 'must not hold a user name or password: everybody can read the policy. `network.upstreamCredentials` names a file for them';
  return null;
}

/** The way to a target. What may name this device itself never goes to a proxy, where it would mean the proxy's own machine. */
export function chooseWay(settings: ProxySettings, target: Target, use: 'plain' | 'tunnel'): Way {
  const direct = { kind: 'direct' } as const;
  const proxy = use === 'plain' ? settings.plain : settings.tunnel;
  if (proxy === null && settings.pac === null) return direct;
  const host = normaliseHost(target.host);
  if (isOwnName(host) || settings.bypass.some((entry) => bypasses(entry, host, target.port))) return direct;
  if (settings.pac !== null) return { kind: 'pac', url: settings.pac };
  if (proxy === 'unusable') return { kind: 'unusable' };
  return proxy === null ? direct : { kind: 'proxy', proxy };
}

/**
 * Does an entry of a NO_PROXY list name this target? `*` names all; `name.example`, `.name.example` and `*.name.example` name it and what
 * is below it (as curl, Go and Python read them); an address names itself, `10.0.0.0/8` what is in it; each may end in `:port`;
 * `<local>` names hosts without a dot. Names are compared with names: nothing is resolved. `host` normalised.
 */
export function bypasses(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (entry === '<local>') return !host.includes('.') && !host.includes(':');
  const found = /^(\[[^\]]*\](?:\/\d+)?|[^:]*|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*(?:\/\d+)?)(?::(\d+))?$/iu.exec(entry);
  if (found === null || (found[2] !== undefined && Number(found[2]) !== port)) return false;
  const name = (found[1] ?? '').replaceAll(/[[\]]/gu, '');
  const slash = name.indexOf('/');
  const named = addressBytes(slash < 0 ? name : name.slice(0, slash));
  if (named !== null) {
    const bits = slash < 0 ? named.length * 8 : Number(name.slice(slash + 1));
    const address = addressBytes(host);
    return address !== null && address.length === named.length && bits <= named.length * 8 && sharesPrefix(address, named, bits);
  }
  const suffix = normaliseHost(name.replace(/^\*?\./u, ''));
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
}

/** The ways that a PAC file names, in its order: `PROXY a:3128; DIRECT`. Null where it names only kinds that are not understood. An empty answer is DIRECT. */
export function readPacAnswer(answer: string): readonly (Way & { readonly kind: 'direct' | 'proxy' })[] | null {
  const parts = answer.split(';').map((part) => part.trim()).filter((part) => part !== '');
  if (parts.length === 0) return [{ kind: 'direct' }];
  const ways = parts.flatMap((part): (Way & { readonly kind: 'direct' | 'proxy' })[] => {
    const [word = '', address = ''] = part.split(/\s+/u);
    if (word.toUpperCase() === 'DIRECT') return [{ kind: 'direct' }];
    if (!['PROXY', 'HTTP'].includes(word.toUpperCase())) return [];
    const read = readProxyUrl(address);
    return read.kind === 'proxy' ? [read] : [];
  });
  return ways.length === 0 ? null : ways;
}

/** The status and the names of authentication schemes in the head of a proxy's answer to CONNECT; null for what is no such head. */
export function readConnectAnswer(head: string): { readonly status: number; readonly schemes: readonly string[] } | null {
  const lines = head.split(/\r?\n/u);
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/u.exec(lines[0] ?? '')?.[1];
  if (status === undefined) return null;
  const schemes = lines.flatMap((line) => /^proxy-authenticate:\s*([!#$%&'*+.^_`|~0-9a-z-]{1,20})/iu.exec(line)?.[1] ?? []);
  return { status: Number(status), schemes: schemes.slice(0, 10) };
}

/** Why no way came about: stable codes, shown as a row's error. */
export type ProxyFailure =
  /** The proxy wants a user name and password that we do not have, or refuses ours. */
  | 'ERR_PROXY_PASSWORD'
  /** It asks in a way that only the user's own sign-in can answer (NTLM, Kerberos). */
  | 'ERR_PROXY_SIGN_IN'
  /** It does not let this target through. */
  | 'ERR_PROXY_DENIED'
  /** It cannot reach the target itself. */
  | 'ERR_PROXY_GATEWAY'
  /** What it said is no answer to CONNECT, or too long. */
  | 'ERR_PROXY_ANSWER'
  | 'ERR_PROXY_UNREACHABLE'
  | 'ERR_PROXY_TIMEOUT'
  /** It is this very agent. */
  | 'ERR_PROXY_LOOP'
  /** The PAC file cannot be read, does not end, or names nothing that is understood. */
  | 'ERR_PROXY_PAC'
  /** Settings that cannot be used. */
  | 'ERR_PROXY_SETTINGS';

/** What a status of the proxy's means; null = the tunnel is open. */
export function failureOf(status: number, schemes: readonly string[]): ProxyFailure | null {
  if (status >= 200 && status < 300) return null;
  if (status === 407) return schemes.length > 0 && !schemes.some((scheme) => scheme.toLowerCase() === 'basic') ? 'ERR_PROXY_SIGN_IN' : 'ERR_PROXY_PASSWORD';
  if (status === 403 || status === 405 || status === 451) return 'ERR_PROXY_DENIED';
  return status === 404 || status >= 500 ? 'ERR_PROXY_GATEWAY' : 'ERR_PROXY_ANSWER';
}

/** A failure as a sentence for whoever asked for the target (`name:443`). */
export function proxyFailureWords(failure: ProxyFailure, place: string): string {
  return `${place} cannot be reached: ${failureWords[failure]} (${failure}).`;
}

/** Is this error code one of a proxy's? */
export function isProxyFailure(code: string): code is ProxyFailure {
  return Object.hasOwn(failureWords, code);
}

const failureWords: Readonly<Record<ProxyFailure, string>> = {
  ERR_PROXY_PASSWORD: 'the organisation\'s proxy wants a user name and password, and has accepted none (407)',
  ERR_PROXY_SIGN_IN: 'the organisation\'s proxy wants a sign-in that Pinlight cannot make for you (407)',
  ERR_PROXY_DENIED: 'the organisation\'s proxy does not allow it',
  ERR_PROXY_GATEWAY: 'the organisation\'s proxy cannot reach it',
  ERR_PROXY_ANSWER: 'the organisation\'s proxy gave no answer that can be understood',
  ERR_PROXY_UNREACHABLE: 'the organisation\'s proxy cannot be reached',
  ERR_PROXY_TIMEOUT: 'the organisation\'s proxy did not answer in time',
  ERR_PROXY_LOOP: 'the proxy that is set is Pinlight itself',
  ERR_PROXY_PAC: 'the organisation\'s PAC file names no way that can be used',
  ERR_PROXY_SETTINGS: 'the proxy settings cannot be used',
};

function environmentSettings(bypass: readonly string[], env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const problems: string[] = [];
  const value = (name: string): string | null => {
    const text = env[name.toLowerCase()] ?? env[name];
    return text === undefined || text.trim() === '' ? null : text;
  };
  const read = (name: string): UpstreamProxy | 'unusable' | null => {
    const text = value(name) ?? value('ALL_PROXY');
    if (text === null) return null;
    const found = readProxyUrl(text);
    if (found.kind === 'proxy') return found.proxy;
    problems.push(`${name}: ${found.why}`);
    return 'unusable';
  };
  const auto = value('AUTO_PROXY');
  const pac = auto === null ? null : pacUrl(`pac+${auto}`);
  if (auto !== null && pac === null) problems.push('auto_proxy: it is no http:, https: or file: address');
  const listed = (value('NO_PROXY') ?? '').split(/[\s,]+/u).filter((entry) => entry !== '');
  return { plain: read('HTTP_PROXY'), tunnel: read('HTTPS_PROXY'), pac, bypass: [...bypass, ...listed], mayBeOurselves: true, problems };
}

function pacUrl(text: string): string | null {
  return /^pac\+((?:https?:\/\/[^/\s@]+|file:\/\/)\/[^\s]*)$/iu.exec(text)?.[1] ?? null;
}

/** `localhost`, and what only resolvers take for an address (`127.1`, `0x7f000001`; the URL standard's "ends in a number"). */
function isOwnName(host: string): boolean {
  return /(?:^|\.)localhost$/u.test(host) || (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/u.test(host) && addressBytes(host) === null);
}

function sharesPrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = (0xff00 >> Math.min(8, bits - bit)) & 0xff;
    if ((((a[bit / 8] ?? 0) ^ (b[bit / 8] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
