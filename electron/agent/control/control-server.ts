// HTTP over the control socket: who may speak at all, then routing by the contract, then one envelope. Not for what the routes do (handlers.ts).
import * as http from 'node:http';
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { controlHost } from '../../contract/paths.ts';
import { errorBody, errorStatus, PinlightError } from '../../contract/errors.ts';
import { routePaths, streamPaths, type RouteAnswer, type RouteBody, type RouteName, type RouteQuery } from '../../contract/routes.ts';

/** A request body may not be longer: the doctor's report for a bundle is the largest, with 48 KiB. */
const bodyLimit = 65_536;

/** How long a caller that was refused in mid-body may go on before the socket closes: its answer is long there. */
const lingerMs = 1_000;

/** `signal` aborts when the caller has left. */
export type Handlers = { [N in RouteName]: (query: RouteQuery<N>, body: RouteBody<N>, signal?: AbortSignal) => Promise<RouteAnswer<N>> | RouteAnswer<N> };
export type Streams = { readonly [S in keyof typeof streamPaths]: (response: http.ServerResponse, query: URLSearchParams) => Promise<void> | void };

/** What one caller is served with. */
export type Served = { readonly handlers: Handlers; readonly streams: Streams };

export type ControlServer = { close(): Promise<void> };

/**
 * Listens at `path`: a socket of mode 0600 in a 0700 folder (`everybody`: 0666 in 0755), or a named pipe. A socket file nobody answers
 * at is a crashed predecessor's and is replaced. `servedTo` is asked once a connection, before a byte of it is read; null closes it.
 * Throws PinlightError `agent-already-running` where one answers.
 */
export async function openControlServer(
  options: {
    path: string; runFolder: string | null; runFolderShared: boolean; everybody: boolean; servedTo: (socket: net.Socket) => Served | null; onBug: (error: unknown) => void;
  },
): Promise<ControlServer> {
  const { path, runFolder, everybody } = options;
  if (runFolder !== null) {
    prepareFolder(runFolder, options.runFolderShared, everybody ? 0o755 : 0o700);
    if (await answers(path)) throw new PinlightError('agent-already-running', 'another Pinlight agent runs with this state folder');
    rmSync(path, { force: true });
  }
  const callers = new WeakMap<net.Socket, Served>();
  const server = http.createServer({ maxHeaderSize: 16_384, requestTimeout: 60_000, headersTimeout: 10_000 }, (request, response) => {
    const served = callers.get(request.socket);
    if (served === undefined) return void request.socket.destroy();
    handle(request, response, served.handlers, served.streams).catch((error: unknown) => {
      const body = errorBody(error);
      if (body.code === 'bug') options.onBug(error);
      // The rest of a body nobody wants is thrown away for a moment: cut off at once, the caller could not read why. Node would close behind
      // the answer where the caller asked for that.
      if (!request.complete) response.shouldKeepAlive = true;
      if (response.headersSent) response.destroy();
      else send(response, errorStatus(body.code), { ok: false, error: body });
      if (request.complete) return;
      request.resume();
      setTimeout(() => request.destroy(), lingerMs).unref();
    });
  });
  server.prependListener('connection', (socket: net.Socket) => {
    const served = options.servedTo(socket);
    if (served === null) socket.destroy();
    else callers.set(socket, served);
  });
  // The mask makes the socket 0600 from its first moment; chmod after listen would leave a gap.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      server.listen(path, done);
    });
  } finally {
    process.umask(mask);
  }
  if (runFolder !== null) chmodSync(path, everybody ? 0o666 : 0o600);
  return {
    close: () => new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    }),
  };
}

/** True when something answers at a control path. */
export function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect(path);
    const settle = (alive: boolean): void => {
      socket.destroy();
      done(alive);
    };
    socket.setTimeout(2_000, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** A folder in a shared place (/tmp) may have been made by somebody else beforehand: then it must not be used. */
function prepareFolder(folder: string, shared: boolean, mode: number): void {
  mkdirSync(folder, { recursive: true, mode });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || (shared && process.getuid !== undefined && stat.uid !== process.getuid())) {
    throw new PinlightError('state-unusable', `${folder} belongs to somebody else`);
  }
  chmodSync(folder, mode);
}

async function handle(request: http.IncomingMessage, response: http.ServerResponse, handlers: Handlers, streams: Streams): Promise<void> {
  // Web pages send Origin or Referer; programs do not (F2). The fixed Host ends rebinding before any routing (F3).
  if (request.headers.origin !== undefined || request.headers.referer !== undefined) throw new PinlightError('foreign-origin', 'requests with Origin or Referer are refused');
  const hosts = request.headersDistinct.host ?? [];
  if (hosts.length !== 1 || hosts[0] !== controlHost) throw new PinlightError('foreign-origin', `the Host must be "${controlHost}"`);
  const url = URL.parse(request.url ?? '/', `http://${controlHost}`);
  if (url === null) throw new PinlightError('bad-request', 'the request target is no URL');
  for (const name of Object.keys(streamPaths) as (keyof typeof streamPaths)[]) {
    if (url.pathname === streamPaths[name]) {
      if (request.method !== 'GET') throw new PinlightError('bad-request', `${url.pathname} takes GET`);
      return streams[name](response, url.searchParams);
    }
  }
  const name = (Object.keys(routePaths) as RouteName[]).find((route) => routePaths[route].path === url.pathname && routePaths[route].method === request.method);
  if (name === undefined) throw new PinlightError('no-such-route', `there is no ${request.method ?? ''} ${url.pathname}`);
  const query = Object.fromEntries(url.searchParams);
  const body = routePaths[name].method === 'POST' ? await readJson(request) : {};
  const handler = handlers[name] as (query: unknown, body: unknown, signal: AbortSignal) => Promise<unknown>;
  const left = new AbortController();
  response.once('close', () => left.abort());
  send(response, 200, { ok: true, data: await handler(query, body, left.signal) });
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) throw new PinlightError('bad-request', 'the body must be application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw new PinlightError('bad-request', `the body is longer than ${bodyLimit} bytes`);
    chunks.push(chunk);
  }
  const body = parseJson(Buffer.concat(chunks).toString('utf8') || '{}');
  if (typeof body !== 'object' || body === null) throw new PinlightError('bad-request', 'the body must be a JSON object');
  return body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new PinlightError('bad-request', 'the body is not JSON');
  }
}

function send(response: http.ServerResponse, status: number, envelope: unknown): void {
  const text = `${JSON.stringify(envelope)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  response.end(text);
}
