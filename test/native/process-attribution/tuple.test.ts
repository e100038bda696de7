import { describe, expect, test } from 'vitest';
import { addressBytes, findConnectionRow, findListenerRow, tupleOf } from '../../../native/process-attribution/tuple.ts';
import { decodeDiagReply, encodeDiagRequest } from '../../../native/process-attribution/sock-diag.ts';

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const tcp = head
  + '   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0 100 0 0 10 0\n'
  + '   1: 0100007F:480B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1002 1 0 100 0 0 10 0\n'
  + '   2: 0100007F:480B 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1003 1 0 20 4 30 10 -1\n'
  + '   3: 0100007F:C350 0100007F:480B 01 00000000:00000000 00:00000000 00000000  1000        0 1004 1 0 20 4 30 10 -1\n'
  + '   4: 0A00000A:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1005 1 0 100 0 0 10 0\n';
const tcp6 = head
  + '   0: 00000000000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     5        0 2001 1 0 100 0 0 10 0\n'
  + '   1: 0000000000000000FFFF00000100007F:C351 0000000000000000FFFF00000100007F:480B 01 00000000:00000000 00:00000000 00000000  1001        0 2002 1 0 20 4 30 10 -1\n'
  + '   2: 00000000000000000000000001000000:C352 00000000000000000000000001000000:480B 01 00000000:00000000 00:00000000 00000000  1002        0 2003 1 0 20 4 30 10 -1\n';

const from = (clientAddress: string, clientPort: number, serverAddress = clientAddress) => tupleOf({ clientAddress, clientPort, serverAddress, serverPort: 18443, descriptor: null });

describe('findConnectionRow', () => {
  test.each([
    ['finds an IPv4 client, not our own end of the connection', tcp, from('127.0.0.1', 50000), { uid: 1000, inode: 1004, cgroup: null }],
    ['finds a dual-stack client that only tcp6 shows', tcp6, from('127.0.0.1', 50001), { uid: 1001, inode: 2002, cgroup: null }],
    ['takes an IPv4-mapped address for its IPv4 form', tcp, from('::ffff:127.0.0.1', 50000), { uid: 1000, inode: 1004, cgroup: null }],
    ['finds an IPv6 client', tcp6, from('::1', 50002), { uid: 1002, inode: 2003, cgroup: null }],
    ['gives null for a port that is not there', tcp, from('127.0.0.1', 50009), null],
    ['gives null for an empty table', '', from('127.0.0.1', 50000), null],
  ])('%s', (_name, table, tuple, expected) => {
    expect(tuple === null ? 'no tuple' : findConnectionRow(table, tuple)).toEqual(expected);
  });
});

/** A line of somebody who listens, with the uid to tell them apart. */
const listener = (local: string, uid: number): string => `   9: ${local}:480C ${'0'.repeat(local.length)}:0000 0A 00000000:00000000 00:00000000 00000000 ${uid}        0 ${3000 + uid} 1 0 100 0 0 10 0\n`;
const [loopback, other, any, mapped, loopback6, any6] = ['0100007F', '0200007F', '00000000', '0000000000000000FFFF00000100007F', '00000000000000000000000001000000', '0'.repeat(32)] as const;

describe('findListenerRow', () => {
  test.each([
    ['finds who listens on 127.0.0.1', tcp, 18443, { uid: 1000, inode: 1002, cgroup: null }],
    ['finds who listens on every address', tcp, 8080, { uid: 0, inode: 1001, cgroup: null }],
    ['finds who listens on ::1', tcp6, 443, { uid: 5, inode: 2001, cgroup: null }],
    ['leaves out a listener on another interface', tcp, 80, null],
    ['leaves out a port that is only a client\'s', tcp, 50000, null],
  ])('%s', (_name, table, port, expected) => {
    expect(findListenerRow(table, port)).toEqual(expected);
  });

  test.each<[string, string, number | null]>([
    ['leaves out who listens on 127.0.0.2 alone', listener(other, 1), null],
    ['leaves out who listens on 127.0.0.2 in its mapped form', listener('0000000000000000FFFF00000200007F', 1), null],
    ['127.0.0.1 behind 127.0.0.2', listener(other, 1) + listener(loopback, 2), 2],
    ['127.0.0.1 behind the unspecified address', listener(any, 1) + listener(loopback, 2), 2],
    ['127.0.0.1 before ::1', listener(loopback6, 1) + listener(loopback, 2), 2],
    ['the mapped 127.0.0.1 before the unspecified address', listener(any6, 1) + listener(mapped, 2), 2],
    ['::1 before the unspecified address', listener(any, 1) + listener(loopback6, 2), 2],
    ['the unspecified IPv6 address', listener(other, 1) + listener(any6, 2), 2],
  ])('%s', (_name, lines, uid) => {
    expect(findListenerRow(`${head}${lines}`, 18444)?.uid ?? null).toBe(uid);
  });
});

describe('addressBytes', () => {
  test.each([
    ['IPv4', '10.0.0.7', '0a000007'],
    ['the unspecified IPv6 address', '::', '00000000000000000000000000000000'],
    ['a shortened IPv6 address', '2001:db8::1', '20010db8000000000000000000000001'],
    ['an address with zone', 'fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['an IPv6 address with dotted tail', '64:ff9b::10.0.0.7', '0064ff9b00000000000000000a000007'],
    ['a full IPv6 address', '1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['no address', 'localhost', null],
  ])('%s', (_name, text, hex) => {
    const bytes = addressBytes(text);
    expect(bytes === null ? null : Buffer.from(bytes).toString('hex')).toBe(hex);
  });
});

test.each([
  ['families that differ', { clientAddress: '127.0.0.1', clientPort: 1, serverAddress: '::1', serverPort: 2, descriptor: null }],
  ['port 0', { clientAddress: '127.0.0.1', clientPort: 0, serverAddress: '127.0.0.1', serverPort: 2, descriptor: null }],
  ['a closed socket without addresses', { clientAddress: '', clientPort: 5, serverAddress: '', serverPort: 2, descriptor: null }],
])('%s make no tuple', (_name, connection) => {
  expect(tupleOf(connection)).toBeNull();
});

describe('sock_diag messages', () => {
  test('the request is laid out as the kernel reads it', () => {
    const tuple = from('127.0.0.1', 50000);
    if (tuple === null) throw new Error('no tuple');
    expect(encodeDiagRequest(tuple, 7).toString('hex')).toBe(
      ['4800000014000100', '0700000000000000', '02060000', 'ffffffff', 'c350480b', '7f000001', '00'.repeat(12), '7f000001', '00'.repeat(12), '00000000', 'ff'.repeat(8)].join(''),
    );
  });

  test.each([
    ['a socket gives uid and inode', socketReply(), { kind: 'socket', uid: 1000, inode: 4711, cgroup: null }],
    ['the cgroup stands among the attributes', Buffer.concat([socketReply(), Buffer.from('05000800000000000c0015002a00000000000000', 'hex')]), { kind: 'socket', uid: 1000, inode: 4711, cgroup: 42n }],
    ['a cut attribute tells no cgroup', Buffer.concat([socketReply(), Buffer.from('0c0015002a00', 'hex')]), { kind: 'socket', uid: 1000, inode: 4711, cgroup: null }],
    ['a socket without inode has no process any more', reply(20, 7, (one) => { one.writeUInt32LE(1000, 80); }), { kind: 'orphan' }],
    ['error -2 means no such socket', reply(2, 7, (one) => { one.writeInt32LE(-2, 16); }), { kind: 'none' }],
    ['another error means netlink failed', reply(2, 7, (one) => { one.writeInt32LE(-1, 16); }), { kind: 'failed' }],
    ['an older answer is skipped', reply(20, 6, () => undefined), null],
    ['a short answer means netlink failed', Buffer.alloc(8), { kind: 'failed' }],
  ])('%s', (_name, message, expected) => {
    expect(decodeDiagReply(message, 7)).toEqual(expected);
  });
});

function reply(type: number, sequence: number, body: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(16 + 72);
  buffer.writeUInt16LE(type, 4);
  buffer.writeUInt32LE(sequence, 8);
  body(buffer);
  return buffer;
}

function socketReply(): Buffer {
  return reply(20, 7, (one) => {
    one.writeUInt32LE(1000, 80);
    one.writeUInt32LE(4711, 84);
  });
}
