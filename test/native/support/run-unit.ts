// What systemd does with the Exec lines of a service's unit, as far as ours goes (systemd.service(5)): no systemd runs on a build machine.
// Not a test, and not a check of the unit's other lines.
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { endOf, type Side } from './two-networks.ts';

export type RunningUnit = {
  /** As `systemctl is-active` says. */
  state(): 'activating' | 'active' | 'deactivating' | 'inactive' | 'failed';
  /** Process id of what ExecStart started last. */
  mainPid(): number;
  /** As `systemctl stop`; resolves when it is inactive. */
  stop(): Promise<void>;
  /** kill -9 of everything at once, with nothing run after it: the power went off. */
  cutPower(): Promise<void>;
  /** Resolves when it is inactive or failed. */
  readonly ended: Promise<void>;
};

/** `asService`: the command with the account and rights of the unit; ExecStartPre and the like run as root. */
export function runUnit(unit: string, side: Side, asService: (command: readonly string[]) => readonly string[]): RunningUnit {
  const commands = (name: string): readonly (readonly string[])[] => [...unit.matchAll(new RegExp(`^${name}=(?:-\\+)?(.+)$`, 'gm'))].map((found) => (found[1] ?? '').split(' '));
  const spared = Number(/^RestartPreventExitStatus=(\d+)$/m.exec(unit)?.[1]);
  const pause = 1000 * Number(/^RestartSec=(\d+)$/m.exec(unit)?.[1]);
  let power = true;
  /** What runs before and after ExecStart, while it runs. */
  const around = new Set<ChildProcessWithoutNullStreams>();
  // As systemd gives to commands with `+` in a unit with User=: the home is that account's.
  const asRoot = async (name: string): Promise<void> => {
    for (const command of power ? commands(name) : []) {
      const child = side.start(['setsid', 'timeout', '20', ...command], { HOME: '/var/lib/pinlight' });
      around.add(child);
      const { code, stdout, stderr } = await endOf(child);
      around.delete(child);
      if (code !== 0 && power) process.stderr.write(`${name}: ${stdout}${stderr}`);
    }
  };
  let state: ReturnType<RunningUnit['state']> = 'activating';
  let main: ChildProcessWithoutNullStreams | null = null;
  const stopping = new AbortController();

  async function runOnce(): Promise<number | null> {
    state = 'activating';
    await asRoot('ExecStartPre');
    if (!power || stopping.signal.aborted) return null;
    const child = side.start(['setsid', ...asService(commands('ExecStart')[0] ?? [])], { HOME: '/var/lib/pinlight' });
    main = child;
    child.stdin.end();
    child.stdout.resume();
    child.stderr.pipe(process.stderr);
    const exit = once(child, 'exit') as Promise<[number | null]>;
    const posted = asRoot('ExecStartPost').then(() => {
      if (state === 'activating') state = 'active';
    });
    stopping.signal.addEventListener('abort', () => {
      state = 'deactivating';
      child.kill('SIGTERM');
    }, { once: true });
    const [code] = await exit;
    // KillMode=mixed: what the main process leaves behind.
    killAll(child);
    if (!power) return null;
    await posted;
    await asRoot('ExecStopPost');
    return code;
  }

  async function run(): Promise<void> {
    for (;;) {
      const code = await runOnce();
      if (!power || stopping.signal.aborted || code === 0 || code === spared) {
        state = code === spared ? 'failed' : 'inactive';
        return;
      }
      state = 'activating';
      await delay(pause);
    }
  }

  const ended = run();
  return {
    state: () => state,
    mainPid: () => main?.pid ?? 0,
    ended,
    stop: () => {
      stopping.abort();
      return ended;
    },
    cutPower: async () => {
      power = false;
      const group = main?.pid;
      for (const child of [...around, ...(main === null ? [] : [main])]) killAll(child);
      await ended;
      if (group !== undefined) await goneWithin(5_000, group);
    },
  };
}

/** The agent dies a moment after its watchdog, and until then its port still takes a connection. Throws if the group outlives the time. */
async function goneWithin(ms: number, group: number): Promise<void> {
  const end = performance.now() + ms;
  while (isAlive(group)) {
    if (performance.now() > end) throw new Error('something of the unit lives on without power');
    await delay(10);
  }
}

/** Whether any process of the group is left. */
function isAlive(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

function killAll(child: ChildProcessWithoutNullStreams): void {
  // Itself as well: it may be too young to have a group of its own.
  child.kill('SIGKILL');
  try {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}
