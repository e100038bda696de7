// The mirror over a real control client and a real socket, with an agent that says what each test needs.
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createControlClient } from '../../electron/client/control-client.ts';
import type { BridgeSignal } from '../../electron/contract/bridge.ts';
import { streamPaths } from '../../electron/contract/routes.ts';
import type { StreamLine } from '../../electron/contract/snapshot.ts';
import { createAgentMirror } from '../../electron/main/agent-mirror.ts';
import type { AgentMirror } from '../../electron/main/agent-mirror.ts';
import { pinnedApp, snapshotOf } from './snapshots.ts';

let folder = '';
let server: Server;
let mirror: AgentMirror;
const streams: ServerResponse[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinlight-mirror-'));
  streams.length = 0;
  server = createServer((request, response) => {
    expect(request.url).toBe(streamPaths.events);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    streams.push(response);
    say(response, { kind: 'snapshot', snapshot: snapshotOf({ sequence: streams.length * 10 }) });
  });
});

afterEach(async () => {
  await mirror.close();
  server.closeAllConnections();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

test('it follows the agent: nothing, a snapshot, changes, its end, a new snapshot', async () => {
  const controlPath = join(folder, 'control.sock');
  mirror = createAgentMirror(createControlClient({ controlPath }));
  const seen: BridgeSignal['kind'][] = [];
  mirror.subscribe((signal) => seen.push(signal.kind));
  expect([mirror.snapshot(), seen]).toEqual([null, ['disconnected']]);

  await new Promise<void>((resolve) => {
    server.listen(controlPath, resolve);
  });
  await vi.waitFor(() => expect(mirror.snapshot()?.sequence).toBe(10), { timeout: 10_000 });

  say(streams[0], { kind: 'app', sequence: 11, app: pinnedApp('slack') });
  await vi.waitFor(() => expect(mirror.snapshot()?.apps.map((app) => app.name)).toEqual(['slack']), 10_000);

  streams[0]?.end();
  await vi.waitFor(() => expect(seen.at(-1)).toBe('disconnected'), 10_000);
  await vi.waitFor(() => expect(mirror.snapshot()).toMatchObject({ sequence: 20, apps: [] }), { timeout: 10_000 });
});

test('lost changes bring a new snapshot and no word of a lost agent', async () => {
  const controlPath = join(folder, 'control.sock');
  await new Promise<void>((resolve) => {
    server.listen(controlPath, resolve);
  });
  mirror = createAgentMirror(createControlClient({ controlPath }));
  await vi.waitFor(() => expect(mirror.snapshot()?.sequence).toBe(10), { timeout: 10_000 });
  const seen: BridgeSignal['kind'][] = [];
  mirror.subscribe((signal) => seen.push(signal.kind));
  say(streams[0], { kind: 'app', sequence: 15, app: pinnedApp('slack') });
  await vi.waitFor(() => expect(mirror.snapshot()?.sequence).toBe(20), { timeout: 10_000 });
  expect(seen).toEqual(['snapshot', 'snapshot']);
});

test('a listener that left hears nothing, and a late one gets the present state first', async () => {
  const controlPath = join(folder, 'control.sock');
  await new Promise<void>((resolve) => {
    server.listen(controlPath, resolve);
  });
  mirror = createAgentMirror(createControlClient({ controlPath }));
  await vi.waitFor(() => expect(mirror.snapshot()).not.toBeNull(), { timeout: 10_000 });
  const left: BridgeSignal['kind'][] = [];
  mirror.subscribe((signal) => left.push(signal.kind))();
  const late: BridgeSignal['kind'][] = [];
  mirror.subscribe((signal) => late.push(signal.kind));
  say(streams[0], { kind: 'heartbeat' });
  await vi.waitFor(() => expect(late).toEqual(['snapshot', 'heartbeat']), 10_000);
  expect(left).toEqual(['snapshot']);
});

function say(stream: ServerResponse | undefined, line: StreamLine): void {
  stream?.write(`${JSON.stringify(line)}\n`);
}
