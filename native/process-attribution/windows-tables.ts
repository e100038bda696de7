// Pure readers of what Windows answers: the TCP tables with owners, a SID, file times, a command line. Run on recorded buffers everywhere.
// Not for calling Windows: windows-api.ts does that. Layouts measured with wine 10, not yet run on Windows itself.
import type { Tuple } from './tuple.ts';

/** AF_INET, AF_INET6 as Windows numbers them. */
export const families = { 4: 2, 6: 23 } as const;
export type Family = 4 | 6;

const layouts = {
  4: { size: 24, state: 0, local: 4, localPort: 8, remote: 12, remotePort: 16, pid: 20, address: 4 },
  6: { size: 56, state: 48, local: 0, localPort: 20, remote: 24, remotePort: 44, pid: 52, address: 16 },
} as const;

const listening = 2;

/** Pid of the socket whose own end is the client's, in a table of GetExtendedTcpTable; null when it is not there, 0 = nobody's any more. */
export function findPid(table: Buffer, family: Family, tuple: Tuple): number | null {
  const layout = layouts[family];
  const client = addressFor(tuple.clientAddress, family);
  const server = addressFor(tuple.serverAddress, family);
  if (client === null || server === null) return null;
  for (const at of rowsOf(table, layout.size)) {
    if (table.readUInt16BE(at + layout.localPort) !== tuple.clientPort || table.readUInt16BE(at + layout.remotePort) !== tuple.serverPort) continue;
    if (holds(table, at + layout.local, client) && holds(table, at + layout.remote, server)) return table.readUInt32LE(at + layout.pid);
  }
  return null;
}

/** Pid of who listens on the port at a loopback or the unspecified address; null when nobody does. */
export function findListenerPid(table: Buffer, family: Family, port: number): number | null {
  const layout = layouts[family];
  for (const at of rowsOf(table, layout.size)) {
    if (table.readUInt32LE(at + layout.state) !== listening || table.readUInt16BE(at + layout.localPort) !== port) continue;
    const address = table.subarray(at + layout.local, at + layout.local + layout.address);
    const unspecified = address.every((byte) => byte === 0);
    if (unspecified || (family === 4 ? address[0] === 127 : address[15] === 1 && address.subarray(0, 15).every((byte) => byte === 0))) return table.readUInt32LE(at + layout.pid);
  }
  return null;
}

/** `S-1-5-21-…` of a SID's bytes; null when they are cut. */
export function sidText(sid: Buffer): string | null {
  const count = sid[1];
  if (count === undefined || sid.length < 8 + count * 4) return null;
  const parts = Array.from({ length: count }, (_, index) => sid.readUInt32LE(8 + index * 4));
  return ['S', sid[0], sid.readUIntBE(2, 6), ...parts].join('-');
}

/** Milliseconds since the epoch of a FILETIME: 100 ns since 1601. */
export function fileTimeMs(time: Buffer): number {
  return Number(time.readBigUInt64LE(0) / 10_000n) - 11_644_473_600_000;
}

/** Text of a UNICODE_STRING whose characters follow it in the same buffer, as NtQueryInformationProcess answers; null when it is cut. */
export function unicodeString(buffer: Buffer): string | null {
  if (buffer.length < 16) return null;
  const length = buffer.readUInt16LE(0);
  return buffer.length < 16 + length ? null : buffer.toString('utf16le', 16, 16 + length);
}

/**
 * Arguments of a command line as Microsoft's C runtime splits it: the first ends at white space or the closing quote, backslashes count
 * only before a quote, a doubled quote within quotes is one.
 */
export function splitCommandLine(line: string): string[] {
  const program = /^"([^"]*)"?\s*|^(\S*)\s*/.exec(line);
  if (line === '' || program === null) return [];
  const args = [program[1] ?? program[2] ?? ''];
  let current: string | null = null;
  let quoted = false;
  for (let at = program[0].length; at < line.length; at += 1) {
    const letter = line.charAt(at);
    if (!quoted && /\s/.test(letter)) {
      if (current !== null) args.push(current);
      current = null;
      continue;
    }
    current ??= '';
    if (letter === '"') {
      if (quoted && line.charAt(at + 1) === '"') {
        current += '"';
        at += 1;
      } else quoted = !quoted;
      continue;
    }
    const slashes = letter === '\\' ? /^\\+/.exec(line.slice(at))?.[0].length ?? 0 : 0;
    if (slashes > 0 && line.charAt(at + slashes) === '"') {
      current += '\\'.repeat(Math.floor(slashes / 2));
      at += slashes - 1;
      if (slashes % 2 === 1) {
        current += '"';
        at += 1;
      }
    } else current += letter;
  }
  if (current !== null) args.push(current);
  return args;
}

function* rowsOf(table: Buffer, size: number): Generator<number> {
  if (table.length < 4) return;
  const count = Math.min(table.readUInt32LE(0), Math.floor((table.length - 4) / size));
  for (let row = 0; row < count; row += 1) yield 4 + row * size;
}

/** An IPv4 address stands in the IPv6 table in its mapped form; an IPv6 address in the IPv4 table nowhere. */
function addressFor(address: Uint8Array, family: Family): Uint8Array | null {
  if (family === 4) return address.length === 4 ? address : null;
  return address.length === 16 ? address : Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address]);
}

function holds(table: Buffer, at: number, address: Uint8Array): boolean {
  for (let index = 0; index < address.length; index += 1) if (table[at + index] !== address[index]) return false;
  return true;
}
