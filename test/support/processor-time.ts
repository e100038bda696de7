// What a piece of work costs a processor: bounds for work that must not explode hold on a busy machine too. Not for benchmarks, which are ratios.

/** ms of this process in user mode while `work` ran. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1_000;
}
