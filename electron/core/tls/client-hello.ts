// Reads a ClientHello out of the first bytes of a connection, joined over TLS records; says what else the bytes are if not.
// Not for policy, and it answers nothing: whoever calls it puts the bytes back.
//
// Matches OpenSSL 3.5 on every odd form measured: record version minor byte ignored, empty
// handshake records skipped, alert first refused, records over 16384+2048 bytes refused.

export type ClientHello = {
  /** legacy_version of the message, e.g. 0x0303. */
  readonly legacyVersion: number;
  readonly cipherSuites: readonly number[];
  /** In wire order, GREASE included. */
  readonly extensions: readonly number[];
  /** Host name of the SNI extension: lower case, no trailing dot; null when absent, empty or not a host name. */
  readonly serverName: string | null;
  /** Protocol names of the ALPN extension as Latin-1 text, in order. */
  readonly alpn: readonly string[];
  /** supported_versions, or [legacyVersion] when the extension is absent. GREASE left out. */
  readonly versions: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  readonly groups: readonly number[];
  /** encrypted_client_hello is present (real or GREASE: the wire cannot tell). */
  readonly ech: boolean;
  /** Session id length; middlebox-compatible TLS 1.3 clients send 32. */
  readonly sessionIdLength: number;
};

export type ClientHelloRead =
  | { readonly kind: 'incomplete'; readonly atLeast: number }
  | { readonly kind: 'not-tls'; readonly first: number }
  | { readonly kind: 'invalid'; readonly why: string }
  | { readonly kind: 'client-hello'; readonly hello: ClientHello; readonly bytes: number };

/** A ClientHello (with its records' headers) may not be longer; OpenSSL allows 131,396, real ones stay under 20 kB. */
export const clientHelloLimit = 65_536;

const handshakeRecord = 22;
/** server_name, supported_groups, signature_algorithms, ALPN, supported_versions: the extensions whose content is read. */
const readTypes = new Set([0, 10, 13, 16, 43]);
/** RFC 8446 section 5.2: 2^14 + 256; OpenSSL tolerates 2^14 + 2048 (TLS 1.2). */
const recordLimit = 16_384 + 2_048;

/** What the first bytes of a connection are. `atLeast`: how many bytes in all are needed before asking again makes sense. */
export function readClientHello(bytes: Uint8Array): ClientHelloRead {
  const joined = joinHandshake(bytes);
  if (joined.kind !== 'message') return joined;
  return readBody(joined.body, joined.bytes);
}

/** GREASE values (RFC 8701): 0x?A?A with both bytes equal. */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

type Joined = Exclude<ClientHelloRead, { kind: 'client-hello' }> | { kind: 'message'; body: Uint8Array; bytes: number };

/** The body of the first handshake message, collected over as many records as it takes. */
function joinHandshake(bytes: Uint8Array): Joined {
  if (bytes.length === 0) return { kind: 'incomplete', atLeast: 5 };
  const first = bytes[0] as number;
  // An SSLv2-framed hello has the high bit set and type 1 at offset 2 (RFC 5246 appendix E.2): no SNI, never answered by us.
  if (first !== handshakeRecord) {
    if ((first & 0x80) !== 0 && bytes.length < 3) return { kind: 'incomplete', atLeast: 3 };
    if ((first & 0x80) !== 0 && bytes[2] === 1) return { kind: 'invalid', why: 'SSLv2 ClientHello' };
    if (first === 21) return { kind: 'invalid', why: 'alert before a ClientHello' };
    return { kind: 'not-tls', first };
  }
  let at = 0;
  let emptyRecords = 0;
  let have = 0;
  let need = 4;
  const pieces: Uint8Array[] = [];
  while (have < need) {
    if (at >= clientHelloLimit) return { kind: 'invalid', why: `ClientHello longer than ${clientHelloLimit} bytes` };
    if (bytes.length > at && bytes[at] !== handshakeRecord) return { kind: 'invalid', why: `record type ${bytes[at]} inside the ClientHello` };
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) {
      return at === 0 ? { kind: 'not-tls', first } : { kind: 'invalid', why: 'record version inside the ClientHello' };
    }
    if (bytes.length < at + 5) return { kind: 'incomplete', atLeast: at + 5 };
    const length = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
    if (length > recordLimit) return { kind: 'invalid', why: `record of ${length} bytes` };
    if (length === 0) {
      emptyRecords += 1;
      if (emptyRecords > 32) return { kind: 'invalid', why: 'more than 32 empty records in a row' };
    } else emptyRecords = 0;
    const available = Math.min(length, bytes.length - at - 5);
    if (available > 0) pieces.push(bytes.subarray(at + 5, at + 5 + available));
    have += available;
    if (need === 4 && have >= 1 && byteAt(pieces, 0) !== 1) return { kind: 'invalid', why: `handshake message of type ${byteAt(pieces, 0)} instead of a ClientHello` };
    if (need === 4 && have >= 4) {
      need = 4 + ((byteAt(pieces, 1) << 16) | (byteAt(pieces, 2) << 8) | byteAt(pieces, 3));
      if (need > clientHelloLimit) return { kind: 'invalid', why: `ClientHello of ${need - 4} bytes` };
    }
    // A record counts when it is whole, as TLS stacks read them, also where the hello ends before it does.
    if (available < length) {
      return { kind: 'incomplete', atLeast: at + 5 + (have >= need ? length : Math.min(length, available + Math.max(1, need - have))) };
    }
    if (have >= need) return { kind: 'message', body: join(pieces, need).subarray(4), bytes: at + 5 + length };
    at += 5 + length;
  }
  return { kind: 'invalid', why: 'empty ClientHello' };
}

function byteAt(pieces: readonly Uint8Array[], index: number): number {
  let rest = index;
  for (const piece of pieces) {
    if (rest < piece.length) return piece[rest] as number;
    rest -= piece.length;
  }
  return 0;
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return (pieces[0] as Uint8Array).subarray(0, length);
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole.subarray(0, length);
}

/** A cursor over one length-delimited block. Reading past the end sets `failed` and yields zeros: the caller checks once. */
class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  failed = false;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get left(): number {
    return this.bytes.length - this.at;
  }
  u8(): number {
    if (this.left < 1) { this.failed = true; return 0; }
    return this.bytes[this.at++] as number;
  }
  u16(): number {
    return (this.u8() << 8) | this.u8();
  }
  take(length: number): Uint8Array {
    if (this.left < length) { this.failed = true; return new Uint8Array(0); }
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }
  /** A list of 16-bit numbers in `length` bytes. */
  u16List(length: number): number[] {
    const part = new Cursor(this.take(length));
    if (length % 2 !== 0) { this.failed = true; return []; }
    const list: number[] = [];
    while (part.left >= 2) list.push(part.u16());
    return list;
  }
}

function readBody(body: Uint8Array, bytes: number): ClientHelloRead {
  const cursor = new Cursor(body);
  const legacyVersion = cursor.u16();
  cursor.take(32);
  const sessionIdLength = cursor.u8();
  if (sessionIdLength > 32) return { kind: 'invalid', why: `session id of ${sessionIdLength} bytes` };
  cursor.take(sessionIdLength);
  const cipherSuites = cursor.u16List(cursor.u16());
  const compression = cursor.take(cursor.u8());
  if (cursor.failed) return { kind: 'invalid', why: 'ClientHello cut short' };
  if (cipherSuites.length === 0) return { kind: 'invalid', why: 'no cipher suites' };
  if (!compression.includes(0)) return { kind: 'invalid', why: 'null compression missing' };

  const extensions: number[] = [];
  let serverName: string | null = null;
  let alpn: string[] = [];
  let versions: number[] | null = null;
  let signatureAlgorithms: number[] = [];
  let groups: number[] = [];
  let ech = false;
  if (cursor.left > 0) {
    const block = new Cursor(cursor.take(cursor.u16()));
    if (cursor.failed || cursor.left > 0) return { kind: 'invalid', why: 'extensions do not fill the ClientHello' };
    const seen = new Set<number>();
    while (block.left > 0) {
      const type = block.u16();
      const data = new Cursor(block.take(block.u16()));
      if (block.failed) return { kind: 'invalid', why: 'extension cut short' };
      // RFC 8446 section 4.2: at most one of each type. OpenSSL rejects that only for types it knows, so we do for those we read.
      if (seen.has(type) && readTypes.has(type)) return { kind: 'invalid', why: `extension ${type} twice` };
      seen.add(type);
      extensions.push(type);
      if (type === 0) {
        const name = readServerName(data);
        if (name.kind === 'invalid') return name;
        serverName = name.name;
      } else if (type === 10) groups = data.u16List(data.u16());
      else if (type === 13) signatureAlgorithms = data.u16List(data.u16());
      else if (type === 16) {
        const list = readAlpn(data);
        if (list === null) return { kind: 'invalid', why: 'malformed ALPN' };
        alpn = list;
      } else if (type === 43) versions = data.u16List(data.u8()).filter((version) => !isGrease(version));
      else if (type === 0xfe0d) ech = true;
      if (data.failed) return { kind: 'invalid', why: `malformed extension ${type}` };
    }
  }
  return {
    kind: 'client-hello', bytes,
    hello: {
      legacyVersion, cipherSuites, extensions, serverName, alpn, versions: versions ?? [legacyVersion],
      signatureAlgorithms, groups, ech, sessionIdLength,
    },
  };
}

type ServerName = { kind: 'name'; name: string | null } | { kind: 'invalid'; why: string };

/**
 * RFC 6066 section 3. OpenSSL reads exactly one entry of type host_name and rejects the rest; a name with a NUL is rejected
 * there too. A name we could not use in a certificate anyway (bytes beyond printable ASCII) counts as absent.
 */
function readServerName(data: Cursor): ServerName {
  const list = new Cursor(data.take(data.u16()));
  const type = list.u8();
  const name = list.take(list.u16());
  if (data.failed || list.failed || data.left > 0 || list.left > 0) return { kind: 'invalid', why: 'malformed server name' };
  if (type !== 0) return { kind: 'invalid', why: `server name of type ${type}` };
  if (name.length === 0 || name.length > 255) return { kind: 'invalid', why: `server name of ${name.length} bytes` };
  let text = '';
  for (const byte of name) {
    if (byte === 0) return { kind: 'invalid', why: 'NUL in the server name' };
    if (byte < 0x21 || byte > 0x7e) return { kind: 'name', name: null };
    text += String.fromCharCode(byte);
  }
  const plain = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  return { kind: 'name', name: plain === '' ? null : plain };
}

function readAlpn(data: Cursor): string[] | null {
  const list = new Cursor(data.take(data.u16()));
  const names: string[] = [];
  while (list.left > 0) {
    const name = list.take(list.u8());
    if (list.failed || name.length === 0) return null;
    names.push(Array.from(name, (byte) => String.fromCharCode(byte)).join(''));
  }
  return data.failed || data.left > 0 || names.length === 0 ? null : names;
}
