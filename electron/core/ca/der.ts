// Takes DER apart: elements, their children, and the few primitive types that certificates hold. Strict: what DER forbids is null.
// Not for meaning: certificate.ts and extensions.ts know what an element is for.

export type Element = { readonly tag: number; readonly content: Uint8Array; readonly whole: Uint8Array; readonly next: number };

/** One DER element at `at`; null when it is cut short or has an indefinite, oversized or non-minimal length. */
export function element(bytes: Uint8Array, at: number): Element | null {
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

/** The elements that fill `content`; null when one is broken, or there are more than 10,000 (they would only cost time). */
export function children(content: Uint8Array): Element[] | null {
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

/** The children of the one SEQUENCE that `bytes` is; null when it is anything else, or anything follows it. */
export function sequence(bytes: Uint8Array): Element[] | null {
  const one = only(bytes, 0x30);
  return one === null ? null : children(one.content);
}

/** The one element of this tag that `bytes` is; null when it is anything else, or anything follows it. */
export function only(bytes: Uint8Array, tag: number): Element | null {
  const one = element(bytes, 0);
  return one === null || one.tag !== tag || one.next !== bytes.length ? null : one;
}

/** TRUE or FALSE in DER's only two forms; null otherwise. */
export function boolean(part: Element): boolean | null {
  if (part.tag !== 1 || part.content.length !== 1) return null;
  return part.content[0] === 0xff ? true : part.content[0] === 0 ? false : null;
}

/** A non-negative INTEGER of at most four bytes in its shortest form; null otherwise. */
export function smallInteger(part: Element): number | null {
  const { content } = part;
  const first = content[0];
  if (part.tag !== 2 || first === undefined || content.length > 4 || first > 0x7f) return null;
  if (first === 0 && content.length > 1 && (content[1] as number) < 0x80) return null;
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** The bits of a BIT STRING without the count in front; null when the count or the padding is wrong. */
export function bitString(part: Element): Uint8Array | null {
  const unused = part.content[0];
  if (part.tag !== 3 || unused === undefined || unused > 7) return null;
  const bits = part.content.subarray(1);
  if (bits.length === 0) return unused === 0 ? bits : null;
  return ((bits[bits.length - 1] as number) & ((1 << unused) - 1)) === 0 ? bits : null;
}

/** UTCTime or GeneralizedTime in the only form RFC 5280 section 4.1.2.5 allows (Zulu, with seconds), as ms since the epoch; null otherwise. */
export function time(part: Element): number | null {
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

/** One character a byte. Byte by byte: spreading 100 kB of arguments into one call overflows the stack. */
export function text(bytes: Uint8Array): string {
  let all = '';
  for (const byte of bytes) all += String.fromCharCode(byte);
  return all;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
