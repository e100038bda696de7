// A session of its own for tests: bus, folders and GNOME's keyring, none of them the tester's. Not a product part.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand } from '../../support/find-command.ts';
import { until } from '../../support/tunnel.ts';

/** Which of its programs is missing; null = none. */
export const missingForSession = ['dbus-daemon', 'gnome-keyring-daemon', 'secret-tool', 'busctl'].find((name) => findCommand(name) === null) ?? null;

export type Session = {
  /** What leads a program to this session. */
  readonly env: { readonly HOME: string; readonly DBUS_SESSION_BUS_ADDRESS: string };
  /** What the bus said: which services it started. */
  readonly said: () => string;
  /** The keyring, anew: signed in with the password, or not. What it holds stays. */
  readonly keyring: (state: 'unlocked' | 'locked') => Promise<void>;
  /** The entry of a state folder; '' = none. The keyring must be unlocked. */
  readonly entry: (folder: string) => string;
  readonly end: () => Promise<void>;
};

/** `services`: whether the bus may start what is asked for, as a desktop's does. */
export async function startSession(services: boolean): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-session-'));
  const [home, run, busFile] = [join(folder, 'home'), join(folder, 'run'), join(folder, 'bus')];
  for (const one of [home, run]) mkdirSync(one, { mode: 0o700 });
  writeFileSync(join(folder, 'bare.conf'), `<busconfig><type>session</type><listen>unix:path=${busFile}</listen><policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: run, DBUS_SESSION_BUS_ADDRESS: `unix:path=${busFile}` };
  const bus = spawn('dbus-daemon', [...(services ? ['--session', `--address=unix:path=${busFile}`] : [`--config-file=${join(folder, 'bare.conf')}`]), '--nofork', '--nopidfile', '--print-address=1'], { env });
  let said = '';
  bus.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  await once(bus.stdout, 'data');
  let daemon: ChildProcess | null = null;

  const keyring = async (state: 'unlocked' | 'locked'): Promise<void> => {
    await gone(daemon);
    const started = spawn('gnome-keyring-daemon', ['--foreground', '--components=secrets', ...(state === 'unlocked' ? ['--unlock'] : [])], { env, stdio: ['pipe', 'ignore', 'ignore'] });
    started.stdin.end('password');
    daemon = started;
    const ask = (...args: string[]): string => spawnSync('busctl', ['--user', ...args], { env, encoding: 'utf8' }).stdout.trim();
    // Asked for before it is there, the bus would start a second one.
    await until('the keyring answers', () => ask('call', 'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner', 's', 'org.freedesktop.secrets') === 'b true');
    await until(`the keyring is ${state}`, () => ask('get-property', 'org.freedesktop.secrets', '/org/freedesktop/secrets/aliases/default', 'org.freedesktop.Secret.Collection', 'Locked') === `b ${state === 'locked'}`);
  };
  return {
    env: { HOME: home, DBUS_SESSION_BUS_ADDRESS: env.DBUS_SESSION_BUS_ADDRESS }, said: () => said, keyring,
    entry: (account) => spawnSync('secret-tool', ['lookup', 'service', 'Pinlight root key', 'username', account], { env, encoding: 'utf8' }).stdout,
    end: async () => {
      await gone(daemon);
      await gone(bus);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function gone(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
