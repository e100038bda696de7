// kill -9 in the middle of changing captured connections' rules, real nftables in a network namespace: the next start finds them as before or as asked.
// Beside these runs, `pinlight capture` with an agent and with a slow nft: test/native/packet-capture. Not a test.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { captureFolder } from '../../native/packet-capture/index.ts';
import type { TwoNetworks } from '../native/support/two-networks.ts';
import { repository } from '../support/agent.ts';
import { ended, killRuns, linesOf } from './kill-runs.ts';
import type { Dose, KilledCommand, KillRuns } from './kill-runs.ts';

export type CaptureStand = {
  /** The command line that opens capture and calls this verb of it: `on` for a user, `off`, `release`, or `look`, which changes nothing. */
  command(verb: string, uid?: number): readonly string[];
  /** Runs it, and answers with what holds then; throws its words when it failed. */
  run(verb: string, uid?: number): Promise<string>;
};

/** Puts the driver into the folder of the namespaces. */
export function openCaptureStand({ folder, here }: Pick<TwoNetworks, 'folder' | 'here'>): CaptureStand {
  const driver = path.join(folder, 'capture-driver.ts');
  writeFileSync(driver, `
import { openCapture, readWantedCapture } from '${repository}native/packet-capture/index.ts';
const [verb, uid] = process.argv.slice(2);
const opened = await openCapture({ env: process.env, now: Date.now });
if (opened.kind !== 'capture') throw new Error(opened.why);
const { capture } = opened;
const settings = { uids: [Number(uid)], gids: [], ports: [443], listenerPort: 18444, agentUid: 64001 };
const result = verb === 'on' ? await capture.install({ settings, failMode: 'open' }, true) : verb === 'off' ? await capture.uninstall() : verb === 'release' ? await capture.release() : { kind: 'done' };
if (result.kind !== 'done') throw new Error(result.why);
const state = await capture.check();
console.log(JSON.stringify({ rules: state.kind, uids: state.settings?.uids ?? [], wanted: readWantedCapture()?.settings.uids ?? [], left: capture.recovered.flatMap(({ left }) => left) }));
capture.close();
`);
  const command: CaptureStand['command'] = (verb, uid = 0) => [process.execPath, driver, verb, String(uid)];
  return {
    command,
    async run(verb, uid) {
      const ran = await ended(here.start(command(verb, uid)));
      if (ran.code !== 0) throw new Error(`capture ${verb} failed: ${ran.stderr}`);
      return ran.stdout.trim();
    },
  };
}

/** Rules put in, changed, let go and taken away, killed as often as the dose says. */
export async function measureCapture(networks: TwoNetworks, dose: Dose): Promise<KillRuns> {
  const { here, root } = networks;
  const stand = openCaptureStand(networks);
  const before = async (steps: readonly (readonly [string, number?])[]): Promise<string> => {
    let state = await stand.run('off');
    for (const [verb, uid] of steps) state = await stand.run(verb, uid);
    return state;
  };
  const command = async (name: string, from: readonly (readonly [string, number?])[], verb: string, uid?: number): Promise<KilledCommand> => {
    const was = await before(from);
    const asked = await stand.run(verb, uid);
    return {
      name,
      prepare: async () => void await before(from),
      start: () => here.start(stand.command(verb, uid)),
      marks: () => [linesOf(path.join(root, captureFolder, 'undo/capture.jsonl'))],
      async judge(killed) {
        const is = await stand.run('look').catch(String);
        return is === asked || (killed && is === was) ? [] : [is];
      },
    };
  };
  const commands = [
    await command('capture on', [], 'on', 65_534), await command('capture on, for another user', [['on', 65_534]], 'on', 1),
    await command('capture off', [['on', 65_534]], 'off'), await command('capture released', [['on', 65_534]], 'release'),
    await command('capture resumed', [['on', 65_534], ['release']], 'on', 65_534),
  ];
  const runs = await killRuns(commands, dose);
  await stand.run('off');
  rmSync(path.join(root, captureFolder), { recursive: true, force: true });
  return runs;
}
