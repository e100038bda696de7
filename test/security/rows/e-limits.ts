// E7, E8: what Pinlight prints can be pasted, and what programs and servers send is bounded.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentNodeArguments } from '../../../electron/contract/agent-arguments.ts';
import { repository, type TestAgent } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { connectThrough, tlsThrough, until } from '../../support/tunnel.ts';
import { exchange } from '../../routes/stage.ts';
import { createTally, inspectAll, mustInspectAll, run, withLegs } from '../legs.ts';
import { bundleOf } from '../second-user.ts';
import { skip, type CheckRun, type Row, type RowResult } from '../registry.ts';

export const rows: readonly Row[] = [
  { id: 'E7', title: 'what is printed can be pasted and shown', source: 'mitmproxy', run: safeToPaste },
  { id: 'E8', title: 'heads, hellos and slow programs are bounded', source: 'Squid CVE-2024-25111', slow: true, run: bounded },
];

/** Folder names that a shell, a terminal or a page would act on. */
const hostileNames = ["it's", '$(touch pwned)', '`touch pwned`', 'a;touch pwned;', '"; touch pwned; "', 'two\nlines', '-rf', '&& touch pwned', '\x1b]0;pwned\x07', '<img src=x onerror=pwned()>', '=cmd|pwned', '%0apwned', '\u202egpj.pwned', '*', '~root', '!!'];

/** What moves a cursor, or makes one name look like another. */
const harmful = /(?![\n\t])[\p{Cc}\p{Cf}]/u;

async function safeToPaste({ quick }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-paste-'));
  try {
    // Each start of an agent takes half a second.
    for (const name of quick ? hostileNames.slice(0, 5) : hostileNames) {
      const home = join(folder, name.replaceAll('/', ''));
      mkdirSync(home, { mode: 0o700 });
      const command = (await banner(home)).match(/^ {4}curl [^]*?(?= https:\/\/example\.com\/)/m)?.[0]?.trim() ?? '';
      // What the shell makes of it, argument by argument.
      const { text } = await run(['sh', '-c', `printf '%s\\0' ${command}`], { cwd: folder });
      tally.check(`the command for ${JSON.stringify(name)} names the file and nothing else`, text.split('\0')[4] === Buffer.from(join(home, 'root.pem')).toString('latin1'), text.replaceAll('\0', ' ').slice(0, 200));
    }
    tally.check('nothing was carried out', !existsSync(join(folder, 'pwned')));
    const curl = findCommand('curl');
    if (curl === null) return skip('curl is not installed');
    await withLegs(async (legs) => {
      await legs.origin('paste.test');
      const agent = await legs.agent(inspectAll);
      // A program whose path is hostile, as every user can make one.
      for (const name of hostileNames) {
        const place = join(legs.authority.folder, name.replaceAll('/', ''));
        mkdirSync(place, { recursive: true });
        const program = join(place, `c${name.replaceAll('/', '').slice(0, 60)}`);
        copyFileSync(curl, program);
        await run([program, '-s', '--proxy', `http://${agent.proxy}`, '--cacert', agent.rootFile, 'https://paste.test/'], { cwd: legs.authority.folder });
      }
      await until('they are known', async () => (await agent.client.call('apps', {}, {})).apps.length >= hostileNames.length - 2);
      const pinlight = (...args: string[]): Promise<{ code: number | null; text: string }> => run([process.execPath, join(repository, 'electron/cli/pinlight.mjs'), ...args], { env: { PINLIGHT_HOME: agent.home } });
      const { apps } = await agent.client.call('apps', {}, {});
      for (const args of [['status'], ['apps'], ['log'], ['log', '--json'], ['apps', '--json'], ['exclude', 'list'], ...apps.slice(0, 6).map(({ id }) => ['explain', id])]) {
        const { text } = await pinlight(...args);
        const shown = Buffer.from(text, 'latin1').toString('utf8');
        tally.check(`pinlight ${args[0]}: nothing a terminal would act on`, !harmful.test(shown) && text.length > 0, JSON.stringify(shown.split(harmful)[0]?.slice(-40)));
      }
      const report = (await bundleOf(agent)).get('report.html')?.toString() ?? '';
      tally.check('the report has the names as text', report.includes('onerror=pwned()') && !/<img[^>]*onerror/i.test(report), report.length);
    });
    tally.check('nothing was carried out by any of it', !existsSync(join(folder, 'pwned')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result(`${hostileNames.length} hostile folder and program names through sh, the terminal output of every list, and the report; there is no CSV export`);
}

/** What an agent prints at its start. */
async function banner(home: string): Promise<string> {
  const child = spawn(process.execPath, [...agentNodeArguments(repository), join(repository, 'electron/agent/main.ts'), '--policy', join(repository, 'test/core/policy/valid-policy.json')], {
    env: { ...process.env, PINLIGHT_HOME: home, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString('utf8'); });
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString('utf8'); });
  const gone = new Promise((done) => child.once('exit', done));
  await until('the banner', () => text.includes('see it here') || child.exitCode !== null);
  child.kill('SIGTERM');
  await gone;
  if (!text.includes('see it here')) throw new Error(errors.slice(0, 300));
  return text;
}

const tooLarge = (answer: string): boolean => answer.startsWith('HTTP/1.1 431 ');

async function bounded({ quick }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    await legs.origin('well.limits.test');
    await legs.plain('sink.limits.test', (socket) => socket.resume().on('error', () => undefined));
    const agent = await legs.agent(mustInspectAll);
    const ask = (text: string): Promise<string> => exchange(agent.proxyPort, Buffer.from(text, 'latin1'), 5_000);
    for (const bytes of [65_537, 200_000, 1_000_000]) tally.check(`a head of ${bytes} bytes`, tooLarge(await ask(`CONNECT well.limits.test:443 HTTP/1.1\r\n${`A: ${'b'.repeat(4_000)}\r\n`.repeat(Math.ceil(bytes / 4_005))}`)));
    for (const lines of [201, 5_000]) tally.check(`a head of ${lines} lines`, tooLarge(await ask(`CONNECT well.limits.test:443 HTTP/1.1\r\n${'A: b\r\n'.repeat(lines)}\r\n`)));
    tally.check('a request line of 9 kB', tooLarge(await ask(`CONNECT ${'a'.repeat(9_000)}`)));
    tally.check('a plain request with a head of 70 kB', /^HTTP\/1\.1 (400|431) /.test(await ask(`GET http://sink.limits.test/ HTTP/1.1\r\n${`A: ${'b'.repeat(7_000)}\r\n`.repeat(10)}\r\n`)));
    const hello = await connectThrough(agent.proxyPort, 'well.limits.test');
    let answer = Buffer.alloc(0);
    hello.on('data', (chunk: Buffer) => { answer = Buffer.concat([answer, chunk]); }).on('error', () => undefined);
    for (let n = 0; n < 8; n += 1) hello.write(Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0]), n === 0 ? Buffer.from([1, 2, 0, 0]) : Buffer.alloc(4), Buffer.alloc(16_380)]));
    await until('a hello over 64 kB is refused', () => hello.destroyed || answer.length > 0);
    tally.check('a hello over 64 kB at a must-inspect host: alert 49', answer.equals(Buffer.from([21, 3, 3, 0, 2, 2, 49])) || hello.destroyed, answer.toString('hex').slice(0, 40));
    hello.destroy();
    await slowDrip(agent, quick ? 200 : 1_000, tally.check);
  });
  return tally.result(`heads and hellos beyond the limits; ${quick ? 200 : 1_000} connections that send a byte every half second, in all three stages, beside a healthy app. How many connections an app may have is left to the system's descriptor limit (npm run faults, descriptors)`);
}

async function slowDrip(agent: TestAgent, count: number, check: (what: string, held: boolean, seen?: number) => void): Promise<void> {
  const rss = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1]) / 1024;
  const healthy = async (): Promise<number> => {
    const from = performance.now();
    const socket = await tlsThrough(agent.proxyPort, 'well.limits.test', { rejectUnauthorized: false });
    const ms = performance.now() - from;
    socket.on('error', () => undefined).end('GET / HTTP/1.1\r\nConnection: close\r\n\r\n').resume();
    await new Promise((done) => socket.once('close', done));
    return ms;
  };
  for (let n = 0; n < 20; n += 1) await healthy();
  const before = rss();
  const opening = ['', 'CONNECT well.limits', 'CONNECT well.limits.test:443 HTTP/1.1\r\n\r\n\x16\x03\x01'];
  const slow = Array.from({ length: count }, (_, n) => {
    const socket = net.connect(agent.proxyPort, '127.0.0.1', () => socket.write(Buffer.from(opening[n % 3] ?? '', 'latin1')));
    return socket.on('error', () => undefined).on('data', () => undefined);
  });
  await until('they are all there', () => slow.every(({ readyState }) => readyState === 'open'));
  const drip = setInterval(() => { for (const [n, socket] of slow.entries()) if (n % 3 !== 0 && !socket.destroyed) socket.write('x'); }, 500);
  try {
    const times: number[] = [];
    for (let n = 0; n < 60; n += 1) times.push(await healthy());
    times.sort((a, b) => a - b);
    check('memory grows by less than 100 MB', rss() - before < 100, Math.round(rss() - before));
    // Measured at 5 ms on an idle machine; a busy one is no fault of the agent's.
    check('a healthy app waits less than a second, nineteen times of twenty', (times[Math.floor(times.length * 0.95)] ?? Infinity) < 1_000, Math.round(times[Math.floor(times.length * 0.95)] ?? -1));
    const deadline = performance.now() + 22_000;
    while (slow.some(({ destroyed }) => !destroyed) && performance.now() < deadline) await new Promise((done) => { setTimeout(done, 200); });
    check('all of them are let go after 16 s', slow.every(({ destroyed }) => destroyed), slow.filter(({ destroyed }) => !destroyed).length);
    check('the agent lives', agent.process.exitCode === null);
  } finally {
    clearInterval(drip);
    for (const socket of slow) socket.destroy();
  }
}
