// kill -9 in the middle of steering, again and again: the next start has to leave the device exactly as it was or exactly as asked.
// A person's settings (gsettings' keyfile, kioslaverc, a drop-in) in a home of its own without rights; root's (browsers' policies, drop-ins) in a
// copy of /etc. `pinlight steer` puts on and off, the watchdog's verbs put back and on again. Not a test.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pinlightFile } from '../cli/run-pinlight.ts';
import type { Ran, StoreRoom } from '../native/support/store-room.ts';
import { repository } from '../support/agent.ts';
import { portOf } from '../support/port-of.ts';
import { ended, killAfter, killRuns, linesOf } from './kill-runs.ts';
import type { Dose, KilledCommand, KillRuns } from './kill-runs.ts';
import { differences, roomCopies } from './room-copies.ts';
import type { Image } from './room-copies.ts';

/** Where somebody steers: how commands run there, what they write, and the settings they are told to change. */
type Place = Pick<StoreRoom, 'folder' | 'run' | 'state'> & {
  /** Starts Node with these arguments as whoever steers. */
  start(args: readonly string[]): ChildProcess;
  readonly settings: readonly string[];
  readonly writes: readonly string[];
  /** Files of a tool's own, whose values `values` tells. */
  readonly moving: readonly string[];
  values(): Promise<string>;
};

const nobody = 65_534;
/** About half of the longer commands' steps; shorter ones are cut earlier. */
const middle = 9;

/** A person's settings on the desktop and in the sessions. */
export async function measureDesktop(dose: Dose): Promise<KillRuns> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pinlight-steer-'));
  const at = (name: string): string => path.join(folder, name);
  for (const name of ['home', 'state']) mkdirSync(at(name), { mode: 0o700 });
  mkdirSync(at('home/.config'));
  writeFileSync(at('home/.config/kioslaverc'), '[Other]\nkey=value\n\n[Proxy Settings]\nProxyType=0\nNoProxyFor=corp.example\n');
  // Root's own changes are the machine's; these shall be a person's.
  const person = process.geteuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  if (person.uid !== undefined) for (const name of ['', 'home', 'state', 'home/.config', 'home/.config/kioslaverc']) chownSync(at(name), person.uid, person.gid);
  const env = { PATH: '/usr/bin:/bin', HOME: at('home'), PINLIGHT_HOME: at('state'), GSETTINGS_BACKEND: 'keyfile', XDG_CURRENT_DESKTOP: 'GNOME', TZ: 'UTC' };
  const run = async ([file = '', ...args]: readonly string[], as = {}): Promise<Ran> => ended(spawn(file, args, { env, cwd: '/', ...as }));
  try {
    return await runsOf({
      folder, state: at('state'), settings: ['desktop', 'environment'], writes: [at('home'), at('state')], moving: [at('home/.config/glib-2.0')], run: (command) => run(command),
      start: (args) => spawn(process.execPath, args, { env, cwd: '/', ...person }),
      values: async () => (await run(['sh', '-c', 'command -v gsettings > /dev/null && gsettings list-recursively org.gnome.system.proxy'], person)).stdout,
    }, dose);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Root's settings of the machine: the policies of four browsers, one of which an organisation manages as well, and the drop-ins of all sessions. */
export async function measureMachine(room: StoreRoom, dose: Dose): Promise<KillRuns> {
  const state = path.join(room.folder, 'steer-state');
  mkdirSync(state, { mode: 0o700 });
  await room.run(['sh', '-ec', `mkdir -p /etc/chromium /etc/opt/chrome/policies/managed /etc/opt/edge /etc/brave; echo '{"HomepageLocation":"https://corp.example/"}' > /etc/opt/chrome/policies/managed/corp.json`]);
  return runsOf({
    folder: room.folder, state, run: room.run, settings: ['browser-policy', 'environment'], writes: ['/etc', state], moving: [], values: () => Promise.resolve(''),
    start: (args) => room.start([process.execPath, ...args], { PINLIGHT_HOME: state }),
  }, dose);
}

async function runsOf(place: Place, dose: Dose): Promise<KillRuns> {
  const server = createServer((_request, response) => response.end('function FindProxyForURL(url, host) { return "DIRECT"; }'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const port = String(portOf(server));
  const driver = path.join(place.folder, 'steer-driver.ts');
  writeFileSync(driver, `
import { openSteering } from '${repository}native/system-proxy/steering.ts';
const [verb, port, ...only] = process.argv.slice(2);
const opened = await openSteering({ stateFolder: process.env.PINLIGHT_HOME, home: process.env.HOME, env: process.env, only, now: Date.now, waitMs: 5000 });
if (opened.kind !== 'steering') throw new Error(opened.why);
const { steering } = opened;
if (verb === 'suspend') await steering.suspend();
if (verb === 'resume') await steering.resume(Number(port));
console.log(JSON.stringify(steering.recovered.flatMap(({ left }) => left)));
steering.close();
`);
  // The folder of what was there before stays, empty.
  const moving = [...[...place.moving, path.join(place.state, 'undo')].map((one) => `^${one}(?:/|$)`), `^${path.join(place.state, 'steer')}$`];
  const copies = roomCopies(place, place.writes, new RegExp(moving.join('|')));
  const device = async (): Promise<Image> => new Map([...await copies.image(), ['values of settings', await place.values()]]);
  const only = place.settings.flatMap((name) => ['--setting', name]);
  const driven = (verb: string): readonly string[] => [driver, verb, port, ...place.settings];
  const told = (...args: readonly string[]): readonly string[] => [pinlightFile, 'steer', ...args, ...only];
  const verbs = [
    { name: 'steer on', from: 'off', to: 'on', args: told('on', '--port', port) },
    { name: 'steer on, otherwise', from: 'on', to: 'again', args: told('on', '--tools', '--quic-off', '--port', port) },
    { name: 'steer off', from: 'again', to: 'off', args: told('off') },
    { name: 'put back by the watchdog', from: 'on', to: 'suspended', args: driven('suspend') },
    { name: 'steered again by the watchdog', from: 'suspended', to: 'resumed', args: driven('resume') },
    { name: 'steer off, put back already', from: 'suspended', to: 'off', args: told('off') },
  ] as const;
  const images = new Map<string, Image>();
  const imageOf = (name: string): Image => images.get(name) ?? new Map();
  const commandOf = ({ name, from, to, args }: (typeof verbs)[number]): KilledCommand => ({
    name,
    prepare: () => copies.putBack(from),
    start: () => place.start(args),
    marks: () => [linesOf(path.join(place.state, 'undo/steer.jsonl'))],
    async judge(killed) {
      const next = await ended(place.start(driven('look')));
      const left = next.code === 0 ? JSON.parse(next.stdout) as readonly string[] : [`the next start failed: ${next.stderr}`];
      const is = await device();
      const wrong = differences(imageOf(to), is);
      const unchanged = killed ? differences(imageOf(from), is) : wrong;
      return [...left.map((one) => `left: ${one}`), ...(wrong.length === 0 ? [] : unchanged)];
    },
  });
  /** The next start, killed as well: what it has to put right is kept from a run that was cut in the middle. Null: it takes no step. */
  const nextStartAfter = async (verb: (typeof verbs)[number]): Promise<KilledCommand | null> => {
    const [command, cut] = [commandOf(verb), `cut ${verb.name}`];
    let [end, after]: [Awaited<ReturnType<typeof killAfter>>, number] = ['ended', middle];
    for (let tries = 0; end !== 'killed'; tries += 1) {
      if (after === 0) return null;
      if (tries === 20) throw new Error(`${verb.name} could not be cut in the middle`);
      await command.prepare();
      end = await killAfter(command, after, 0);
      after = end === 'ended' ? after >> 1 : Math.max(1, after - 1);
    }
    await copies.keep(cut);
    return {
      ...command, marks: null, name: `next start after "${verb.name}"`,
      prepare: () => copies.putBack(cut),
      start: () => place.start(driven('look')),
      judge: () => command.judge(true),
    };
  };
  try {
    await copies.keep('off');
    images.set('off', await device());
    const details: string[] = [];
    for (const { name, from, to, args } of verbs) {
      await copies.putBack(from);
      const ran = await ended(place.start(args));
      const is = await device();
      // Commands that did nothing would make every run a good one.
      if (ran.code !== 0 || (from === 'off' && differences(imageOf('off'), is).length === 0)) throw new Error(`${name} does not work here at all: ${ran.stdout}${ran.stderr}`);
      if (to === 'off') details.push(...differences(imageOf('off'), is).map((one) => `${name}, not killed: ${one}`));
      else {
        await copies.keep(to);
        images.set(to, is);
      }
    }
    const commands = verbs.map(commandOf);
    for (const verb of verbs) commands.push(...[await nextStartAfter(verb)].filter((command) => command !== null));
    const runs = await killRuns(commands, dose);
    await copies.putBack('off');
    return { ...runs, details: [...details, ...runs.details], bad: runs.bad + details.length };
  } finally {
    server.close();
  }
}
