// kill -9 in the middle of `pinlight uninstall`, in a copy of /etc and a network namespace: run again, it leaves the device exactly as it was before
// Pinlight came; and the next start of each part finds that part whole. Not a test.
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { captureFolder } from '../../native/packet-capture/index.ts';
import { pinlightFile } from '../cli/run-pinlight.ts';
import { makeAuthority, makeNssDatabase } from '../native/support/store-room.ts';
import type { Ran, TwoNetworks } from '../native/support/two-networks.ts';
import { openCaptureStand } from './capture.ts';
import { ended, killRuns, linesOf, sumOf } from './kill-runs.ts';
import type { Dose, KilledCommand, KillRuns } from './kill-runs.ts';
import { differences, roomCopies } from './room-copies.ts';
import { accountCopies, openServiceStand } from './service.ts';

type Answer = { readonly data?: { readonly clean?: boolean | null; readonly steps?: readonly { readonly step: string; readonly left: readonly string[] }[]; readonly recovered?: readonly { readonly left: readonly string[] }[] }; readonly error?: { readonly message: string } };

/** In a network namespace every port is free. */
const port = 18_443;

/** A device with everything on it, taken off and killed as often as the dose says. */
export async function measureUninstall(networks: TwoNetworks, dose: Dose): Promise<KillRuns> {
  const { here, root } = networks;
  const folder = path.join(networks.folder, 'uninstall');
  const [home, state] = ['home', 'state'].map((name) => path.join(folder, name)) as [string, string];
  for (const one of [folder, home, state]) mkdirSync(one, { mode: 0o700 });
  const start = (command: readonly string[], env = {}) => here.start(command, { HOME: home, PINLIGHT_HOME: state, ...env });
  const run = (command: readonly string[], env = {}): Promise<Ran> => ended(start(command, env));
  const room = { folder, home, state, start, run };
  const stand = openServiceStand(room);
  const capture = openCaptureStand({ folder, here });
  const pac = here.start([process.execPath, '-e', `
    require('node:http').createServer((_, answer) => answer.end('function FindProxyForURL(url, host) { return "DIRECT"; }')).listen(${port}, '127.0.0.1', () => console.log('ready'))`]);
  await once(pac.stdout, 'data');
  const pinlight = (...args: readonly string[]): Promise<Ran> => run([process.execPath, pinlightFile, ...args], stand.env);
  const nss = path.join(home, '.pki/nssdb');
  makeNssDatabase(nss);

  // Debian's hook writes Java's keystore anew whenever the system's list changes; an emptied database keeps the room it took.
  const moving = new RegExp(`${accountCopies.source}|^/etc/ssl/certs/java/cacerts$|^${nss}/|^${state}$`);
  const copies = roomCopies(room, ['/etc', '/usr/local/share', home, state, '/var/lib/pinlight', captureFolder, path.join(folder, 'active')], moving);
  // Links that the system's tool would make sooner or later are no doing of ours.
  await run(['update-ca-certificates']);
  await copies.keep('before');
  makeAuthority(state);
  for (const [what, command] of [
    // Without the variables: their bundle stays as long as any process of this machine was started with it, one of another test too.
    ['trust', ['trust', 'install', '--store', 'system', '--store', `nss:${nss}`, '--store', 'browser-policy']],
    ['steering', ['steer', 'on', '--tools', '--port', String(port)]],
  ] as const) {
    const ran = await pinlight(...command);
    if (ran.code !== 0) throw new Error(`${what} does not work here at all: ${ran.stdout}${ran.stderr}`);
  }
  const installed = await stand.run('install');
  if (!JSON.stringify(installed.answer).includes('"done"')) throw new Error(`the service does not work here at all: ${JSON.stringify(installed)}`);
  await run(['sh', '-ec', `mkdir -p /var/lib/pinlight; for f in /var/lib/pinlight/root.key ${state}/pinlight.db ${state}/pinlight.db-wal ${state}/agent.log; do echo x > $f; done`]);
  await capture.run('on', 65_534);
  await copies.keep('installed');

  const journals = [...['steer', 'service', 'trust'].map((name) => path.join(state, `undo/${name}.jsonl`)), path.join(root, captureFolder, 'undo/capture.jsonl')];
  const filesIn = (one: string): number => {
    try {
      return readdirSync(one).length;
    } catch {
      return 0;
    }
  };
  const untilGone = async (): Promise<readonly string[]> => {
    const ran = await pinlight('uninstall', '--yes', '--json');
    const { data, error } = JSON.parse(ran.stdout) as Answer;
    const rules = await here.run(['nft', 'list', 'ruleset']);
    return [
      ...(data?.clean === false || error !== undefined ? [`run again, it leaves ${error?.message ?? (data?.steps ?? []).flatMap(({ step, left }) => left.map((one) => `${step}: ${one}`)).join('; ')}`] : []),
      ...differences(copies.kept('before'), await copies.image()), ...(rules.stdout === '' ? [] : ['rules are left in the kernel']),
    ];
  };
  /** The next start of each part by itself. */
  const eachPart = async (): Promise<readonly string[]> => {
    const answers = await Promise.all([pinlight('steer', 'status', '--json'), pinlight('trust', 'status', '--json')]);
    const service = await stand.run('status');
    const is = Object(service.answer) as { readonly installed?: boolean; readonly running?: boolean };
    const rules = JSON.parse(await capture.run('look')) as { readonly rules: string; readonly left: readonly string[] };
    const left = [...answers.flatMap((ran) => (JSON.parse(ran.stdout) as Answer).data?.recovered ?? []).flatMap((one) => one.left), ...service.left, ...rules.left];
    return [...left.map((one) => `left: ${one}`), ...(is.installed === is.running ? [] : ['the service is there in part'])];
  };
  const command = (name: string, then: () => Promise<readonly string[]>): KilledCommand => ({
    name,
    async prepare() {
      await copies.putBack('installed');
      await capture.run('on', 65_534);
    },
    start: () => start([process.execPath, pinlightFile, 'uninstall', '--yes'], stand.env),
    marks: () => [...journals.map(linesOf), filesIn(state), filesIn(path.join(root, '/var/lib/pinlight'))],
    judge: () => then(),
  });
  // Some seventy steps, of some seconds a run: the second row has every third of them.
  const runs = sumOf([
    await killRuns([command('uninstall, run again', untilGone)], { ...dose, laps: 1 }),
    await killRuns([command('uninstall, each part by itself, run again', async () => [...await eachPart(), ...await untilGone()])], { ...dose, stride: 3 * dose.stride, laps: 1 }),
  ]);
  pac.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  return runs;
}
