// Which script is the watchdog of a copy of Pinlight. Not for starting it (build/start.ts, main/agent-process.ts, native/service).
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Bundled where that is built, as it always is in a package; else among the sources. `folder`: the one with package.json. */
export function watchdogScript(folder: string): string {
  const bundled = join(folder, 'build', 'out', 'agent', 'watchdog.mjs');
  return existsSync(bundled) ? bundled : join(folder, 'electron', 'watchdog', 'main.ts');
}
