// Real processes, real sockets: the pid that the kernel tells must be the pid that we started. Linux only.
import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectionOf, createProcessAttribution } from '../../../native/process-attribution/index.ts';
import type { ProcessAttribution } from '../../../native/process-attribution/index.ts';
import { createLinuxAttribution } from '../../../native/process-attribution/linux.ts';
import { bareEnv, openLoopback, programOrSkip, startClient, stopClient } from '../support/clients.ts';
import type { Loopback } from '../support/clients.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: process attribution exists for Linux only so far');

const connectAndWait = (port: number, host: string): string => `const s=require('net').connect(${port},'${host}');s.on('error',()=>{}).resume();setInterval(()=>{},1e6)`;

describe.runIf(linux)('ownerOf', () => {
  let server: Loopback;
  let attribution: ProcessAttribution;
  beforeEach(async () => {
    server = await openLoopback();
    attribution = createProcessAttribution();
  });
  afterEach(async () => {
    attribution.close();
    await server.close();
  });

  test.each([
    ['over IPv4', '127.0.0.1', '127.0.0.1'],
    ['over IPv6', '::1', '::1'],
    ['of a dual-stack server that sees a mapped address', '::', '127.0.0.1'],
    ['of a client that connects to a mapped address', '127.0.0.1', '::ffff:127.0.0.1'],
  ])('names the process, its start and its arguments %s', async (_name, bind, host) => {
    const own = await openLoopback(bind);
    const before = Date.now();
    const child = startClient(process.execPath, ['-e', connectAndWait(own.port, host)]);
    try {
      const { connection } = await own.next();
      const owner = await attribution.ownerOf(connection, 2000);
      expect(owner).toMatchObject({ kind: 'process', pid: child.pid, uid: process.getuid?.(), path: process.execPath });
      if (owner.kind !== 'process') return;
      expect(owner.commandLine.slice(0, 2)).toEqual([process.execPath, '-e']);
      expect(owner.user).not.toBe('');
      expect(Math.abs(owner.startedAt - before)).toBeLessThan(1000);
    } finally {
      await stopClient(child);
      await own.close();
    }
  });

  test('the same answer comes from /proc/net where netlink is denied', async () => {
    const fallback = createLinuxAttribution(() => null);
    const failing = createLinuxAttribution(() => ({ query: () => ({ kind: 'failed' }), isConnected: () => true, close: () => undefined }));
    const child = startClient(process.execPath, ['-e', connectAndWait(server.port, '::ffff:127.0.0.1')]);
    try {
      const { connection } = await server.next();
      for (const one of [fallback, failing]) expect(await one.ownerOf(connection, 2000)).toMatchObject({ kind: 'process', pid: child.pid });
    } finally {
      fallback.close();
      failing.close();
      await stopClient(child);
    }
  });

  test('a client that has closed its socket is gone', async () => {
    const client = net.connect(server.port, '127.0.0.1');
    const { connection, socket } = await server.next();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    client.resetAndDestroy();
    await closed;
    expect(await attribution.ownerOf(connection, 1000)).toEqual({ kind: 'unknown', why: 'gone', uid: null, sandbox: null });
  });

  test('a look-up that outlives its deadline is late, and a sweep of the rest finds the process', async () => {
    const client = net.connect(server.port, '127.0.0.1');
    const { connection } = await server.next();
    // Nothing is found before the list has passed through thousands of pids that do not exist.
    const far = Array.from({ length: 400_000 }, (_, index) => 1e8 + index);
    const slow = createLinuxAttribution(undefined, () => far);
    const late = slow.ownerOf(connection, 5);
    expect(late).toBeInstanceOf(Promise);
    expect(await late).toEqual({ kind: 'unknown', why: 'late', uid: process.getuid?.(), sandbox: null });
    slow.close();
    const patient = createLinuxAttribution(undefined, () => [...far.slice(0, 20_000), process.pid]);
    expect(await patient.ownerOf(connection, 20_000)).toMatchObject({ kind: 'process', pid: process.pid });
    patient.close();
    client.destroy();
  });

  test('a burst from one unknown process is answered by one sweep', async () => {
    const clients = Array.from({ length: 100 }, () => net.connect(server.port, '127.0.0.1'));
    const accepted = await Promise.all(clients.map(() => server.next()));
    const far = Array.from({ length: 5000 }, (_, index) => 1e8 + index);
    let lists = 0;
    const counting = createLinuxAttribution(undefined, () => {
      lists += 1;
      return [...far, process.pid];
    });
    const owners = await Promise.all(accepted.map(async ({ connection }) => counting.ownerOf(connection, 20_000)));
    expect(owners.filter((owner) => owner.kind === 'process' && owner.pid === process.pid)).toHaveLength(100);
    expect(lists).toBeLessThanOrEqual(4);
    counting.close();
    for (const client of clients) client.destroy();
  });

  test('close settles what is still waiting', async () => {
    const client = net.connect(server.port, '127.0.0.1');
    const { connection } = await server.next();
    const slow = createLinuxAttribution(undefined, () => Array.from({ length: 400_000 }, (_, index) => 1e8 + index));
    const waiting = slow.ownerOf(connection, 60_000);
    slow.close();
    expect(await waiting).toMatchObject({ kind: 'unknown', why: 'late' });
    expect(await slow.ownerOf(connection, 100)).toMatchObject({ kind: 'unknown' });
    client.destroy();
  });

  test('200 forked holders: each connection is named with the process that opened it', async () => {
    const python = programOrSkip('python3');
    if (python === null) return;
    // The parent opens one connection, forks 200 children that inherit it, and each child opens one of its own and sends its pid.
    const program = `
import os, socket, sys, time
port = int(sys.argv[1])
shared = socket.create_connection(('127.0.0.1', port)); shared.sendall(b'%d\\n' % os.getpid())
for _ in range(200):
    if os.fork() == 0:
        own = socket.create_connection(('127.0.0.1', port)); own.sendall(b'%d\\n' % os.getpid())
        time.sleep(600); os._exit(0)
time.sleep(600)
`;
    const said = new Map<net.Socket, number>();
    const listener = net.createServer((socket) => {
      socket.on('error', () => undefined).once('data', (data) => said.set(socket, Number(data.toString())));
    });
    await new Promise<void>((resolve) => {
      listener.listen(0, '127.0.0.1', resolve);
    });
    const address = listener.address();
    const port = typeof address === 'object' ? address?.port ?? 0 : 0;
    const child = spawn(python, ['-c', program, String(port)], { stdio: 'ignore', env: bareEnv, detached: true });
    try {
      await expect.poll(() => said.size, { timeout: 20_000 }).toBe(201);
      const wrong: unknown[] = [];
      for (const [socket, pid] of said) {
        const owner = await attribution.ownerOf(connectionOf(socket), 5000);
        if (owner.kind !== 'process' || owner.pid !== pid) wrong.push([pid, owner]);
      }
      expect(wrong).toEqual([]);
      expect([...said.values()]).toContain(child.pid);
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      for (const socket of said.keys()) socket.destroy();
      listener.close();
    }
  });

  test('60 clients that came and went leave 32 held files at most, and none after the close', async () => {
    const held = (): number => readdirSync('/proc/self/fd').filter((fd) => readlinkSafe(`/proc/self/fd/${fd}`).endsWith('/stat')).length;
    for (let i = 0; i < 60; i += 1) {
      const child = startClient('/bin/bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${server.port}; cat <&3`]);
      const { connection, socket } = await server.next();
      expect(await attribution.ownerOf(connection, 2000)).toMatchObject({ kind: 'process' });
      socket.destroy();
      await stopClient(child);
    }
    expect(held()).toBeGreaterThan(0);
    expect(held()).toBeLessThanOrEqual(32);
    attribution.close();
    expect(held()).toBe(0);
  });

  test('a process that execs another program under the same pid is read again', async () => {
    const python = programOrSkip('python3');
    if (python === null) return;
    const second = `import socket,time,sys;s=socket.create_connection(('127.0.0.1',int(sys.argv[1])));time.sleep(600)`;
    const first = `import os,socket,sys;s=socket.create_connection(('127.0.0.1',int(sys.argv[1])));s.recv(1);os.execv('/bin/sh',['sh','-c','exec ${python} -c "$0" "$1"',${JSON.stringify(second)},sys.argv[1]])`;
    const child = startClient(python, ['-c', first, String(server.port)]);
    try {
      const one = await server.next();
      const before = await attribution.ownerOf(one.connection, 2000);
      one.socket.end('x');
      const two = await server.next();
      const after = await attribution.ownerOf(two.connection, 2000);
      expect([before, after].map((owner) => (owner.kind === 'process' ? owner.pid : owner.why))).toEqual([child.pid, child.pid]);
      expect(before.kind === 'process' && before.commandLine[2]).toBe(first);
      expect(after.kind === 'process' && after.commandLine[2]).toBe(second);
    } finally {
      await stopClient(child);
    }
  });

  test('a browser helper is named with the arguments of its main process', async () => {
    const node = process.execPath;
    const helper = connectAndWait(server.port, '127.0.0.1');
    const main = `require('child_process').spawn(process.execPath,['-e',${JSON.stringify(helper)},'--','--type=utility'],{stdio:'ignore'});setInterval(()=>{},1e6)`;
    const child = spawn(node, ['-e', main], { stdio: 'ignore', env: bareEnv, detached: true });
    try {
      const { connection } = await server.next();
      const owner = await attribution.ownerOf(connection, 2000);
      expect(owner.kind === 'process' && owner.pid).not.toBe(child.pid);
      expect(owner.kind === 'process' && owner.commandLine[2]).toBe(main);
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }
  });

  test('the programs that started a tool are named, the nearest first', async () => {
    const lines = `${process.execPath} -e "${connectAndWait(server.port, '127.0.0.1')}"; true`;
    const child = spawn('/bin/bash', ['-c', lines], { stdio: 'ignore', env: bareEnv, detached: true });
    try {
      const { connection } = await server.next();
      const owner = await attribution.ownerOf(connection, 2000);
      if (owner.kind !== 'process') throw new Error(owner.why);
      expect(owner.parents.length).toBeLessThanOrEqual(4);
      expect(owner.parents.slice(0, 2)).toEqual(['bash', path.basename(process.execPath)]);
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }
  });

  test('another user\'s process is denied to an agent without privilege, and its uid is known', async () => {
    if (process.getuid?.() !== 0) {
      console.log('skipped: needs root to start an agent of another user');
      return;
    }
    // The agent's part runs as nobody and is asked about a connection of root; a descriptor would be a number of this process.
    const program = `
      import { createProcessAttribution } from ${JSON.stringify(new URL('../../../native/process-attribution/index.ts', import.meta.url).href)};
      const attribution = createProcessAttribution();
      process.on('message', async (c) => { process.send(await attribution.ownerOf({ ...c, descriptor: null }, 2000)); });
      process.send('ready');`;
    const agent = spawn(process.execPath, ['--input-type=module', '-e', program], { uid: 65534, gid: 65534, env: bareEnv, cwd: '/', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const client = net.connect(server.port, '127.0.0.1');
    const message = (): Promise<unknown> => new Promise((resolve) => agent.once('message', resolve));
    try {
      expect(await message()).toBe('ready');
      const { connection } = await server.next();
      for (let round = 0; round < 2; round += 1) {
        const answer = message();
        agent.send(connection);
        expect(await answer).toEqual({ kind: 'unknown', why: 'denied', uid: 0, sandbox: null });
      }
    } finally {
      client.destroy();
      await stopClient(agent);
    }
  });

  test('a busy client is named at once; the figures are printed, only a wide margin is asserted', async () => {
    const count = 1000;
    const looper = `const net=require('net');let n=0;function go(){if(n++>${count + 50})return;net.connect(${server.port},'127.0.0.1').on('error',()=>{}).on('close',go).resume()}for(let i=0;i<20;i++)go();setInterval(()=>{},1e6)`;
    const child = startClient(process.execPath, ['-e', looper]);
    const times: number[] = [];
    const pids = new Set<number | string>();
    try {
      while (times.length < count) {
        const { connection, socket } = await server.next();
        const start = performance.now();
        const answer = attribution.ownerOf(connection, 1000);
        times.push(performance.now() - start);
        const owner = await answer;
        pids.add(owner.kind === 'process' ? owner.pid : owner.why);
        socket.end();
      }
    } finally {
      await stopClient(child);
    }
    times.sort((a, b) => a - b);
    const median = times[count / 2] ?? 0;
    console.log(`ownerOf, busy client: median ${median.toFixed(3)} ms, p99 ${(times[Math.floor(count * 0.99)] ?? 0).toFixed(3)} ms over ${count}`);
    expect([...pids]).toEqual([child.pid]);
    expect(median).toBeLessThan(3); // the goal is 0.3 ms on a quiet machine
  });
});

describe.runIf(linux)('listenerOf', () => {
  test('names who holds a loopback port, and says gone for a free one', async () => {
    const attribution = createProcessAttribution();
    const server = await openLoopback();
    expect(attribution.listenerOf(server.port)).toMatchObject({ kind: 'process', pid: process.pid, path: process.execPath });
    const port = server.port;
    await server.close();
    expect(attribution.listenerOf(port)).toEqual({ kind: 'unknown', why: 'gone', uid: null, sandbox: null });
    attribution.close();
  });
});


function readlinkSafe(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
