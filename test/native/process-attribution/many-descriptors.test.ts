// A user's program with as many descriptors, forks or arguments as the system allows must not hold the agent up: a turn of its event loop stays short.
import { spawn, spawnSync } from 'node:child_process';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { beginWalk, descriptorsOf, goOn } from '../../../native/process-attribution/descriptors.ts';
import { readCommandLine } from '../../../native/procfs/read.ts';
import { bareEnv, programOrSkip, stopClient } from '../support/clients.ts';

const python = process.platform === 'linux' ? programOrSkip('python3') : null;
const caps = ['--reuid=60123', '--regid=60123', '--clear-groups', '--inh-caps=+sys_ptrace', '--ambient-caps=+sys_ptrace'];
const asService = python !== null && process.getuid?.() === 0 && spawnSync('setpriv', [...caps, 'true'], { cwd: '/' }).status === 0;
if (python === null) console.log('skipped: descriptors are listed on Linux only');
else if (!asService) console.log('skipped for the service\'s account: it needs root and setpriv');

/** Opens as many as the hard limit allows, 20,000 at most, the connection after `before` of them; says how many. */
const holder = `
import os, resource, socket, sys, time
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
count = min(20000, hard - 50); port, before = int(sys.argv[1]), float(sys.argv[2])
null = os.open('/dev/null', os.O_RDONLY)
for _ in range(int(count * before)): os.dup(null)
if port: s = socket.create_connection(('127.0.0.1', port))
for _ in range(count - int(count * before)): os.dup(null)
print(count, flush=True)
sys.stdin.read()
`;

/** Listens, says its port, and asked with a deadline answers who connected first, with the longest turn of its event loop, in ms of its own processor time. */
const agent = `
const { createProcessAttribution, connectionOf } = await import(process.argv[1]);
const attribution = createProcessAttribution();
const accepted = [];
const server = (await import('node:net')).createServer((socket) => accepted.push(socket.on('error', () => {}).resume())).listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('data', async (text) => {
  const [deadline, times] = String(text).trim().split(' ').map(Number);
  let running = true, longest = 0, before = process.threadCpuUsage();
  const turn = () => {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
    before = process.threadCpuUsage();
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  const owners = await Promise.all(Array.from({ length: times }, async () => attribution.ownerOf(connectionOf(accepted[0]), deadline)));
  running = false;
  turn();
  console.log(JSON.stringify({ longest, owners: [...new Set(owners.map((owner) => owner.pid ?? owner.why))] }));
});
process.stdin.on('end', () => process.exit());`;

type Answer = { readonly longest: number; readonly owners: readonly (number | string)[] };

/** A program of ours with its lines of output, one asked for at a time. */
function talkTo(command: string, args: readonly string[]) {
  const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'inherit'], env: bareEnv, cwd: '/' });
  let [text, told] = ['', (): void => undefined];
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    told();
  });
  return { child, line: async (): Promise<string> => {
    while (!text.includes('\n')) await new Promise<void>((resolve) => { told = resolve; });
    const [first = '', ...rest] = text.split('\n');
    text = rest.join('\n');
    return first;
  } };
}

describe.runIf(python !== null)('a program with 20,000 descriptors', () => {
  const started: ReturnType<typeof talkTo>[] = [];
  const start = (command: string, ...args: readonly string[]) => {
    const one = talkTo(command, args);
    started.push(one);
    return one;
  };
  afterEach(async () => {
    for (const { child } of started.splice(0)) await stopClient(child);
  });

  const ways = [['read by their links', process.execPath, [] as string[]], ...(asService ? [['read as the service does', 'setpriv', [...caps, process.execPath]] as const] : [])] as const;
  test.each(ways.flatMap(([way, command, args]) => ([['the first', '0'], ['one in the middle', '0.5'], ['the last', '1']] as const).map(([where, before]) => [where, way, before, command, args] as const)))(
    'its connection is %s of them, %s: named right or late, and nobody else waits for it', async (_where, _way, before, command, args) => {
      const asked = start(command, ...args, '--input-type=module', '-e', agent, new URL('../../../native/process-attribution/index.ts', import.meta.url).href);
      const port = await asked.line();
      const client = start(python ?? '', '-c', holder, port, before);
      const count = Number(await client.line());
      for (const [deadline, times] of [[250, 100], [250, 1], [20_000, 1]] as const) {
        asked.child.stdin.write(`${deadline} ${times}\n`);
        const answer: Answer = JSON.parse(await asked.line());
        console.log(`ownerOf, ${count} descriptors, ${times} asked with ${deadline} ms: ${answer.owners.join()}, longest turn ${answer.longest.toFixed(1)} ms`);
        expect(answer.owners.every((owner) => owner === client.child.pid || owner === 'late')).toBe(true);
        expect(answer.longest).toBeLessThan(100);
        if (deadline > 250) expect(answer.owners).toEqual([client.child.pid]);
      }
    }, 60_000,
  );

  test('is listed in parts that hold each of them once', async () => {
    const client = start(python ?? '', '-c', holder, '0', '1');
    const count = Number(await client.line());
    const seen: string[] = [];
    for (let from: number | null = 0; from !== null;) {
      const part = descriptorsOf(client.child.pid ?? 0, from);
      if (typeof part === 'string') throw new Error(part);
      expect(part.list.length).toBeLessThan(2_400);
      seen.push(...part.list);
      from = part.next;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(count);
    expect(seen.map(Number)).toEqual(seen.map(Number).toSorted((a, b) => a - b));
  });

  test('a look goes on where its time ended', async () => {
    const client = start(python ?? '', '-c', holder, '0', '1');
    await client.line();
    const walk = beginWalk(client.child.pid ?? 0, 0);
    if (typeof walk === 'string') throw new Error(walk);
    const before = walk.list.length;
    expect(goOn(walk, new Set(['/dev/null']), 0)).toBeNull();
    expect(walk.list).toHaveLength(before);
    const [first, second] = [goOn(walk, new Set(['/dev/null']), Infinity), goOn(walk, new Set(['/dev/null']), Infinity)];
    expect(Number(first?.fd) - Number(second?.fd)).toBe(1);
  });
});

describe.runIf(python !== null)('a chain of forks that all hold the connection', () => {
  let server: net.Server;
  beforeEach(async () => {
    server = net.createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });
  afterEach(() => void server.close());

  test('one of them is named, and the climb ends in time', async () => {
    const program = `
import os, socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
for _ in range(255):
    if os.fork() != 0: break
else: print(os.getpid(), flush=True)
sys.stdin.read()
`;
    const { connectionOf, createProcessAttribution } = await import('../../../native/process-attribution/index.ts');
    const attribution = createProcessAttribution();
    const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
    const address = server.address();
    const child = spawn(python ?? '', ['-c', program, String(typeof address === 'object' ? address?.port : 0), ...Array.from({ length: 20_000 }, () => 'argument')], { stdio: ['pipe', 'pipe', 'inherit'], env: bareEnv, detached: true });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const socket = await accepted;
      const before = process.threadCpuUsage();
      const answer = attribution.ownerOf(connectionOf(socket), 5_000);
      const { user, system } = process.threadCpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(100);
      const owner = await answer;
      expect(owner).toMatchObject({ kind: 'process', commandLine: expect.arrayContaining(['-c', program]) });
      expect(owner.kind === 'process' && owner.commandLine.length).toBeLessThanOrEqual(4_096);
      socket.destroy();
    } finally {
      attribution.close();
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }
  }, 30_000);

  test('arguments are read up to a limit', async () => {
    const child = spawn('/bin/sleep', ['600', ...Array.from({ length: 12 }, () => '0'.repeat(100_000))], { stdio: 'ignore', env: bareEnv });
    try {
      await expect.poll(() => readCommandLine(child.pid ?? 0)[0]).toBe('/bin/sleep');
      expect(readCommandLine(child.pid ?? 0).join('').length).toBeLessThanOrEqual(256 * 1024);
    } finally {
      await stopClient(child);
    }
  });
});
