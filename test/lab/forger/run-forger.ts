// Sets the hostile forger on an agent and says what it got: it must get no more than the budget of pass-throughs, nothing lasting, no must-inspect
// host, and a small database. Not for the forger itself (forger.c).
import Database from 'better-sqlite3';
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { findCommand } from '../../support/find-command.ts';
import { openStage, type Origins, type TlsVersion } from '../stage.ts';

export type ForgerReport = {
  readonly hosts: number;
  readonly handshakes: number;
  /** Connections on which the forger saw the server's own certificate. */
  readonly tunnels: number;
  /** Granted, by the audit. */
  readonly passThroughs: number;
  readonly passThroughsAtOneHost: number;
  readonly exclusions: number;
  readonly longestExclusionMinutes: number;
  readonly mustInspectPassed: number;
  readonly calledPinned: number;
  readonly observations: number;
  readonly databaseBytes: number;
  readonly failures: readonly string[];
};

/** That budget, and what a store may keep of one app: 16 observations a pair. */
const limits = { perHost: 1, perHour: 5, exclusionMinutes: 60, observationsPerPair: 16 } as const;
/** Rows of the log with their indexes: about a kilobyte a connection; the rest is the empty database and its journal. */
const bytesAllowed = (connections: number): number => 8 * 1024 ** 2 + connections * 1_536;

/** Why the forger cannot be built here; null when it can. */
export function forgerMissing(): string | null {
  return findCommand('gcc') === null ? 'no C compiler (Debian: gcc libc6-dev libssl-dev)' : null;
}

/** `amount` handshakes against one host, then as many over many hosts of which one is must-inspect; each against a fresh agent. */
export async function runForger(origins: Origins, version: TlsVersion, amount: number, folder: string): Promise<ForgerReport[]> {
  const program = join(folder, 'forger');
  await promisify(execFile)('gcc', ['-O2', '-o', program, fileURLToPath(new URL('forger.c', import.meta.url)), '-lssl', '-lcrypto', '-lpthread']);
  const reports: ForgerReport[] = [];
  for (const hosts of [1, 100]) reports.push(await forge(origins, version, program, amount, hosts));
  return reports;
}

async function forge(origins: Origins, version: TlsVersion, program: string, amount: number, hostCount: number): Promise<ForgerReport> {
  const mustInspect = 'must.forger.lab.pinlight.test';
  const hosts = Array.from({ length: hostCount }, (_, index) => (index === 7 ? mustInspect : `h${index}.forger.lab.pinlight.test`));
  const stage = await openStage(origins, version, new Map(hosts.map((host) => [host, 'plain'])), [
    { id: 'must', when: { host: mustInspect }, do: 'inspect', mustInspect: true, reason: 'this one always' },
    { id: 'own', when: { user: 'self', port: 443 }, do: 'inspect', mustInspect: false, reason: 'the lab' },
  ]);
  try {
    const { stdout } = await promisify(execFile)(program, [String(stage.place.proxyPort), String(amount), '4', origins.authority.rootFile, ...hosts]);
    const done = JSON.parse(stdout) as { handshakes: number; tunnels: number; errors: number };
    const { exclusions } = await stage.agent.client.call('exclusions', {}, {});
    const { apps } = await stage.agent.client.call('apps', {}, {});
    // A question that makes the agent write what it still holds, audit included.
    await stage.agent.client.call('connections', { limit: '1' }, {});
    const learned = exclusions.filter((exclusion) => exclusion.kind === 'learned');
    const counts = countRows(join(stage.agent.home, 'pinlight.db'), mustInspect);
    const report = {
      hosts: hostCount, ...done, ...counts, exclusions: learned.length,
      longestExclusionMinutes: Math.max(0, ...learned.map((exclusion) => ((exclusion.expiresAt ?? Infinity) - exclusion.createdAt) / 60_000)),
      calledPinned: apps.flatMap((app) => app.hosts).filter((entry) => entry.verdict.kind === 'pinned').length,
      databaseBytes: ['', '-wal'].reduce((sum, end) => sum + (statSync(join(stage.agent.home, `pinlight.db${end}`), { throwIfNoEntry: false })?.size ?? 0), 0),
    };
    return { ...report, failures: failuresOf(report, amount) };
  } finally {
    await stage.close();
  }
}

function countRows(file: string, mustInspect: string): Pick<ForgerReport, 'passThroughs' | 'passThroughsAtOneHost' | 'mustInspectPassed' | 'observations'> {
  const database = new Database(file, { readonly: true });
  try {
    const number = (sql: string, ...values: string[]): number => (database.prepare(sql).get(...values) as { n: number | null }).n ?? 0;
    const given = "FROM audit WHERE kind = 'pass-through'";
    return {
      passThroughs: number(`SELECT count(*) AS n ${given}`),
      passThroughsAtOneHost: number(`SELECT max(n) AS n FROM (SELECT count(*) AS n ${given} GROUP BY json_extract(detail, '$.host'))`),
      mustInspectPassed: number("SELECT count(*) AS n FROM connections WHERE host = ? AND disposition = 'bypass'", mustInspect),
      observations: number('SELECT count(*) AS n FROM observations'),
    };
  } finally {
    database.close();
  }
}

function failuresOf(report: Omit<ForgerReport, 'failures'> & { errors: number }, amount: number): string[] {
  const failures: string[] = [];
  const must = (holds: boolean, what: string): void => void (holds || failures.push(`forger over ${report.hosts} host${report.hosts === 1 ? '' : 's'}: ${what}`));
  must(report.handshakes + report.errors >= amount && report.handshakes > amount * 0.9, `made only ${report.handshakes} of ${amount} handshakes`);
  must(report.passThroughsAtOneHost <= limits.perHost, `${report.passThroughsAtOneHost} pass-throughs at one host`);
  must(report.passThroughs <= limits.perHour, `${report.passThroughs} pass-throughs in an hour`);
  must(report.exclusions <= limits.perHour, `${report.exclusions} exclusions in an hour`);
  must(report.longestExclusionMinutes <= limits.exclusionMinutes, `an exclusion of ${report.longestExclusionMinutes} minutes`);
  must(report.mustInspectPassed === 0, `a must-inspect host was let through ${report.mustInspectPassed} times`);
  must(report.calledPinned === 0, `called pinned at ${report.calledPinned} hosts`);
  must(report.observations <= limits.observationsPerPair * report.hosts, `${report.observations} observations kept`);
  must(report.databaseBytes <= bytesAllowed(amount), `a database of ${report.databaseBytes} bytes`);
  return failures;
}
