// Reads what Pinlight needs out of an X.509 certificate's DER: names, dates, issuer and key bytes. RFC 5280 section 4.1.
// Not a verifier: signatures and paths are OpenSSL's business; this is for what Node does not check or does not show.

export type CertificateName = { readonly kind: 'dns'; readonly name: string } | { readonly kind: 'ip'; readonly address: string };

export type CertificateFacts = {
  /** 1 or 3 (2 exists and is odd). */
  readonly version: number;
  /** Whole Name structures, tag and length included, byte for byte as encoded. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Whole SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** subjectAltName entries of the kinds DNS and IP, in order; null when the extension is absent. */
  readonly names: readonly CertificateName[] | null;
  /** subjectKeyIdentifier's octets; null when absent. */
  readonly keyId: Uint8Array | null;
};

export type CertificateRead = { readonly kind: 'certificate'; readonly facts: CertificateFacts } | { readonly kind: 'malformed'; readonly why: string };

/** Real certificates have about ten; thousands would only cost time. */
const extensionLimit = 100;

type Element = { readonly tag: number; readonly content: Uint8Array; readonly whole: Uint8Array; readonly next: number };

/** The facts of one certificate; `malformed` for anything this strict reader does not understand. Never throws. */
export function readCertificate(der: Uint8Array): CertificateRead {
  const malformed = (why: string): CertificateRead => ({ kind: 'malformed', why });
  const outer = element(der, 0);
  if (outer === null || outer.tag !== 0x30) return malformed('no certificate');
  const tbs = element(outer.content, 0);
  if (tbs === null || tbs.tag !== 0x30) return malformed('no TBSCertificate');
  const parts = children(tbs.content);
  if (parts === null) return malformed('TBSCertificate cut short');
  let at = 0;
  let version = 1;
  if (parts[0]?.tag === 0xa0) {
    const inner = element(parts[0].content, 0);
    if (inner === null || inner.tag !== 2 || inner.content.length !== 1) return malformed('version');
    version = (inner.content[0] as number) + 1;
    at = 1;
  }
  const [serial, , issuer, validity, subject, spki] = parts.slice(at, at + 6);
  if (serial?.tag !== 2 || issuer?.tag !== 0x30 || validity?.tag !== 0x30 || subject?.tag !== 0x30 || spki?.tag !== 0x30) {
    return malformed('fields of the TBSCertificate');
  }
  const dates = children(validity.content)?.map((date) => time(date)) ?? [];
  const [notBefore, notAfter] = dates;
  if (dates.length !== 2 || notBefore === null || notBefore === undefined || notAfter === null || notAfter === undefined) return malformed('validity');
  const block = parts.slice(at + 6).find((part) => part.tag === 0xa3);
  const extensions = block === undefined ? [] : readExtensions(block.content);
  if (extensions === null) return malformed('extensions');
  const san = extensions.find((extension) => extension.oid === '551d11');
  const names = san === undefined ? null : readNames(san.value);
  if (san !== undefined && names === null) return malformed('subjectAltName');
  const ski = extensions.find((extension) => extension.oid === '551d0e');
  const keyId = ski === undefined ? null : element(ski.value, 0)?.content ?? null;
  return { kind: 'certificate', facts: { version, issuer: issuer.whole, subject: subject.whole, spki: spki.whole, notBefore, notAfter, names, keyId } };
}

/** One DER element at `at`; null when it is cut short or has an indefinite, oversized or non-minimal length. */
function element(bytes: Uint8Array, at: number): Element | null {
  const tag = bytes[at];
  const short = bytes[at + 1];
  if (tag === undefined || short === undefined || (tag & 0x1f) === 0x1f) return null;
  let length = short;
  let start = at + 2;
  if (short >= 0x80) {
    const count = short & 0x7f;
    if (count === 0 || count > 4) return null;
    length = 0;
    for (let i = 0; i < count; i += 1) {
      const byte = bytes[start + i];
      if (byte === undefined) return null;
      length = length * 256 + byte;
    }
    if (length < 0x80 || (count > 1 && bytes[start] === 0)) return null;
    start += count;
  }
  const end = start + length;
  if (end > bytes.length) return null;
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end), next: end };
}

function children(content: Uint8Array): Element[] | null {
  const list: Element[] = [];
  let at = 0;
  while (at < content.length) {
    const child = element(content, at);
    if (child === null || list.length > 10_000) return null;
    list.push(child);
    at = child.next;
  }
  return list;
}

function readExtensions(block: Uint8Array): { oid: string; value: Uint8Array }[] | null {
  const sequence = element(block, 0);
  const list = sequence?.tag === 0x30 ? children(sequence.content) : null;
  if (list === null || list.length > extensionLimit) return null;
  const found: { oid: string; value: Uint8Array }[] = [];
  const seen = new Set<string>();
  for (const extension of list) {
    const parts = children(extension.content);
    const oid = parts?.[0];
    const value = parts?.at(-1);
    if (oid?.tag !== 6 || value?.tag !== 4) return null;
    const id = hex(oid.content);
    // RFC 5280 section 4.2: never two of one kind; which of two subjectAltNames is read must not be a choice.
    if (seen.has(id)) return null;
    seen.add(id);
    found.push({ oid: id, value: value.content });
  }
  return found;
}

/** GeneralNames: [2] dNSName and [7] iPAddress; other kinds are skipped. A dNSName that is not printable ASCII is malformed. */
function readNames(value: Uint8Array): CertificateName[] | null {
  const sequence = element(value, 0);
  const list = sequence?.tag === 0x30 ? children(sequence.content) : null;
  if (list === null) return null;
  const names: CertificateName[] = [];
  for (const entry of list) {
    if (entry.tag === 0x82) {
      if (entry.content.some((byte) => byte < 0x21 || byte > 0x7e)) return null;
      names.push({ kind: 'dns', name: text(entry.content).toLowerCase() });
    } else if (entry.tag === 0x87) {
      const address = ipText(entry.content);
      if (address === null) return null;
      names.push({ kind: 'ip', address });
    }
  }
  return names;
}

/** `192.0.2.1`, or eight lower-case groups without `::` for IPv6: a form to compare, not to show. Null for other lengths. */
export function ipText(bytes: Uint8Array): string | null {
  if (bytes.length === 4) return [...bytes].join('.');
  if (bytes.length !== 16) return null;
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] as number)).toString(16));
  return groups.join(':');
}

/** UTCTime or GeneralizedTime in the only form RFC 5280 section 4.1.2.5 allows (Zulu, with seconds); null otherwise. */
function time(part: Element): number | null {
  if (part.content.length > 15) return null;
  const match = part.tag === 0x17 ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text(part.content))
    : part.tag === 0x18 ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text(part.content)) : null;
  if (match === null) return null;
  const [year = 0, month = 0, date = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(Number);
  const full = part.tag === 0x18 ? year : year + (year < 50 ? 2000 : 1900);
  // Date.UTC carries a 31 February over into March and reads years below 100 as 19xx.
  const days = (Date.UTC(full, month, 1) - Date.UTC(full, month - 1, 1)) / 86_400_000;
  if (full < 100 || month < 1 || month > 12 || date < 1 || date > days || hours > 23 || minutes > 59 || seconds > 59) return null;
  return Date.UTC(full, month - 1, date, hours, minutes, seconds);
}

/** Byte by byte: spreading 100 kB of arguments into one call overflows the stack. */
function text(bytes: Uint8Array): string {
  let all = '';
  for (const byte of bytes) all += String.fromCharCode(byte);
  return all;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
