// Reads the head of a proxy request: CONNECT, or an absolute-form request for plain HTTP. Strict on purpose (E4).
// Not an HTTP parser for what follows: plain requests go to node:http, tunnels are never parsed.
import { addressBytes } from '../policy/address.ts';
import type { Target } from '../model.ts';

/** A head may not be longer; browsers stay under 16 kB, 64 kB is where Chromium's own limit for cookies ends. */
export const headLimit = 65_536;

export type RequestHeadRead =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly status: 400 | 405 | 431 | 505; readonly why: string }
  /** `bytes`: length of the head; what follows belongs to the tunnel. */
  | { readonly kind: 'connect'; readonly target: Target; readonly bytes: number }
  /** A plain HTTP request for a proxy; the bytes go unread to node:http. */
  | { readonly kind: 'absolute'; readonly target: Target }
  /** The proxy is asked for its own PAC. `host`: the Host header as it stands. */
  | { readonly kind: 'pac'; readonly host: string };

/** What the first bytes of a downstream connection ask for. `incomplete` until the blank line, or until it is surely wrong. */
export function readRequestHead(bytes: Uint8Array): RequestHeadRead {
  const invalid = (why: string, status: 400 | 405 | 431 | 505 = 400): RequestHeadRead => ({ kind: 'invalid', status, why });
  // A first byte that can't begin a method (TLS record, SSH banner's lower case is fine, binary) needs no more bytes to be refused.
  const first = bytes[0];
  if (first !== undefined && !(first >= 0x41 && first <= 0x5a) && !(first >= 0x61 && first <= 0x7a)) {
    return invalid(first === 22 ? 'this is TLS; the proxy is spoken to in plain HTTP' : 'this is not an HTTP request');
  }
  const lineEnd = bytes.indexOf(0x0a);
  if ((lineEnd === -1 ? bytes.length : lineEnd) > 8_192) return invalid('request line longer than 8192 bytes', 431);
  const end = headEnd(bytes);
  if (end === null) {
    // A head with bare LFs never gets its CRLFCRLF: refused now instead of waiting for the deadline.
    if (lineEnd !== -1 && bytes[lineEnd - 1] !== 0x0d) return invalid('bare CR or LF in the head');
    return bytes.length > headLimit ? invalid(`head longer than ${headLimit} bytes`, 431) : { kind: 'incomplete' };
  }
  if (end > headLimit) return invalid(`head longer than ${headLimit} bytes`, 431);
  let text = '';
  for (let i = 0; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte === 0 || byte > 0x7e || (byte < 0x20 && byte !== 0x0d && byte !== 0x0a && byte !== 0x09)) return invalid('control or non-ASCII byte in the head');
    text += String.fromCharCode(byte);
  }
  const lines = text.slice(0, -4).split('\r\n');
  if (lines.some((line) => line.includes('\r') || line.includes('\n'))) return invalid('bare CR or LF in the head');
  const [requestLine = '', ...headers] = lines;
  const parts = requestLine.split(' ');
  if (parts.length !== 3) return invalid('malformed request line');
  const [method, uri, version] = parts as [string, string, string];
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') return invalid('HTTP version', 505);
  if (headers.length > 200) return invalid('more than 200 header lines', 431);
  for (const line of headers) {
    if (/^[\t ]/.test(line)) return invalid('folded header line');
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line)) return invalid('malformed header line');
  }
  if (method === 'CONNECT') {
    const target = readAuthority(uri);
    if (target === null) return invalid('CONNECT needs host:port');
    if (headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))) return invalid('CONNECT with a body');
    return { kind: 'connect', target, bytes: end };
  }
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) && /^http:\/\//i.test(uri)) {
    const target = readAbsolute(uri);
    return target === null ? invalid('malformed absolute URL') : { kind: 'absolute', target };
  }
  if (method === 'GET' && /^\/pinlight\.pac(?:\?v=\d{1,10})?$/.test(uri)) {
    const hosts = headers.filter((line) => /^host:/i.test(line));
    if (hosts.length === 1) return { kind: 'pac', host: (hosts[0] as string).slice('host:'.length).trim().toLowerCase() };
  }
  if (uri.startsWith('/') || uri === '*') return invalid('this is a proxy, not a web server: send CONNECT host:port or an absolute http:// URL');
  return /^https:\/\//i.test(uri) ? invalid('https URLs are reached by CONNECT') : invalid('method or URL not understood', 405);
}

/** `host:port` with a port of 1..65535 in plain decimal; IPv6 in brackets without zone; a trailing dot is dropped. Null otherwise. */
export function readAuthority(text: string): Target | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:@/?#[\]\\%]+)):([1-9]\d{0,4})$/.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  const host = normalHost(match[1], match[2]);
  return host === null || port > 65_535 ? null : { host, port };
}

function normalHost(ipv6: string | undefined, name: string | undefined): string | null {
  if (ipv6 !== undefined) return ipv6.includes(':') && addressBytes(ipv6) !== null ? ipv6.toLowerCase() : null;
  const plain = (name as string).toLowerCase().replace(/\.$/, '');
  // Letters, digits, hyphen, underscore (common in practice), whole labels of at most 63, 253 in all (RFC 1035).
  const labels = plain.split('.');
  return plain.length <= 253 && labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label)) ? plain : null;
}

function readAbsolute(uri: string): Target | null {
  const rest = uri.slice('http://'.length);
  const stop = rest.search(/[/?#]/);
  const authority = stop === -1 ? rest : rest.slice(0, stop);
  return readAuthority(/:\d+$/.test(authority.replace(/^\[[^\]]*\]/, '')) ? authority : `${authority}:80`);
}

/** Index behind CRLFCRLF; null while it has not come. */
function headEnd(bytes: Uint8Array): number | null {
  for (let at = bytes.indexOf(0x0d); at !== -1 && at + 3 < bytes.length; at = bytes.indexOf(0x0d, at + 1)) {
    if (bytes[at + 1] === 0x0a && bytes[at + 2] === 0x0d && bytes[at + 3] === 0x0a) return at + 4;
  }
  return null;
}
