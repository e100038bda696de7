// The bundle of an agent that does not run: what is left in the state folder, opened for reading only, through the collectors and the redaction of
// any bundle. Runs in a process of its own that the command line starts. Not for what only a living agent knows: state, apps' verdicts, handshakes.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import type Database from 'better-sqlite3';
import { PinlightError } from '../contract/errors.ts';
import type { BundleJob, ExaminedBundleRequest } from '../contract/jobs.ts';
import { readBundleRequest } from './control/bundle-routes.ts';
import { fileNameOf } from './diagnostics/bundle-jobs.ts';
import { assembleBundle } from './diagnostics/bundle.ts';
import type { BundleSources } from './diagnostics/collectors.ts';
import { logSource } from './diagnostics/log-source.ts';
import { packBundle } from './diagnostics/pack.ts';
import { tailOf } from './log-file.ts';
import { readNetworkFacts } from './network-facts.ts';
import { createHealth } from './health/health.ts';
import { openPolicy } from './open-policy.ts';
import type { AgentOptions } from './start-agent.ts';
import { versions } from './this-system.ts';
import type { PolicyStore } from './policy/policy-store.ts';
import { openForReading } from './store/open-for-reading.ts';
import { readAudit, readExclusions } from './store/store.ts';

/** Reads an ExaminedBundleRequest from standard input; writes one line of JSON, the BundleJob, and behind one that is ready the bundle's bytes. Throws what is a fault of ours. */
export async function writeOfflineBundle(agent: Pick<AgentOptions, 'paths' | 'policyFiles' | 'version'>): Promise<void> {
  const closers: (() => void)[] = [];
  try {
    const request = JSON.parse(await text(process.stdin)) as ExaminedBundleRequest;
    const policy = openPolicy(agent.policyFiles, agent.paths, createHealth(() => undefined), Date.now, closers);
    const { sealTo, ...options } = readBundleRequest({
      policy: policy.current(), device: hostname(), version: agent.version, now: Date.now(), homes: [homedir()], administrator: true, handshakes: notRunning,
    }, request);
    const store = openStore(join(agent.paths.stateFolder, 'pinlight.db'), closers);
    const bundle = await assembleBundle({ ...sourcesOf(agent, policy, store), connections: logSource(store, null, options.now) }, { ...options, agentGone: true });
    const { manifest, key, files } = bundle;
    writeJob({ ...none, phase: 'ready', done: files.length, total: files.length, manifest, key, fileName: fileNameOf(bundle, options.now, sealTo), sealed: sealTo !== null });
    await pipeline(packBundle(bundle, sealTo), process.stdout, { end: false });
  } catch (thrown) {
    if (!(thrown instanceof PinlightError)) throw thrown;
    writeJob({ ...none, phase: 'failed', error: thrown.toBody() });
  } finally {
    for (const close of closers) close();
  }
}

const none: BundleJob = { id: '', phase: 'collecting', done: 0, total: 0, unit: 'files', manifest: null, key: null, fileName: null, sealed: false, error: null };

function writeJob(job: BundleJob): void {
  process.stdout.write(`${JSON.stringify(job)}\n`);
}

const notRunning = 'the agent was not running';

/** What cannot be opened says so at every question: its reason then stands in the bundle. */
function openStore(path: string, closers: (() => void)[]): () => Database.Database {
  try {
    const database = openForReading(path);
    closers.push(() => void database.close());
    return () => database;
  } catch (thrown) {
    return () => { throw thrown; };
  }
}

function sourcesOf({ paths, version }: Pick<AgentOptions, 'paths' | 'version'>, policy: PolicyStore, store: () => Database.Database): BundleSources {
  const unknown = (): never => { throw new Error(notRunning); };
  return {
    status: async () => unknown(),
    apps: async () => unknown(),
    policy: async () => ({ generation: policy.generation(), policy: policy.current(), problems: policy.problems(), files: policy.files() }),
    exclusions: async () => [...readExclusions(store()), ...policy.current().exclusions],
    audit: async (limit) => readAudit(store(), limit),
    // Which stores hold it is what the doctor looked at.
    trust: async () => ({ root: rootOf(join(paths.stateFolder, 'root.pem')), stores: [] }),
    versions: async () => versions(version),
    network: () => readNetworkFacts({ service: paths.service, home: homedir(), env: process.env, stateFolder: paths.stateFolder }),
    selfTest: async () => unknown(),
    logTail: (maxBytes) => tailOf(join(paths.stateFolder, 'agent.log'), maxBytes),
  };
}

function rootOf(certificatePath: string): Awaited<ReturnType<BundleSources['trust']>>['root'] {
  const root = new X509Certificate(readFileSync(certificatePath));
  return {
    certificatePath, fingerprint: root.fingerprint256, subject: root.subject.replaceAll('\n', ', '), notBefore: root.validFromDate.getTime(), notAfter: root.validToDate.getTime(), keyProtection: 'not looked at: the agent was not running',
  };
}
