// Does anybody hold the client's end? Real sockets whose server does not read, so that no close shows on them. Linux only.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Held } from '../../../electron/core/model.ts';
import { connectionOf, createProcessAttribution } from '../../../native/process-attribution/index.ts';
import type { Connection } from '../../../native/process-attribution/index.ts';
import { createLinuxAttribution } from '../../../native/process-attribution/linux.ts';
import { portOf } from '../../support/port-of.ts';
import { bareEnv, stopClient } from '../support/clients.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: who holds a socket is asked of real sockets on Linux only');

/** More than the two sockets' buffers take: what is left waits in the client's. */
const tooMuch = Buffer.alloc(20_000_000);

/** As captured connections have it; not there on a machine without network. */
const ownAddress = Object.values(networkInterfaces()).flatMap((list) => list ?? []).find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
if (linux && ownAddress === undefined) console.log('skipped: this machine has no address but loopback to connect from');

const leave: readonly (readonly [string, (client: net.Socket) => unknown, Held])[] = [
  ['is open', () => undefined, 'held'],
  ['has more to say than the server takes', (client) => client.write(tooMuch), 'held'],
  ['has said all and waits for the answer', (client) => client.end('question'), 'held'],
  ['has closed', (client) => client.destroy(), 'nobody'],
  ['has closed behind words that the server does not take', (client) => client.write(tooMuch) || client.destroy(), 'nobody'],
  ['has reset', (client) => client.resetAndDestroy(), 'nobody'],
];

describe.runIf(linux)('isHeld', () => {
  let server: net.Server;
  const accepted: net.Socket[] = [];
  beforeAll(async () => {
    server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => accepted.push(socket)).listen(0, '::');
    await once(server, 'listening');
  });
  afterAll(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });

  async function arrival(from: () => unknown): Promise<Connection> {
    const next = once(server, 'connection') as Promise<[net.Socket]>;
    from();
    const [socket] = await next;
    return connectionOf(socket);
  }

  for (const [how, attribution, withDescriptor] of [
    ['by netlink', createProcessAttribution(), true], ['without the descriptor', createProcessAttribution(), false], ['by /proc/net', createLinuxAttribution(() => null), true],
  ] as const) {
    for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1', ...(ownAddress === undefined ? [] : [ownAddress])]) {
      test.each(leave)(`${how}, ${host}: a client that %s`, async (name, does, expected) => {
        let client: net.Socket | null = null;
        const found = await arrival(() => { client = net.connect({ port: portOf(server), host, allowHalfOpen: true }).on('error', () => undefined); });
        const connection = withDescriptor ? found : { ...found, descriptor: null };
        const socket = client as net.Socket | null;
        if (socket === null) throw new Error('no client');
        if (socket.connecting) await once(socket, 'connect');
        expect(attribution.isHeld(connection)).toBe('held');
        does(socket);
        // A reset takes both ends away: then only our own socket, or netlink over loopback, still tells that it was here.
        const untold = name === 'has reset' && (how === 'by /proc/net' || (how === 'without the descriptor' && host === ownAddress));
        await expect.poll(() => attribution.isHeld(connection)).toBe(untold ? 'unknown' : expected);
        socket.destroy();
      });
    }
  }

  test('a program that was killed holds nothing, and one it has passed its socket to does', async () => {
    const attribution = createProcessAttribution();
    // The shell's child inherits descriptor 3.
    const shell = spawn('/bin/bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${portOf(server)}; sleep 600 & echo $!; wait`], { stdio: ['ignore', 'pipe', 'ignore'], env: bareEnv });
    const connection = await arrival(() => undefined);
    const [child] = await once(shell.stdout, 'data') as [Buffer];
    await stopClient(shell);
    expect(attribution.isHeld(connection)).toBe('held');
    process.kill(Number(child.toString()), 'SIGKILL');
    await expect.poll(() => attribution.isHeld(connection)).toBe('nobody');
    attribution.close();
    expect(attribution.isHeld(connection)).toBe('unknown');
  });
});
