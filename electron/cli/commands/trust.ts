// `pinlight trust status | install | remove | receipt`: this device's root certificate, which stores hold it, and putting it there or taking it out.
// Stores are changed by whoever runs this, never by the agent. Not for how a store is changed: native/trust-store.
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { openDoctor } from '../../../native/trust-store/doctor.ts';
import type { Doctor, DoctorRow } from '../../../native/trust-store/doctor.ts';
import { pathsOfThisProcess } from '../../client/state-folder.ts';
import { PinlightError } from '../../contract/errors.ts';
import type { TrustRoot, TrustStoreRow } from '../../contract/routes.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { homesNotLookedAt, tellNotLookedAt } from '../not-looked-at.ts';
import { counted, localTime } from '../phrases.ts';
import type { Cell, Tone } from '../table.ts';
import { verifyByHandshakes, withHandshakes } from '../trust-handshakes.ts';
import type { Verified } from '../trust-handshakes.ts';

type StoreOptions = { readonly store: readonly string[]; readonly root: readonly string[]; readonly storepassFile?: string };
type StatusOptions = StoreOptions & { readonly pem?: boolean; readonly handshake?: boolean };
type ChangeOptions = StoreOptions & { readonly dryRun?: boolean };
/** This device's root, and the one that takes over from it while that is so. */
type Roots = { readonly root: TrustRoot; readonly next: TrustRoot | null };

export function addTrustCommand(program: Command, context: CliContext): void {
  const trust = program.command('trust').description('the root certificate of this device, who trusts it, and making programs trust it');
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  const withStores = (command: Command): Command => command
    .option('--store <name>', 'only this store or kind of store, as `pinlight trust status` names it; may be repeated', collect, [])
    .option('--root <file>', 'PEM file of the root, for a caller who is not the one that runs the agent; a second one names the root that takes over', collect, [])
    .option('--storepass-file <file>', 'file with the password of Java keystores, where it is not "changeit"');

  withStores(trust.command('status'))
    .description('the root and the state of every trust store found')
    .option('--pem', 'print the root certificate itself, nothing else')
    .option('--handshake', 'start the programs that read each store and have them visit a page of the agent\'s on this machine')
    .addHelpText('after', '\n--handshake takes some seconds. Browsers get a profile of their own for it, with a copy of the store; exit code 1 when a program refuses\na root that its store holds.\n\nExamples:\n  $ pinlight trust status\n  $ pinlight trust status --store java\n  $ pinlight trust status --handshake\n  $ pinlight trust status --pem > pinlight-root.pem\n')
    .action((options: StatusOptions) => status(context, options));
  withStores(trust.command('install'))
    .description('put the root into every store that lacks it, and take roots of earlier installations out')
    .option('--dry-run', 'say what would be done, change nothing')
    .addHelpText('after', '\nEach store is changed by itself, read back, and put back when that fails. Then the programs that read the stores are started and\nvisit a page of the agent\'s on this machine; exit code 1 when one refuses it. Browsers get a profile of their own for that.\nStores of the machine need more rights: the rest goes on, and the command for them is printed.\n\nExamples:\n  $ pinlight trust install --dry-run\n  $ pinlight trust install\n  $ pinlight trust install --store firefox --store environment\n')
    .action((options: ChangeOptions) => install(context, options));
  withStores(trust.command('remove'))
    .description('take every root that Pinlight ever made out of every store')
    .option('--dry-run', 'say what would be done, change nothing')
    .addHelpText('after', '\nExamples:\n  $ pinlight trust remove\n  $ pinlight trust remove --store system --dry-run\n')
    .action((options: ChangeOptions) => remove(context, options));
  withStores(trust.command('receipt'))
    .description('say of each store whether a root of Pinlight\'s is left in it; exit code 1 when one is')
    .option('--handshake', 'start the programs that read each store too: none may accept the root any more')
    .addHelpText('after', '\nRoot is told about the machine\'s stores and its own; homes of other users are named with what they run. `clean` in the JSON is null where\nnothing was found and not everything could be looked at.\n\nExamples:\n  $ pinlight trust receipt\n  $ pinlight trust receipt --json\n')
    .action((options: StatusOptions) => receipt(context, options));
}

async function status(context: CliContext, options: StatusOptions): Promise<void> {
  const { output } = context;
  const roots = await findRoots(context, options.root);
  const { root, next } = roots;
  if (options.pem === true && !output.json) {
    output.raw(root.pem.endsWith('\n') ? root.pem : `${root.pem}\n`);
    return;
  }
  await withDoctor(context, options, roots, async (doctor) => {
    const [found, runtimes] = [await doctor.status(), options.store.length === 0 ? await doctor.runtimes() : []];
    const handshakes = options.handshake === true ? await verifyByHandshakes(context, doctor, found, roots, 'trusted') : null;
    const told = handshakes === null ? found : found.map((row) => withHandshakes(row, handshakes));
    const stores: readonly TrustStoreRow[] = [...told, ...runtimes].map(({ store, kind, path, state, detail }) => ({ store, kind, path, state, detail }));
    output.data({ root, next, stores, ...(handshakes === null ? {} : { handshakes }) });
    const holding = stores.filter((store) => store.state === 'trusted').length;
    output.line(`The root of this device is trusted in ${holding} of ${counted(stores.length, 'store')}.`, 'strong');
    output.line();
    output.line(`Root         ${root.subject}`);
    output.line(`Fingerprint  ${root.fingerprint} (SHA-256)`);
    output.line(`Valid        ${localTime(root.notBefore)} to ${localTime(root.notAfter)}`);
    output.line(`Certificate  ${root.certificatePath}`);
    output.line(`Key          ${root.keyProtection}`);
    if (next !== null) output.line(`Next root    ${next.subject}, used once the stores hold it: \`pinlight trust install\``, 'warn');
    output.line();
    output.table(
      [{ title: 'Store' }, { title: 'Kind' }, { title: 'Root' }, { title: 'Where' }, { title: 'Detail' }],
      stores.map((store) => [store.store, store.kind, stateCell(store), store.path ?? '-', store.detail]),
    );
    if (handshakes === null) return;
    tellUnasked(context, handshakes);
    if (told.some((row) => row.state === 'trusted' && row.accepted === false)) context.finish(exitCodes.negative);
  });
}

async function install(context: CliContext, options: ChangeOptions): Promise<void> {
  const roots = await findRoots(context, options.root);
  const { root, next } = roots;
  if (!isCertificate(root.pem)) throw new PinlightError('root-unusable', 'This device has no usable root to install.');
  await withDoctor(context, options, roots, async (doctor) => {
    const changed = await doctor.install({ dryRun: options.dryRun === true });
    const handshakes = options.dryRun === true ? null : await verifyByHandshakes(context, doctor, changed.filter((row) => row.state === 'trusted'), roots, 'trusted');
    const stores = handshakes === null ? changed : changed.map((row) => withHandshakes(row, handshakes));
    const wanted = stores.filter((row) => row.state !== 'not-checked');
    const holding = wanted.filter((row) => row.state === 'trusted' && row.accepted !== false).length;
    tell(context, { root: { fingerprint: root.fingerprint, subject: root.subject }, recovered: doctor.recovered, stores, ...(handshakes === null ? {} : { handshakes }) }, stores, options.dryRun === true
      ? `Nothing was changed. The root would be installed in ${counted(stores.filter((row) => row.done === 'would-install').length, 'store')}; it is trusted in ${holding} of ${wanted.length}.`
      : `The root is trusted in ${holding} of ${counted(wanted.length, 'store')}.`);
    if (handshakes !== null) tellUnasked(context, handshakes);
    conclude(context, stores, 'install', options, [root, ...(next === null ? [] : [next])]);
  });
  // The agent looks at the stores when it is asked for them, and uses a next root that is in all of them from then on.
  if (next !== null && options.dryRun !== true) await context.client.call('trust', {}, {}).catch(() => undefined);
}

async function remove(context: CliContext, options: ChangeOptions): Promise<void> {
  const roots = await findRoots(context, options.root).catch(withoutRoot);
  await withDoctor(context, options, roots, async (doctor) => {
    const stores = await doctor.remove({ dryRun: options.dryRun === true });
    const removed = stores.filter((row) => row.done === (options.dryRun === true ? 'would-remove' : 'removed')).length;
    tell(context, { recovered: doctor.recovered, stores }, stores, options.dryRun === true
      ? `Nothing was changed. Roots of Pinlight's would be taken out of ${counted(removed, 'store')}.`
      : `${removed === 0 ? 'No store had' : `Took out of ${counted(removed, 'store')}`} a root of Pinlight's.`);
    conclude(context, stores, 'remove', options, []);
  });
}

async function receipt(context: CliContext, options: StatusOptions): Promise<void> {
  const known = await findRoots(context, options.root).catch(withoutRoot);
  await withDoctor(context, options, known, async (doctor) => {
    const found = await doctor.status();
    const handshakes = options.handshake !== true ? null
      : known === null ? { programs: [], why: 'there is no root to ask about' } : await verifyByHandshakes(context, doctor, found, known, 'gone');
    const stores = handshakes === null ? found : found.map((row) => withHandshakes(row, handshakes));
    const accepting = (row: DoctorRow): boolean => handshakes?.programs.some((one) => one.store === row.store && one.answer === 'trusts') === true;
    const left = stores.filter((row) => row.roots > 0 || accepting(row));
    const unknown = stores.filter((row) => row.state === 'unreadable' || row.state === 'not-checked').length;
    const others = options.store.length === 0 ? homesNotLookedAt(context, 'trust receipt') : [];
    const unsure = others.length > 0 || stores.some((row) => row.state === 'unreadable');
    context.output.data({ clean: left.length > 0 ? false : unsure ? null : true, notLookedAt: others, recovered: doctor.recovered, stores: stores.map(({ store, kind, path, state, roots, detail }) => ({ store, kind, path, read: state !== 'unreadable' && state !== 'not-checked', roots, detail })), ...(handshakes === null ? {} : { handshakes }) });
    context.output.line(left.length === 0
      ? `No root of Pinlight's is left in ${counted(stores.length - unknown, 'store')}${unknown === 0 ? '.' : `; ${unknown} could not be read.`}`
      : `Roots of Pinlight's are left in ${counted(left.length, 'store')}: \`pinlight trust remove\`.`, 'strong');
    context.output.line();
    context.output.table(
      [{ title: 'Store' }, { title: 'Left' }, { title: 'Where' }, { title: 'Detail' }],
      stores.map((row) => [row.store, leftCell(row), row.path ?? '-', row.detail]),
    );
    if (handshakes !== null) tellUnasked(context, handshakes);
    tellNotLookedAt(context, others);
    if (left.length > 0) context.finish(exitCodes.negative);
  });
}

async function withDoctor(context: CliContext, options: StoreOptions, roots: Roots | null, use: (doctor: Doctor) => Promise<void>): Promise<void> {
  // Ctrl-C ends a run between two stores or is put right by the next one: the journal knows. A tool at work is not interrupted.
  const opened = await openDoctor({
    stateFolder: pathsOfThisProcess(false).stateFolder, roots: [roots?.root, roots?.next].flatMap((root) => (root && isCertificate(root.pem) ? [root.pem] : [])), home: homedir(), env: process.env, only: options.store,
    storePassword: options.storepassFile === undefined ? 'changeit' : readInput(options.storepassFile).replace(/\r?\n$/, ''),
    now: context.now, onProgress: (text) => context.output.note(text),
  });
  switch (opened.kind) {
    case 'in-use': throw new PinlightError('stores-busy', sentence(opened.why));
    case 'unusable': throw new PinlightError('state-unusable', sentence(opened.why));
    case 'no-such-store': throw new PinlightError('bad-request', sentence(opened.why));
    case 'not-a-root': throw new PinlightError('root-unusable', sentence(opened.why));
    case 'doctor':
  }
  const { doctor } = opened;
  try {
    for (const { store, left } of doctor.recovered) context.output.note(left.length === 0 ? `${store}: an interrupted change was put right` : `${store}: an interrupted change is not put right yet: ${left.join('; ')}`);
    await use(doctor);
    if (doctor.recovered.some(({ left }) => left.length > 0)) context.finish(exitCodes.negative);
  } finally {
    doctor.close();
  }
}

/** The roots by the files named, by the agent, or by the state folder's certificates when no agent runs. Throws PinlightError. */
async function findRoots(context: CliContext, [file, nextFile]: readonly string[]): Promise<Roots> {
  if (file !== undefined) return { root: rootIn(resolve(file)), next: nextFile === undefined ? null : rootIn(resolve(nextFile)) };
  try {
    return await context.client.call('trust', {}, {});
  } catch (error) {
    if (!(error instanceof PinlightError) || error.code !== 'agent-not-running') throw error;
    const folder = [false, true].map((service) => pathsOfThisProcess(service).stateFolder).find((one) => existsSync(join(one, 'root.pem')));
    if (folder === undefined) throw error;
    const next = join(folder, 'root.next.pem');
    return { root: rootIn(join(folder, 'root.pem')), next: existsSync(next) ? rootIn(next) : null };
  }
}

function rootIn(certificatePath: string): TrustRoot {
  const pem = readInput(certificatePath);
  if (!isCertificate(pem)) throw new PinlightError('root-unusable', `${certificatePath} holds no certificate.`);
  const certificate = new X509Certificate(pem);
  return {
    certificatePath, pem, fingerprint: certificate.fingerprint256, subject: certificate.subject.replaceAll('\n', ', '),
    notBefore: Date.parse(certificate.validFrom), notAfter: Date.parse(certificate.validTo), keyProtection: 'not known while the agent does not run',
  };
}

/** Removing needs no root to compare with: all of Pinlight's are known by their subject. */
function withoutRoot(error: unknown): null {
  if (error instanceof PinlightError && error.code !== 'bad-request') return null;
  throw error;
}

function readInput(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PinlightError('bad-request', `${file} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}).`);
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}

/** Why no program was asked, and what to run when one can be. */
function tellUnasked({ output }: CliContext, { why }: Verified): void {
  if (why === null) return;
  output.line();
  output.line(`Not verified by handshakes: ${why.replace(/\.$/, '')}. \`pinlight trust status --handshake\` does it later.`, 'warn');
}

function tell(context: CliContext, answer: unknown, stores: readonly DoctorRow[], headline: string): void {
  context.output.data(answer);
  context.output.line(headline, 'strong');
  context.output.line();
  context.output.table(
    [{ title: 'Store' }, { title: 'Root' }, { title: 'Done' }, { title: 'Where' }, { title: 'Detail' }],
    stores.map((row) => [row.store, row.accepted === false ? { text: 'not accepted', tone: 'bad' } : stateCell(row), { text: doneWords[row.done], tone: doneTones[row.done] }, row.path ?? '-', row.detail]),
  );
}

/** Exit code, and the command for what needs more rights. */
function conclude(context: CliContext, stores: readonly DoctorRow[], verb: 'install' | 'remove', options: ChangeOptions, roots: readonly TrustRoot[]): void {
  const troubles = stores.filter((row) => row.done === 'refused' || row.done === 'failed' || (row.state === 'unreadable' && row.done === 'nothing'));
  const rights = troubles.filter((row) => row.needsRights);
  if (rights.length > 0) {
    const root = roots.map(({ certificatePath }) => ` --root ${shellWord(certificatePath)}`).join('');
    context.output.line();
    context.output.line(`${counted(rights.length, 'store')} ${rights.length === 1 ? 'needs' : 'need'} more rights:`, 'warn');
    context.output.line(`  sudo ${context.command} trust ${verb}${rights.map((row) => ` --store ${shellWord(row.store)}`).join('')}${root}${options.dryRun === true ? ' --dry-run' : ''}`);
  }
  const refusing = stores.filter((row) => row.accepted === false);
  if (refusing.length > 0) {
    context.output.line();
    context.output.line(`${counted(refusing.length, 'store')} ${refusing.length === 1 ? 'holds' : 'hold'} the root, and a program that reads it does not accept it: ${refusing.map((row) => row.store).join(', ')}.`, 'bad');
  }
  if (troubles.length + refusing.length > 0) context.finish(rights.length === troubles.length + refusing.length ? exitCodes.notPermitted : exitCodes.negative);
}

function stateCell(row: Pick<TrustStoreRow, 'state'>): Cell {
  return { text: stateWords[row.state], tone: stateTones[row.state] };
}

function leftCell(row: DoctorRow): Cell {
  if (row.state === 'unreadable' || row.state === 'not-checked') return { text: stateWords[row.state], tone: 'warn' };
  return row.roots === 0 ? { text: 'none', tone: 'good' } : { text: counted(row.roots, 'root'), tone: 'bad' };
}

function shellWord(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const stateWords: Readonly<Record<TrustStoreRow['state'], string>> = { trusted: 'trusted', missing: 'missing', unreadable: 'unreadable', 'not-checked': 'not checked' };
const stateTones: Readonly<Record<TrustStoreRow['state'], Tone>> = { trusted: 'good', missing: 'warn', unreadable: 'bad', 'not-checked': 'dim' };
const doneWords: Readonly<Record<DoctorRow['done'], string>> = {
  nothing: '-', installed: 'installed', removed: 'removed', 'would-install': 'would install', 'would-remove': 'would remove', refused: 'left as it is', failed: 'put back',
};
const doneTones: Readonly<Record<DoctorRow['done'], Tone>> = {
  nothing: 'dim', installed: 'good', removed: 'good', 'would-install': 'plain', 'would-remove': 'plain', refused: 'warn', failed: 'bad',
};
