// `pinlight bundle show | verify | diff | who | open`: reads bundles that somebody sent. No agent is asked, and nothing of a bundle is believed:
// what the archive holds is text here, never a path or a command. Not for making one (bundle.ts).
import { createHmac } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { nodeBundleTools, readBundleBytes } from '../../client/read-bundle-file.ts';
import { unsealBundle } from '../../client/unseal.ts';
import { PinlightError } from '../../contract/errors.ts';
import { askBundle } from '../../core/diagnostics/ask-bundle.ts';
import { diffBundles } from '../../core/diagnostics/diff-bundles.ts';
import { nameKinds, type NameKind } from '../../core/diagnostics/pseudonyms.ts';
import { readBundle, type OpenedBundle } from '../../core/diagnostics/read-bundle.ts';
import { say } from '../../core/sentence.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { counted } from '../phrases.ts';
import type { Tone } from '../table.ts';
import { showFiles, writeWhole } from './bundle-output.ts';

export function addBundleReaders(command: Command, context: CliContext): void {
  command.command('show <file>')
    .description('what a bundle says: the device in one sentence, findings with causes and fixes, what is inside')
    .option('--file <name>', 'print one file of it instead, as text')
    .addHelpText('after', '\nExamples:\n  $ pinlight bundle show pinlight-diag-LAPTOP-42.zip\n  $ pinlight bundle show pinlight-diag-LAPTOP-42.zip --file agent.log\n')
    .action(async (file: string, options: { file?: string }) => show(await openBundle(file), options.file, context));
  command.command('verify <file>')
    .description('whether a bundle is whole and every file is what its manifest says; it does not prove who made it')
    .action(async (file: string) => verify(await openBundle(file), context));
  command.command('diff <before> <after>')
    .description('what changed between two bundles: settings, stores, verdicts, versions')
    .action(async (before: string, after: string) => diff(await openBundle(before), await openBundle(after), context));
  command.command('who <file> <kind> <name>')
    .description('is this host, address, user or device in a bundle with hidden names? Needs the key that its maker was shown')
    .requiredOption('--key <key>', 'the key')
    .addHelpText('after', '\nExample:\n  $ pinlight bundle who pinlight-diag-device.zip host mail.contoso.example --key 7K3M-Q2XA-…\n')
    .action(async (file: string, kind: string, name: string, options: { key: string }) => who(await openBundle(file), kind, name, options.key, context));
  // Not `-o`: the command above has taken that before this one is asked.
  command.command('open <file> [to]')
    .description('open a bundle that is sealed to your organisation; without `to` beside it, without `.sealed`')
    .requiredOption('--key-file <file>', 'the private key: X25519, PEM')
    .addHelpText('after', `
The key pair, once, on a machine of the helpdesk:
  $ openssl genpkey -algorithm x25519 -out helpdesk.key
  $ openssl pkey -in helpdesk.key -pubout -outform DER | tail -c 32 | base64     (policy key diagnostics.sealTo)
`)
    .action((file: string, to: string | undefined, options: { keyFile: string }) => unseal(file, to, options.keyFile, context));
}

/** Throws PinlightError `bundle-unreadable` for everything that is no bundle. */
async function openBundle(file: string): Promise<OpenedBundle> {
  const read = await readBundle(await readBundleBytes(file), nodeBundleTools);
  if (read.kind === 'sealed') throw new PinlightError('bundle-unreadable', `${file} is sealed; \`pinlight bundle open\` opens it with the organisation's key.`);
  if (read.kind === 'invalid') throw new PinlightError('bundle-unreadable', `${file} is no bundle that can be trusted to be read: ${say(read.why)}.`);
  return read.bundle;
}

const levelTone: Readonly<Record<string, Tone>> = { problem: 'bad', attention: 'warn', note: 'plain' };
const levelWord: Readonly<Record<string, string>> = { problem: 'Problem', attention: 'Attention', note: 'For information' };

function show(bundle: OpenedBundle, file: string | undefined, { output, finish }: CliContext): void {
  const { manifest, sentence, findings } = bundle;
  if (file !== undefined) {
    const text = bundle.text(file);
    if (text === null) throw new PinlightError('bundle-unreadable', `There is no text file ${file} in it.`);
    output.data({ file, text });
    for (const line of text.split('\n')) output.line(line);
    return;
  }
  output.data({ manifest, sentence, findings, files: bundle.files, intact: bundle.intact });
  output.line(`${manifest.id}  ${manifest.device}  ${manifest.createdAt}  Pinlight ${manifest.version}`, 'strong');
  if (sentence !== null) output.line(sentence);
  if (manifest.note !== null) output.line(`Reported: ${manifest.note}`);
  if (manifest.recording !== null) output.line(`Recorded ${new Date(manifest.recording.from).toISOString()} to ${new Date(manifest.recording.to).toISOString()}; report.html has the timeline.`);
  for (const finding of findings) {
    output.line();
    output.line(`${levelWord[finding.level] ?? ''}: ${finding.problem}`, levelTone[finding.level] ?? 'plain');
    output.line(`  Cause: ${finding.cause}`);
    for (const line of finding.evidence) output.line(`  - ${line}`, 'dim');
    output.line(`  Fix (${finding.who}): ${finding.fix}`);
    output.line(`  Tell the caller: ${finding.tell}`);
  }
  showFiles(manifest, output);
  tellState(bundle, output);
  if (!bundle.intact) finish(exitCodes.negative);
}

function verify(bundle: OpenedBundle, { output, finish }: CliContext): void {
  output.data({ id: bundle.manifest.id, intact: bundle.intact, files: bundle.files });
  tellState(bundle, output);
  if (!bundle.intact) finish(exitCodes.negative);
}

const stateWords = { changed: 'is not what the manifest says', missing: 'is missing', unlisted: 'is in the archive and not in the manifest', good: 'is good' } as const;

function tellState({ manifest, files, intact }: OpenedBundle, output: CliContext['output']): void {
  for (const { name, state } of files) if (state !== 'good') output.line(`${name} ${stateWords[state]}.`, 'bad');
  output.line(intact ? `${manifest.id} is whole: ${files.length} files, each with the size and SHA-256 that its manifest names.` : `${manifest.id} was changed after it was made.`, intact ? 'good' : 'bad');
}

function diff(before: OpenedBundle, after: OpenedBundle, { output, finish }: CliContext): void {
  const differences = diffBundles(before, after);
  output.data({ before: before.manifest.id, after: after.manifest.id, differences });
  const short = (value: string | null): string => (value === null ? 'nothing' : value.length > 200 ? `${value.slice(0, 200)}…` : value);
  for (const { path, before: old, after: now } of differences) output.line(`${path}: ${short(old)} → ${short(now)}`);
  output.line(differences.length === 0 ? 'Settings, stores, verdicts and versions are the same.' : `${counted(differences.length, 'difference')} from ${before.manifest.id} to ${after.manifest.id}.`);
  if (differences.length > 0) finish(exitCodes.negative);
}

async function who(bundle: OpenedBundle, kind: string, name: string, key: string, { output, finish }: CliContext): Promise<void> {
  const { names } = bundle.manifest;
  if (!isNameKind(kind)) throw new PinlightError('bad-request', `The kind is one of ${nameKinds.join(', ')}.`);
  if (names.kind === 'shown') throw new PinlightError('bad-request', 'Names are shown in this bundle; look for the name itself.');
  const asked = await askBundle(bundle, { kind, name, key }, async (secret, text) => createHmac('sha256', secret).update(text).digest());
  if (asked.kind === 'wrong-key') throw new PinlightError('bad-request', 'That is not the key of this bundle.');
  const { mark: pseudonym, found } = asked;
  output.data({ kind, name, pseudonym, found });
  output.line(found.length === 0 ? `${name} is not in it (it would be ${pseudonym}).` : `${name} is ${pseudonym}, in ${found.map(({ file, times }) => `${file} (${times})`).join(', ')}.`);
  if (found.length === 0) finish(exitCodes.negative);
}

function isNameKind(kind: string): kind is NameKind {
  return nameKinds.some((known) => known === kind);
}

async function unseal(file: string, to: string | undefined, keyFile: string, { output }: CliContext): Promise<void> {
  const sealed = await readBundleBytes(file);
  const key = await readFile(keyFile, 'utf8').catch(() => {
    throw new PinlightError('bad-request', `${keyFile} cannot be read.`);
  });
  const opened = unsealBundle(sealed, key);
  if (opened.kind === 'invalid') throw new PinlightError('bundle-unreadable', `${file} cannot be opened: ${opened.why}.`);
  const target = resolve(to ?? (file.endsWith('.sealed') ? file.slice(0, -'.sealed'.length) : `${file}.zip`));
  if (await stat(target).catch(() => null) !== null) throw new PinlightError('bundle-unwritable', `${target} exists already.`);
  await writeWhole((stream) => pipeline(Readable.from([opened.bytes]), stream), target);
  output.data({ file: target });
  output.line(`Opened as ${target}.`);
}
