// The operating system's roots, read again when their files have changed (A9). Node reads them once in the life of a process, so another
// process reads the new ones. Not for whose roots count (proxy/connect-upstream). Windows and macOS tell no file: there, at the next start.
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import * as tls from 'node:tls';

export type SystemRoots = {
  /** PEM, one certificate each; Node's own where the system has none. */
  current(): readonly string[];
  /** Grows with each change of the system's roots or of a file of `alsoWatched`. */
  generation(): number;
  close(): void;
};

/** A change must count within 60 s (A9). Four stats. */
const lookEveryMs = 20_000;
/** A change is often a series of them: `update-ca-certificates` links each certificate by itself. Read when it has been quiet this long. */
const quietMs = 1_000;

const readAnew = "process.stdout.write(JSON.stringify(require('node:tls').getCACertificates('system')))";

/** `alsoWatched`: further files (an organisation's roots and revocation lists), whose content is whoever asks's business. */
export function createSystemRoots(alsoWatched: () => readonly string[], everyMs = lookEveryMs): SystemRoots {
  let roots: readonly string[] | null = null;
  let generation = 0;
  let mark = marksOf(alsoWatched());
  let quiet: NodeJS.Timeout | null = null;

  const read = (): void => {
    execFile(process.execPath, ['-e', readAnew], { maxBuffer: 64 * 1024 ** 2, env: { ...process.env, NODE_OPTIONS: '' }, timeout: 30_000 }, (error, text) => {
      // A system that gives none in this moment has not lost all: the next change asks again.
      if (error === null) roots = orBundled(JSON.parse(text) as string[]);
      generation += 1;
    });
  };
  const look = (): void => {
    const now = marksOf(alsoWatched());
    if (now === mark) return;
    mark = now;
    if (quiet !== null) clearTimeout(quiet);
    quiet = setTimeout(read, quietMs).unref();
  };
  const timer = setInterval(look, everyMs).unref();
  return {
    current: () => (roots ??= orBundled(tls.getCACertificates('system'))),
    generation: () => generation,
    close: () => {
      clearInterval(timer);
      if (quiet !== null) clearTimeout(quiet);
    },
  };
}

function orBundled(system: readonly string[]): readonly string[] {
  return system.length > 0 ? system : tls.getCACertificates('bundled');
}

/** Where OpenSSL looks on Linux; its variables win (openssl-env(7)). */
function marksOf(others: readonly string[]): string {
  const system = process.platform === 'linux' ? [process.env['SSL_CERT_FILE'] ?? '/etc/ssl/certs/ca-certificates.crt', ...(process.env['SSL_CERT_DIR'] ?? '/etc/ssl/certs').split(':')] : [];
  return [...system, ...others].map(markOf).join('\n');
}

/** A file that may not be looked at is as good as none: whoever reads it says so. */
function markOf(path: string): string {
  try {
    const stat = statSync(path);
    return `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
  } catch {
    return 'none';
  }
}
