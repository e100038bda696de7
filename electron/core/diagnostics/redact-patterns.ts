// Secrets that are known by their own form: key blocks, URLs with credentials or queries, JWTs, provider keys, TLS secrets.
// Not for secrets known by a name beside them (redact-names).
import { removed } from './redact-names.ts';
import type { Count, RedactionKind } from './redact-names.ts';

/** `before` runs ahead of the named secrets (whole blocks and URLs), `after` on what they left. */
export function redactPatterns(text: string, when: 'before' | 'after', count: Count): string {
  if (when === 'before') return redactUrls(replaceAll(redactKeyBlocks(text, count), before, count), count);
  return replaceAll(text, after, count);
}

/** `$1` of each pattern stays, the rest becomes the mark. Each starts where a run of its own characters begins, or behind a written-out `\n`. */
type Pattern = { readonly kind: RedactionKind; readonly pattern: RegExp; readonly keep?: (secret: string) => boolean };

const before: readonly Pattern[] = [
  // NSS key log lines, written by whoever sets SSLKEYLOGFILE.
  { kind: 'tls-secret', pattern: /(?:(?<!\w)|(?<=\\[nrt]))((?:CLIENT_RANDOM|(?:CLIENT|SERVER)_(?:EARLY|HANDSHAKE)_TRAFFIC_SECRET|(?:CLIENT|SERVER)_TRAFFIC_SECRET_\d{1,4}|(?:EARLY_)?EXPORTER_SECRET)\s{1,4})[0-9a-fA-F]+(?:\s{1,4}[0-9a-fA-F]+)?/g },
  // A webhook's secret is its path.
  { kind: 'token', pattern: /(hooks\.slack\.com\/(?:services|workflows|triggers)\/)[^\s"'<>?#]+/gi },
];

const after: readonly Pattern[] = [
  { kind: 'authorization', pattern: /(?:(?<![\w-])|(?<=\\[nrt]))((?:bearer|basic|negotiate|ntlm)[ \t]{1,8})[\w.~+/=-]{6,}/gi, keep: looksLikeProse },
  { kind: 'token', pattern: /(?:(?<![\w-])|(?<=\\[nrt]))()eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)*/g },
  { kind: 'api-key', pattern: /(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))()(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16,}/g },
  { kind: 'api-key', pattern: /(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))()(?:gh[pousr]_|github_pat_|glpat-|npm_|pypi-|sk_live_|sk_test_|rk_live_|sk-|xox[abeoprs]-|xapp-|AIza|ya29\.|GOCSPX-|hvs\.|dop_v1_|SG\.)(?=[\w-]{12})[\w.-]+/g, keep: isPlainName },
  { kind: 'password', pattern: /(?:(?<![\w-])|(?<=\\[nrt]))(pass:)[^\s"']+/g },
  { kind: 'password', pattern: /(?:(?<![\w-])|(?<=\\[nrt]))(login[ \t]{1,4}\S{1,128}\s{1,4}password[ \t]{1,4})\S+/g },
  { kind: 'password', pattern: /(?:(?<![\w-])|(?<=\\[nrt]))(sshpass[ \t]{1,4}-p[ \t]{0,4})(?:'[^'\n]*'|"[^"\n]*"|\S+)/g },
  // Options that mean a password to one tool only.
  { kind: 'password', pattern: /(?:(?<![\w-])|(?<=\\[nrt]))((?:mysql(?:dump|admin)?|mariadb)[ \t][^\n]{0,80}?(?<=[ \t])-p)(?!ort)[^\s-]\S*/g },
  { kind: 'password', pattern: /(?:(?<![\w-])|(?<=\\[nrt]))((?:redis-cli[ \t][^\n]{0,80}?(?<=[ \t])-a|ldap\w{1,10}[ \t][^\n]{0,80}?(?<=[ \t])-w)[ \t]{1,4})\S+/g },
  // ann:secret@proxy:3128 without a scheme.
  { kind: 'userinfo', pattern: /(?:(?<![\w.%+:~@/[\]-])|(?<=\\[nrt]))()[\w.%+~-]{1,64}:[^\s:@/"'[\]]{1,128}(?=@[\w[])/g },
  // Request targets and addresses without a scheme.
  { kind: 'query', pattern: /((?<=^|[\s"'`(=])\/[^\s?"'`<>]*\?)[^\s"'`<>]+/g },
  { kind: 'query', pattern: /((?<=[\w/])\?)[\w.%[\]~-]{1,64}=[^\s"'`<>]*/g },
];

function replaceAll(text: string, patterns: readonly Pattern[], count: Count): string {
  let result = text;
  for (const { kind, pattern, keep } of patterns) {
    result = result.replace(pattern, (all: string, stays: string) => {
      const secret = all.slice(stays.length);
      if (secret.startsWith('[redacted-') || keep?.(secret) === true) return all;
      count(kind);
      return stays + removed(kind);
    });
  }
  return result;
}

/** "Basic authentication" and "bearer tokens" are words; credentials have a digit, a sign or a capital inside. */
function looksLikeProse(secret: string): boolean {
  return /^[A-Za-z][a-z]*(?:-[a-z]+)*[.]?$/.test(secret);
}

/** `npm_config_registry` begins like a key; a key has a digit or a capital. */
function isPlainName(secret: string): boolean {
  return /^[a-z_.-]+$/.test(secret);
}

/** RSA with 16,384 bits takes 12.5 kB in PEM: a block that does not end within this many characters was cut. */
const longestBlock = 16_384;

/** Private key blocks; a block whose begin or end was cut off goes as far as it can reach. */
function redactKeyBlocks(text: string, count: Count): string {
  const marker = /-----(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
  let out = '';
  let from = 0;
  for (let match = marker.exec(text); match !== null; match = marker.exec(text)) {
    const start = match[1] === 'BEGIN' ? match.index : bodyStart(text, from, match.index);
    let end = match.index + match[0].length;
    if (match[1] === 'BEGIN') {
      const reach = text.slice(end, end + longestBlock);
      const close = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/.exec(reach);
      end += close === null ? reach.length : close.index + close[0].length;
    }
    out += text.slice(from, start) + removed('private-key');
    from = end;
    marker.lastIndex = end;
    count('private-key');
  }
  return out + text.slice(from);
}

function bodyStart(text: string, from: number, end: number): number {
  let at = end;
  while (at > from && end - at < longestBlock && /[A-Za-z0-9+/=\s\\]/.test(text.charAt(at - 1))) at--;
  return at;
}

/** Credentials, query and fragment of every URL. */
function redactUrls(text: string, count: Count): string {
  let out = '';
  let from = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    if (at < from) continue;
    const start = at + 3;
    const end = urlEnd(text, start);
    const clean = cleanUrl(text.slice(start, end), count);
    out += text.slice(from, start) + clean;
    from = end;
  }
  return out + text.slice(from);
}

function urlEnd(text: string, from: number): number {
  const stop = /[\s"'`<>\\^{|}]/g;
  stop.lastIndex = from;
  return stop.exec(text)?.index ?? text.length;
}

/** `rest`: a URL from behind its `://`. */
function cleanUrl(rest: string, count: Count): string {
  const split = rest.search(/[/?#]/);
  const authority = split < 0 ? rest : rest.slice(0, split);
  // A password with an unescaped `/`, `?` or `#`: what follows the colon is no port, and an @ comes later.
  const oddPassword = !authority.includes('@') && /:(?!\d*$)[^\]]*$/.test(authority) && !authority.startsWith('[') && rest.includes('@');
  const at = oddPassword ? rest.lastIndexOf('@') : authority.lastIndexOf('@');
  let head = '';
  let tail = rest;
  if (at >= 0) {
    const user = rest.slice(0, at);
    if (user !== removed('userinfo')) count('userinfo');
    head = `${removed('userinfo')}@`;
    tail = rest.slice(at + 1);
  }
  const query = tail.search(/[?#]/);
  if (query < 0 || query === tail.length - 1) return head + tail;
  const secret = tail.slice(query + 1);
  if (secret === removed('query')) return head + tail;
  count('query');
  return `${head}${tail.slice(0, query + 1)}${removed('query')}`;
}
