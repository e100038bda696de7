// Attribution on Windows against a fake of its calls: tables of the measured layout, processes that come, go and refuse.
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../../native/process-attribution/index.ts';
import { addressBytes } from '../../../native/process-attribution/tuple.ts';
import type { WindowsApi } from '../../../native/process-attribution/windows-api.ts';
import { fileTimeMs, sidText, splitCommandLine, unicodeString } from '../../../native/process-attribution/windows-tables.ts';
import { createWindowsAttribution } from '../../../native/process-attribution/windows.ts';

type Row = { readonly state?: number; readonly local: string; readonly localPort: number; readonly remote: string; readonly remotePort: number; readonly pid: number };
type Process = { readonly image: string; readonly commandLine?: string; readonly startedAt: number; readonly parent?: number; readonly closed?: boolean; readonly sid?: Buffer; readonly tokenClosed?: boolean };

const started = Date.UTC(2026, 10, 20, 8);
const now = started + 60_000;
/** S-1-5-21-1-2-3-1001 and LocalSystem. */
const annSid = Buffer.from('010500000000000515000000010000000200000003000000e9030000', 'hex');
const systemSid = Buffer.from('010100000000000512000000', 'hex');
const client = (extra: Partial<Connection> = {}): Connection => ({ clientAddress: '127.0.0.1', clientPort: 50000, serverAddress: '127.0.0.1', serverPort: 18443, descriptor: null, ...extra });
const row = (extra: Partial<Row> = {}): Row => ({ local: '127.0.0.1', localPort: 50000, remote: '127.0.0.1', remotePort: 18443, pid: 4711, ...extra });
const curl: Process = { image: 'C:\\Tools\\curl.exe', commandLine: '"C:\\Tools\\curl.exe" -s https://example.com', startedAt: started, sid: annSid };

describe('ownerOf on Windows', () => {
  test('names file, arguments, start, user and the programs that started it', () => {
    const { api, open } = fakeWindows([row({ localPort: 18443, remotePort: 50000, pid: 1 }), row()], {
      4711: { ...curl, parent: 4700 },
      4700: { image: 'C:\\Windows\\System32\\cmd.exe', startedAt: started - 10, parent: 4600 },
      4600: { image: 'C:\\Windows\\explorer.exe', startedAt: started - 20, parent: 4500 },
      4500: { image: 'C:\\Other\\late.exe', startedAt: started + 5 },
    });
    expect(createWindowsAttribution(api, () => now).ownerOf(client(), 100)).toEqual({
      kind: 'process', pid: 4711, uid: null, user: 'CORP\\ann', startedAt: started, path: 'C:\\Tools\\curl.exe',
      commandLine: ['C:\\Tools\\curl.exe', '-s', 'https://example.com'], parents: ['cmd.exe', 'explorer.exe'], sandbox: null,
    });
    expect(open()).toBe(0);
  });

  test.each([
    ['an IPv6 client', [row({ local: '::1', remote: '::1' })], client({ clientAddress: '::1', serverAddress: '::1' })],
    ['a dual-stack client that stands in the IPv6 table', [row({ local: '::ffff:127.0.0.1', remote: '::ffff:127.0.0.1' })], client()],
    ['a table that has grown since its size was asked for', [...Array.from({ length: 9000 }, (_, index) => row({ localPort: 1000 + index, remotePort: 443, pid: 9 })), row()], client()],
  ])('finds %s', (_name, rows, connection) => {
    const { api } = fakeWindows(rows, { 4711: curl });
    expect(createWindowsAttribution(api, () => now).ownerOf(connection, 1000)).toMatchObject({ kind: 'process', pid: 4711 });
  });

  test.each([
    ['nobody has the socket', [row({ localPort: 50001 })], { 4711: curl }, 'gone'],
    ['the socket has lost its process', [row({ pid: 0 })], {}, 'gone'],
    ['the process may not be opened', [row()], { 4711: { ...curl, closed: true } }, 'denied'],
    ['the number belongs to a process that began after the look', [row()], { 4711: { ...curl, startedAt: now + 1 } }, 'denied'],
  ])('%s', (_name, rows, processes, why) => {
    const { api, open } = fakeWindows(rows, processes);
    expect(createWindowsAttribution(api, () => now).ownerOf(client(), 1000)).toEqual({ kind: 'unknown', why, uid: null, sandbox: null });
    expect(open()).toBe(0);
  });

  test('no time is late, and a closed attribution knows nothing', () => {
    const attribution = createWindowsAttribution(fakeWindows([row()], { 4711: curl }).api, () => now);
    expect(attribution.ownerOf(client(), -1)).toMatchObject({ why: 'late' });
    attribution.close();
    expect(attribution.ownerOf(client(), 100)).toMatchObject({ why: 'gone' });
  });

  test('the user is the SID where its name cannot be looked up, and null where the token is closed', () => {
    const { api } = fakeWindows([row()], { 4711: { ...curl, sid: systemSid } });
    expect(createWindowsAttribution(api, () => now).ownerOf(client(), 100)).toMatchObject({ user: 'S-1-5-18' });
    const closed = fakeWindows([row()], { 4711: { ...curl, tokenClosed: true } });
    expect(createWindowsAttribution(closed.api, () => now).ownerOf(client(), 100)).toMatchObject({ user: null });
  });

  test('a known process is asked for its start alone, and a number given away is read again', () => {
    const processes: Record<number, Process> = { 4711: curl };
    const { api, calls } = fakeWindows([row()], processes);
    const attribution = createWindowsAttribution(api, () => now);
    const first = attribution.ownerOf(client(), 100);
    const before = calls('QueryFullProcessImageNameW');
    expect(attribution.ownerOf(client(), 100)).toBe(first);
    expect(calls('QueryFullProcessImageNameW')).toBe(before);
    processes[4711] = { ...curl, image: 'C:\\Tools\\other.exe', startedAt: started + 1000 };
    expect(attribution.ownerOf(client(), 100)).toMatchObject({ path: 'C:\\Tools\\other.exe' });
  });
});

const ours = row({ localPort: 18443, remotePort: 50000, pid: 1 });
test.each([
  ['a client that has a row with a pid is held', [ours, row()], 'held'],
  ['a client that has no row any more is nobody\'s', [ours], 'nobody'],
  ['a row without a pid is nobody\'s', [ours, row({ pid: 0 })], 'nobody'],
  ['a dual-stack client stands in the other table', [ours, row({ local: '::ffff:127.0.0.1', remote: '::ffff:127.0.0.1' })], 'held'],
  ['tables that do not show our own end tell nothing', [row({ localPort: 50001 })], 'unknown'],
  ['nor do those where it is another\'s', [{ ...ours, pid: 2 }], 'unknown'],
] as const)('isHeld: %s', (_name, rows, expected) => {
  expect(createWindowsAttribution(fakeWindows(rows, {}).api, () => now, 1).isHeld(client())).toBe(expected);
});

test('isHeld: a table that cannot be read tells nothing', () => {
  const { api } = fakeWindows([ours], {});
  expect(createWindowsAttribution({ ...api, GetExtendedTcpTable: (...args) => (args[3] === 23 ? 5 : api.GetExtendedTcpTable(...args)) }, () => now, 1).isHeld(client())).toBe('unknown');
});

test.each([
  ['on 127.0.0.1', { local: '127.0.0.1', state: 2, localPort: 18443 }, { kind: 'process', pid: 4711 }],
  ['on every IPv6 address', { local: '::', remote: '::', state: 2, localPort: 18443 }, { kind: 'process', pid: 4711 }],
  ['on another interface', { local: '10.0.0.1', state: 2, localPort: 18443 }, { kind: 'unknown', why: 'gone' }],
  ['only as a client', { state: 5, localPort: 18443 }, { kind: 'unknown', why: 'gone' }],
])('listenerOf: %s', (_name, extra, expected) => {
  const { api } = fakeWindows([row({ remotePort: 0, ...extra })], { 4711: curl });
  expect(createWindowsAttribution(api, () => now).listenerOf(18443)).toMatchObject(expected);
});

test.each([
  ['a quoted program with spaces', '"C:\\Program Files\\a b.exe" --x', ['C:\\Program Files\\a b.exe', '--x']],
  ['a bare program and extra spaces', 'curl.exe   -s\t-o  x', ['curl.exe', '-s', '-o', 'x']],
  ['quotes within a word', 'a "b c"d', ['a', 'b cd']],
  ['backslashes count only before a quote', 'a C:\\x\\ "C:\\y z\\\\" \\\\"q\\" r"', ['a', 'C:\\x\\', 'C:\\y z\\', '\\q" r']],
  ['a doubled quote within quotes', 'a "b""c"', ['a', 'b"c']],
  ['an empty argument', 'a "" b', ['a', '', 'b']],
  ['nothing', '', []],
])('a command line: %s', (_name, line, expected) => {
  expect(splitCommandLine(line)).toEqual(expected);
});

test('values that are cut are null, and 1601 is far before 1970', () => {
  expect([sidText(Buffer.from('0105', 'hex')), unicodeString(Buffer.alloc(4)), unicodeString(Buffer.concat([Buffer.from([9, 0]), Buffer.alloc(14)]))]).toEqual([null, null, null]);
  expect(sidText(annSid)).toBe('S-1-5-21-1-2-3-1001');
  expect(fileTimeMs(Buffer.alloc(8))).toBe(Date.UTC(1601, 0, 1));
});

/** Windows as its calls answer; `open` counts handles that were not closed. */
function fakeWindows(rows: readonly Row[], processes: Readonly<Record<number, Process>>): { api: WindowsApi; open(): number; calls(name: string): number } {
  const counts = new Map<string, number>();
  let open = 0;
  const processOf = (handle: number): Process => processes[handle % 1_000_000] ?? { image: '', startedAt: 0 };
  const counted = (name: string): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  const api: WindowsApi = {
    GetExtendedTcpTable(table, size, _order, family, tableClass) {
      expect(tableClass).toBe(5);
      const answer = encodeTable(rows, family);
      const fits = size[0] >= answer.length;
      size[0] = answer.length;
      if (!fits) return 122;
      answer.copy(table);
      return 0;
    },
    OpenProcess(access, _inherit, pid) {
      expect(access).toBe(0x1000);
      if (processes[pid] === undefined || processes[pid].closed === true) return 0;
      open += 1;
      return pid;
    },
    CloseHandle() {
      open -= 1;
      return 1;
    },
    QueryFullProcessImageNameW(process, _flags, name, size) {
      counted('QueryFullProcessImageNameW');
      size[0] = name.write(processOf(process).image, 'utf16le') / 2;
      return 1;
    },
    GetProcessTimes(process, created) {
      created.writeBigUInt64LE(BigInt(processOf(process).startedAt + 11_644_473_600_000) * 10_000n);
      return 1;
    },
    NtQueryInformationProcess(process, what, answer, size, written) {
      const { commandLine = '', parent = 0 } = processOf(process);
      if (what === 0) {
        expect(size).toBe(48);
        answer.writeUInt32LE(parent, 40);
        return 0;
      }
      expect(what).toBe(60);
      const bytes = answer.write(commandLine, 16, 'utf16le');
      answer.writeUInt16LE(bytes, 0);
      written[0] = 16 + bytes;
      return 0;
    },
    OpenProcessToken(process, _access, token) {
      if (processOf(process).tokenClosed === true) return 0;
      open += 1;
      token[0] = 1_000_000 + process;
      return 1;
    },
    GetTokenInformation(token, _what, answer, _size, written) {
      const sid = processOf(token).sid ?? systemSid;
      sid.copy(answer, 16);
      written[0] = 16 + sid.length;
      return 1;
    },
    LookupAccountSidW(_system, sid, name, nameSize, domain, domainSize) {
      if (!sid.equals(annSid)) return 0;
      nameSize[0] = name.write('ann', 'utf16le') / 2;
      domainSize[0] = domain.write('CORP', 'utf16le') / 2;
      return 1;
    },
  };
  return { api, open: () => open, calls: (name) => counts.get(name) ?? 0 };
}

function encodeTable(rows: readonly Row[], family: number): Buffer {
  const six = family === 23;
  const mine = rows.filter((one) => one.local.includes(':') === six);
  const size = six ? 56 : 24;
  const table = Buffer.alloc(4 + mine.length * size);
  table.writeUInt32LE(mine.length, 0);
  mine.forEach((one, index) => {
    const at = 4 + index * size;
    const bytes = (text: string): Uint8Array => {
      const short = addressBytes(text) ?? new Uint8Array();
      return six && short.length === 4 ? Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...short]) : short;
    };
    table.set(bytes(one.local), at + (six ? 0 : 4));
    table.writeUInt16BE(one.localPort, at + (six ? 20 : 8));
    table.set(bytes(one.remote), at + (six ? 24 : 12));
    table.writeUInt16BE(one.remotePort, at + (six ? 44 : 16));
    table.writeUInt32LE(one.state ?? 5, at + (six ? 48 : 0));
    table.writeUInt32LE(one.pid, at + (six ? 52 : 20));
  });
  return table;
}
