// kill -9 in the middle of installing and removing the service, in a copy of /etc: the next start finds it there and running, or not there at all.
// `systemctl` is a stand-in for the running of units, because no systemd runs on a build machine; links, useradd and systemd-creds are real. Not a test.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { StoreRoom } from '../native/support/store-room.ts';
import { repository } from '../support/agent.ts';
import { killRuns, linesOf } from './kill-runs.ts';
import type { Dose, KillRuns } from './kill-runs.ts';
import { differences, roomCopies } from './room-copies.ts';

type Room = Pick<StoreRoom, 'folder' | 'home' | 'state' | 'run' | 'start'>;

export type ServiceStand = {
  /** With the stand-in before the system's own tools. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder of the stand-in. */
  readonly bin: string;
  /** The folder of a program as a package installs it. */
  readonly install: string;
  /** What was asked of systemctl, line by line. */
  readonly said: string;
  /** While this file is there, no unit comes up. */
  readonly broken: string;
  /** The command line that opens the service and calls this verb of it, for the program in this folder. */
  command(verb: string, folder?: string): readonly string[];
  run(verb: string, folder?: string): Promise<{ readonly left: readonly string[]; readonly answer: unknown; readonly errors: string }>;
};

export const serviceUnit = '/etc/systemd/system/pinlight.service';
const credential = '/etc/credstore.encrypted/pinlight-root';
/** useradd's own copies, and its lock. */
export const accountCopies = /^\/etc\/(?:\.pwd\.lock|(?:passwd|group|shadow|gshadow|subuid|subgid)-)$/;

/** Puts the stand-in and a program to be a service into the room. */
export function openServiceStand(room: Room): ServiceStand {
  const [bin, install, said, active, broken] = ['bin', 'opt', 'systemctl.log', 'active', 'broken'].map((name) => path.join(room.folder, name)) as [string, string, string, string, string];
  const driver = path.join(room.folder, 'service-driver.ts');
  // 0755 and root's, on a way that is root's: as a package installs it.
  for (const folder of [room.folder, bin, install]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
  }
  for (const name of ['node', 'watchdog.mjs', 'pinlight.mjs']) writeFileSync(path.join(install, name), '', { mode: 0o755 });
  writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh
echo "$*" >> ${said}
links() { [ ! -x /usr/bin/systemctl ] || /usr/bin/systemctl --root=/ --quiet "$1" pinlight.service; }
case "$1" in
  enable) [ -e ${serviceUnit} ] && links enable && touch ${active} ;;
  disable) rm -f ${active}; [ ! -e ${serviceUnit} ] || links disable ;;
  is-active) if [ -e ${active} ] && [ ! -e ${broken} ]; then echo active; else echo inactive; exit 3; fi ;;
esac
`, { mode: 0o755 });
  writeFileSync(driver, `
import { openService } from '${repository}native/service/index.ts';
const [verb, folder] = process.argv.slice(2);
const program = { file: folder + '/node', args: [folder + '/watchdog.mjs', '--service'], folder, cli: folder + '/pinlight.mjs' };
const opened = await openService({ stateFolder: process.env.PINLIGHT_HOME, home: process.env.HOME, env: process.env, programs: { machine: program, user: program }, now: Date.now });
if (opened.kind !== 'service') throw new Error(opened.why);
const { service } = opened;
console.log(JSON.stringify({ left: service.left, answer: await service[verb]() }));
service.close();
`);
  const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`, PINLIGHT_HOME: room.state, HOME: room.home };
  const command: ServiceStand['command'] = (verb, folder = install) => [process.execPath, driver, verb, folder];
  return {
    env, bin, install, said, broken, command,
    async run(verb, folder) {
      const ran = await room.run(command(verb, folder), env);
      if (ran.stdout === '') throw new Error(`the service's driver said nothing for ${verb}: ${ran.stderr}`);
      return { ...JSON.parse(ran.stdout) as { readonly left: readonly string[]; readonly answer: unknown }, errors: ran.stderr };
    },
  };
}

/** Installs and removes, killed as often as the dose says. */
export async function measureService(room: Room, dose: Dose): Promise<KillRuns> {
  const stand = openServiceStand(room);
  // The sealed key is another one each time, and stays at a removal.
  const copies = roomCopies(room, ['/etc', room.state, path.join(room.folder, 'active')], new RegExp(`${accountCopies.source}|^${credential}$|^${room.state}/`));
  const keep = async (name: string, verb: string): Promise<void> => {
    const { answer } = await stand.run(verb);
    if (!(Object(answer) as { kind?: string }).kind?.startsWith('done')) throw new Error(`the service's ${verb} does not work here at all: ${JSON.stringify(answer)}`);
    await copies.keep(name);
  };
  await copies.keep('untouched');
  await keep('installed', 'install');
  await keep('removed', 'remove');
  const command = (verb: 'install' | 'remove', from: string, to: string) => ({
    name: `service ${verb}, from ${from}`,
    prepare: () => copies.putBack(from),
    start: () => room.start(stand.command(verb), stand.env),
    marks: () => [linesOf(path.join(room.state, 'undo/service.jsonl'))],
    judge: async (killed: boolean) => {
      const { left } = await stand.run('status');
      const is = await copies.image();
      const wrong = differences(copies.kept(to), is);
      const unchanged = killed ? differences(copies.kept(from), is) : wrong;
      return [...left.map((one) => `left: ${one}`), ...(wrong.length === 0 ? [] : unchanged)];
    },
  });
  const runs = await killRuns([command('install', 'untouched', 'installed'), command('install', 'removed', 'installed'), command('remove', 'installed', 'removed')], dose);
  await copies.putBack('untouched');
  return runs;
}
