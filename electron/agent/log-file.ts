// The agent's own log: pino into agent.log of the state folder, in parts of at most 10 MB, five kept. Not for connections (store).
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import pino from 'pino';

const partBytes = 10 * 1024 * 1024;
const partsKept = 5;
/** Bytes that may wait for a disk that does not answer; lines beyond are lost. */
const backlogLimit = 1024 * 1024;

export type LogFile = {
  readonly log: pino.Logger;
  /** The newest `maxBytes` of the current part. */
  tail(maxBytes: number): Promise<string>;
  /** Writes what waits. */
  close(): Promise<void>;
};

/** Opens the log at `path` (mode 0600). A disk that refuses to be written to costs lines, never the agent. */
export function openLogFile(path: string, level: string): LogFile {
  rotate(path);
  const begin = (): WriteStream => createWriteStream(path, { flags: 'a', mode: 0o600 }).on('error', () => undefined);
  // Not pino's own destination: that one throws at the end of a process whose log could not be opened, or not yet.
  let stream = begin();
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: ['*.authorization', '*.cookie'] }, {
    write: (line: string) => {
      if (stream.writable && stream.writableLength < backlogLimit) stream.write(line);
    },
  });
  const timer = setInterval(() => {
    // Destroyed by an error of the disk: it may have space again.
    if (!rotate(path) && !stream.destroyed) return;
    stream.end();
    stream = begin();
  }, 5_000);
  timer.unref();
  return {
    log,
    tail: async (maxBytes) => {
      await new Promise<void>((done) => { stream.write('', () => done()); });
      return tailOf(path, maxBytes);
    },
    close: () => new Promise((done) => {
      clearInterval(timer);
      if (stream.closed) return done();
      stream.once('close', () => done()).end();
    }),
  };
}

/** The newest `maxBytes` of the log at `path`, whoever wrote it. */
export async function tailOf(path: string, maxBytes: number): Promise<string> {
  const { size } = statSync(path);
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { start: Math.max(0, size - maxBytes) }) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
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
