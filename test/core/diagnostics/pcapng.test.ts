// The capture file: read back by tshark where it is installed, packet by packet; elsewhere its blocks by their lengths.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePcapng, type Conversation } from '../../../electron/core/diagnostics/pcapng.ts';
import { findCommand } from '../../support/find-command.ts';
import { hellos } from '../tls/hello-builder.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const tshark = findCommand('tshark');
if (tshark === null) console.log('skipped: reading captures back, because there is no tshark (Debian: tshark)');

const at = Date.UTC(2026, 10, 20, 10, 30, 5, 123);
const alert = Uint8Array.of(21, 3, 3, 0, 2, 2, 48);

function conversation(hello: Uint8Array, client: string, server: string, comment = 'curl at a.example'): Conversation {
  return {
    client: { address: client, port: 40_001 }, server: { address: server, port: 443 },
    segments: [{ from: 'client', at, bytes: hello, comment }, { from: 'client', at: at + 7, bytes: alert, comment: 'Alert 48' }],
  };
}

/** Types of the blocks; throws where two lengths differ. */
function blocksOf(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const types: number[] = [];
  for (let from = 0; from < file.length;) {
    const length = view.getUint32(from + 4, true);
    if (length % 4 !== 0 || view.getUint32(from + length - 4, true) !== length) throw new Error(`block at ${from} has two lengths`);
    types.push(view.getUint32(from, true));
    from += length;
  }
  return types;
}

it('is a section, an interface and packets, whatever the comments and addresses are', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 40 }), fc.uint8Array({ maxLength: 50_000 }), (comment, address, bytes) => {
    const types = blocksOf(writePcapng([conversation(bytes, address, '::1', comment)], comment, encode));
    expect(types.slice(0, 2)).toEqual([0x0a0d0d0a, 1]);
    expect(types.slice(2)).toEqual(Array.from({ length: 3 + Math.ceil(bytes.length / 16_384) + 1 }, () => 6));
  }));
});

it('an empty one is still a file', () => {
  expect(blocksOf(writePcapng([], 'nothing', encode))).toEqual([0x0a0d0d0a, 1]);
});

describe.skipIf(tshark === null)('tshark', () => {
  let folder = '';
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'pinlight-pcapng-')); });
  afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

  function dissect(conversations: readonly Conversation[], fields: readonly string[]): string[][] {
    const file = join(folder, 'x.pcapng');
    writeFileSync(file, writePcapng(conversations, 'Pinlight test', encode));
    // Checksums are ours to compute; tshark checks them only when told to.
    const options = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE', '-Y', 'tls', '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    return execFileSync(tshark ?? '', ['-r', file, ...options], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trimEnd().split('\n').map((line) => line.split('\t'));
  }

  it('dissects the hello of every recorded program, its name and the alert, with good checksums and comments', () => {
    const rows = dissect(hellos.map((hello, i) => conversation(hello.bytes, `127.0.0.${i + 1}`, '192.0.2.7', `hello of ${hello.program}`)),
      ['tls.handshake.type', 'tls.handshake.extensions_server_name', 'tls.alert_message.desc', 'ip.checksum.status', 'tcp.checksum.status', 'frame.comment', '_ws.malformed']);
    expect(rows).toHaveLength(hellos.length * 2);
    for (const [i, hello] of hellos.entries()) {
      expect(rows[i * 2]?.slice(0, 6)).toEqual(['1', hello.serverName ?? '', '', '1', '1', `hello of ${hello.program}`]);
      expect(rows[i * 2 + 1]?.slice(0, 6)).toEqual(['', '', '48', '1', '1', 'Alert 48']);
    }
    expect(rows.flatMap((row) => row[6] ?? '').join('')).toBe('');
  });

  it('reads IPv6, mixed families and the time to the millisecond', () => {
    const [hello] = hellos;
    const rows = dissect([conversation(hello?.bytes ?? alert, '::1', '2001:db8::7'), conversation(hello?.bytes ?? alert, '127.0.0.1', '2001:db8:1:2:3:4:5:6')],
      ['ipv6.src', 'ipv6.dst', 'tcp.checksum.status', 'frame.time_epoch', 'tls.handshake.type']);
    expect(rows[0]?.slice(0, 3)).toEqual(['::1', '2001:db8::7', '1']);
    expect(rows[2]?.slice(0, 3)).toEqual(['::ffff:127.0.0.1', '2001:db8:1:2:3:4:5:6', '1']);
    expect(rows.map((row) => row[4] ?? '')).toEqual(['1', '', '1', '']);
    expect(JSON.stringify(rows[0]?.[3])).toMatch(/1795170605\.123|10:30:05\.123/);
  });
});
