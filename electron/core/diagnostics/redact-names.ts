// Secrets that are known by their name: `password=…`, `"token": "…"`, `Cookie: …`, `--proxy-user ann:…`, `<password>…`.
// Not for secrets known by their own form (redact-patterns).

export const redactionKinds = [
  'private-key', 'tls-secret', 'authorization', 'cookie', 'password', 'token', 'api-key', 'query', 'userinfo', 'home', 'name', 'bytes', 'depth',
] as const;
export type RedactionKind = (typeof redactionKinds)[number];

/** How many of each kind were removed; a kind without a hit is absent. */
export type RedactionCounts = Readonly<Partial<Record<RedactionKind, number>>>;

export type Count = (kind: RedactionKind, n?: number) => void;

/** What stands where a secret stood. No colon, blank or `=` in it, so no pattern ever finds a mark again. */
export function removed(kind: RedactionKind): string {
  return `[redacted-${kind}]`;
}

/** The text with every value that follows a secret's name replaced. */
export function redactNamed(text: string, count: Count): string {
  const words = /[\w.-]+/g;
  let out = '';
  let from = 0;
  for (let match = words.exec(text); match !== null; match = words.exec(text)) {
    const end = words.lastIndex;
    // A line feed that is written out (`\nCookie: …` in a string inside a string) sticks to the word behind it.
    const glued = text.charAt(match.index - 1) === '\\' && /^[nrt]/.test(match[0]);
    const found = (glued ? secretAfter(text, match[0].slice(1), match.index + 1, end) : null) ?? secretAfter(text, match[0], match.index, end);
    if (found === null) continue;
    words.lastIndex = found.end;
    const value = text.slice(found.start, found.end);
    if (value === '' || value === removed(found.kind)) continue;
    out += text.slice(from, found.start) + removed(found.kind);
    from = found.end;
    count(found.kind);
  }
  return out + text.slice(from);
}

/** Kind of secret a field, variable, header or option of this name holds; null for an ordinary name. */
export function isSecretName(name: string): RedactionKind | null {
  // Only the end decides, so a name of a megabyte costs no more than a short one.
  const tail = name.slice(-200);
  const words = tail.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase().split(/[^a-z0-9]+/).filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  if (notSecretEndings.has(last)) return null;
  const compact = words.join('');
  // A policy key that names a file.
  if (compact.endsWith('upstreamcredentials')) return null;
  if (compact.endsWith('authorization')) return 'authorization';
  if (/cookies?2?$/.test(last) || /sess(?:ion)?id$/.test(compact) || last === 'sid') return 'cookie';
  if (/passw(?:or)?d|passphrase|passcode|(?:store|key|db|root|my)pass$/.test(compact) || passwordWords.has(last)) return 'password';
  if (/api-?key|accesskey|privatekey|secretkey|signingkey|encryptionkey|masterkey|sharedkey|accountkey|subscriptionkey/.test(compact)) return 'api-key';
  if (/secret|credential|token$|tokens$/.test(compact) || tokenWords.has(last)) return 'token';
  return null;
}

/** Headers whose value runs to the end of the line, blanks and semicolons included. */
export function isHeaderName(name: string): boolean {
  return /^(?:(?:proxy-|x-)?authorization|(?:set-)?cookie2?|x-api-key|x-auth-token|x-csrf-token|x-amz-security-token)$/i.test(name);
}

/** Options whose value is `user:password` (curl, wget) or `user%password` (smbclient). */
export function isUserFlag(word: string): boolean {
  return /^(?:-[uU]|--user|--proxy-user|--login)$/.test(word);
}

/** `password-file` names a place and `tokenType` a class: neither is the secret. */
const notSecretEndings: ReadonlySet<string> = new Set(['file', 'path', 'stdin', 'url', 'uri', 'endpoint', 'type', 'policy', 'prompt']);
const passwordWords: ReadonlySet<string> = new Set(['pass', 'pwd', 'pw', 'passwd', 'otp']);
const tokenWords: ReadonlySet<string> = new Set(['token', 'tokens', 'auth', 'jwt', 'bearer']);

type Found = { readonly kind: RedactionKind; readonly start: number; readonly end: number };

function secretAfter(text: string, word: string, start: number, end: number): Found | null {
  if (word.startsWith('-')) {
    const user = userFlagValue(text, word, end);
    if (user !== null) return user;
  }
  const tag = text.charAt(start - 1) === '<' && text.charAt(end) === '>';
  const value = tag ? end + 1 : valueStart(text, word, end);
  if (value === null) return null;
  const kind = isSecretName(word);
  if (kind === null) return null;
  if (tag) {
    const close = text.indexOf('<', end);
    return { kind, start: value, end: close < 0 ? text.length : close };
  }
  if (isHeaderName(word) && quoteAt(text, value) === null && !opensList(text, value)) return { kind, start: value, end: headerEnd(text, start, value) };
  return { kind, ...valueSpan(text, value) };
}

/** Where the value begins: after `:`, `=`, `=>`, `:=` or `', '`, with quotes and blanks around; after a blank for options. */
function valueStart(text: string, word: string, end: number): number | null {
  const separator = /\\{0,8}["'`]?[ \t]{0,8}(?:=>|:=|==|[:=])[ \t]{0,8}|\\{0,8}["'][ \t]{0,8},\s{0,8}(?=\\{0,8}["'])/y;
  separator.lastIndex = end;
  if (separator.test(text)) return separator.lastIndex;
  if (!word.startsWith('-')) return null;
  const blank = /[ \t]{1,8}(?!--[a-zA-Z]|[|;&\s])/y;
  blank.lastIndex = end;
  return blank.test(text) ? blank.lastIndex : null;
}

function opensList(text: string, at: number): boolean {
  return text.charAt(at) === '[' && !text.startsWith('[redacted-', at);
}

/** A quote with the back slashes before it: JSON inside JSON opens with `\"` and closes with `\"`. */
function quoteAt(text: string, at: number): { readonly quote: string; readonly slashes: number; readonly length: number } | null {
  const pattern = /(\\{0,8})(["'`])/y;
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match === null ? null : { quote: match[2] ?? '"', slashes: (match[1] ?? '').length, length: match[0].length };
}

function valueSpan(text: string, at: number): { readonly start: number; readonly end: number } {
  const open = quoteAt(text, at);
  if (open !== null) return { start: at + open.length, end: quotedEnd(text, at + open.length, open.quote, open.slashes) };
  if (opensList(text, at)) return { start: at, end: lineEnd(text, at) };
  return { start: at, end: bareEnd(text, at) };
}

/** The closing quote: the same sign with no more back slashes, not followed by a word (`'it''s'`); else the end of the line. */
function quotedEnd(text: string, from: number, quote: string, slashes: number): number {
  let run = 0;
  for (let i = from; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\n') return i;
    if (char === '\\') {
      run++;
      continue;
    }
    if (char === quote && run <= slashes && !isWordOr(text.charAt(i + 1), quote)) return i - run;
    run = 0;
  }
  return text.length;
}

/** Up to a blank, or a quote that closes something around it. */
function bareEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const char = text.charAt(i);
    if (/\s/.test(char)) return i;
    if ((char === '"' || char === "'" || char === '`') && !isWordOr(text.charAt(i + 1), char)) {
      let end = i;
      while (end > from && text.charAt(end - 1) === '\\') end--;
      return end;
    }
  }
  return text.length;
}

function isWordOr(char: string, quote: string): boolean {
  return char === quote || (char !== '' && /\w/.test(char));
}

/** A header inside quotes (`-H 'Cookie: a=b; c=d'`) ends with them, any other with its line. */
function headerEnd(text: string, nameStart: number, value: number): number {
  const quote = text.charAt(nameStart - 1);
  if (quote !== '"' && quote !== "'" && quote !== '`') return lineEnd(text, value);
  let slashes = 0;
  while (text.charAt(nameStart - 2 - slashes) === '\\' && slashes < 8) slashes++;
  return quotedEnd(text, value, quote, slashes);
}

/** A line ends with a line feed or with one that is written out (`\r\n` inside a string). */
function lineEnd(text: string, from: number): number {
  const end = /[\r\n]|\\[rn]/g;
  end.lastIndex = from;
  return end.exec(text)?.index ?? text.length;
}

/** `-u ann:secret`, `--user=ann:secret`, `-uann:secret`: the name stays, the rest goes. */
function userFlagValue(text: string, word: string, end: number): Found | null {
  const joined = /^-[uU]\w/.test(word);
  if (!joined && !isUserFlag(word)) return null;
  const upTo = joined ? /[:%]/y : /(=|[ \t]{1,8})(?:\\{0,8}["'])?[^\s:%"'\\]{0,128}[:%]/y;
  upTo.lastIndex = end;
  const match = upTo.exec(text);
  if (match === null) return null;
  const quote = joined ? null : quoteAt(text, end + (match[1] ?? '').length);
  const start = upTo.lastIndex;
  return { kind: 'password', start, end: quote === null ? bareEnd(text, start) : quotedEnd(text, start, quote.quote, quote.slashes) };
}
