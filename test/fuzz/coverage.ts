// Which parts of the product's sources ran, by V8's own precise coverage. To be started before the sources are loaded: a function
// that was compiled before is counted as a whole. Not for which inputs ran them (engine.ts).
import { Session } from 'node:inspector';
import type { Profiler } from 'node:inspector';

export type Coverage = {
  /** Ends counting, which costs a parser up to half of its time. For good: begun again, V8 counts nothing smaller than functions. */
  stop(): void;
  /** True when text ran since the last call that never ran before; `remember` = from now on it has. */
  foundNew(remember: boolean): boolean;
  /** Share of the blocks of each file (by the end of its path) that ran since the last call, 0 to 1, counted as c8 counts branches. */
  branches(files: readonly string[]): Map<string, number>;
};

export function startCoverage(): Coverage {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const scripts = (): Profiler.ScriptCoverage[] => {
    let found: Profiler.ScriptCoverage[] = [];
    // In one thread the answer comes before post() returns.
    session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw new Error(error.message);
      found = result.filter(({ url }) => /^file:.*\/(electron|native)\//.test(url));
    });
    return found;
  };
  /** Letters of each source that have run. By letters, because V8 joins neighbouring blocks that ran as often: their bounds are not stable. */
  const seen = new Map<string, Uint8Array>();
  return {
    stop: () => session.post('Profiler.stopPreciseCoverage'),
    foundNew: (remember) => scripts().filter(({ scriptId, functions }) => {
      const ran = lettersThatRan(functions);
      const before = seen.get(scriptId) ?? new Uint8Array(0);
      const fresh = ran.some((letter, at) => letter === 1 && before[at] !== 1);
      if (fresh && remember) seen.set(scriptId, Uint8Array.from({ length: Math.max(ran.length, before.length) }, (_, at) => (ran[at] ?? 0) | (before[at] ?? 0)));
      return fresh;
    }).length > 0,
    branches: (files) => new Map(scripts().flatMap(({ url, functions }) => {
      const file = files.find((name) => url.endsWith(`/${name}`));
      const ranges = functions.filter(({ isBlockCoverage }) => isBlockCoverage).flatMap((one) => one.ranges);
      return file === undefined ? [] : [[file, ranges.filter(({ count }) => count > 0).length / Math.max(1, ranges.length)] as const];
    })),
  };
}

/** Ranges come outermost first, so that the last word about a letter is the innermost one. */
function lettersThatRan(functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
  const ranges = functions.flatMap((one) => one.ranges);
  const letters = new Uint8Array(ranges.reduce((end, { endOffset }) => Math.max(end, endOffset), 0));
  for (const { startOffset, endOffset, count } of ranges) letters.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return letters;
}
