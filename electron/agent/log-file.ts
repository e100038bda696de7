// The agent's own log: pino into agent.log of the state folder, in parts of at most 10 MB, five kept. Not for connections (store).
import { createReadStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import pino from 'pino';

const partBytes = 10 * 1024 * 1024;
const partsKept = 5;

export type LogFile = {
  readonly log: pino.Logger;
  /** The newest `maxBytes` of the current part. */
  tail(maxBytes: number): Promise<string>;
  close(): void;
};

/** Opens the log at `path` (mode 0600). A disk that refuses to be written to costs lines, never the agent. */
export function openLogFile(path: string, level: string): LogFile {
  rotate(path);
  const destination = pino.destination({ dest: path, mode: 0o600, sync: false, minLength: 4096 });
  destination.on('error', () => undefined);
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: ['*.authorization', '*.cookie'] }, destination);
  const timer = setInterval(() => {
    destination.flush();
    if (rotate(path)) destination.reopen();
  }, 5_000);
  timer.unref();
  return {
    log,
    tail: async (maxBytes) => {
      await new Promise<void>((done) => destination.flush(() => done()));
      const size = statSync(path).size;
      const chunks: Buffer[] = [];
      for await (const chunk of createReadStream(path, { start: Math.max(0, size - maxBytes) }) as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    },
    close: () => {
      clearInterval(timer);
      destination.end();
    },
  };
}

function rotate(path: string): boolean {
  try {
    if (!existsSync(path) || statSync(path).size < partBytes) return false;
    rmSync(`${path}.${partsKept}`, { force: true });
    for (let part = partsKept - 1; part >= 1; part -= 1) if (existsSync(`${path}.${part}`)) renameSync(`${path}.${part}`, `${path}.${part + 1}`);
    renameSync(path, `${path}.1`);
    return true;
  } catch {
    return false;
  }
}
