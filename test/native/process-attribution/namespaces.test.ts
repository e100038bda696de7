// Network namespaces: the same addresses and ports mean other sockets in each. Linux, with the right to make namespaces.
import { spawn, spawnSync } from 'node:child_process';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { connectionOf, createProcessAttribution } from '../../../native/process-attribution/index.ts';
import { bareEnv } from '../support/clients.ts';

const may = process.platform === 'linux' && spawnSync('unshare', ['-n', 'true'], { stdio: 'ignore' }).status === 0
  && spawnSync('ip', ['-V'], { stdio: 'ignore' }).status === 0;
if (!may) console.log('skipped: network namespaces need Linux, root and the tools unshare and ip');

const attributionUrl = JSON.stringify(new URL('../../../native/process-attribution/index.ts', import.meta.url).href);

/** Runs shell lines and then a module in a network namespace of its own; its standard output as JSON. */
async function inNamespace(shell: string, module: string, args: readonly string[]): Promise<unknown> {
  const child = spawn('timeout', ['20', 'unshare', '-n', 'bash', '-c', `ip link set lo up; ${shell} exec "$0" --input-type=module -e "$1" -- "\${@:2}" $inner`, process.execPath, module, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'], env: { ...bareEnv, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  return JSON.parse(output);
}

describe.runIf(may)('network namespaces', () => {
  test('two connections with equal addresses and ports, one in each namespace, are named with their own process', async () => {
    const server = net.createServer().listen(28101, '127.0.0.1');
    const client = net.connect({ port: 28101, host: '127.0.0.1', localPort: 28102 });
    const attribution = createProcessAttribution();
    try {
      const accepted = await new Promise<net.Socket>((resolve) => server.once('connection', resolve));
      const inner = await inNamespace('', `
        import net from 'node:net';
        import { connectionOf, createProcessAttribution } from ${attributionUrl};
        const server = net.createServer(async (socket) => {
          const owner = await createProcessAttribution().ownerOf(connectionOf(socket), 2000);
          console.log(JSON.stringify({ said: owner.pid, own: process.pid }));
          process.exit(0);
        }).listen(28101, '127.0.0.1', () => net.connect({ port: 28101, host: '127.0.0.1', localPort: 28102 }));`, []);
      expect(inner).toEqual({ said: expect.any(Number), own: expect.any(Number) });
      expect(Reflect.get(Object(inner), 'said')).toBe(Reflect.get(Object(inner), 'own'));
      expect(await attribution.ownerOf(connectionOf(accepted), 2000)).toMatchObject({ kind: 'process', pid: process.pid });
      accepted.destroy();
    } finally {
      attribution.close();
      client.destroy();
      server.close();
    }
  });

  test('a client in another namespace, over a veth pair, is not named: its socket is not to be seen from here', async () => {
    const pair = [
      'ip link add pl0 type veth peer name pl1', 'ip addr add 10.99.0.1/24 dev pl0', 'ip link set pl0 up',
      'unshare -n sleep 60 >/dev/null & inner=$!', 'until [ "$(readlink /proc/$inner/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done',
      'ip link set pl1 netns $inner', 'nsenter -t $inner -n ip addr add 10.99.0.2/24 dev pl1', 'nsenter -t $inner -n ip link set pl1 up',
    ].join('\n');
    const answer = await inNamespace(`${pair}\n`, `
      import net from 'node:net';
      import { spawn } from 'node:child_process';
      import { connectionOf, createProcessAttribution } from ${attributionUrl};
      const inner = process.argv.at(-1);
      const server = net.createServer(async (socket) => {
        const attribution = createProcessAttribution();
        const owner = await attribution.ownerOf(connectionOf(socket), 2000);
        console.log(JSON.stringify({ from: socket.remoteAddress, owner, held: attribution.isHeld(connectionOf(socket)) }));
        client.kill(); process.kill(Number(inner)); process.exit(0);
      });
      await new Promise((resolve) => server.listen(28103, '10.99.0.1', resolve));
      const client = spawn('nsenter', ['-t', inner, '-n', 'bash', '-c', 'exec cat 3<>/dev/tcp/10.99.0.1/28103 <&3'], { stdio: 'ignore' });`, []);
    expect(answer).toEqual({ from: '10.99.0.2', owner: { kind: 'unknown', why: 'gone', uid: null, sandbox: null }, held: 'unknown' });
  });
});
