// The Bridge contract over HTTP, for a page that has shown its session: one call, the event stream, the bundle, the doctor.
// Not for who may call (serve-window checks Host, Origin and Bearer before) or for the browser's half (renderer/bridge-http).
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { bridgeRoutes } from '../../contract/bridge.ts';
import type { BridgeRoute, BridgeSignal } from '../../contract/bridge.ts';
import { PinlightError } from '../../contract/errors.ts';
import type { ControlClient } from '../../client/control-client.ts';
import { boundedDoctorReport } from '../../core/diagnostics/doctor-report.ts';
import type { DoctorReport } from '../../core/diagnostics/doctor-report.ts';
import { answerData, answerError } from './answers.ts';
import type { WindowCount } from './count-windows.ts';

export type BridgeRequest = {
  readonly client: ControlClient;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** `/bridge/…` */
  readonly path: string;
  /** `?job=…` of a bundle. */
  readonly job: string | null;
  readonly windows: WindowCount;
  /** Looks at this device, for a bundle and for the person. */
  readonly examine?: (() => Promise<DoctorReport>) | undefined;
};

/** Answers one bridge request; throws PinlightError before the answer has begun. */
export async function serveBridge(bridge: BridgeRequest): Promise<void> {
  const endpoint = endpoints[bridge.path];
  if (endpoint === undefined) throw new PinlightError('not-found', 'There is no such endpoint.');
  if (bridge.request.method !== endpoint.method) {
    bridge.response.setHeader('allow', endpoint.method);
    answerError(bridge.response, 405, new PinlightError('bad-request', `${bridge.path} takes ${endpoint.method}.`).toBody());
    return;
  }
  await endpoint.serve(bridge);
}

const endpoints: Readonly<Record<string, { readonly method: 'GET' | 'POST'; readonly serve: (bridge: BridgeRequest) => Promise<void> }>> = {
  '/bridge/call': { method: 'POST', serve: serveCall },
  '/bridge/watch': { method: 'GET', serve: serveWatch },
  '/bridge/bundle': { method: 'GET', serve: serveBundle },
  '/bridge/doctor': { method: 'POST', serve: serveDoctor },
};

const largestBody = 64 * 1024;

async function serveCall({ client, request, response, examine }: BridgeRequest): Promise<void> {
  // A form or a no-cors fetch cannot send this type, so a foreign page cannot get past it even with a stolen address.
  if (!/^application\/json(; *charset=utf-8)?$/i.test(request.headers['content-type'] ?? '')) {
    answerError(response, 415, new PinlightError('bad-request', 'Calls are JSON.').toBody());
    return;
  }
  const text = await readBody(request);
  if (text === null) {
    answerError(response, 413, new PinlightError('bad-request', `A call has at most ${largestBody} bytes.`).toBody());
    return;
  }
  const { route, query, body } = readCall(text);
  // The page cannot look at the device; this process is the person's own and can.
  const whole = route === 'startBundle' && examine !== undefined ? { ...body, doctor: boundedDoctorReport(await examine()) } : body;
  answerData(response, await client.relay(route, query, whole));
}

/** Null when it is larger than allowed. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > largestBody) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    const chunk: Buffer = part;
    bytes += chunk.length;
    if (bytes > largestBody) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

type Call = { readonly route: BridgeRoute; readonly query: Readonly<Record<string, string>>; readonly body: Readonly<Record<string, unknown>> };

function readCall(text: string): Call {
  let call: unknown;
  try {
    call = JSON.parse(text);
  } catch {
    throw new PinlightError('bad-request', 'The call is not JSON.');
  }
  if (!isRecord(call)) throw new PinlightError('bad-request', 'The call is no object.');
  const { route, query = {}, body = {} } = call;
  if (!isBridgeRoute(route)) throw new PinlightError('not-permitted', 'The window may not ask for that.');
  if (!isRecord(query) || !Object.values(query).every((value) => typeof value === 'string')) throw new PinlightError('bad-request', 'Query values are strings.');
  if (!isRecord(body)) throw new PinlightError('bad-request', 'The body is no object.');
  return { route, query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])), body };
}

function isBridgeRoute(value: unknown): value is BridgeRoute {
  return bridgeRoutes.some((route) => route === value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// As often as the agent's own: the page then tells a dead window server from an agent that is away.
const heartbeatMs = 15_000;
// A background tab that stops reading must not make this process hold the fleet's traffic in memory.
const longestBacklog = 16 * 1024 * 1024;
const mostWindows = 16;

async function serveWatch({ client, request, response, windows }: BridgeRequest): Promise<void> {
  if (windows.count() >= mostWindows) throw new PinlightError('not-permitted', `At most ${mostWindows} windows can be open.`);
  const leave = windows.open();
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  request.resume();
  response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
  response.flushHeaders();
  const send = (signal: BridgeSignal): void => {
    if (response.destroyed) return;
    response.write(`${JSON.stringify(signal)}\n`);
    // The page connects again by itself and gets a new snapshot.
    if (response.writableLength > longestBacklog) response.destroy();
  };
  const heartbeat = setInterval(() => send({ kind: 'heartbeat' }), heartbeatMs);
  try {
    await client.watch((signal) => {
      if (signal.kind !== 'heartbeat') send(signal);
    }, { signal: gone.signal });
  } finally {
    clearInterval(heartbeat);
    leave();
    response.end();
  }
}

async function serveDoctor({ request, response, examine }: BridgeRequest): Promise<void> {
  if (examine === undefined) throw new PinlightError('not-found', 'This window cannot look at the device. Run `pinlight doctor`.');
  request.resume();
  answerData(response, await examine());
}

async function serveBundle({ client, response, job }: BridgeRequest): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const { body, fileName, length } = await client.openBundle(job ?? '', { signal: gone.signal });
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${fileName}"`,
    ...(length === null ? {} : { 'content-length': length }),
  });
  await pipeline(body, response);
}
