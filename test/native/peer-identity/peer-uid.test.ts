// Whose program is at a Unix socket's other end, asked of the kernel with real sockets and a second uid.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPeerUid } from '../../../native/peer-identity/index.ts';

const told = process.platform === 'linux' || process.platform === 'darwin';
if (!told) console.log('skipped: this system tells no uid of a socket\'s peer');
const second = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;
if (!second) console.log('skipped: another uid needs root and setpriv');

async function uidOfCaller(start: (path: string) => void): Promise<number | null> {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-peer-'));
  chmodSync(folder, 0o755);
  const path = join(folder, 'socket');
  const peerUid = openPeerUid();
  try {
    return await new Promise((done) => {
      const server = net.createServer((socket) => {
        done(peerUid(socket));
        socket.destroy();
        server.close();
      });
      server.listen(path, () => {
        chmodSync(path, 0o666);
        start(path);
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.runIf(told)('this process is its own user', async () => {
  expect(await uidOfCaller((path) => void net.connect(path).on('error', () => undefined))).toBe(process.getuid?.());
});
test.runIf(told && second)('a program of another user is that user\'s', async () => {
  expect(await uidOfCaller((path) => void spawn('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', 'require("net").connect(process.argv[1]).on("error",()=>{})', path], { cwd: '/' }))).toBe(65_534);
});
test('a socket that is closed has nobody', () => {
  expect(openPeerUid()(new net.Socket())).toBeNull();
});
