// Short-lived clients that take over each other's ports: each connection is named with its own process or not at all. Linux only.
import { spawn, spawnSync } from 'node:child_process';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Owner } from '../../../electron/core/model.ts';
import { connectionOf, createProcessAttribution } from '../../../native/process-attribution/index.ts';
import type { ProcessAttribution } from '../../../native/process-attribution/index.ts';
import { bareEnv, programOrSkip } from '../support/clients.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: the churn of processes is driven by /proc and fork, so on Linux only');

/** Connects from the given port, which the last holder has left by a reset, and says its pid. */
const common = `
import os, socket, struct, sys, time
server, first = int(sys.argv[1]), int(sys.argv[2])
def connect(port):
    while True:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        try:
            s.bind(('127.0.0.1', port)); s.connect(('127.0.0.1', server))
            s.sendall(b'%d\\n' % os.getpid())
            return s
        except OSError: s.close()
`;

type Seen = { readonly said: number; readonly owner: Owner };

describe.runIf(linux)('ownerOf under churn', () => {
  let attribution: ProcessAttribution;
  let server: net.Server;
  let port: number;
  let seen: Seen[];
  beforeEach(async () => {
    attribution = createProcessAttribution();
    seen = [];
    // As the agent does it: the first bytes are read, then the owner is asked for, then the client is answered.
    server = net.createServer((socket) => {
      const connection = connectionOf(socket);
      socket.on('error', () => undefined).once('data', (data) => {
        void Promise.resolve(attribution.ownerOf(connection, 5000)).then((owner) => {
          seen.push({ said: Number(data.toString()), owner });
          socket.write('x');
        });
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterEach(() => {
    attribution.close();
    server.close();
  });

  test('a client that has gone is not named with the process that has its port now', async () => {
    const python = programOrSkip('python3');
    if (python === null) return;
    // All of it happens while this thread stands still: the accept queue then holds the dead connection before the living one.
    const program = `${common}
ready, told = os.pipe()
gone = os.fork()
if gone == 0:
    connect(first).close(); os._exit(0)
os.waitpid(gone, 0)
if os.fork() == 0:
    s = connect(first); os.write(told, b'x'); s.recv(1); time.sleep(600)
os.read(ready, 1)
`;
    spawnSync(python, ['-c', program, String(port), '28001'], { stdio: 'ignore', env: bareEnv });
    const living = (): Seen | undefined => seen.find((one) => one.owner.kind === 'process');
    try {
      await expect.poll(living, { timeout: 10_000 }).toBeDefined();
      expect(seen.map(({ said, owner }) => (owner.kind === 'process' ? owner.pid === said : owner.why))).toEqual(seen.length === 2 ? ['gone', true] : [true]);
    } finally {
      const owner = living()?.owner;
      if (owner?.kind === 'process') process.kill(owner.pid, 'SIGKILL');
    }
  });

  test('300 clients on three ports, each a process of its own: named right, or gone, never wrong', async () => {
    const python = programOrSkip('python3');
    if (python === null) return;
    const program = `${common}
for lane in range(3):
    if os.fork() == 0:
        for turn in range(100):
            pid = os.fork()
            if pid == 0:
                s = connect(first + lane)
                if turn % 3: s.recv(1)
                s.close(); os._exit(0)
            os.waitpid(pid, 0)
        os._exit(0)
for lane in range(3): os.wait()
`;
    const child = spawn(python, ['-c', program, String(port), '28011'], { stdio: 'ignore', env: bareEnv });
    await new Promise((resolve) => child.once('exit', resolve));
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(198);
    const wrong = seen.filter(({ said, owner }) => (owner.kind === 'process' ? owner.pid !== said : owner.why !== 'gone'));
    const named = seen.filter(({ owner }) => owner.kind === 'process').length;
    console.log(`churn: ${named} of ${seen.length} named, the others had gone`);
    expect(wrong).toEqual([]);
    expect(named).toBeGreaterThanOrEqual(195); // those that waited for us
  });
});
