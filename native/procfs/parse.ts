// Pure readers of Linux's /proc and /etc/passwd texts. They carry no OS guard, so they are tested everywhere on recorded text.
// Not for opening files: read.ts does that.

/** What `/proc/PID/stat` says that matters here. */
export type ProcStat = {
  readonly pid: number;
  readonly ppid: number;
  /** What the process calls itself, at most 15 bytes; it may choose it freely. */
  readonly name: string;
  /** Start time in clock ticks since boot; kept as text because it is only ever compared or converted once. */
  readonly startTicks: string;
  /** Addresses that an exec() changes while pid and start time stay: equal marks mean the same program image. */
  readonly imageMarks: string;
};

/** Reads one `/proc/PID/stat` line; null when it is none. The command name may hold spaces and brackets, so the last `)` counts. */
export function parseStat(text: string): ProcStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return null;
  const pid = Number(text.slice(0, open).trim());
  const fields = text.slice(close + 2).trim().split(' ');
  const ppid = Number(fields[1]);
  const startTicks = fields[19];
  if (!Number.isInteger(pid) || !Number.isInteger(ppid) || startTicks === undefined || !/^\d{1,15}$/.test(startTicks)) return null;
  // Fields 26, 28, 48 and 50 of proc(5): start of code, of stack, of arguments, of environment.
  const imageMarks = [fields[23], fields[25], fields[45], fields[47]].join(' ');
  return { pid, ppid, name: text.slice(open + 1, close), startTicks, imageMarks };
}

/** Boot time of `/proc/stat`, seconds since the epoch; null when the line is missing. */
export function parseBootTime(text: string): number | null {
  const found = /^btime (\d{1,12})$/m.exec(text);
  return found === null ? null : Number(found[1]);
}

/**
 * Boot time in ms since the epoch. `/proc/stat` gives whole seconds; `/proc/uptime`, read at `now`, makes them hundredths, unless the
 * two differ by more than their rounding, as in a container that shows an uptime of its own.
 */
export function bootedAtOf(statText: string, uptimeText: string, now: number): number {
  const coarse = (parseBootTime(statText) ?? 0) * 1000;
  const fine = now - Number.parseFloat(uptimeText) * 1000;
  return Math.abs(fine - coarse) < 2000 ? Math.round(fine) : coarse;
}

/** Milliseconds since the epoch of a start time in ticks. User space always sees 100 ticks a second on the systems Node runs on. */
export function startedAtOf(startTicks: string, bootedAt: number): number {
  return bootedAt + Number(startTicks) * 10;
}

/** Arguments of `/proc/PID/cmdline` or `environ`: NUL-separated, the first `limit`, without the empty tail that a rewritten title leaves. */
export function parseNulList(text: string, limit?: number): string[] {
  const parts = text.split('\0', limit);
  while (parts.length > 0 && parts.at(-1) === '') parts.pop();
  return parts;
}

/** Variables of `/proc/PID/environ`; the first of two equal names wins, as getenv() has it. */
export function parseEnviron(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const entry of parseNulList(text)) {
    const equals = entry.indexOf('=');
    if (equals < 1) continue;
    const name = entry.slice(0, equals);
    if (!variables.has(name)) variables.set(name, entry.slice(equals + 1));
  }
  return variables;
}

/** Paths of `/proc/PID/cgroup`, of the unified hierarchy (version 2) first. */
export function parseCgroups(text: string): string[] {
  return text.split('\n').map((line) => /^(\d+):[^:]*:(\/.*)$/.exec(line)).filter((found) => found !== null)
    .sort((one, other) => Number(one[1]) - Number(other[1])).map((found) => found[2] ?? '/');
}

/** Where the unified cgroup hierarchy is mounted, from `/proc/PID/mountinfo`; null where it is not. */
export function parseCgroupMount(text: string): string | null {
  return text.split('\n').find((line) => / - cgroup2 /.test(line))?.split(' ')[4] ?? null;
}

/** Login name and home folder by uid, from `/etc/passwd`; the first line of a uid wins. */
export function parsePasswd(text: string): Map<number, { readonly name: string; readonly home: string }> {
  const users = new Map<number, { name: string; home: string }>();
  for (const line of text.split('\n')) {
    const [name, , uidText, , , home] = line.split(':');
    if (name === undefined || name === '' || uidText === undefined || !/^\d{1,10}$/.test(uidText)) continue;
    const uid = Number(uidText);
    if (!users.has(uid)) users.set(uid, { name, home: home ?? '/' });
  }
  return users;
}

/** Path without the mark that the kernel adds when the file was replaced under a running program (package upgrade). */
export function withoutDeletedMark(link: string): string {
  return link.endsWith(' (deleted)') ? link.slice(0, -' (deleted)'.length) : link;
}
