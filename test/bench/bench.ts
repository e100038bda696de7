// `npm run bench [-- --json] [-- --quick]`: Pinlight's agent beside sslsplit and squid, one origin, one client, one run.
// Figures depend on the machine, so nothing here fails by time: exit 0 = measured, 1 = Pinlight or the origin could not be, 2 = usage.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { makeCertificates } from './certificates.ts';
import { makeClient } from './client.ts';
import { measureJudgement } from './judge.ts';
import { measureRows, rowPlans } from './measure.ts';
import { startNginx } from './peers/nginx.ts';
import { residentMB, startPinlight } from './peers/pinlight.ts';
import { startSquid } from './peers/squid.ts';
import { startSslsplit } from './peers/sslsplit.ts';
import { benchDocument, benchTable } from './report.ts';
import { findCommand } from '../support/find-command.ts';
import { Workspace, type Started } from './workspace.ts';

const usage = `usage: npm run bench -- [--json] [--quick]
  --json    print one JSON document on standard output instead of the table
  --quick   less of everything: about a minute instead of about four
  --shared  let the scheduler place everything; else each proxy has one core, origin and load client the other`;

const tell = (line: string) => process.stderr.write(`${line}\n`);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === null) return 2;
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const space = new Workspace(!options.shared);
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      interrupted = true;
      void space.close().finally(() => process.exit(130));
    });
  }
  try {
    return await bench(space, options);
  } catch (error) {
    if (interrupted) return 130;
    tell(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await space.close();
  }
}

type Options = { readonly json: boolean; readonly quick: boolean; readonly help: boolean; readonly shared: boolean };

function readOptions(args: readonly string[]): Options | null {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ args: [...args], options: { json: flag, quick: flag, help: flag, shared: flag } }).values;
  } catch (error) {
    tell(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return null;
  }
}

async function bench(space: Workspace, options: Options): Promise<number> {
  const openssl = findCommand('openssl');
  if (openssl === null) throw new Error('openssl is not installed; it makes the throwaway certificates');
  const certificates = await makeCertificates(space, openssl);
  const origin = await startNginx(space, certificates);
  if (origin.kind === 'missing') throw new Error(`no origin to measure against: ${origin.why}`);
  const originPort = origin.way.port;
  const all: readonly Started[] = [
    origin,
    await startSslsplit(space, certificates, originPort),
    await startSquid(space, certificates, originPort),
    await startPinlight(space, certificates, originPort),
  ];
  const started = all.filter((one) => one.kind === 'started');
  const missing = all.filter((one) => one.kind === 'missing');
  for (const { name, why } of missing) tell(`bench: ${name} is missing: ${why}`);
  const client = await makeClient(space);
  tell(`bench: ${started.map(({ way }) => way.name).join(', ')}; load client: ${client.name}`);

  const loadBefore = loadavg()[0] ?? 0;
  const measured = await measureRows(rowPlans(options.quick), client, started.map(({ way }) => way), tell);
  const rows = [...measured.rows, measureJudgement()];
  const agent = started.find(({ way }) => way.name === 'pinlight');
  const memoryMB = agent === undefined ? null : residentMB(agent.pid);
  const notes = [
    ...missing.map(({ name, why }) => `${name} is missing: ${why}.`),
    ...measured.notes,
    'Pinlight and squid are reached by HTTP CONNECT, one round trip more than direct and sslsplit (fixed target); it is in their figures.',
    'sslsplit does not verify the origin\'s certificate; Pinlight and squid do. Pinlight also names the process, decides by policy and stores evidence.',
    space.cores === null
      ? `Client, origin and interceptor share ${cpus().length} CPUs as the scheduler likes.`
      : `The interceptor under test has core ${space.cores.measured} for itself, origin and client share core ${space.cores.others}: figures are per core (--shared measures without).`,
    `Load average before: ${loadBefore.toFixed(1)}. Load client: ${client.name}.`,
  ];
  if (options.json) console.log(JSON.stringify(benchDocument(rows, memoryMB, notes), null, 2));
  else console.log(benchTable(rows, memoryMB, notes));
  const unmeasured = memoryMB === null || rows.some(({ figures }) => (figures.pinlight?.value ?? null) === null);
  return unmeasured ? 1 : 0;
}
