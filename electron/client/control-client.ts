// The only way to talk to the agent: typed calls, the event stream with its reconnects, and the bundle, over the control path.
// Not for where that path is (state-folder) or what the answers mean (contract/routes, contract/snapshot).
import { request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PinlightError, errorAdvice } from '../contract/errors.ts';
import type { ErrorCode } from '../contract/errors.ts';
import { controlHost } from '../contract/paths.ts';
import { routePaths, streamPaths } from '../contract/routes.ts';
import type { RouteAnswer, RouteBody, RouteName, RouteQuery } from '../contract/routes.ts';
import type { BridgeSignal } from '../contract/bridge.ts';
import type { BundleJob, BundleRequest } from '../contract/jobs.ts';
import { makeBundle } from './make-bundle.ts';
import { checkRunFolder, locateAgent } from './state-folder.ts';
import { watchEvents } from './watch-events.ts';

export type ControlClientOptions = {
  /** Absent = found by state-folder at each call, so an agent that starts later is found. */
  readonly controlPath?: string;
  /** ms until an answer must be complete; 30 s: the slowest call reads trust stores, which takes about one. */
  readonly callTimeoutMs?: number;
  /** ms without a line after which the stream counts as dead; 45 s = three heartbeats. */
  readonly silenceMs?: number;
};

export type BundleDownload = {
  /** Errors (PinlightError) when the agent goes before the end. */
  readonly body: Readable;
  /** A dated name with the device in it, safe on every system. */
  readonly fileName: string;
  /** Null when the agent does not know it beforehand. */
  readonly length: number | null;
};

export type ControlClient = {
  /** Rejects with PinlightError. */
  call<N extends RouteName>(route: N, query: RouteQuery<N>, body: RouteBody<N>): Promise<RouteAnswer<N>>;
  /** `call` for those who pass on what others ask (the window server): nothing is known about types. */
  relay(route: RouteName, query: Readonly<Record<string, string | undefined>>, body: unknown): Promise<unknown>;
  /** Snapshot first, then changes; reconnects until `signal` aborts, then resolves. Rejects only with what `listener` throws. */
  watch(listener: (signal: BridgeSignal) => void, options: { readonly signal: AbortSignal }): Promise<void>;
  /** The bundle of a job that is ready, as a stream. Rejects with PinlightError. */
  openBundle(job: string, options?: { readonly signal?: AbortSignal }): Promise<BundleDownload>;
  /** The stream of HandshakeLine: servers of the agent's that last until `signal` aborts. Rejects with PinlightError. */
  openHandshakes(query: { readonly pairs: number; readonly root: 'current' | 'next' }, signal: AbortSignal): Promise<Readable>;
  /** Writes the bundle of `job` (absent: one that is made now for `request`) to `target` and ends it. Resolves with the number of bytes. */
  downloadBundle(target: Writable, options?: BundleDownloadOptions): Promise<number>;
};

export type BundleDownloadOptions = {
  readonly job?: string;
  readonly request?: BundleRequest;
  readonly signal?: AbortSignal;
  /** How far the agent is. */
  readonly onJob?: (job: BundleJob) => void;
  readonly onBytes?: (bytes: number) => void;
};

const largestAnswer = 64 * 1024 * 1024;
// ms without a byte: the bundle lies ready in the agent's memory.
const bundleTimeoutMs = 30_000;

/** A client of the agent behind `controlPath`; holds nothing open between calls. */
export function createControlClient(options: ControlClientOptions = {}): ControlClient {
  const callTimeoutMs = options.callTimeoutMs ?? 30_000;
  const silenceMs = options.silenceMs ?? 45_000;
  const connectTo = (): string => {
    if (options.controlPath !== undefined) return options.controlPath;
    const paths = locateAgent();
    checkRunFolder(paths);
    return paths.controlPath;
  };

  const relay: ControlClient['relay'] = async (route, query, body) => {
    const { method, path } = routePaths[route];
    const text = method === 'POST' ? JSON.stringify(body) : null;
    // One deadline over the whole exchange: an agent that answers byte by byte must not hold the caller.
    const deadline = AbortSignal.timeout(callTimeoutMs);
    const controlPath = connectTo();
    try {
      const response = await send(controlPath, { method, path: withQuery(path, query), signal: deadline }, text);
      return unwrap(await readText(response, largestAnswer));
    } catch (thrown) {
      throw deadline.aborted ? timedOut(callTimeoutMs) : asPinlightError(thrown, controlPath);
    }
  };

  const call: ControlClient['call'] = async (route, query, body) => {
    const answer = await relay(route, query, body);
    if (!isAnswerOf(route, answer)) throw new PinlightError('bug', `The agent's answer to "${route}" is no object.`);
    return answer;
  };

  const openBundle: ControlClient['openBundle'] = async (job, { signal } = {}) => {
    const controlPath = connectTo();
    try {
      const response = await send(controlPath, { method: 'GET', path: withQuery(streamPaths.bundle, { id: job }), signal, timeout: bundleTimeoutMs }, null);
      const fileName = /^attachment; filename="([\w.-]{1,200})"$/.exec(response.headers['content-disposition'] ?? '')?.[1];
      if (fileName === undefined) {
        unwrap(await readText(response, largestAnswer));
        throw new PinlightError('bug', 'The agent answered the bundle request with something that is no file.');
      }
      const length = Number(response.headers['content-length'] ?? Number.NaN);
      return { body: response, fileName, length: Number.isFinite(length) ? length : null };
    } catch (thrown) {
      throw asPinlightError(thrown, controlPath);
    }
  };

  const openLines = async (path: string, signal: AbortSignal): Promise<Readable> => {
    const controlPath = connectTo();
    try {
      const response = await send(controlPath, { method: 'GET', path, signal }, null);
      if (!(response.headers['content-type'] ?? '').startsWith('application/x-ndjson')) {
        unwrap(await readText(response, largestAnswer));
        throw new PinlightError('bug', 'The agent answered with something that is no stream of lines.');
      }
      return response;
    } catch (thrown) {
      throw asPinlightError(thrown, controlPath);
    }
  };

  return {
    call,
    relay,
    watch: (listener, { signal }) => watchEvents({ listener, signal, silenceMs, open: (attempt) => openLines(streamPaths.events, attempt) }),
    openHandshakes: ({ pairs, root }, signal) => openLines(withQuery(streamPaths.handshakes, { pairs: String(pairs), root }), signal),
    openBundle,
    downloadBundle: async (target, { job, request: wanted = {}, signal, onJob, onBytes } = {}) => {
      const id = job ?? (await makeBundle({ call }, wanted, { signal, onJob })).id;
      const { body } = await openBundle(id, { signal });
      let bytes = 0;
      await pipeline(body, countBytes((soFar) => {
        bytes = soFar;
        onBytes?.(soFar);
      }), target, { signal });
      return bytes;
    },
  };
}

/** A stage for `pipeline` that passes everything on and tells how many bytes have come so far. */
export function countBytes(onBytes: (bytes: number) => void): (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> {
  return async function* count(source) {
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      onBytes(bytes);
      yield chunk;
    }
  };
}

function send(controlPath: string, options: RequestOptions, body: string | null): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...options,
      socketPath: controlPath,
      agent: false,
      headers: {
        host: controlHost,
        ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(timedOut(options.timeout ?? 0)));
    outgoing.end(body ?? undefined);
  });
}

async function readText(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    const chunk: Buffer = part;
    bytes += chunk.length;
    // Leaving the loop destroys the response, and with it the connection.
    if (bytes > limit) throw new PinlightError('bug', `The agent's answer is larger than ${limit / 1024 / 1024} MB.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unwrap(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new PinlightError('bug', 'The agent answered something that is not JSON.');
  }
  if (isRecord(parsed) && parsed['ok'] === true) return parsed['data'];
  if (isRecord(parsed) && parsed['ok'] === false && isRecord(parsed['error'])) {
    const { code, message } = parsed['error'];
    // A code of a newer agent is unknown here; its message still says what happened.
    throw new PinlightError(isErrorCode(code) ? code : 'bug', typeof message === 'string' ? message : 'The agent refused without a reason.');
  }
  throw new PinlightError('bug', 'The agent answered JSON without the usual envelope.');
}

/** Here the wire becomes typed: every answer is an object, and the rest is believed, since both ends derive from `Routes`. */
function isAnswerOf<N extends RouteName>(_route: N, value: unknown): value is RouteAnswer<N> {
  return isRecord(value);
}

function asPinlightError(thrown: unknown, controlPath: string): unknown {
  if (thrown instanceof PinlightError || !isRecord(thrown)) return thrown;
  switch (thrown['code']) {
    case 'ENOENT': case 'ECONNREFUSED': case 'ENOTSOCK':
      return new PinlightError('agent-not-running', `No agent answers at ${controlPath}.`);
    case 'ECONNRESET': case 'EPIPE':
      return new PinlightError('agent-not-running', 'The agent ended the connection before its answer was complete.');
    case 'EACCES': case 'EPERM':
      return new PinlightError('not-permitted', `You may not talk to the agent at ${controlPath}.`);
    case 'ENAMETOOLONG': case 'EINVAL': case 'ENOTDIR':
      return new PinlightError('state-unusable', `${controlPath} cannot be a control path.`);
    default: return thrown;
  }
}

function timedOut(ms: number): PinlightError {
  return new PinlightError('agent-timeout', `The agent did not answer within ${ms / 1000} s.`);
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorAdvice, code);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
