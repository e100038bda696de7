// `node test/bench/attribution.ts [--json] [--processes N]`: what an owner look-up costs on a machine full of processes and sockets. Linux.
// Figures depend on the machine, so nothing here fails by time: exit 0 = measured, 1 = could not be.
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Owner } from '../../electron/core/model.ts';
import { connectionOf, createProcessAttribution, type ProcessAttribution } from '../../native/process-attribution/index.ts';
import { findCommand } from '../support/find-command.ts';

type Row = {
  readonly row: string;
  readonly lookups: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Answers that named another process than the one that had opened the connection, or none. */
  readonly wrong: number;
  readonly unknown: number;
};

/** Every child opens its connections and says its pid on each; told so by a byte, it opens one more and closes an older one. */
const holders = `
import os, select, socket, sys
port, count, each = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
def connect():
    s = socket.create_connection(('127.0.0.1', port)); s.sendall(b'%d\\n' % os.getpid()); return s
for _ in range(count):
    if os.fork() == 0:
        held = [connect() for _ in range(each)]
        while True:
            said = held[0].recv(1)
            if not said: os._exit(0)
            held.append(connect())
            if len(held) > each + 8: held.pop(1).close()
while True: os.wait()
`;

type Client = { readonly pid: number; readonly socket: net.Socket };

const deadlineMs = 2000;
const { json, processes } = parseArgs({ options: { json: { type: 'boolean', default: false }, processes: { type: 'string' } } }).values;
process.exitCode = await main(processes === undefined ? 2000 : Number(processes));

async function main(count: number): Promise<number> {
  const python = findCommand('python3');
  if (process.platform !== 'linux' || python === null || !Number.isInteger(count) || count < 1) {
    process.stderr.write('attribution: needs Linux, python3 and a whole number of processes\n');
    return 1;
  }
  const { port, next, close } = await listen();
  const started: ChildProcess[] = [];
  const start = (number: number, each: number): void => {
    started.push(spawn(python, ['-c', holders, String(port), String(number), String(each)], { stdio: 'ignore', detached: true, env: { PATH: '/usr/bin:/bin' } }));
  };
  const attribution = createProcessAttribution();
  try {
    start(count, 1);
    const crowd = await take(next, count);
    start(1, 2000);
    const busy = await take(next, 2000);
    const rows = [
      await measure(attribution, 'known process, a new connection', next, crowd.slice(-20), 1000),
      await measure(attribution, 'one process with 2,000 sockets, a new connection', next, busy.slice(0, 1), 500),
      await measureFresh(attribution, next, () => start(1, 1), 100),
      await measure(attribution, 'not seen for long, any of all processes', next, everyNth(crowd, 100), 100),
    ];
    const machine = { cores: availableParallelism(), load: Number((loadavg()[0] ?? 0).toFixed(1)), processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length, sockets: crowd.length + busy.length };
    console.log(json ? JSON.stringify({ machine, rows }) : table(machine, rows));
    return 0;
  } catch (error) {
    process.stderr.write(`attribution: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    attribution.close();
    for (const child of started) if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    close();
  }
}

/** Asks a client of the list, in turn, for one more connection, and looks its owner up. */
async function measure(attribution: ProcessAttribution, row: string, next: () => Promise<Client>, clients: readonly Client[], lookups: number): Promise<Row> {
  const warm = Math.min(clients.length, 40);
  const samples: Sample[] = [];
  for (let turn = 0; turn < lookups + warm; turn += 1) {
    clients[turn % clients.length]?.socket.write('x');
    const client = await next();
    const sample = await look(attribution, client);
    if (turn >= warm || clients.length > 40) samples.push(sample);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return summary(row, samples.slice(0, lookups));
}

async function measureFresh(attribution: ProcessAttribution, next: () => Promise<Client>, start: () => void, lookups: number): Promise<Row> {
  const samples: Sample[] = [];
  for (let turn = 0; turn < lookups; turn += 1) {
    start();
    samples.push(await look(attribution, await next()));
  }
  return summary('a fresh process each time', samples);
}

type Sample = { readonly ms: number; readonly owner: Owner; readonly pid: number };

async function look(attribution: ProcessAttribution, { pid, socket }: Client): Promise<Sample> {
  const connection = connectionOf(socket);
  const start = performance.now();
  const answer = attribution.ownerOf(connection, deadlineMs);
  const owner = answer instanceof Promise ? await answer : answer;
  return { ms: performance.now() - start, owner, pid };
}

function summary(row: string, samples: readonly Sample[]): Row {
  const times = samples.map(({ ms }) => ms).sort((one, other) => one - other);
  const at = (share: number): number => Number((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(3));
  return {
    row, lookups: samples.length, p50: at(0.5), p99: at(0.99), max: at(1),
    wrong: samples.filter(({ owner, pid }) => owner.kind === 'process' && owner.pid !== pid).length,
    unknown: samples.filter(({ owner }) => owner.kind === 'unknown').length,
  };
}

function table(machine: { readonly cores: number; readonly load: number; readonly processes: number; readonly sockets: number }, rows: readonly Row[]): string {
  const head = ['', 'look-ups', 'p50 ms', 'p99 ms', 'max ms', 'wrong', 'unknown'];
  const lines = [head, ...rows.map((row) => [row.row, row.lookups, row.p50, row.p99, row.max, row.wrong, row.unknown].map(String))];
  const widths = head.map((_title, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return [
    ...lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()), '',
    `${machine.cores} cores with a load of ${machine.load}, ${machine.processes} processes, ${machine.sockets} clients' sockets open. The goal for known processes: p50 below 1 ms, p99 below 5 ms.`,
  ].join('\n');
}

function everyNth<Item>(items: readonly Item[], count: number): readonly Item[] {
  return items.filter((_item, index) => index % Math.max(1, Math.floor(items.length / count)) === 0).slice(0, count);
}

async function take(next: () => Promise<Client>, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) clients.push(await next());
  return clients;
}

async function listen(): Promise<{ port: number; next: () => Promise<Client>; close: () => void }> {
  const queue: Client[] = [];
  const waiting: ((client: Client) => void)[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined).once('data', (data) => {
      const client = { pid: Number(data.toString()), socket };
      const waiter = waiting.shift();
      if (waiter === undefined) queue.push(client);
      else waiter(client);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    next: () => {
      const ready = queue.shift();
      return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
