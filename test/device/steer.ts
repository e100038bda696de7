// kill -9 in the middle of `pinlight steer`, again and again: the next start has to leave the device exactly as it was or exactly as asked.
// Real desktop settings (gsettings' keyfile, kioslaverc, a drop-in) in a home of its own, as a user without rights. Not a test.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { openSteering } from '../../native/system-proxy/steering.ts';
import type { Steering } from '../../native/system-proxy/steering.ts';
import { pinlightFile } from '../cli/run-pinlight.ts';
import { findCommand } from '../support/find-command.ts';
import { portOf } from '../support/port-of.ts';

/**
 * `killed`: runs that a kill -9 ended; the others ended by themselves before it. `bad`: runs after which a setting was neither as before nor as
 * asked; `details` says which. `steps`: the most journal lines after which one was killed.
 */
export type SteeringRuns = { readonly runs: number; readonly killed: number; readonly bad: number; readonly details: readonly string[]; readonly steps: number };

/** One run in some twenty ends by itself: the one after its last line. */
const mostRunsPerKill = 2;

const self = fileURLToPath(import.meta.url);
const nobody = 65_534;
if (process.argv[1] === self) console.log(JSON.stringify(await killRuns(process.argv[2] ?? '', Number(process.argv[3]))));

/**
 * Runs `pinlight steer on`, `on` again and `off` in turn, each killed one journal line later than its last one was, until `kills` of them were
 * killed; gives up after twice as many runs, with fewer in `killed`.
 */
export async function measureSteering(kills: number): Promise<SteeringRuns> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pinlight-steer-'));
  try {
    for (const name of ['home', 'state']) mkdirSync(path.join(folder, name), { mode: 0o700 });
    mkdirSync(path.join(folder, 'home/.config'));
    writeFileSync(path.join(folder, 'home/.config/kioslaverc'), '[Other]\nkey=value\n\n[Proxy Settings]\nProxyType=0\nNoProxyFor=corp.example\n');
    // Root's own changes are the machine's; these shall be a person's.
    const root = process.geteuid?.() === 0;
    if (root) for (const name of ['', 'home', 'state', 'home/.config', 'home/.config/kioslaverc']) chownSync(path.join(folder, name), nobody, nobody);
    const child = spawn(process.execPath, [self, folder, String(kills)], { ...(root ? { uid: nobody, gid: nobody } : {}), cwd: '/', env: environmentOf(folder), stdio: ['ignore', 'pipe', 'inherit'] });
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
    if (code !== 0) throw new Error(`the runs ended with ${code}`);
    return JSON.parse(out) as SteeringRuns;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function environmentOf(folder: string): Record<string, string> {
  return { PATH: '/usr/bin:/bin', HOME: path.join(folder, 'home'), PINLIGHT_HOME: path.join(folder, 'state'), GSETTINGS_BACKEND: 'keyfile', XDG_CURRENT_DESKTOP: 'GNOME', TZ: 'UTC' };
}

async function killRuns(folder: string, kills: number): Promise<SteeringRuns> {
  const [env, state] = [environmentOf(folder), path.join(folder, 'state')];
  const server = createServer((_request, response) => response.end('function FindProxyForURL(url, host) { return "DIRECT"; }'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const only = ['desktop', 'environment'].flatMap((kind) => ['--setting', kind]);
  const port = portOf(server);
  const lines = { on: ['steer', 'on', '--port', String(port), ...only], again: ['steer', 'on', '--tools', '--port', String(port), ...only], off: ['steer', 'off', ...only] } as const;
  const details: string[] = [];
  let [runs, killed, bad, steps] = [0, 0, 0, 0];

  const withSteering = async (use: (steering: Steering) => Promise<unknown>): Promise<readonly string[]> => {
    const opened = await openSteering({ stateFolder: state, home: env['HOME'] ?? '', env, only: ['desktop', 'environment'], now: Date.now, waitMs: 5_000 });
    if (opened.kind !== 'steering') throw new Error(opened.why);
    try {
      await use(opened.steering);
      return opened.steering.recovered.flatMap(({ left }) => left);
    } finally {
      opened.steering.close();
    }
  };
  const asked = async (verb: keyof typeof lines): Promise<string> => {
    await withSteering((steering) => (verb === 'off' ? steering.off() : steering.on({ port, failMode: 'open', tools: verb === 'again', quicOff: [], browsersByPolicy: false, chained: false })));
    return deviceOf(folder, env);
  };

  const untouched = deviceOf(folder, env);
  const images = { off: untouched, on: await asked('on'), again: await asked('again') };
  // Commands that did nothing would make every run a good one.
  if (new Set(Object.values(images)).size !== 3) throw new Error(`steering does not work here at all:\n${JSON.stringify(images, null, 2)}`);
  if (await asked('off') !== untouched) details.push('not killed: off did not put everything back');
  const round = [{ verb: 'on', from: 'off' }, { verb: 'again', from: 'on' }, { verb: 'off', from: 'again' }] as const;
  const after = { on: 0, again: 0, off: 0 };
  for (; killed < kills && runs < mostRunsPerKill * kills; runs += 1) {
    const { verb, from } = round[runs % round.length] ?? round[0];
    if (deviceOf(folder, env) !== images[from]) await asked(from);
    after[verb] += 1;
    const wasKilled = await killAfter(lines[verb], env, path.join(state, 'undo/steer.jsonl'), after[verb]);
    const left = await withSteering(async () => undefined);
    const is = deviceOf(folder, env);
    const wrong = [
      ...left.map((one) => `left: ${one}`), ...litterIn(folder).map((file) => `litter: ${file}`),
      ...(is === images[verb] || (wasKilled && is === images[from]) ? [] : [`neither as before nor as asked:\n${is}`]),
    ];
    if (wrong.length > 0) {
      bad += 1;
      details.push(`${verb}, killed after line ${after[verb]}: ${wrong.join('; ')}`);
    }
    if (wasKilled) {
      killed += 1;
      steps = Math.max(steps, after[verb]);
    } else {
      // It ran to its end: from the first line again.
      after[verb] = 0;
    }
  }
  await asked('off');
  server.close();
  return { runs, killed, bad, details, steps };
}

/** Starts it and kills it when the journal has grown by `after` lines; false when it ended before. */
async function killAfter(args: readonly string[], env: Record<string, string>, journal: string, after: number): Promise<boolean> {
  const count = (): number => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length - 1 : 0);
  const from = count();
  const child = spawn(process.execPath, [pinlightFile, ...args], { env, stdio: 'ignore' });
  const closed = once(child, 'close');
  while (child.exitCode === null && count() < from + after) await new Promise(setImmediate);
  const killed = child.exitCode === null && child.kill('SIGKILL');
  await closed;
  return killed && child.signalCode === 'SIGKILL';
}

/** Everything that steering changes, as one text; the version of the PAC's address, which only grows, left out. */
function deviceOf(folder: string, env: Record<string, string>): string {
  const gsettings = findCommand('gsettings');
  const listed = gsettings === null ? '' : execFileSync(gsettings, ['list-recursively', 'org.gnome.system.proxy'], { env, encoding: 'utf8' });
  const files = ['kioslaverc', 'environment.d/61-pinlight-proxy.conf'].map((name) => path.join(folder, 'home/.config', name));
  return [listed, ...files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : 'none'))].join('\n').replaceAll(/pac\?v=\d+/g, 'pac');
}

function litterIn(folder: string): readonly string[] {
  return readdirSync(path.join(folder, 'home'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.pinlight-'));
}
