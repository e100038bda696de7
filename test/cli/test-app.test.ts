// `pinlight test-app` by the real program: its words, exit codes and one document, against a server that speaks the contract.
// With a real agent and a real app it is test-app-curl.test.ts.
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answer, startContractAgent } from '../client/contract-agent.ts';
import type { ContractAgent } from '../client/contract-agent.ts';
import { sampleSnapshot, sampleTest, sampleTime } from '../client/sample-state.ts';
import type { AppTest } from '../../electron/core/model.ts';
import { linesOf, runPinlight, startPinlight } from './run-pinlight.ts';

const refused = { at: sampleTime, disposition: 'inspect', outcome: { kind: 'refused', sign: 'alert', alert: 46 } } as const;
const passed = { at: sampleTime + 5_000, disposition: 'bypass', outcome: { kind: 'passed', data: true } } as const;

describe('test-app', () => {
  let agent: ContractAgent;
  beforeEach(async () => { agent = await startContractAgent(); });
  afterEach(async () => { await agent.close(); });

  function tell(sequence: number, change: Partial<AppTest>): void {
    const [app] = sampleSnapshot().apps;
    agent.emit({ sequence, kind: 'app', app: { ...app, hosts: app?.hosts.map((host) => ({ ...host, test: sampleTest(change) })) } });
  }

  test('says what to do, each step as it happens, then the verdict with its reasons', async () => {
    const child = startPinlight(['test-app', 'chat', 'edge.chat.example'], { home: agent.home });
    const lines = linesOf(child);
    await vi.waitUntil(() => lines.length === 2 && agent.streams.size === 1, { timeout: 10_000 });
    expect(lines[0]).toBe('Use chat at edge.chat.example now; Pinlight inspects its next connection, and lets the one after it through if it refuses.');
    expect(agent.seen.at(-1)).toEqual({ route: 'startTest', query: {}, body: { app: 'app-chat', host: 'edge.chat.example' } });
    tell(11, { phase: 'letting-through', steps: [refused] });
    await vi.waitUntil(() => lines.length === 4, { timeout: 10_000 });
    expect(lines[2]).toBe('10:00:00  inspected: The app refused our certificate with alert 46 (certificate_unknown).');
    expect(lines[3]).toContain('Use chat at edge.chat.example once more: this time it is let through untouched.');
    tell(12, { phase: 'done', steps: [refused, passed], result: 'pinned' });
    expect((await once(child, 'close'))[0]).toBe(0);
    expect(lines[4]).toBe('10:00:05  bypassed: Let through untouched, and data went both ways.');
    expect(lines.join('\n')).toContain('chat pins its certificate at edge.chat.example.\n\nWhat speaks for it:\n  - It refused our certificate here 5 times.\n\nWhat speaks against it:\n  - It accepted it once.\n\nNext:        It will be let through.');
  });

  test.each<[AppTest['result'], number]>([
    ['inspectable', 0], ['pinned', 0], ['private-trust-store', 0], ['client-certificate', 0], ['incompatible', 0],
    ['undetermined', 1], ['no-attempt', 1], ['not-allowed', 1],
  ])('a test that ends as %s has exit code %i and is one document', async (result, code) => {
    const done = sampleTest({ phase: 'done', result });
    agent.answers.set('startTest', (response) => answer(response, 200, { ok: true, data: { test: done } }));
    const ended = await runPinlight(['test-app', 'chat', 'edge.chat.example', '--json'], { home: agent.home });
    expect([ended.code, ended.stderr]).toEqual([code, '']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: true, data: { app: { id: 'app-chat', name: 'chat' }, test: done, explain: { verdict: { kind: 'pinned' } } } });
  });

  test('Ctrl-C cancels the test and still gives the document', async () => {
    const child = startPinlight(['test-app', 'chat', 'edge.chat.example', '--json'], { home: agent.home });
    const out = text(child.stdout);
    await vi.waitUntil(() => agent.streams.size === 1, { timeout: 10_000 });
    child.kill('SIGINT');
    expect((await once(child, 'close'))[0]).toBe(130);
    expect(JSON.parse(await out)).toMatchObject({ ok: true, data: { test: { result: 'no-attempt' } } });
    expect(agent.seen.filter(({ route }) => route === 'cancelTest').map(({ query }) => query)).toEqual([{ app: 'app-chat', host: 'edge.chat.example' }]);
  });

  test('gives up after the minutes asked for, and says what to check', async () => {
    const { code, stdout } = await runPinlight(['test-app', 'chat', 'edge.chat.example', '--wait', '0.005'], { home: agent.home });
    expect(code).toBe(1);
    expect(stdout).toContain('No attempt was seen: chat made no connection to edge.chat.example through Pinlight.');
    expect(agent.seen.some(({ route }) => route === 'cancelTest')).toBe(true);
  });

  test('an agent that was started anew knows nothing of the test, which is then over', async () => {
    const child = startPinlight(['test-app', 'chat', 'edge.chat.example'], { home: agent.home });
    const lines = linesOf(child);
    await vi.waitUntil(() => agent.streams.size === 1, { timeout: 10_000 });
    agent.answers.set('test', (response) => answer(response, 200, { ok: true, data: { test: null } }));
    for (const stream of agent.streams) stream.destroy();
    expect((await once(child, 'close'))[0]).toBe(1);
    expect(lines.join('\n')).toContain('No attempt was seen');
  });
});
