// `pinlight bundle`: has the agent collect and redact, shows what is inside, and saves it. Reading bundles is bundle-read.ts.
// Not for what goes into one (agent/diagnostics).
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { countBytes } from '../../client/control-client.ts';
import { makeBundle } from '../../client/make-bundle.ts';
import { locateAgent } from '../../client/state-folder.ts';
import { PinlightError } from '../../contract/errors.ts';
import type { BundleJob, BundleRequest, ExaminedBundleRequest } from '../../contract/jobs.ts';
import { boundedDoctorReport } from '../../core/diagnostics/doctor-report.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { runDoctor } from '../doctor/run-doctor.ts';
import { sizeWords } from '../phrases.ts';
import { makeOfflineBundle } from './bundle-offline.ts';
import { showFiles, writeWhole } from './bundle-output.ts';
import { addBundleReaders } from './bundle-read.ts';

type Options = {
  readonly output?: string; readonly force?: boolean; readonly preview?: boolean; readonly record?: boolean; readonly for?: string; readonly note?: string;
  readonly names?: string; readonly capture?: boolean;
};

export function addBundleCommand(program: Command, context: CliContext): void {
  const command = program.command('bundle')
    .description('save one zip file for support: state, history, policy, logs, redacted; nothing is sent anywhere')
    .option('-o, --output <file>', 'where to; a folder gets a dated name, `-` is standard output')
    .option('--force', 'replace a file that is there already')
    .option('--preview', 'show what would be inside and what was removed; write nothing')
    .option('--record', 'mark now, wait for Enter, mark again: the report shows what happened in between')
    .option('--for <seconds>', 'with --record: wait this long instead of for Enter')
    .option('--note <text>', 'what the problem is, for whoever reads the bundle')
    .option('--names <kind>', '`shown`, or `pseudonyms` for hosts and users, with a key that only the helpdesk gets; absent: as policy says')
    .option('--capture', 'with the handshakes that apps refused, for Wireshark, where policy keeps them')
    .addHelpText('after', `
Names: a bundle shows hosts and users unless policy (diagnostics.names) says otherwise, because the helpdesk has to match them with
what you report. Pseudonyms hide them: the same name is the same mark throughout, and with the key that is printed the helpdesk can
ask "is host X in here?" (bundle who). Give the key by another way than the file.

Examples:
  $ pinlight bundle
  $ pinlight bundle --preview
  $ pinlight bundle --record --note "Teams does not sign in"
  $ pinlight bundle -o - | ssh helpdesk "cat > bundle.zip"
  $ pinlight bundle show pinlight-diag-*.zip
`)
    .action((options: Options) => collect(options, context));
  addBundleReaders(command, context);
}

async function collect(options: Options, context: CliContext): Promise<void> {
  const { output } = context;
  if (options.output === '-' && output.json) throw new PinlightError('bad-request', 'Standard output cannot carry both the bundle and --json.');
  if (options.output !== undefined && options.force !== true) await refuseExisting(options.output);
  const wanted = requestOf(options);
  const signal = context.interruption();
  try {
    const gone = await agentIsGone(context, options.record === true);
    const recording = options.record === true ? await record(options, context, signal) : {};
    output.progress('Checking this device …');
    const doctor = boundedDoctorReport(await runDoctor({ client: context.client, now: context.now, probe: null }));
    if (gone) return await saveOffline({ ...wanted, doctor }, options, context, signal);
    const job = await makeBundle(context.client, { ...wanted, ...recording, doctor }, { signal, onJob: (known) => output.progress(jobWords(known)) });
    output.progress(null);
    if (options.preview === true) {
      await context.client.call('cancelBundle', { id: job.id }, {});
      return showPreview(job, context);
    }
    const { body, fileName } = await context.client.openBundle(job.id, { signal });
    await save(job, body, await placeFor(options.output, fileName), context, signal);
  } catch (thrown) {
    output.progress(null);
    if (!signal.aborted) throw thrown;
    output.note('Interrupted; nothing was saved.');
    context.finish(exitCodes.interrupted);
  }
}

function requestOf({ note, names, capture, record: recorded, for: seconds }: Options): BundleRequest {
  if (names !== undefined && names !== 'shown' && names !== 'pseudonyms') throw new PinlightError('bad-request', '--names takes "shown" or "pseudonyms".');
  if (seconds !== undefined && (recorded !== true || !(Number(seconds) > 0 && Number(seconds) <= 3600))) throw new PinlightError('bad-request', '--for goes with --record and takes 1 to 3600 seconds.');
  return { note, names, capture: capture === true ? 'handshakes' : undefined };
}

async function record({ for: seconds }: Options, { output, now }: CliContext, signal: AbortSignal): Promise<Pick<BundleRequest, 'from' | 'to'>> {
  const from = now();
  output.note(seconds === undefined ? 'Recording. Do what fails now, then press Enter.' : `Recording for ${seconds} s. Do what fails now.`);
  await (seconds === undefined ? enterPressed(signal) : wait(Number(seconds) * 1000, undefined, { signal }));
  signal.throwIfAborted();
  return { from, to: now() };
}

function enterPressed(signal: AbortSignal): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  return new Promise<void>((done) => {
    lines.once('line', () => done());
    lines.once('close', () => done());
    signal.addEventListener('abort', () => done(), { once: true });
  }).finally(() => lines.close());
}

const phaseWords: Readonly<Record<BundleJob['phase'], string>> = {
  collecting: 'Collecting', redacting: 'Removing secrets', ready: 'Ready', saving: 'Saving', cancelled: 'Cancelled', failed: 'Failed',
};

function jobWords({ phase, done, total, unit }: BundleJob): string {
  return `${phaseWords[phase]} …${total === 0 ? '' : ` ${done} of ${total} ${unit}`}`;
}

/** What an agent that does not run has left; a process of its own reads it, because the command line holds no part of the agent. */
async function saveOffline(request: ExaminedBundleRequest, { output: wanted, preview }: Options, context: CliContext, signal: AbortSignal): Promise<void> {
  context.output.note('The agent is not running: this bundle has what it left on disk.');
  const { job, bytes } = await makeOfflineBundle(request, signal);
  context.output.progress(null);
  if (preview === true) return showPreview(job, context);
  await save(job, Readable.from([bytes]), await placeFor(wanted, job.fileName ?? ''), context, signal);
}

/** `null` as the place: standard output. */
async function save(job: BundleJob, body: Readable, file: string | null, { output }: CliContext, signal: AbortSignal): Promise<void> {
  let bytes = 0;
  const counted = countBytes((soFar) => {
    bytes = soFar;
    output.progress(`${phaseWords.saving} … ${sizeWords(soFar)}`);
  });
  if (file === null) {
    await pipeline(body, counted, process.stdout, { signal });
    output.progress(null);
    if (job.key !== null) output.note(keyWords(job.key));
    return;
  }
  await writeWhole((target) => pipeline(body, counted, target, { signal }), file);
  output.progress(null);
  output.data({ file, bytes, id: job.manifest?.id, key: job.key, sealed: job.sealed });
  output.line(`Saved ${file} (${sizeWords(bytes)}). Its id on the phone: ${job.manifest?.id ?? ''}`);
  if (job.key !== null) output.line(keyWords(job.key), 'strong');
  output.line(job.sealed ? 'It is sealed to your organisation: only the helpdesk can open it.'
    : 'Open report.html in it first. Private keys, contents, cookies and query strings are never collected.', 'dim');
}

function keyWords(key: string): string {
  return `Names are hidden. The key for the helpdesk, to be given apart from the file: ${key}`;
}

function showPreview(job: BundleJob, { output }: CliContext): void {
  output.data({ manifest: job.manifest, fileName: job.fileName, sealed: job.sealed });
  const { manifest } = job;
  if (manifest === null) return;
  output.line(`${job.fileName ?? ''}, id ${manifest.id}: nothing has been written.`);
  output.line(`Names are ${manifest.names.kind === 'shown' ? 'shown' : 'hidden'}${job.sealed ? '; the file would be sealed to your organisation' : ''}.`);
  showFiles(manifest, output);
  output.line(`Never collected: ${manifest.neverCollected.join('; ')}.`, 'dim');
}

async function refuseExisting(output: string): Promise<void> {
  const found = await stat(resolve(output)).catch(() => null);
  if (found?.isFile() === true) throw new PinlightError('bundle-unwritable', `${output} exists already; --force replaces it.`);
}

/** Throws `agent-not-running` where nobody has left anything, and for a recording: nothing would happen in it. */
async function agentIsGone({ client }: CliContext, recording: boolean): Promise<boolean> {
  try {
    await client.call('status', {}, {});
    return false;
  } catch (thrown) {
    if (!(thrown instanceof PinlightError) || thrown.code !== 'agent-not-running') throw thrown;
    const { stateFolder } = locateAgent();
    if (recording) throw new PinlightError('agent-not-running', 'No agent runs, so there is nothing to record. Without --record a bundle has what the last one left.');
    if (['agent.log', 'pinlight.db'].every((name) => !existsSync(join(stateFolder, name)))) throw new PinlightError('agent-not-running', `No agent runs, so nothing can be collected, and none has left anything in ${stateFolder}.`);
    return true;
  }
}

/** Null: standard output. */
async function placeFor(output: string | undefined, name: string): Promise<string | null> {
  if (output === '-') return null;
  const path = resolve(output ?? '.');
  const found = await stat(path).catch(() => null);
  if (found === null && /[\\/]$/.test(output ?? '')) throw new PinlightError('bundle-unwritable', `There is no folder ${output ?? ''}.`);
  return found?.isDirectory() === true ? join(path, name) : path;
}
