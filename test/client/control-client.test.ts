// The control client against a real HTTP server on a unix socket: calls, failures with their codes, the stream's reconnects, the bundle.
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createControlClient } from '../../electron/client/control-client.ts';
import type { BridgeSignal } from '../../electron/contract/bridge.ts';
import { answer, bundleBytes, startContractAgent } from './contract-agent.ts';
import type { ContractAgent } from './contract-agent.ts';
import { sampleRow, sampleSnapshot } from './sample-state.ts';

let agent: ContractAgent;
beforeEach(async () => {
  agent = await startContractAgent();
});
afterEach(async () => {
  await agent.close();
});

describe('calls', () => {
  test('a query and a body arrive as the contract says, and the data comes back without its envelope', async () => {
    const client = createControlClient({ controlPath: agent.controlPath });
    const added = await client.call('addExclusion', {}, { host: 'a.example', reason: 'r', hours: 2 });
    expect(added.exclusion.host).toBe('a.example');
    expect((await client.call('explain', { app: 'chat', host: undefined }, {})).sentence).toContain('pins');
    await client.call('removeExclusion', { id: 'x-1' }, {});
    expect(agent.seen).toEqual([
      { route: 'addExclusion', query: {}, body: { host: 'a.example', reason: 'r', hours: 2 } },
      { route: 'explain', query: { app: 'chat' }, body: null },
      { route: 'removeExclusion', query: { id: 'x-1' }, body: null },
    ]);
  });

  const failures: readonly { name: string; answer: (response: ServerResponse) => void; code: string }[] = [
    { name: 'the agent\'s own refusal keeps its code', answer: (response) => answer(response, 403, { ok: false, error: { code: 'not-permitted', message: 'no', advice: '' } }), code: 'not-permitted' },
    { name: 'a code that this version does not know becomes a bug with the agent\'s message', answer: (response) => answer(response, 500, { ok: false, error: { code: 'new-in-9.9', message: 'no', advice: '' } }), code: 'bug' },
    { name: 'something that is not JSON', answer: (response) => response.end('<html>'), code: 'bug' },
    { name: 'JSON without the envelope', answer: (response) => response.end('[]'), code: 'bug' },
    { name: 'data that is no object', answer: (response) => answer(response, 200, { ok: true, data: 3 }), code: 'bug' },
    { name: 'an agent that goes in the middle of its answer', answer: (response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{');
      setImmediate(() => response.destroy());
    }, code: 'agent-not-running' },
    { name: 'an agent that goes before its answer', answer: (response) => response.destroy(), code: 'agent-not-running' },
    { name: 'an agent that does not answer in time', answer: () => undefined, code: 'agent-timeout' },
    { name: 'an agent that begins its answer and then stalls', answer: (response) => void response.write('{"ok":'), code: 'agent-timeout' },
  ];
  test.each(failures)('$name: $code', async ({ answer: replaced, code }) => {
    agent.answers.set('status', replaced);
    const client = createControlClient({ controlPath: agent.controlPath, callTimeoutMs: code === 'agent-timeout' ? 200 : 10_000 });
    await expect(client.call('status', {}, {})).rejects.toMatchObject({ name: 'PinlightError', code });
  });

  test('an answer of more than 64 MB is cut off', async () => {
    agent.answers.set('status', (response) => {
      const chunk = Buffer.alloc(1024 * 1024, 32);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    const client = createControlClient({ controlPath: agent.controlPath });
    await expect(client.call('status', {}, {})).rejects.toMatchObject({ code: 'bug', message: expect.stringContaining('64 MB') });
  });

  test('no socket, and a file in its place, both mean that no agent runs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pl-'));
    await writeFile(join(folder, 'file'), '');
    for (const name of ['nothing', 'file']) {
      await expect(createControlClient({ controlPath: join(folder, name) }).call('status', {}, {})).rejects.toMatchObject({ code: 'agent-not-running' });
    }
    await rm(folder, { recursive: true });
  });
});

describe('watch', () => {
  test('a snapshot first, then changes in order; replays are left out', async () => {
    const watching = watch(agent);
    await watching.until((signals) => signals.length === 1);
    for (const sequence of [11, 11, 10, 12]) agent.emit(connection(sequence));
    agent.emit({ kind: 'heartbeat' });
    await watching.until((signals) => signals.some((signal) => signal.kind === 'heartbeat'));
    expect(watching.kinds()).toEqual(['snapshot', 'connection', 'connection', 'heartbeat']);
    await watching.end();
    await vi.waitUntil(() => agent.streams.size === 0);
  });

  test('a lost event brings a new snapshot, not a change on top of a gap', async () => {
    const watching = watch(agent);
    await watching.until((signals) => signals.length === 1);
    agent.emit(connection(13));
    await watching.until((signals) => signals.length === 2);
    expect(watching.kinds()).toEqual(['snapshot', 'snapshot']);
    await watching.end();
  });

  test('an agent that goes and comes back is found again', async () => {
    const watching = watch(agent);
    await watching.until((signals) => signals.length === 1);
    const { home } = agent;
    await agent.close();
    await watching.until((signals) => signals.some((signal) => signal.kind === 'disconnected'));
    agent = await startContractAgent(home);
    await watching.until((signals) => signals.at(-1)?.kind === 'snapshot' && signals.length > 2);
    expect(watching.kinds()[0]).toBe('snapshot');
    expect(watching.kinds().slice(1, -1).every((kind) => kind === 'disconnected')).toBe(true);
    await watching.end();
    await rm(home, { recursive: true, force: true });
  });

  const broken: readonly { name: string; begin: (response: ServerResponse) => void; why: string }[] = [
    { name: 'a stream that falls silent', begin: (response) => void response.write(`${JSON.stringify({ kind: 'snapshot', snapshot: sampleSnapshot() })}\n`), why: 'silent for 0.3 s' },
    { name: 'a stream that never says a word', begin: () => undefined, why: 'silent for 0.3 s' },
    { name: 'a change before any snapshot', begin: (response) => void response.write(`${JSON.stringify(connection(1))}\n`), why: 'before a snapshot' },
    { name: 'a line that is not JSON', begin: (response) => void response.write('{"kind":\n'), why: 'cannot be read' },
    { name: 'a line of an unknown kind', begin: (response) => void response.write('{"kind":"surprise"}\n'), why: 'cannot be read' },
    { name: 'a line without end', begin: (response) => {
      for (let mebibyte = 0; mebibyte < 9; mebibyte += 1) response.write('x'.repeat(1024 * 1024));
    }, why: 'too long' },
    { name: 'a stream that the agent cuts', begin: (response) => response.end('{"kind":"cut","error":{"code":"listener-too-slow","message":"the stream was not \\"read\\"","advice":""}}\n'), why: 'The agent cut the stream: the stream was not "read".' },
    { name: 'an end', begin: (response) => response.end(), why: 'ended the stream' },
  ];
  test.each(broken)('$name is reported and tried again', async ({ begin, why }) => {
    agent.onStream = begin;
    const watching = watch(agent, 300);
    await watching.until((signals) => signals.filter((signal) => signal.kind === 'disconnected').length === 2);
    expect(watching.signals.find((signal) => signal.kind === 'disconnected')).toMatchObject({ why: expect.stringContaining(why) });
    await watching.end();
  });

  test('a listener that throws ends the watch with what it threw', async () => {
    const client = createControlClient({ controlPath: agent.controlPath });
    await expect(client.watch(() => {
      throw new Error('mine');
    }, { signal: AbortSignal.timeout(5_000) })).rejects.toThrow('mine');
    await vi.waitUntil(() => agent.streams.size === 0);
  });
});

describe('bundle', () => {
  test('arrives byte for byte, with its name and progress', async () => {
    const client = createControlClient({ controlPath: agent.controlPath });
    const { fileName, length, body } = await client.openBundle('job-1');
    expect({ fileName, length }).toEqual({ fileName: 'pinlight-diag-LAPTOP-42-20261120T103005Z-PL-7K3M-Q2XA.zip', length: bundleBytes.length });
    expect((await buffer(body)).equals(bundleBytes)).toBe(true);
    const target = new PassThrough();
    const received = buffer(target);
    const steps: number[] = [];
    const phases: string[] = [];
    expect(await client.downloadBundle(target, { onJob: ({ phase }) => phases.push(phase), onBytes: (bytes) => steps.push(bytes) })).toBe(bundleBytes.length);
    expect(phases).toEqual(['collecting', 'ready']);
    expect((await received).equals(bundleBytes)).toBe(true);
    expect(steps.at(-1)).toBe(bundleBytes.length);
  });

  const odd: readonly { name: string; type: string; body: string; code: string }[] = [
    { name: 'a refusal keeps its code', type: 'application/json', body: '{"ok":false,"error":{"code":"not-permitted","message":"no","advice":""}}', code: 'not-permitted' },
    { name: 'an answer that is no zip file is a bug', type: 'application/json', body: '{"ok":true,"data":{}}', code: 'bug' },
  ];
  test.each(odd)('$name', async ({ type, body, code }) => {
    const server = await serveBundle(type, body);
    await expect(createControlClient({ controlPath: server.path }).openBundle('job-1')).rejects.toMatchObject({ code });
    await server.close();
  });
});

function connection(sequence: number): unknown {
  return { sequence, kind: 'connection', row: sampleRow(sequence), counts: { inspect: 1, bypass: 1, block: 1, open: 1 } };
}

type Watching = { readonly signals: BridgeSignal[]; kinds(): string[]; until(condition: (signals: readonly BridgeSignal[]) => boolean): Promise<void>; end(): Promise<void> };

function watch(watched: ContractAgent, silenceMs = 10_000): Watching {
  const signals: BridgeSignal[] = [];
  const stop = new AbortController();
  const done = createControlClient({ controlPath: watched.controlPath, silenceMs }).watch((signal) => void signals.push(signal), { signal: stop.signal });
  return {
    signals,
    kinds: () => signals.map((signal) => signal.kind),
    until: async (condition) => {
      await vi.waitUntil(() => condition(signals), { timeout: 10_000, interval: 10 });
    },
    end: async () => {
      stop.abort();
      await done;
    },
  };
}

/** A server whose bundle is this. */
async function serveBundle(type: string, body: string): Promise<{ path: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'pl-'));
  const path = join(folder, 's');
  const server: Server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return {
    path,
    close: async () => {
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}
