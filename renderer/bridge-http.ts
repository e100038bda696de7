// The Bridge for the window in a browser: the window server of `pinlight open` over fetch, with this tab's session.
// Not for Electron, where preload provides the same interface, and not for what the answers mean.
import type { Bridge, BridgeSignal } from '../electron/contract/bridge.ts';
import { PinlightError, errorAdvice } from '../electron/contract/errors.ts';
import type { ErrorCode } from '../electron/contract/errors.ts';
import { createLineSplitter } from '../electron/contract/lines.ts';
import type { RouteAnswer, RouteName } from '../electron/contract/routes.ts';
import type { DoctorReport } from '../electron/core/diagnostics/doctor-report.ts';
import { download } from './download.ts';

/** The bridge of this tab. Without a session every call rejects with `not-permitted` and `watch` reports `disconnected` once. */
export function createHttpBridge(): Bridge {
  const session = takeSession();
  return {
    shell: 'browser',
    async call(route, query, body) {
      const response = await ask(session, '/bridge/call', { method: 'POST', body: JSON.stringify({ route, query, body }) });
      const answer = readEnvelope(await response.text());
      if (!isAnswerOf(route, answer)) throw new PinlightError('bug', `The answer to "${route}" is no object.`);
      return answer;
    },
    watch(listener) {
      const ended = new AbortController();
      void watch(session, listener, ended.signal);
      return () => ended.abort();
    },
    async examine() {
      const response = await ask(session, '/bridge/doctor', { method: 'POST', body: '{}' });
      const report = readEnvelope(await response.text());
      if (!isReport(report)) throw new PinlightError('bug', 'The doctor answered something that is no report.');
      return report;
    },
    async saveBundle(job) {
      const response = await ask(session, `/bridge/bundle?${new URLSearchParams({ job }).toString()}`, { method: 'GET' });
      const name = /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? 'pinlight-diag.zip';
      download(await response.blob(), name);
      return name;
    },
  };
}

const storageKey = 'pinlight-session';

/** Out of the page that the one-time link gave, then kept for reloads: sessionStorage belongs to this port and this tab alone. */
function takeSession(): string | null {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="pinlight-session"]');
  if (meta === null) return sessionStorage.getItem(storageKey);
  sessionStorage.setItem(storageKey, meta.content);
  meta.remove();
  // The used token says nothing any more, and a reload would be refused because of it.
  history.replaceState(null, '', location.pathname + location.hash);
  return meta.content;
}

async function ask(session: string | null, path: string, options: RequestInit): Promise<Response> {
  if (session === null) throw new PinlightError('not-permitted', 'This window has no session. Run `pinlight open` again.');
  let response: Response;
  try {
    response = await fetch(path, { ...options, headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json' } });
  } catch (thrown) {
    if (options.signal?.aborted === true) throw thrown;
    throw new PinlightError('agent-not-running', 'The command that opened this window has ended. Run `pinlight open` again.');
  }
  if (!response.ok) {
    readEnvelope(await response.text());
    throw new PinlightError('bug', `The window server answered ${response.status} without a reason.`);
  }
  return response;
}

/** The data of an `{ok, data}` text; throws PinlightError for `{ok: false}` and for anything else. */
function readEnvelope(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new PinlightError('bug', 'The window server answered something that is not JSON.');
  }
  if (isRecord(parsed) && parsed['ok'] === true) return parsed['data'];
  const error = isRecord(parsed) ? parsed['error'] : undefined;
  if (!isRecord(error)) throw new PinlightError('bug', 'The window server answered JSON without the usual envelope.');
  throw new PinlightError(isErrorCode(error['code']) ? error['code'] : 'bug', String(error['message']));
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorAdvice, code);
}

/** Every answer is an object; the rest is believed, since both ends derive from `Routes`. */
function isAnswerOf<N extends RouteName>(_route: N, value: unknown): value is RouteAnswer<N> {
  return isRecord(value);
}

/** The list is looked for, the rest believed: the same program's own doctor made it. */
function isReport(value: unknown): value is DoctorReport {
  return isRecord(value) && Array.isArray(value['checks']);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

// The same waits as the control client's: 0.25 s hides a restart, 3 s costs nothing; 45 s of silence are three heartbeats.
const firstWaitMs = 250;
const longestWaitMs = 3_000;
const silenceMs = 45_000;

async function watch(session: string | null, listener: (signal: BridgeSignal) => void, ended: AbortSignal): Promise<void> {
  let wait = firstWaitMs;
  while (!ended.aborted) {
    const begun = performance.now();
    const end = await readOneStream(session, listener, ended);
    if (ended.aborted) return;
    listener({ kind: 'disconnected', why: end.why });
    if (end.final) return;
    if (performance.now() - begun > longestWaitMs) wait = firstWaitMs;
    await pause(wait, ended);
    wait = Math.min(wait * 2, longestWaitMs);
  }
}

/** `final`: trying again cannot help, because this tab has no (valid) session. */
type StreamEnd = { readonly why: string; readonly final: boolean };

async function readOneStream(session: string | null, listener: (signal: BridgeSignal) => void, ended: AbortSignal): Promise<StreamEnd> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), silenceMs);
  try {
    const response = await ask(session, '/bridge/watch', { method: 'GET', signal: AbortSignal.any([ended, silent.signal]) });
    const reader = (response.body ?? new ReadableStream<Uint8Array<ArrayBuffer>>()).pipeThrough(new TextDecoderStream()).getReader();
    const splitter = createLineSplitter();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), silenceMs);
      const lines = splitter.push(part.value);
      if (lines === null) return { why: 'The window server sent a line that is too long.', final: false };
      for (const line of lines) {
        const signal: unknown = JSON.parse(line);
        if (isSignal(signal)) listener(signal);
      }
    }
    return { why: 'The window server ended the stream.', final: false };
  } catch (thrown) {
    if (silent.signal.aborted) return { why: `Nothing was heard for ${silenceMs / 1000} s.`, final: false };
    const final = thrown instanceof PinlightError && thrown.code === 'not-permitted';
    return { why: thrown instanceof Error ? thrown.message : String(thrown), final };
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}

/** The kind is looked at, the rest believed: both ends are this version's own. */
function isSignal(value: unknown): value is BridgeSignal {
  return isRecord(value) && typeof value['kind'] === 'string';
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    ended.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
