// Fuzz targets for what reads the answers of operating systems: /proc, netlink, socket tables of Windows and macOS, package databases.
// The first byte of an input chooses the reader.
import { interpreterOf } from '../../../native/app-identity/interpreters.ts';
import { hasGoBuildInfo } from '../../../native/app-identity/go-build-info.ts';
import { md5Of, parseRpmAnswer, versionOf } from '../../../native/app-identity/package-of.ts';
import { scriptOf } from '../../../native/app-identity/script-of.ts';
import { parseRoutes, parseRoutes6, parseUptime } from '../../../native/device-state/linux.ts';
import { candidatePids, readArguments, readProcessFacts, readSocket, readWorkingFolder, socketDescriptors } from '../../../native/process-attribution/macos-tables.ts';
import { decodeDiagReply, encodeDiagRequest } from '../../../native/process-attribution/sock-diag.ts';
import { findConnectionRow, findListenerRow, tupleOf, type Tuple } from '../../../native/process-attribution/tuple.ts';
import { findListenerPid, findPid, sidText, splitCommandLine, unicodeString } from '../../../native/process-attribution/windows-tables.ts';
import { bootedAtOf, parseBootTime, parseCgroupMount, parseCgroups, parseEnviron, parseNulList, parsePasswd, parseStat, startedAtOf, withoutDeletedMark } from '../../../native/procfs/parse.ts';
import type { Target } from '../engine.ts';
import { insist, textOf, tokens } from '../insist.ts';

const tuple = tupleOf({ clientAddress: '127.0.0.1', clientPort: 50_000, serverAddress: '127.0.0.1', serverPort: 18_443, descriptor: null }) as Tuple;
const chosen = (index: number, bytes: Uint8Array | string): Buffer => Buffer.concat([Buffer.from([index]), Buffer.from(bytes as string)]);
/** One of the readers by the first byte, on the rest. */
const oneOf = (readers: readonly ((bytes: Buffer, text: string) => void)[]) => (input: Uint8Array): void => {
  const rest = Buffer.from(input.subarray(1));
  readers[(input[0] ?? 0) % readers.length]?.(rest, textOf(rest));
};

const procfs: Target = {
  name: 'procfs', files: ['native/procfs/parse.ts', 'native/process-attribution/tuple.ts', 'native/device-state/linux.ts'], limit: 8_000,
  words: tokens([' ', '\n', '\t', '(', ')', '\0', '=', ':', '0A', '0100007F:480B', '0100007F:C350', 'btime ', ' - cgroup2 ', '0::/', ' (deleted)', 'PATH=', '00000000', '-1', '18446744073709551615']),
  seeds: [
    '4242 (a) b) S 4241 7780 4721 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 98765 3129344 446 18446744073709551615 111 222 333 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 444 555 666 777 778 779 780 0', 'cpu 1 2\nbtime 1700000000\nprocesses 5\n',
    'a\0b=c\0\0d=e\0', '0::/user.slice\n12:cpu:/a\n', '31 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', 'root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:\n',
    '  sl  local\n   2: 0100007F:C350 0100007F:480B 01 00000000:00000000 00:00000000 00000000  1000        0 1004 1 0\n   1: 0100007F:480B 00000000:0000 0A 0:0 0:0 0 1000 0 1002 1\n',
    '123.45 99.00\n', 'Iface Destination Gateway Flags\neth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n', '00000000000000000000000000000000 00 0 0 fe80 00000064 1 0 00000003 eth0\n',
  ].map((text, index) => chosen(index, text)),
  run: oneOf([
    (_, text) => {
      const stat = parseStat(text);
      insist(stat === null || (Number.isInteger(stat.pid) && Number.isFinite(startedAtOf(stat.startTicks, 0))), 'a process has a number and a start');
    },
    (_, text) => { insist(Number.isFinite(bootedAtOf(text, '1.00 1', 1e12)) && (parseBootTime(text) ?? 0) >= 0, 'the boot has a time'); },
    (_, text) => { insist(parseEnviron(text).size <= parseNulList(text).length, 'no more variables than entries'); withoutDeletedMark(text); },
    (_, text) => { for (const path of parseCgroups(text)) insist(path.startsWith('/'), 'a cgroup is a path'); },
    (_, text) => { parseCgroupMount(text); },
    (_, text) => { for (const [uid, { name }] of parsePasswd(text)) insist(Number.isInteger(uid) && name !== '', 'a user has a number and a name'); },
    (_, text) => {
      const row = findConnectionRow(text, tuple) ?? findListenerRow(text, 18_443);
      insist(row === null || (Number.isInteger(row.uid) && Number.isInteger(row.inode)), 'a socket has an owner and an inode');
    },
    (_, text) => { parseUptime(text); },
    (_, text) => { parseRoutes(text); },
    (_, text) => { parseRoutes6(text); },
  ]),
};

const reply = Buffer.alloc(16 + 72 + 12);
reply.writeUInt32LE(reply.length, 0);
reply.writeUInt16LE(20, 4);
reply.writeUInt32LE(7, 8);
reply.writeUInt32LE(1000, 16 + 64);
reply.writeUInt32LE(4711, 16 + 68);
reply.writeUInt16LE(12, 88);
reply.writeUInt16LE(21, 90);

const sockets: Target = {
  name: 'sockets', files: ['native/process-attribution/sock-diag.ts', 'native/process-attribution/windows-tables.ts', 'native/process-attribution/macos-tables.ts'], limit: 4_000,
  words: ['0c001500', '00000000', 'ffffffff', '02000000', '0100007f', 'c350480b', '07000000', '0000', '2200', '5c22', '2020'].map((hex) => Buffer.from(hex, 'hex')),
  seeds: [
    chosen(0, reply), chosen(0, encodeDiagRequest(tuple, 7)), chosen(1, Buffer.from('01000000050000000100007fc35000000100007f480b000011000000', 'hex')), chosen(2, Buffer.concat([Buffer.from([1, 0, 0, 0]), Buffer.alloc(56)])),
    chosen(3, Buffer.from('01020000000000051500000001020304', 'hex')), chosen(4, Buffer.concat([Buffer.from([4, 0, 4, 0]), Buffer.alloc(12), Buffer.from('a\0b\0')])), chosen(5, '"C:\\a b\\c.exe" x "y z" \\\\"q'),
    chosen(6, Buffer.concat([Buffer.alloc(24), Buffer.from('180000001000000000000000000000004809c35000000000', 'hex')])), chosen(7, Buffer.from('0300000002000000', 'hex')), chosen(8, Buffer.alloc(792, 2)), chosen(9, Buffer.alloc(136)),
    chosen(10, Buffer.from('02000000/usr/bin/x\0\0\0x\0-y\0PATH=1\0')), chosen(11, Buffer.alloc(1_200, 65)),
  ],
  run: oneOf([
    (bytes) => {
      const answer = decodeDiagReply(bytes, 7);
      insist(answer === null || ['socket', 'orphan', 'none', 'failed'].includes(answer.kind), 'has one of four answers');
    },
    (bytes) => { findPid(bytes, 4, tuple); findListenerPid(bytes, 4, 18_443); },
    (bytes) => { findPid(bytes, 6, tuple); findListenerPid(bytes, 6, 18_443); },
    (bytes) => { insist(/^S-\d+-\d+(-\d+)*$/.test(sidText(bytes) ?? 'S-1-1'), 'a SID is written as one'); },
    (bytes) => { unicodeString(bytes); },
    (_, text) => { insist(splitCommandLine(text).length <= text.length, 'no more arguments than letters'); },
    (bytes) => { for (const pid of candidatePids(bytes, 50_000, 18_443)) insist(pid > 0, 'a pid is positive'); },
    (bytes) => { socketDescriptors(bytes); },
    (bytes) => { const socket = readSocket(bytes); insist(socket === null || socket.local.length === 4 || socket.local.length === 16, 'an address is one'); },
    (bytes) => { readProcessFacts(bytes); },
    (bytes) => { insist(readArguments(bytes).length <= bytes.length, 'no more arguments than bytes'); },
    (bytes) => { readWorkingFolder(bytes); },
  ]),
};

/** Two sections, the names and `.go.buildinfo`, behind a header of 64 bytes. */
function goElf(): Buffer {
  const bytes = Buffer.alloc(64 + 2 * 64 + 16 + 32);
  bytes.write('7f454c4602010100', 'hex');
  bytes.writeUInt32LE(64, 40);
  bytes.writeUInt16LE(64, 58);
  bytes.writeUInt16LE(2, 60);
  bytes.writeUInt32LE(192, 64 + 24);
  bytes.writeUInt32LE(16, 64 + 32);
  bytes.writeUInt32LE(1, 128);
  bytes.writeUInt32LE(208, 128 + 24);
  bytes.writeUInt32LE(32, 128 + 32);
  bytes.write('\0.go.buildinfo', 192, 'latin1');
  bytes.write('\xff Go buildinf:', 208, 'latin1');
  return bytes;
}

const identity: Target = {
  name: 'identity', files: ['native/app-identity/package-of.ts', 'native/app-identity/script-of.ts', 'native/app-identity/go-build-info.ts'], limit: 4_000,
  words: tokens(['\0', '\n', '\t', 'Package: ', 'Version: ', 'Architecture: ', '-m', '-c', '-jar', '-cp', '--', '-r', '-e', 'python3', 'java', 'node', 'app.js', '\x7fELF', '\xff Go buildinf:']),
  seeds: [
    chosen(0, 'Package: curl\nArchitecture: amd64\nVersion: 1.2-3\n\nPackage: x\n'), chosen(1, 'd41d8cd98f00b204e9800998ecf8427e  usr/bin/curl\n'), chosen(2, 'curl\t1-2\t8\n/usr/bin/curl\tabcd\n'), chosen(3, 'python3\0-m\0http.server\0'), chosen(3, 'java\0-cp\0a.jar\0-jar\0b.jar\0'),
    chosen(4, goElf()),
  ],
  run: oneOf([
    (_, text) => { versionOf(text, 'curl', 'amd64'); },
    (_, text) => { insist(/^[0-9a-f]{32}$/.test(md5Of(text, ['/usr/bin/curl']) ?? '0'.repeat(32)), 'a hash is one'); },
    (_, text) => { parseRpmAnswer(text, ['/usr/bin/curl']); },
    (_, text) => {
      const argv = parseNulList(text);
      const interpreter = interpreterOf(argv[0] ?? '');
      if (interpreter !== null) scriptOf(interpreter, argv);
    },
    (bytes) => { hasGoBuildInfo((offset, length) => (offset < 0 || offset > bytes.length ? null : bytes.subarray(offset, offset + length))); },
  ]),
};

export const nativeTargets: readonly Target[] = [procfs, sockets, identity];
