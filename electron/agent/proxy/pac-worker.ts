// Runs one PAC file in QuickJS, in a thread of its own: somebody else's program, kept from the agent's memory, files and time.
// Not for fetching it or for what its answer means (pac.ts, core/upstream-proxy/route.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { createPacResolver } from 'pac-resolver';
import { QuickJS } from 'quickjs-wasi';

/** One question, and its answer: null when the file threw, ran too long, or said what is no text. */
export type PacQuestion = { readonly id: number; readonly url: string; readonly host: string };
export type PacAnswer = { readonly id: number; readonly answer: string | null };

/** Real files are some 100 kB; the largest tables take a few MB. */
const memoryLimit = 32 * 1024 * 1024;
/** Time on the processor between two look-ups of names, ms. */
const runLimitMs = 1_000;

let runUntil = Number.POSITIVE_INFINITY;
const engine = await QuickJS.create({ memoryLimit, interruptHandler: () => performance.now() > runUntil });
const find = ready();

parentPort?.on('message', (question: PacQuestion) => void answer(question));

async function answer({ id, url, host }: PacQuestion): Promise<void> {
  let text: string | null = null;
  try {
    runUntil = performance.now() + runLimitMs;
    const found: unknown = await find?.(url, host);
    text = typeof found === 'string' ? found : null;
  } catch {
    // Whatever it threw: no answer.
  }
  const reply: PacAnswer = { id, answer: text };
  parentPort?.postMessage(reply, []);
}

function ready(): ReturnType<typeof createPacResolver> | null {
  try {
    runUntil = performance.now() + runLimitMs;
    return createPacResolver(engine, String(workerData), { sandbox: { alert: () => undefined } });
  } catch {
    return null;
  }
}
