// Attribution on macOS against a fake of its calls: buffers laid out as xnu's headers say, processes that come, go and refuse.
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../../native/process-attribution/index.ts';
import type { MacosApi } from '../../../native/process-attribution/macos-api.ts';
import { candidatePids, readArguments, readProcessFacts, readSocket, readWorkingFolder, socketDescriptors } from '../../../native/process-attribution/macos-tables.ts';
import { createMacosAttribution } from '../../../native/process-attribution/macos.ts';
import { addressBytes } from '../../../native/process-attribution/tuple.ts';

type Socket = { readonly local: string; readonly localPort: number; readonly remote: string; readonly remotePort: number; readonly listening?: boolean };
type Process = {
  readonly path: string; readonly args?: readonly string[]; readonly uid?: number; readonly parent?: number; readonly startedAt?: number;
  readonly sockets?: readonly Socket[]; readonly hidden?: boolean;
};

const started = Date.UTC(2026, 10, 20, 8);
const connection: Connection = { clientAddress: '127.0.0.1', clientPort: 50000, serverAddress: '127.0.0.1', serverPort: 18443, descriptor: null };
const socket: Socket = { local: '127.0.0.1', localPort: 50000, remote: '127.0.0.1', remotePort: 18443 };
const curl: Process = { path: '/usr/bin/curl', args: ['curl', '-s', 'https://example.com'], uid: 501, parent: 800, sockets: [{ ...socket, localPort: 49000 }, socket] };
const shells: Record<number, Process> = { 800: { path: '/bin/zsh', parent: 700 }, 700: { path: '/System/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal', parent: 1 } };

describe('ownerOf on macOS', () => {
  test('asks the process that used the socket last, and names file, arguments, start, user and parents', async () => {
    const { api, calls } = fakeMacos({ 900: curl, ...shells }, [[900, socket]]);
    const owner = createMacosAttribution(api).ownerOf(connection, 100);
    expect(owner).toEqual({
      kind: 'process', pid: 900, uid: 501, user: 'ann', startedAt: started, path: '/usr/bin/curl', commandLine: ['curl', '-s', 'https://example.com'],
      parents: ['zsh', 'Terminal'], sandbox: null,
    });
    expect(calls('proc_listpids')).toBe(0);
  });

  test.each([
    ['the list names another process: the holder is found among all', { 900: curl, 901: { path: '/usr/bin/nc', sockets: [{ ...socket, localPort: 1 }] }, ...shells }, [[901, socket]], connection],
    ['the list is empty', { 900: curl, ...shells }, [], connection],
    ['an IPv6 client', { 900: { ...curl, sockets: [{ ...socket, local: '::1', remote: '::1' }] } }, [[900, { ...socket, local: '::1', remote: '::1' }]], { ...connection, clientAddress: '::1', serverAddress: '::1' }],
    ['a client with a mapped address', { 900: { ...curl, sockets: [{ ...socket, local: '::ffff:127.0.0.1', remote: '::ffff:127.0.0.1' }] } }, [], connection],
  ] as const)('%s', async (_name, processes, listed, wanted) => {
    const { api } = fakeMacos(processes, listed);
    expect(await createMacosAttribution(api).ownerOf(wanted, 1000)).toMatchObject({ kind: 'process', pid: 900 });
  });

  test.each([
    ['nobody has the socket', { 900: { ...curl, sockets: [] } }, [], 'gone'],
    ['the same ports at another address', { 900: { ...curl, sockets: [{ ...socket, local: '127.0.0.2' }] } }, [], 'gone'],
    ['the system lists it, its holder is not shown', { 900: { ...curl, hidden: true } }, [[900, socket]], 'denied'],
  ] as const)('%s', async (_name, processes, listed, why) => {
    const { api } = fakeMacos(processes, listed);
    expect(await createMacosAttribution(api).ownerOf(connection, 1000)).toEqual({ kind: 'unknown', why, uid: null, sandbox: null });
  });

  test('no time is late, and a closed attribution knows nothing', async () => {
    const attribution = createMacosAttribution(fakeMacos({ 900: { ...curl, sockets: [] } }, [[900, socket]]).api);
    expect(await attribution.ownerOf(connection, -1)).toMatchObject({ why: 'late' });
    attribution.close();
    expect(attribution.ownerOf(connection, 100)).toMatchObject({ why: 'gone' });
  });

  test('a number that was given to another process while we read is no answer', async () => {
    let reads = 0;
    const { api } = fakeMacos({ 900: curl, ...shells }, [[900, socket]], () => {
      reads += 1;
      return started + reads * 1000;
    });
    expect(await createMacosAttribution(api).ownerOf(connection, 1000)).toMatchObject({ kind: 'unknown' });
  });
});

const ours = { ...socket, localPort: 18443, remotePort: 50000 };
test.each([
  ['a client whose last user has it open is held', { 900: curl }, [[1, ours], [900, socket]], 'held'],
  ['a client that is not in the list any more is nobody\'s', { 900: curl }, [[1, ours]], 'nobody'],
  ['a listed one whose last user has no descriptor for it may be another\'s', { 900: { ...curl, sockets: [] } }, [[1, ours], [900, socket]], 'unknown'],
  ['a list that does not show our own end tells nothing', { 900: curl }, [], 'unknown'],
] as const)('isHeld: %s', (_name, processes, listed, expected) => {
  expect(createMacosAttribution(fakeMacos(processes, listed).api, 1).isHeld(connection)).toBe(expected);
});

test.each([
  ['on 127.0.0.1', { listening: true, local: '127.0.0.1' }, { kind: 'process', pid: 900 }],
  ['on every IPv6 address', { listening: true, local: '::', remote: '::' }, { kind: 'process', pid: 900 }],
  ['on another interface', { listening: true, local: '10.0.0.1' }, { kind: 'unknown', why: 'gone' }],
  ['only as a client', {}, { kind: 'unknown', why: 'gone' }],
])('listenerOf: %s', (_name, extra, expected) => {
  const { api } = fakeMacos({ 900: { ...curl, sockets: [{ ...socket, localPort: 18443, remotePort: 0, ...extra }] } }, []);
  expect(createMacosAttribution(api).listenerOf(18443)).toMatchObject(expected);
});

describe('what macOS answers', () => {
  test('arguments end by their count, not at the environment; an empty one counts', () => {
    expect(readArguments(encodeArguments('/bin/x', ['x', '', '--a b'], ['HOME=/']))).toEqual(['x', '', '--a b']);
    expect(readArguments(Buffer.from([1]))).toEqual([]);
  });

  test('records of the TCP list are walked by length, and a length of 0 ends it', () => {
    const list = encodeTcpList([[7, socket], [8, { ...socket, localPort: 50001 }]]);
    expect(candidatePids(list, 50000, 18443)).toEqual([7]);
    expect(candidatePids(list.subarray(0, 40), 50000, 18443)).toEqual([]);
    expect(candidatePids(Buffer.alloc(100), 50000, 18443)).toEqual([]);
    // A record of 4 GB: the step to the next one once became none, and the walk never ended.
    expect(candidatePids(Buffer.concat([Buffer.alloc(24), Buffer.from('ffffffff10000000', 'hex')]), 50000, 18443)).toEqual([]);
  });

  test('cut answers are null', () => {
    expect([readSocket(Buffer.alloc(300)), readProcessFacts(Buffer.alloc(100)), readWorkingFolder(Buffer.alloc(10)), socketDescriptors(Buffer.alloc(7))]).toEqual([null, null, null, []]);
  });
});

/** macOS as its calls answer. `listed`: who used a socket last, as the TCP list says. */
function fakeMacos(processes: Readonly<Record<number, Process>>, listed: readonly (readonly [number, Socket])[], startOf: (pid: number) => number = () => started): { api: MacosApi; calls(name: string): number } {
  const counts = new Map<string, number>();
  const counted = (name: string): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  const put = (answer: Buffer, bytes: Buffer): number => bytes.copy(answer);
  const api: MacosApi = {
    proc_listpids(type, _value, pids) {
      counted('proc_listpids');
      expect(type).toBe(1);
      return put(pids, Buffer.from(Int32Array.from([0, ...Object.keys(processes).map(Number)]).buffer));
    },
    proc_pidinfo(pid, flavor, _argument, answer) {
      const process = processes[pid];
      if (process === undefined) return 0;
      if (flavor === 3) return put(answer, encodeFacts(process, startOf(pid)));
      expect(flavor).toBe(1);
      if (process.hidden === true) return 0;
      return put(answer, Buffer.from(Uint32Array.from([3, 1, ...(process.sockets ?? []).flatMap((_socket, index) => [4 + index, 2])]).buffer));
    },
    proc_pidfdinfo(pid, descriptor, flavor, answer) {
      expect(flavor).toBe(3);
      const held = processes[pid]?.sockets?.[descriptor - 4];
      return held === undefined ? 0 : put(answer, encodeSocket(held));
    },
    proc_pidpath: (pid, path) => put(path, Buffer.from(processes[pid]?.path ?? '')),
    sysctlbyname(name, answer, size) {
      expect(name).toBe('net.inet.tcp.pcblist_n');
      const list = encodeTcpList(listed);
      size[0] = list.length;
      if (answer !== null) put(answer, list);
      return 0;
    },
    sysctl(name, _count, answer, size) {
      const process = processes[name[2] ?? 0];
      if (process === undefined) return -1;
      size[0] = put(answer, encodeArguments(process.path, process.args ?? [], ['PATH=/usr/bin']));
      return 0;
    },
    userName: (uid) => (uid === 501 ? 'ann' : null),
  };
  return { api, calls: (name) => counts.get(name) ?? 0 };
}

function encodeFacts(process: Process, startedAt: number): Buffer {
  const info = Buffer.alloc(136);
  info.writeUInt32LE(process.parent ?? 1, 16);
  info.writeUInt32LE(process.uid ?? 0, 20);
  info.write(process.path.slice(process.path.lastIndexOf('/') + 1).slice(0, 15), 48);
  info.writeBigUInt64LE(BigInt(Math.floor(startedAt / 1000)), 120);
  info.writeBigUInt64LE(BigInt(startedAt % 1000) * 1000n, 128);
  return info;
}

function encodeSocket(view: Socket): Buffer {
  const info = Buffer.alloc(792);
  const six = view.local.includes(':');
  info.writeInt32LE(2, 256);
  info.writeUInt16BE(view.remotePort, 264);
  info.writeUInt16BE(view.localPort, 268);
  info.writeUInt8(six ? 2 : 1, 288);
  info.set(sixteen(view.remote, six), 296);
  info.set(sixteen(view.local, six), 312);
  info.writeInt32LE(view.listening === true ? 1 : 4, 344);
  return info;
}

/** IPv4 in the last four bytes; mapped addresses with their ones. */
function sixteen(text: string, six: boolean): Uint8Array {
  const short = addressBytes(text) ?? new Uint8Array();
  if (short.length === 16) return short;
  return Uint8Array.from([...Array.from({ length: 10 }, () => 0), ...(six ? [0xff, 0xff] : [0, 0]), ...short]);
}

function encodeTcpList(listed: readonly (readonly [number, Socket])[]): Buffer {
  return Buffer.concat([Buffer.alloc(24), ...listed.flatMap(([pid, view]) => {
    const ports = record(0x10, 104);
    ports.writeUInt16BE(view.remotePort, 16);
    ports.writeUInt16BE(view.localPort, 18);
    const last = record(0x01, 84); // not a multiple of 8: padded
    last.writeInt32LE(pid, 68);
    return [ports, last, Buffer.alloc(4), record(0x02, 32)];
  })]);
}

function record(kind: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(kind, 4);
  return bytes;
}

function encodeArguments(path: string, args: readonly string[], environment: readonly string[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeInt32LE(args.length, 0);
  return Buffer.concat([count, Buffer.from(`${path}\0\0\0\0`), Buffer.from([...args, ...environment].map((one) => `${one}\0`).join(''))]);
}
