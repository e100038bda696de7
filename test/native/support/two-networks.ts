// Two network namespaces with a cable between them: `here` for an agent, its users and real nftables rules, `there` for servers.
// This machine keeps its own network and rules. Not a test.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { bareEnv } from './clients.ts';

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
export type Side = {
  start(command: readonly string[], env?: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams;
  /** Ends what takes longer than 20 s. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
};

export type TwoNetworks = {
  readonly folder: string;
  /** Addresses 10.77.0.1 and fd77::1; /run is its own, with `run/pinlight` leading to `agentRun`, /etc, /usr/local/share and /var/lib are copies. */
  readonly here: Side;
  /** Where files of `here` stand for this process. */
  readonly root: string;
  /** 10.77.0.2 and fd77::2. */
  readonly there: Side;
  readonly agentRun: string;
  close(): void;
};

/** Null, and one line that says why, where there are no rights or tools for it. */
export async function openTwoNetworks(): Promise<TwoNetworks | null> {
  const why = process.platform !== 'linux' || process.geteuid?.() !== 0 ? 'they need Linux and root, for network namespaces of their own'
    : ['nft', 'ip', 'unshare', 'nsenter', 'setpriv', 'curl'].filter((tool) => spawnSync('which', [tool], { env: { PATH: systemPath } }).status !== 0).map((tool) => `${tool} is not installed`)[0] ?? null;
  if (why !== null) {
    console.log(`skipped: tests of redirected connections: ${why}`);
    return null;
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'networks-'));
  chmodSync(folder, 0o755);
  const agentRun = path.join(folder, 'agent/run');
  mkdirSync(path.join(folder, 'agent'), { mode: 0o755 });
  const [near, far] = [await hold(['-n', '-m'], `
    mount -t tmpfs -o mode=755 tmpfs /run; ln -s "${agentRun}" /run/pinlight
    for d in etc usr/local/share var/lib; do
      mkdir -p /run/layers/$d/up /run/layers/$d/work; chmod 755 /run/layers/$d/up
      mount -t overlay overlay -o "lowerdir=/$d,upperdir=/run/layers/$d/up,workdir=/run/layers/$d/work" /$d
    done`), await hold(['-n'], '')];
  if (near.exitCode !== null || far.exitCode !== null) {
    console.log('skipped: tests of redirected connections: no network or mount namespace of their own here');
    for (const one of [near, far]) one.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  const pid = String(far.pid);
  const here = side(near, ['-n', '-m']);
  const there = side(far, ['-n']);
  const wired = await here.run(['sh', '-ec', `
    ip link set lo up; ip link add pl0 type veth peer name pl1; ip link set pl1 netns ${pid}
    ip addr add 10.77.0.1/24 dev pl0; ip addr add fd77::1/64 dev pl0 nodad; ip link set pl0 up; nft list ruleset`]);
  const plugged = await there.run(['sh', '-ec', 'ip link set lo up; ip addr add 10.77.0.2/24 dev pl1; ip addr add fd77::2/64 dev pl1 nodad; ip link set pl1 up']);
  const close = (): void => {
    near.kill('SIGKILL');
    far.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  if (wired.code !== 0 || plugged.code !== 0) {
    console.log(`skipped: tests of redirected connections: ${(wired.stderr + plugged.stderr).trim().split('\n')[0] ?? ''}`);
    close();
    return null;
  }
  return { folder, here, root: `/proc/${near.pid}/root`, there, agentRun, close };
}

const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

async function hold(flags: readonly string[], shell: string): Promise<ChildProcessWithoutNullStreams> {
  const holder = spawn('unshare', [...flags, 'sh', '-ec', `${shell}\necho ready; exec cat`]);
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  return holder;
}

function side(holder: ChildProcessWithoutNullStreams, flags: readonly string[]): Side {
  const start: Side['start'] = (command, env = {}) => spawn('nsenter', ['-t', String(holder.pid), ...flags, ...command], { cwd: '/', env: { ...bareEnv, PATH: systemPath, ...env } });
  return {
    start,
    run: (command, env) => endOf(start(['timeout', '20', ...command], env)),
  };
}

/** What becomes of a child that gets no input. */
export async function endOf(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  child.stdin.end();
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  return { code, stdout, stderr };
}
