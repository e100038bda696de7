// Pinlight as a systemd service: the machine's, with an account of its own, for root; else a unit of the person's own manager.
// Not for the text of the units (systemd-unit.ts).
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { configFolder } from '../config-folder.ts';
import { credentialName } from '../secret-store/linux.ts';
import { trouble } from '../trust-store/run-tool.ts';
import type { ToolResult, ToolRunner } from '../trust-store/run-tool.ts';
import { writeBlocked } from '../trust-store/trust-store.ts';
import { dropFolders } from '../undo-journal/durable-file.ts';
import type { Change } from '../undo-journal/index.ts';
import { unsafeFolder, unsafeProgram } from './program-safety.ts';
import type { ServiceManager, ServiceProgram } from './service.ts';
import { account, bootServiceName, bootUnit, credentialFile, releasesCapture, serviceName, systemUnit, userUnit } from './systemd-unit.ts';

const machineUnit = `/etc/systemd/system/${serviceName}`;
/** Enabled and disabled with the other one (`Also=`). */
const machineBootUnit = `/etc/systemd/system/${bootServiceName}`;
/** Of folders that a journaled write makes. */
const madeMode = 0o755;
/** Stopping waits for open connections: TimeoutStopSec of the unit and some more. */
const stopMs = 40_000;

export type SystemdOptions = { readonly machine: boolean; readonly home: string; readonly env: NodeJS.ProcessEnv; readonly tools: ToolRunner; readonly program: ServiceProgram };

export function systemdService({ machine, home, env, tools, program }: SystemdOptions): ServiceManager {
  const unit = machine ? machineUnit : path.join(configFolder(env, home), 'systemd/user', serviceName);
  // A user's manager is found through its bus, and the runner passes no more of the environment than is named.
  const session = Object.fromEntries(['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const systemctl = (...args: readonly string[]): Promise<ToolResult> => tools.run('systemctl', machine ? args : ['--user', ...args], { timeoutMs: stopMs, env: session });

  return {
    name: machine ? 'systemd' : 'systemd (user)', unit,
    blocked(verb) {
      if (tools.find('systemctl') === null) return { why: 'systemd does not run this system; start the agent by your own means', rights: false };
      // Who could change the program is no reason to keep what runs it.
      const unsafe = machine && verb === 'install' ? unsafeProgram([program.file, ...program.args.filter((one) => path.isAbsolute(one)), program.cli]) ?? unsafeFolder(program.folder) : null;
      if (unsafe !== null) return { why: unsafe, rights: false };
      return writeBlocked(unit);
    },
    async check() {
      if (!existsSync(unit)) return { installed: false, running: false, detail: 'not installed' };
      const active = await systemctl('is-active', serviceName);
      const state = active.kind === 'ended' && active.output.trim() !== '' ? active.output.trim() : trouble('systemctl', active) ?? 'unknown';
      return { installed: true, running: state === 'active', detail: `${state}, ${unit}` };
    },
    async install(change) {
      if (machine) await makeAccount(change);
      const sealed = machine && await makeCredential(change);
      change.step('reload', {});
      if (machine) change.write(machineBootUnit, Buffer.from(bootUnit(program)));
      change.write(unit, Buffer.from(machine ? systemUnit(program, sealed) : userUnit(program)));
      must(await systemctl('daemon-reload'));
      change.step('enable', {});
      must(await systemctl('enable', '--now', serviceName));
      // A unit that ran already goes on with what it was started with.
      must(await systemctl('restart', serviceName));
    },
    async remove(change) {
      change.step('reload', {});
      change.step('disable', {});
      must(await systemctl('disable', '--now', serviceName));
      change.write(unit, null);
      if (machine) change.write(machineBootUnit, null);
      must(await systemctl('daemon-reload'));
      // What failed once is shown as a failed unit until it is told otherwise; there may be nothing to tell.
      await systemctl('reset-failed', serviceName);
    },
    async undoStep(name) {
      if (name === 'account') return must(await dropAccount(), 'userdel');
      // Of a unit that was never written there is nothing to stop.
      if (name === 'enable') await systemctl('disable', '--now', serviceName);
      else must(await systemctl('daemon-reload'));
      if (name === 'disable') must(await systemctl('enable', '--now', serviceName));
    },
    async forget() {
      if (!machine) return [];
      rmSync(credentialFile, { force: true });
      const folder = path.dirname(credentialFile);
      // systemd's own is 0700, and stays.
      if (existsSync(folder) && (statSync(folder).mode & 0o777) === madeMode) dropFolders([folder]);
      const why = trouble('userdel', await dropAccount());
      return why === null ? [] : [`the account ${account} (${why})`];
    },
  };

  async function makeAccount(change: Change): Promise<void> {
    if (hasAccount()) return;
    change.step('account', {});
    must(await tools.run('useradd', ['--system', '--user-group', '--no-create-home', '--home-dir', '/var/lib/pinlight', '--shell', '/usr/sbin/nologin', account]), 'useradd');
  }

  async function dropAccount(): Promise<ToolResult> {
    return hasAccount() ? await tools.run('userdel', [account]) : { kind: 'ended', code: 0, output: '', errors: '' };
  }

  /** False where systemd seals nothing (before version 250): file modes protect the key then, and the agent says so. */
  async function makeCredential(change: Change): Promise<boolean> {
    if (existsSync(credentialFile)) return true;
    const sealed = await tools.run('systemd-creds', ['encrypt', `--name=${credentialName}`, '-', '-'], { input: randomBytes(32).toString('hex') });
    if (sealed.kind !== 'ended' || sealed.code !== 0) return false;
    change.write(credentialFile, Buffer.from(sealed.output), 0o600);
    return true;
  }
}

/** Whether the machine's service is there and takes captured connections back when its agent is away. */
export function unitReleasesCapture(): boolean {
  return existsSync(machineUnit) && releasesCapture(readFileSync(machineUnit, 'utf8'));
}

function hasAccount(): boolean {
  return readFileSync('/etc/passwd', 'utf8').split('\n').some((line) => line.startsWith(`${account}:`));
}

function must(result: ToolResult, tool = 'systemctl'): void {
  const why = trouble(tool, result);
  if (why !== null) throw new Error(why);
}
