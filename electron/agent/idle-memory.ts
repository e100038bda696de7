// Gives memory back in quiet moments: V8's own reducer works by incremental marking, which main.ts turns off for speed under load.
// Not for leaks, and never while the agent is busy.
import { giveMemoryBack } from '../../native/memory/malloc.ts';
import { dropProgramPages } from '../../native/memory/program-pages.ts';
import { collectGarbage } from './health/collect-garbage.ts';

const everyMs = 10_000;
/** Share of a core that the agent may use and still count as quiet: a collection stops it for some 30 ms. */
const quiet = 0.2;
/** Not worth a stop below this. */
const worthBytes = 12 * 1024 * 1024;

/** Collects the heap and gives back what was freed; stops the agent for some 30 ms. */
export function collectMemory(): void {
  collectGarbage();
  giveMemoryBack();
  dropProgramPages();
}

/** Looks every ten seconds; collects the heap when the last ten were quiet and it holds much more than after the last collection. */
export function startIdleMemory(): void {
  let after = 0;
  let busy = process.cpuUsage();
  setInterval(() => {
    const spent = process.cpuUsage(busy);
    busy = process.cpuUsage();
    if ((spent.user + spent.system) / 1000 > everyMs * quiet || process.memoryUsage().heapTotal - after < worthBytes) return;
    collectMemory();
    after = process.memoryUsage().heapTotal;
  }, everyMs).unref();
}
