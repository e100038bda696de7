// Keeps one event stream alive: reconnects with back-off, notices silence and lost events, passes lines on in order.
// Not for the transport (control-client opens the stream) or for what an event changes (contract/snapshot reduce).
import { setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type { BridgeSignal } from '../contract/bridge.ts';
import { PinlightError } from '../contract/errors.ts';
import { createLineSplitter } from '../contract/lines.ts';
import { hasGap } from '../contract/snapshot.ts';
import type { Snapshot, StreamLine } from '../contract/snapshot.ts';

export type WatchEventsOptions = {
  /** Opens one stream; rejects with PinlightError when the agent cannot be reached. */
  readonly open: (signal: AbortSignal) => Promise<Readable>;
  readonly listener: (signal: BridgeSignal) => void;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** ms without a line after which a stream counts as dead. */
  readonly silenceMs: number;
};

// A quarter of a second hides an agent's restart from people; 3 s is what Tailscale's tray waits and costs nothing.
const firstWaitMs = 250;
const longestWaitMs = 3_000;

/** Runs until `signal` aborts; rejects only with what `listener` throws. */
export async function watchEvents(options: WatchEventsOptions): Promise<void> {
  const { listener, signal } = options;
  let wait = firstWaitMs;
  while (!signal.aborted) {
    const begun = performance.now();
    const end = await readOneStream(options);
    if (signal.aborted) return;
    if (end.kind === 'failed') listener({ kind: 'disconnected', why: end.why });
    // Only a stream that lasted makes the next wait short again: an agent that greets and hangs up is not hammered.
    if (performance.now() - begun > longestWaitMs) wait = firstWaitMs;
    await delay(wait, undefined, { signal }).catch(() => undefined);
    wait = Math.min(wait * 2, longestWaitMs);
  }
}

type StreamEnd = { readonly kind: 'gap' } | { readonly kind: 'failed'; readonly why: string };

async function readOneStream({ open, listener, signal, silenceMs }: WatchEventsOptions): Promise<StreamEnd> {
  const attempt = new AbortController();
  const stop = (): void => attempt.abort();
  signal.addEventListener('abort', stop, { once: true });
  let silent = false;
  const silence = setTimeout(() => {
    silent = true;
    attempt.abort();
  }, silenceMs);
  let listenerThrew: { readonly thrown: unknown } | null = null;
  try {
    const stream = await open(attempt.signal);
    stream.setEncoding('utf8');
    const splitter = createLineSplitter();
    const order = createOrder();
    for await (const chunk of stream) {
      const lines = splitter.push(String(chunk));
      if (lines === null) return { kind: 'failed', why: 'The agent sent a line that is too long.' };
      for (const text of lines) {
        silence.refresh();
        const line = parseLine(text);
        if (line === null) return { kind: 'failed', why: lastWord(text) ?? 'The agent sent a line that cannot be read.' };
        const place = order.take(line);
        if (place === 'old') continue;
        if (place === 'gap') return { kind: 'gap' };
        if (place === 'early') return { kind: 'failed', why: 'The agent sent changes before a snapshot.' };
        try {
          listener(line);
        } catch (thrown) {
          listenerThrew = { thrown };
          throw thrown;
        }
      }
    }
    return { kind: 'failed', why: 'The agent ended the stream.' };
  } catch (thrown) {
    if (listenerThrew !== null) throw listenerThrew.thrown;
    if (silent) return { kind: 'failed', why: `The agent was silent for ${silenceMs / 1000} s.` };
    if (thrown instanceof PinlightError) return { kind: 'failed', why: thrown.message };
    return { kind: 'failed', why: `The stream broke (${thrown instanceof Error ? thrown.message : String(thrown)}).` };
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    attempt.abort();
  }
}

/** Says where a line stands in the sequence; remembers how far the stream has come. */
function createOrder(): { take(line: StreamLine): 'next' | 'old' | 'gap' | 'early' } {
  let seen: Snapshot | null = null;
  return {
    take(line) {
      if (line.kind === 'heartbeat') return 'next';
      if (line.kind === 'snapshot') {
        seen = line.snapshot;
        return 'next';
      }
      if (seen === null) return 'early';
      if (line.sequence <= seen.sequence) return 'old';
      if (hasGap(seen, line)) return 'gap';
      seen = { ...seen, sequence: line.sequence };
      return 'next';
    },
  };
}

const kinds: ReadonlySet<unknown> = new Set<StreamLine['kind']>(['snapshot', 'heartbeat', 'connection', 'app', 'exclusions', 'warnings', 'agent']);

/** Null for what is no line of this contract. */
function parseLine(text: string): StreamLine | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isStreamLine(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** What the agent says before it cuts a stream that was not read fast enough; null when the line is something else. */
function lastWord(text: string): string | null {
  const said = /^\{"kind":"cut",.*"message":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  return said === undefined ? null : `The agent cut the stream: ${String(JSON.parse(said))}.`;
}

/** The kind is looked at, the rest believed: it is this version's own contract. */
function isStreamLine(value: unknown): value is StreamLine {
  return typeof value === 'object' && value !== null && 'kind' in value && kinds.has(value.kind);
}
