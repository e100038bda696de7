// A capture file (pcapng, draft-ietf-opsawg-pcapng) of handshakes that apps refused: the bytes of our own legs in invented TCP packets,
// each with a comment. Not for payload: whoever calls hands in handshake bytes only.
// The packets' headers are invented because the bytes were read from a socket; addresses and ports are the connection's own.

/** Bytes one side sent. `at`: ms since the epoch; `comment`: shown beside the packet. */
export type Segment = { readonly from: 'client' | 'server'; readonly at: number; readonly bytes: Uint8Array; readonly comment: string };

/** An end of a connection: IP address in its usual spelling, and port. */
export type Endpoint = { readonly address: string; readonly port: number };

export type Conversation = { readonly client: Endpoint; readonly server: Endpoint; readonly segments: readonly Segment[] };

/** IP packets without a link layer (LINKTYPE_RAW). */
const linkTypeRaw = 101;
/** A segment is cut at this many bytes: the length field of IPv4 holds no more than 65,535 with its headers. */
const longestSegment = 16_384;

/** The file. `encode` answers the UTF-8 bytes of a text. */
export function writePcapng(conversations: readonly Conversation[], comment: string, encode: (text: string) => Uint8Array): Uint8Array {
  const blocks = [
    block(0x0a0d0d0a, join([u32(0x1a2b3c4d), u16(1), u16(0), new Uint8Array(8).fill(255), option(1, encode(comment)), endOfOptions])),
    // if_tsresol 3: milliseconds.
    block(1, join([u16(linkTypeRaw), u16(0), u32(0), option(2, encode('pinlight')), option(9, Uint8Array.of(3)), endOfOptions])),
    ...conversations.flatMap((conversation) => packetsOf(conversation).map(({ packet, at, comment: words }) => block(6, join([
      u32(0), u32(Math.floor(at / 2 ** 32)), u32(at % 2 ** 32), u32(packet.length), u32(packet.length), padded(packet),
      ...(words === '' ? [] : [option(1, encode(words)), endOfOptions]),
    ])))),
  ];
  return join(blocks);
}

type Packet = { readonly packet: Uint8Array; readonly at: number; readonly comment: string };

/** A TCP connection that begins with its handshake, so that a reader follows it as one stream. */
function packetsOf({ client, server, segments }: Conversation): Packet[] {
  const first = segments[0];
  if (first === undefined) return [];
  const next = { client: 1000, server: 5000 };
  const send = (from: 'client' | 'server', flags: number, bytes: Uint8Array, at: number, comment: string): Packet => {
    const [source, target] = from === 'client' ? [client, server] : [server, client];
    const tcp = join([
      be16(source.port), be16(target.port), be32(next[from]), be32(flags === syn ? 0 : next[from === 'client' ? 'server' : 'client']),
      Uint8Array.of(0x50, flags), be16(65_535), be16(0), be16(0), bytes,
    ]);
    next[from] += bytes.length + ((flags & syn) === 0 ? 0 : 1);
    return { packet: ipPacket(source.address, target.address, tcp), at, comment };
  };
  const none = new Uint8Array(0);
  return [
    send('client', syn, none, first.at, ''), send('server', syn | ack, none, first.at, ''), send('client', ack, none, first.at, ''),
    ...segments.flatMap(({ from, at, bytes, comment }) => pieces(bytes).map((piece, i) => send(from, push | ack, piece, at, i === 0 ? comment : ''))),
  ];
}

const syn = 2;
const push = 8;
const ack = 16;

function pieces(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / longestSegment) }, (_, i) => bytes.subarray(i * longestSegment, (i + 1) * longestSegment));
}

function ipPacket(source: string, target: string, tcp: Uint8Array): Uint8Array {
  const [from, to] = [ipv4(source), ipv4(target)];
  if (from === null || to === null) {
    return join([Uint8Array.of(0x60, 0, 0, 0), be16(tcp.length), Uint8Array.of(6, 64), ipv6(source), ipv6(target), withChecksum(tcp, 16, join([ipv6(source), ipv6(target), be32(tcp.length), be32(6)]))]);
  }
  const head = join([Uint8Array.of(0x45, 0), be16(20 + tcp.length), be16(0), be16(0x4000), Uint8Array.of(64, 6), be16(0), from, to]);
  return join([withChecksum(head, 10, none16), withChecksum(tcp, 16, join([from, to, be16(6), be16(tcp.length)]))]);
}

const none16 = new Uint8Array(0);

/** Internet checksum (RFC 1071) over `extra` and `bytes`, written at `at`. */
function withChecksum(bytes: Uint8Array, at: number, extra: Uint8Array): Uint8Array {
  let sum = 0;
  for (const part of [extra, bytes]) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const result = bytes.slice();
  result.set(be16(~sum & 0xffff), at);
  return result;
}

function ipv4(address: string): Uint8Array | null {
  const parts = address.replace(/^::ffff:/i, '').split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256) ? Uint8Array.from(parts.map(Number)) : null;
}

/** An IPv4 address as its mapped one; what cannot be read is `::`. */
function ipv6(address: string): Uint8Array {
  const four = ipv4(address);
  const bytes = new Uint8Array(16);
  if (four !== null) {
    bytes.set([255, 255, ...four], 10);
    return bytes;
  }
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16) & 0xffff));
  const [before, after] = [groups(head), groups(tail ?? '')];
  if (before.length + after.length > 8) return bytes;
  before.forEach((group, i) => bytes.set(be16(group), i * 2));
  after.forEach((group, i) => bytes.set(be16(group), (8 - after.length + i) * 2));
  return bytes;
}

function block(type: number, body: Uint8Array): Uint8Array {
  const length = body.length + 12;
  return join([u32(type), u32(length), body, u32(length)]);
}

const longestOption = 60_000;
const endOfOptions = new Uint8Array(4);

function option(code: number, value: Uint8Array): Uint8Array {
  const kept = value.subarray(0, longestOption);
  return join([u16(code), u16(kept.length), padded(kept)]);
}

function padded(bytes: Uint8Array): Uint8Array {
  return join([bytes, new Uint8Array((4 - (bytes.length % 4)) % 4)]);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255);
}

function be16(value: number): Uint8Array {
  return u16(value).toReversed();
}

function be32(value: number): Uint8Array {
  return u32(value).toReversed();
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
