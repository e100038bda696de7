// A small HTTP server on a unix socket that speaks the control API's contract with the sample state, for clients under test.
// Not the agent: it decides nothing. What the real agent answers is tested with the agent.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PinlightError, errorBody, errorStatus } from '../../electron/contract/errors.ts';
import { controlHost } from '../../electron/contract/paths.ts';
import { routePaths, streamPaths } from '../../electron/contract/routes.ts';
import type { RouteName } from '../../electron/contract/routes.ts';
import { predefinedExclusion, sampleBundleJob, sampleExclusion, sampleExplain, sampleNotice, samplePause, samplePolicy, sampleRow, sampleSnapshot, sampleTest, sampleTime, sampleTrust } from './sample-state.ts';

export type Seen = { readonly route: RouteName; readonly query: Readonly<Record<string, string>>; readonly body: unknown };

export type ContractAgent = {
  /** PINLIGHT_HOME for clients. */
  readonly home: string;
  readonly controlPath: string;
  readonly seen: readonly Seen[];
  /** Event streams open now. */
  readonly streams: ReadonlySet<ServerResponse>;
  /** Replaces how the event stream begins; the default is a snapshot with sequence 10. */
  onStream: (response: ServerResponse) => void;
  /** Replaces the answer to a route. */
  readonly answers: Map<RouteName, (response: ServerResponse) => void>;
  /** A line to every open stream. */
  emit(line: unknown): void;
  close(): Promise<void>;
};

export const bundleBytes = Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(300_000, 7)]);

/** Starts on `home`/run/control.sock; `home` defaults to a new folder that `close` removes. */
export async function startContractAgent(home?: string): Promise<ContractAgent> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), 'pl-')));
  await mkdir(join(folder, 'run'), { recursive: true, mode: 0o700 });
  const controlPath = join(folder, 'run', 'control.sock');
  const seen: Seen[] = [];
  const streams = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  const agent: ContractAgent = {
    home: folder, controlPath, seen, streams,
    onStream: (response) => response.write(`${JSON.stringify({ kind: 'snapshot', snapshot: sampleSnapshot() })}\n`),
    answers: new Map(),
    emit(line) {
      for (const stream of streams) stream.write(`${JSON.stringify(line)}\n`);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      if (home === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
  const server = createServer((request, response) => {
    serve(agent, seen, streams, request, response).catch((thrown: unknown) => {
      const body = errorBody(thrown);
      answer(response, errorStatus(body.code), { ok: false, error: body });
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(controlPath, resolve);
  });
  return agent;
}

async function serve(agent: ContractAgent, seen: Seen[], streams: Set<ServerResponse>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.headers.host !== controlHost) throw new PinlightError('foreign-origin', 'wrong host');
  const url = new URL(request.url ?? '', `http://${controlHost}`);
  if (url.pathname === streamPaths.events) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    streams.add(response);
    response.on('close', () => streams.delete(response));
    agent.onStream(response);
    return;
  }
  if (url.pathname === streamPaths.bundle) {
    if (url.searchParams.get('id') !== sampleBundleJob.id) throw new PinlightError('no-such-bundle', 'there is no such bundle');
    response.writeHead(200, { 'content-type': 'application/zip', 'content-length': bundleBytes.length, 'content-disposition': `attachment; filename="${sampleBundleJob.fileName ?? ''}"` });
    response.end(bundleBytes);
    return;
  }
  const route = routeFor(request.method ?? '', url.pathname);
  const body: unknown = request.method === 'POST' ? JSON.parse(await text(request)) : null;
  seen.push({ route, query: Object.fromEntries(url.searchParams), body });
  const replaced = agent.answers.get(route);
  if (replaced !== undefined) replaced(response);
  else answer(response, 200, { ok: true, data: dataFor(route, url.searchParams, body) });
  if (route === 'stop') response.on('finish', () => void agent.close());
}

/** One JSON answer. */
export function answer(response: ServerResponse, status: number, envelope: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(envelope));
}

function routeFor(method: string, path: string): RouteName {
  for (const route of Object.keys(routePaths)) {
    if (isRoute(route) && routePaths[route].method === method && routePaths[route].path === path) return route;
  }
  throw new PinlightError('not-found', `no route ${method} ${path}`);
}

function isRoute(name: string): name is RouteName {
  return name in routePaths;
}

function dataFor(route: RouteName, query: URLSearchParams, body: unknown): unknown {
  switch (route) {
    case 'ping': return { pid: process.pid };
    case 'status': return sampleSnapshot();
    case 'apps': return { apps: sampleSnapshot().apps };
    case 'explain':
      if (!['chat', 'app-chat'].includes(query.get('app') ?? '')) throw new PinlightError('no-such-app', `No app called "${query.get('app')}" was seen.`);
      return sampleExplain;
    case 'exclusions': return { exclusions: [sampleExclusion, predefinedExclusion] };
    case 'startTest': case 'test': return { test: sampleTest() };
    case 'cancelTest': return { test: null };
    case 'addExclusion': {
      const added = { ...sampleExclusion, ...(typeof body === 'object' ? body : {}) };
      return { exclusion: added.host === sampleExclusion.host ? added : { ...added, id: 'x-3' } };
    }
    case 'removeExclusion':
      if (query.get('id') === 'push') throw new PinlightError('exclusion-fixed', 'push is predefined.');
      if (query.get('id') !== 'x-1') throw new PinlightError('no-such-exclusion', `There is no exclusion "${query.get('id')}".`);
      return { removed: sampleExclusion };
    case 'policy': return samplePolicy;
    case 'trust': return sampleTrust;
    case 'reloadPolicy': return samplePolicy;
    case 'pause': return { pause: samplePause };
    case 'resume': return { ended: null };
    case 'pauseTicket': return { request: 'ABCDEFGH', device: 'LAPTOP-42' };
    case 'notice': case 'acceptNotice': return sampleNotice;
    case 'logLevel': return { until: sampleTime + 1_800_000 };
    case 'startBundle': return { job: { ...sampleBundleJob, phase: 'collecting', done: 1, total: 11, unit: 'sources', manifest: null, fileName: null } };
    case 'bundleJob': case 'cancelBundle': return { job: sampleBundleJob };
    case 'stop': return { stopping: true };
    case 'connections': return connections(query);
  }
}

// Seven rows in pages of at most three; the filter `host:odd` finds those with odd ids, `host:(` is one that cannot be read.
function connections(query: URLSearchParams): unknown {
  const filter = query.get('filter') ?? '';
  if (filter.includes('(') && !filter.includes(')')) throw new PinlightError('bad-filter', 'The bracket at column 6 is not closed.');
  const before = Number(query.get('before') ?? '8');
  const limit = Math.min(3, Number(query.get('limit') ?? '3'));
  const ids = [7, 6, 5, 4, 3, 2, 1].filter((id) => id < before && (!filter.includes('host:odd') || id % 2 === 1));
  const page = ids.slice(0, limit);
  return { rows: page.map((id) => sampleRow(id)), next: ids.length > limit ? String(page.at(-1)) : null };
}
