// An organisation's PAC file: fetched, kept for a while, and asked in a thread of its own that is ended when it does not answer.
// Not for what the answer means (core/upstream-proxy/route.ts).
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { PacAnswer, PacQuestion } from './pac-worker.ts';
import type { PacFile } from './upstream-proxy.ts';

/** Chromium's own limit. */
const sizeLimit = 1_048_576;
const fetchDeadlineMs = 10_000;
/** A question may look up names, each some seconds where a resolver is slow. */
const answerDeadlineMs = 5_000;
/** An administrator's change reaches the device within this time. */
const freshMs = 15 * 60_000;
/** After a failure: not at every connection, and soon after the network is there. */
const retryMs = 10_000;
/** Browsers ask for every request; an answer that depends on the minute may be late by this. */
const answerFreshMs = 30_000;
const answerLimit = 1_000;

type Loaded = { readonly at: number; readonly text: string | null };

/** Nothing is fetched and no thread started before the first question. */
export function createPacFile(): PacFile {
  let url: string | null = null;
  let loading: Promise<Loaded> | null = null;
  let loaded: Loaded | null = null;
  let running: { readonly text: string; readonly worker: Worker } | null = null;
  const waiting = new Map<number, (answer: string | null) => void>();
  const answers = new Map<string, { readonly at: number; readonly answer: string }>();
  let next = 0;

  const stop = (): void => {
    void running?.worker.terminate();
    running = null;
    for (const settle of waiting.values()) settle(null);
    waiting.clear();
  };
  const load = async (from: string): Promise<Loaded> => {
    const text = await fetchText(from).catch(() => null);
    // A server that is away for a moment does not make an organisation's rules go away.
    return { at: performance.now(), text: text ?? loaded?.text ?? null };
  };
  const current = async (from: string): Promise<string | null> => {
    if (from !== url) {
      url = from;
      loaded = null;
      loading = null;
      answers.clear();
    }
    const age = loaded === null ? Number.POSITIVE_INFINITY : performance.now() - loaded.at;
    if (loaded !== null && age < (loaded.text === null ? retryMs : freshMs)) return loaded.text;
    const mine = loading ??= load(from);
    const result = await mine;
    if (loading === mine) {
      loaded = result;
      loading = null;
    }
    return result.text;
  };
  const ask = (text: string, question: Omit<PacQuestion, 'id'>): Promise<string | null> => new Promise((done) => {
    if (running?.text !== text) {
      stop();
      answers.clear();
      running = { text, worker: start(text, (id, answer) => waiting.get(id)?.(answer), stop) };
    }
    const id = next++;
    const deadline = setTimeout(stop, answerDeadlineMs);
    waiting.set(id, (answer) => {
      clearTimeout(deadline);
      waiting.delete(id);
      done(answer);
    });
    running.worker.postMessage({ id, ...question } satisfies PacQuestion, []);
  });
  return {
    find: async (pacUrl, targetUrl, host) => {
      const text = await current(pacUrl);
      if (text === null) return null;
      const known = answers.get(targetUrl);
      if (running?.text === text && known !== undefined && performance.now() - known.at < answerFreshMs) return known.answer;
      const answer = await ask(text, { url: targetUrl, host });
      answers.delete(targetUrl);
      if (answer !== null) answers.set(targetUrl, { at: performance.now(), answer });
      if (answers.size > answerLimit) answers.delete(answers.keys().next().value as string);
      return answer;
    },
    close: stop,
  };
}

function start(text: string, onAnswer: (id: number, answer: string | null) => void, onEnd: () => void): Worker {
  // Beside this file in the sources, beside the bundle as its own file there.
  const file = new URL(import.meta.url.endsWith('.ts') ? './pac-worker.ts' : './pac-worker.mjs', import.meta.url);
  const worker = new Worker(file, { workerData: text, resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 } });
  worker.unref();
  worker.on('message', ({ id, answer }: PacAnswer) => onAnswer(id, answer));
  worker.on('error', onEnd);
  return worker;
}

async function fetchText(url: string): Promise<string> {
  if (url.startsWith('file:')) return limited(await readFile(fileURLToPath(url)));
  const reply = await fetch(url, { signal: AbortSignal.timeout(fetchDeadlineMs) });
  if (!reply.ok || reply.body === null) throw new Error(`answered ${reply.status}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of reply.body) {
    size += part.length;
    if (size > sizeLimit) throw new Error('too large');
    parts.push(part);
  }
  return limited(Buffer.concat(parts));
}

function limited(bytes: Buffer): string {
  if (bytes.length > sizeLimit) throw new Error('too large');
  return bytes.toString('utf8');
}
