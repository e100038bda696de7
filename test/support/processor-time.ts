// What a piece of work costs a processor: bounds for work that must not explode hold on a busy machine too. Not for benchmarks, which are ratios.

/** ms of this thread in user mode while `work` ran: neither compilers nor collectors beside it. */
export function processorMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  return process.threadCpuUsage(before).user / 1_000;
}
