// `pinlight log` on a real agent with a filled store: Palo Alto's queries as typed, exports as streams, completion for shells.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillStore } from '../bench/log-store.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { runPinlight, startPinlight } from './run-pinlight.ts';

let home: string;
let agent: TestAgent;
const many = 30_000;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pinlight-cli-log-'));
  fillStore(join(home, 'pinlight.db'), many, Date.now());
  agent = await startTestAgent({}, { home });
}, 60_000);
afterAll(async () => {
  await agent.stop();
  rmSync(home, { recursive: true, force: true });
});

const log = (...args: string[]) => runPinlight(['log', ...args], { home });

describe('pinlight log', () => {
  it.each([
    ["(error contains 'UnknownCA')", (row: Row) => row.outcome?.alert === 48],
    ["(error contains 'BadCertificate')", (row: Row) => row.outcome?.alert === 42],
    ["(app eq 'curl') and (action neq 'bypass')", (row: Row) => row.appName === 'curl' && row.disposition !== 'bypass'],
    [`( time_generated geq '2026/01/01 00:00:00' ) and ( addr.dst in 192.0.0.0/16 )`, (row: Row) => row.ip.startsWith('192.0.')],
  ])('%s works as typed', async (filter, fits) => {
    const { stdout, code } = await log(filter, '--json');
    const { data } = JSON.parse(stdout) as { data: { rows: Row[] } };
    expect(code).toBe(0);
    expect(data.rows.length).toBeGreaterThan(10);
    expect(data.rows.filter((row) => !fits(row))).toEqual([]);
  });

  it('says in words, with the place, what it does not understand', async () => {
    const { stderr, code } = await log('(addr.src in 10.0.0.0/8)');
    expect(code).toBe(5);
    expect(stderr).toContain('there is no field "addr.src": every connection here begins on this device; use app, pid or user (at character 2)');
  });

  it.each(['--csv', '--ndjson'])('%s brings every row, newest first', async (format) => {
    const { stdout, code } = await log(format);
    const lines = stdout.trimEnd().split('\n');
    expect(code).toBe(0);
    if (format === '--csv') expect(lines.shift()).toMatch(/^id,started,/);
    expect(lines).toHaveLength(many);
    const ids = lines.map((line) => (format === '--csv' ? Number(line.split(',')[0]) : (JSON.parse(line) as Row).id));
    expect(ids).toEqual(Array.from({ length: many }, (_, index) => many - index));
  });

  it('an export whose reader has seen enough ends quietly', async () => {
    const child = startPinlight(['log', '--ndjson'], { home });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => { words += chunk.toString(); });
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await new Promise((done) => { child.once('exit', done); })).toBe(0);
    expect(words).toBe('');
  });

  it.each([
    ['dispo', 'disposition:'],
    ['verdict:pi', 'verdict:pinned'],
    ['app contains sla', 'app contains slack'],
    ['disposition:bypass ', 'disposition:bypass and'],
  ])('--complete %j offers %j', async (text, expected) => {
    const { stdout, code } = await log('--complete', text);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toContain(expected);
  });

  it('--complete offers what needs no agent without one', async () => {
    const { stdout, code } = await runPinlight(['log', '--complete', 'outcome:ref'], { home: join(home, 'nobody') });
    expect([code, stdout.trim()]).toEqual([0, 'outcome:refused']);
  });
});

type Row = { readonly id: number; readonly appName: string; readonly disposition: string; readonly ip: string; readonly outcome: { readonly alert?: number } | null };
