// Runs every situation past Chromium and past an agent, and compares: a leaf of ours where the browser refuses is a laundered certificate.
// What counts is the issuance log, not what a client saw. Not a product part.
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import Database from 'better-sqlite3';
import { pem } from '../../electron/agent/ca/mint.ts';
import { readCertificate } from '../../electron/core/ca/certificate.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectThrough, until } from '../support/tunnel.ts';
import { openBrowser, type Browser, type BrowserVerdict } from './browser.ts';
import { serveSituation, type SituationServer } from './situation-servers.ts';
import { situations, type Bench, type Chain, type Situation } from './situations.ts';
import { authority, keyOf, type Made } from './workshop.ts';

export type SituationResult = {
  readonly situation: Situation;
  /** Null: there was no browser to ask. */
  readonly browser: BrowserVerdict | null;
  /** Leaves that were signed for it (after the change, where the server changes its certificate). */
  readonly leaves: number;
  /** What the agent says about the connection; '' when inspected. */
  readonly why: string;
};

export type Comparison = {
  readonly results: readonly SituationResult[];
  readonly laundered: readonly SituationResult[];
  /** Chromium accepts, Pinlight refuses. */
  readonly stricter: readonly SituationResult[];
  /** `bad` ones that got a leaf, `good` ones that got none or that Chromium refuses. */
  readonly unexpected: readonly SituationResult[];
};

/** All situations of `rows` (all of all rows when absent). `browser: false`: Pinlight alone, by what is expected of each situation. */
export async function compareWithBrowser(options: { rows?: readonly string[]; browser: boolean; progress: (text: string) => void }): Promise<Comparison> {
  const chosen = situations.filter(({ row }) => options.rows?.includes(row) ?? true);
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-situations-'));
  const servers = new Map<Situation, SituationServer>();
  const home = mkdtempSync(join(folder, 'home-'));
  let agent: TestAgent | null = null;
  let browser: Browser | null = null;
  try {
    agent = await startTestAgent({ rules: [] }, { home });
    const { bench, roots } = createBench(agent);
    const chains = new Map(chosen.map((situation) => [situation, situation.chain(bench)] as const));
    for (const [situation, chain] of chains) servers.set(situation, await served(situation, chain, situation.staple?.(bench, chain) ?? null, folder));
    options.progress(`${chosen.length} servers run`);
    const ports = new Map(chosen.map((situation) => [situation.host, servers.get(situation)?.port ?? 0] as const));
    if (options.browser) browser = await openBrowser(folder, roots.map((root) => root.pem), ports);
    await givePolicy(agent, roots, ports, folder);

    const before = new Map<Situation, number>();
    const verdicts = new Map<Situation, BrowserVerdict>();
    // First the servers that will change, as long as they are good.
    for (const situation of chosen.filter(({ later }) => later !== undefined)) {
      await look(agent, situation.host);
      await browser?.judge(situation.host);
      await whyOf(agent, situation.host);
      before.set(situation, leavesOf(agent, situation.host));
      servers.get(situation)?.present((situation.later as NonNullable<Situation['later']>)(bench, situation.host));
    }
    await inTurn(chosen, 8, async (situation) => {
      if (browser !== null) verdicts.set(situation, await browser.judge(situation.host));
    });
    options.progress(browser === null ? 'no browser asked' : `Chromium has seen ${chosen.length} servers`);
    const asked = agent;
    const whys = new Map<Situation, string>();
    await inTurn(chosen, 4, async (situation) => {
      await look(asked, situation.host);
      whys.set(situation, await whyOf(asked, situation.host));
    });
    const results = chosen.map((situation) => ({
      situation, browser: verdicts.get(situation) ?? null, why: whys.get(situation) ?? '',
      leaves: leavesOf(asked, situation.host) - (before.get(situation) ?? 0),
    }));
    return compare(results);
  } finally {
    await browser?.close();
    await agent?.stop();
    await Promise.all([...servers.values()].map((server) => server.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function compare(results: readonly SituationResult[]): Comparison {
  return {
    results,
    laundered: results.filter(({ browser, leaves }) => browser?.accepted === false && leaves > 0),
    stricter: results.filter(({ browser, leaves }) => browser?.accepted === true && leaves === 0),
    unexpected: results.filter(({ situation: { kind }, browser, leaves }) => (kind === 'bad' && leaves > 0) || (kind === 'good' && (leaves === 0 || browser?.accepted === false))),
  };
}

function createBench(agent: TestAgent): { bench: Bench; roots: Made[] } {
  const roots: Made[] = [];
  const trust = (root: Made): Made => {
    roots.push(root);
    return root;
  };
  const root = trust(authority('Situations'));
  const own = ownRoot(agent);
  trust(own);
  return { roots, bench: { root, rsaRoot: trust(authority('Situations RSA', undefined, { key: 'rsa3072' })), middle: authority('Situations 2', root), stranger: authority('Stranger', undefined, { key: keyOf('p256', 'stranger') }), own, trust } };
}

/** The agent's root with its key, as a thief would have it. */
function ownRoot(agent: TestAgent): Made {
  const der = new X509Certificate(readFileSync(agent.rootFile)).raw;
  const read = readCertificate(der);
  if (read.kind === 'malformed' || read.facts.keyId === null) throw new Error('the agent\'s root cannot be read');
  const privateKey = createPrivateKey(readFileSync(join(agent.home, 'root.key')));
  const key = { privateKey, publicKey: createPublicKey(privateKey) };
  return { der, pem: pem(der), key, keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, subject: Buffer.from(read.facts.subject), keyId: Buffer.from(read.facts.keyId) };
}

async function served(situation: Situation, chain: Chain, staple: Buffer | null, folder: string): Promise<SituationServer> {
  try {
    return await serveSituation(situation, chain, staple, folder);
  } catch (error) {
    throw new Error(`cannot serve "${situation.title}": ${(error as Error).message}`, { cause: error });
  }
}

async function givePolicy(agent: TestAgent, roots: readonly Made[], ports: ReadonlyMap<string, number>, folder: string): Promise<void> {
  const rootsFile = join(folder, 'roots.pem');
  writeFileSync(rootsFile, roots.map((root) => root.pem).join(''));
  const { generation } = await agent.client.call('policy', {}, {});
  agent.writePolicy({
    version: 1, defaults: { onUnknownApp: 'inspect', onInvalidUpstream: 'splice' }, rules: [{ id: 'all', do: 'inspect' }],
    network: { port: 0, upstreamRoots: [rootsFile], localTargets: Object.fromEntries([...ports].map(([host, port]) => [`${host}:443`, `127.0.0.1:${port}`])) },
  });
  await until('the policy is read', async () => (await agent.client.call('policy', {}, {})).generation > generation);
}

/** An app that takes whatever it is shown; its own errors do not matter. */
async function look(agent: TestAgent, host: string): Promise<void> {
  const tunnel = await connectThrough(agent.proxyPort, host);
  await new Promise<void>((done) => {
    const socket = tls.connect({ socket: tunnel, rejectUnauthorized: false, ciphers: 'DEFAULT:@SECLEVEL=0', ...(/^[\d.]+$/.test(host) ? {} : { servername: host }) }, () => {
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    for (const end of ['error', 'end', 'close'] as const) socket.once(end, () => done());
    socket.resume();
    socket.setTimeout(5_000, () => socket.destroy());
  });
  tunnel.destroy();
}

async function whyOf(agent: TestAgent, host: string): Promise<string> {
  const row = await until(`the connection to ${host} is written down`, async () => (await agent.client.call('connections', { filter: `host = ${host}`, limit: '1' }, {})).rows[0]);
  return row.disposition === 'inspect' ? '' : row.error ?? row.reason.code;
}

/** Whoever has asked for connections (`whyOf`) has had everything written before. */
function leavesOf(agent: TestAgent, host: string): number {
  const database = new Database(join(agent.home, 'pinlight.db'), { readonly: true });
  try {
    return database.prepare<[string], { n: number }>('SELECT count(*) AS n FROM issued_leaves WHERE host = ?').get(host)?.n ?? 0;
  } finally {
    database.close();
  }
}

async function inTurn<T>(list: readonly T[], together: number, work: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...list];
  await Promise.all(Array.from({ length: together }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  }));
}
