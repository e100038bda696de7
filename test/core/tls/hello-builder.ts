// Takes recorded ClientHellos apart and puts hellos together, odd ones included. For tests of the ClientHello reader only.
import recorded from './hellos.json' with { type: 'json' };

export type Recorded = { readonly program: string; readonly version: string; readonly serverName: string | null; readonly bytes: Buffer };

export type HelloParts = {
  legacyVersion: number;
  sessionId: Buffer;
  suites: number[];
  compression: Buffer;
  extensions: { type: number; data: Buffer }[] | null;
};

/** First flights of real programs, as they came over a loopback socket. */
export const hellos: readonly Recorded[] = recorded.map(({ hex, ...rest }) => ({ ...rest, bytes: Buffer.from(hex, 'hex') }));

export function hello(program: string): Recorded {
  const found = hellos.find((entry) => entry.program === program);
  if (found === undefined) throw new Error(`no recorded hello of ${program}`);
  return found;
}

/** The parts of a hello that came in one record. */
export function takeApart(bytes: Buffer): HelloParts {
  let at = 5 + 4;
  const u16 = (): number => bytes.readUInt16BE((at += 2) - 2);
  const take = (length: number): Buffer => bytes.subarray((at += length) - length, at);
  const legacyVersion = u16();
  take(32);
  const sessionId = take(bytes.readUInt8((at += 1) - 1));
  const suiteBytes = take(u16());
  const suites = Array.from({ length: suiteBytes.length / 2 }, (_, index) => suiteBytes.readUInt16BE(index * 2));
  const compression = take(bytes.readUInt8((at += 1) - 1));
  const block = takeBlocks(take(u16()));
  return { legacyVersion, sessionId, suites, compression, extensions: block };
}

function takeBlocks(bytes: Buffer): { type: number; data: Buffer }[] {
  const blocks: { type: number; data: Buffer }[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    blocks.push({ type: bytes.readUInt16BE(at), data: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return blocks;
}

export function message(parts: HelloParts): Buffer {
  const suites = Buffer.concat(parts.suites.map((suite) => number16(suite)));
  const extensions = parts.extensions === null ? Buffer.alloc(0)
    : block16(Buffer.concat(parts.extensions.map(({ type, data }) => Buffer.concat([number16(type), block16(data)]))));
  const body = Buffer.concat([
    number16(parts.legacyVersion), Buffer.alloc(32, 7), block8(parts.sessionId), block16(suites), block8(parts.compression), extensions,
  ]);
  return Buffer.concat([Buffer.from([1, body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff]), body]);
}

/** A message in records of at most `size` bytes. */
export function records(payload: Buffer, size = 16_384, version = 0x0301): Buffer {
  const all: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size) all.push(record(payload.subarray(at, at + size), version));
  return Buffer.concat(all);
}

export function record(payload: Buffer, version = 0x0301, type = 22): Buffer {
  return Buffer.concat([Buffer.from([type]), number16(version), block16(payload)]);
}

/** A hello in one record, from parts changed in place. */
export function changed(bytes: Buffer, change: (parts: HelloParts) => void): Buffer {
  const parts = takeApart(bytes);
  change(parts);
  return records(message(parts));
}

/** SNI data with one entry; `type` 0 is host_name. */
export function sni(name: Buffer | string, type = 0): Buffer {
  return block16(Buffer.concat([Buffer.from([type]), block16(Buffer.from(name))]));
}

export function setExtension(parts: HelloParts, type: number, data: Buffer): void {
  const list = parts.extensions ?? [];
  const old = list.find((extension) => extension.type === type);
  if (old === undefined) list.unshift({ type, data });
  else old.data = data;
  parts.extensions = list;
}

export const number16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
export const block8 = (data: Buffer): Buffer => Buffer.concat([Buffer.from([data.length & 0xff]), data]);
export const block16 = (data: Buffer): Buffer => Buffer.concat([number16(data.length), data]);
