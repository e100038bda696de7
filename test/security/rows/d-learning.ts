// D5 to D9: other inspectors, forged pins, exclusions that end, the first-start notice, and what happens when the agent cannot inspect.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parsePolicyFile } from '../../../electron/core/policy/parse.ts';
import { startTestAgent, type TestAgent } from '../../support/agent.ts';
import { tlsThrough, until } from '../../support/tunnel.ts';
import { forgerMissing, runForger } from '../../lab/forger/run-forger.ts';
import { openOrigins } from '../../lab/stage.ts';
import { createTally, inspectAll, isOurs, mustInspectAll, withLegs, type Legs } from '../legs.ts';
import { skip, type CheckRun, type Row, type RowResult } from '../registry.ts';
import { canConnect } from '../situation-servers.ts';
import { day } from '../workshop.ts';

export const rows: readonly Row[] = [
  { id: 'D5', title: 'another inspector on the device is reported', source: 'NSA', run: alreadyInspected },
  { id: 'D6', title: 'a pin cannot be forged for gain', source: 'own', run: forged },
  { id: 'D7', title: 'exclusions end, show, go when told, and outlive a restart', source: 'own', run: exclusionsEnd },
  { id: 'D8', title: 'notice before the first inspection, recorded', source: 'STIP', run: noticeFirst },
  { id: 'D9', title: 'what cannot be inspected passes or is blocked, as policy says', source: 'STIP', run: failMode },
];

/** Is the app shown a leaf of ours? null: no TLS came about. */
async function inspected(agent: TestAgent, host: string): Promise<boolean | null> {
  const socket = await tlsThrough(agent.proxyPort, host, { rejectUnauthorized: false }).catch(() => null);
  if (socket === null) return null;
  const ours = isOurs(socket.getPeerX509Certificate());
  socket.on('error', () => undefined).end('GET / HTTP/1.1\r\nConnection: close\r\n\r\n').resume();
  await new Promise((done) => socket.once('close', done));
  return ours;
}

const networkOf = (legs: Legs, named: boolean): object => ({
  ...(named ? { upstreamRoots: [legs.authority.rootFile] } : {}), localTargets: Object.fromEntries([...legs.targets].map(([host, port]) => [`${host}:443`, `127.0.0.1:${port}`])),
});

async function alreadyInspected(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    // Unrelated registrable names: what only another inspector's root vouches for all at once.
    const hosts = ['www.first-shop.com', 'www.second-bank.org', 'mail.third-mail.net', 'api.fourth-app.io'];
    const ownDomain = ['a.corp-intern.com', 'b.corp-intern.com', 'c.corp-intern.com', 'd.corp-intern.com'];
    for (const host of [...hosts, ...ownDomain]) await legs.origin(host);
    const codes = async (agent: TestAgent): Promise<string[]> => (await agent.client.call('status', {}, {})).warnings.map(({ code }) => code);
    const visit = async (named: boolean, list: readonly string[]): Promise<{ codes: readonly string[]; text: string }> => {
      const agent = await startTestAgent({ defaults: { onUnknownApp: 'inspect' }, rules: mustInspectAll, network: networkOf(legs, named) }, { env: named ? {} : { SSL_CERT_FILE: legs.authority.rootFile } });
      try {
        for (const host of list) tally.check(`${host} is inspected by us`, await inspected(agent, host) === true);
        const { warnings } = await agent.client.call('status', {}, {});
        return { codes: await codes(agent), text: warnings.map((warning) => warning.text).join(' ') };
      } finally {
        await agent.stop();
      }
    };
    const found = await visit(false, hosts);
    tally.check('a root of the system alone that vouches for unrelated names is reported', found.codes.includes('already-inspected'), found.codes);
    tally.check('with its name', found.text.includes('Test origins') && found.text.includes('first-shop.com'), found.text);
    tally.check('two names are no proof', !(await visit(false, hosts.slice(0, 2))).codes.includes('already-inspected'));
    tally.check('an organisation\'s own domain is none either', !(await visit(false, ownDomain)).codes.includes('already-inspected'));
    tally.check('nor is a root that policy names', !(await visit(true, hosts)).codes.includes('already-inspected'));
  });
  return tally.result('servers under a second local root, in the system\'s store and named by policy. What then happens is policy\'s: a warning changes no decision');
}

async function forged({ quick }: CheckRun): Promise<RowResult> {
  const why = forgerMissing();
  if (why !== null) return skip(why);
  const tally = createTally();
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-forger-'));
  const origins = await openOrigins();
  let handshakes = 0;
  try {
    for (const report of await runForger(origins, '1.3', quick ? 300 : 3_000, folder)) {
      handshakes += report.handshakes;
      tally.check(`over ${report.hosts} hosts: nothing beyond the budgets`, report.failures.length === 0, report.failures.join('; '));
      tally.check(`over ${report.hosts} hosts: the must-inspect host is never let through`, report.mustInspectPassed === 0, report.mustInspectPassed);
      tally.check(`over ${report.hosts} hosts: no exclusion of more than an hour`, report.longestExclusionMinutes <= 60, report.longestExclusionMinutes);
    }
  } finally {
    await origins.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result(`${handshakes} handshakes aborted as a pinned app does, by an unsigned C program; 10,000 with npm run lab -- --only forger --forge 10000`);
}

async function exclusionsEnd(): Promise<RowResult> {
  const tally = createTally();
  const home = mkdtempSync(join(tmpdir(), 'pinlight-exclusions-'));
  try {
    let agent = await startTestAgent({ rules: inspectAll }, { home });
    const own = async (): Promise<readonly string[]> => (await agent.client.call('exclusions', {}, {})).exclusions.filter(({ kind }) => kind !== 'predefined').map(({ id }) => id);
    const forever = (await agent.client.call('addExclusion', {}, { host: 'kept.test', reason: 'check' })).exclusion;
    const short = (await agent.client.call('addExclusion', {}, { host: 'short.test', reason: 'check', hours: 0.0003 })).exclusion;
    tally.check('both are listed', (await own()).length === 2);
    tally.check('the short one has its end', (short.expiresAt ?? 0) > short.createdAt && (short.expiresAt ?? 0) < short.createdAt + 5_000, short.expiresAt);
    await until('the short one is over', async () => !(await own()).includes(short.id));
    await agent.stop();
    agent = await startTestAgent({ rules: inspectAll }, { home });
    tally.check('the other outlives a restart', (await own()).join() === forever.id, await own());
    await agent.client.call('removeExclusion', { id: forever.id }, {});
    tally.check('and goes when told', (await own()).length === 0);
    await agent.client.call('connections', { limit: '1' }, {});
    const database = new Database(join(home, 'pinlight.db'), { readonly: true });
    const kinds = (database.prepare("SELECT kind FROM audit WHERE kind LIKE '%exclusion%'").all() as { kind: string }[]).map(({ kind }) => kind);
    database.close();
    tally.check('each step is in the audit', kinds.length >= 3, kinds);
    for (const days of [0, 31, 365]) {
      const read = parsePolicyFile(JSON.stringify({ version: 1, learning: { confirmedDays: days } }), 'p.json');
      tally.check(`policy cannot let a learned one last ${days} days`, read.kind !== 'policy');
    }
    await agent.stop();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  return tally.result('added, listed, expired, kept over a restart, removed, audited; the longest life of a learned one (30 days) is enforced where policy is read');
}

async function noticeFirst(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const host = 'notice.policy.test';
    await legs.origin(host);
    const home = mkdtempSync(join(legs.authority.folder, 'home-'));
    const policy = { defaults: { onUnknownApp: 'inspect' }, notice: { mode: 'required' }, rules: inspectAll, network: networkOf(legs, true) };
    let agent = await startTestAgent(policy, { home });
    try {
      for (let n = 0; n < 3; n += 1) tally.check('before the notice is accepted nothing is inspected', await inspected(agent, host) === false, n);
      const notice = await agent.client.call('notice', {}, {});
      tally.check('it says something', notice.paragraphs.length > 0 && notice.acceptedAt === null);
      await agent.client.call('acceptNotice', {}, { version: notice.version, as: 'shown' });
      tally.check('shown is not accepted', await inspected(agent, host) === false);
      await agent.client.call('acceptNotice', {}, { version: notice.version, as: 'accepted' });
      tally.check('once accepted, inspection begins', await inspected(agent, host) === true);
      await agent.stop();
      agent = await startTestAgent(policy, { home });
      tally.check('it is recorded over a restart', (await agent.client.call('notice', {}, {})).acceptedAt !== null && await inspected(agent, host) === true);
      agent.writePolicy({ version: 1, ...policy, notice: { mode: 'required', text: 'Other words now.' }, network: { port: 0, ...policy.network } });
      await until('other words', async () => (await agent.client.call('notice', {}, {})).version !== notice.version);
      tally.check('other words are accepted anew', await inspected(agent, host) === false);
    } finally {
      await agent.stop();
    }
  });
  return tally.result('policy notice.mode "required": before and after acceptance, after a restart, after a change of the text');
}

async function failMode(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    await legs.origin('ordinary.fail.test');
    await legs.origin('must.fail.test');
    await legs.origin('expired.fail.test', { leaf: legs.authority.leaf('expired.fail.test', { notBefore: Date.now() - 9 * day, notAfter: Date.now() - day }) });
    const rules = [{ id: 'must', when: { host: 'must.fail.test' }, do: 'inspect', mustInspect: true }, ...inspectAll];
    for (const mode of ['open', 'closed'] as const) {
      const home = mkdtempSync(join(legs.authority.folder, 'home-'));
      await (await startTestAgent({ rules: [] }, { home })).stop();
      writeFileSync(join(home, 'root.key'), 'no key');
      const broken = await startTestAgent({ defaults: { failMode: mode, onUnknownApp: 'inspect' }, rules, network: networkOf(legs, true) }, { home });
      tally.check(`${mode}, without a root key: an ordinary host passes uninspected`, await inspected(broken, 'ordinary.fail.test') === false);
      tally.check(`${mode}, without a root key: a must-inspect host is blocked`, await inspected(broken, 'must.fail.test') === null);
      tally.check(`${mode}: that is reported`, (await broken.client.call('status', {}, {})).warnings.some(({ code }) => code === 'root-unusable'));
      const gone = new Promise((done) => broken.process.once('exit', done));
      broken.process.kill('SIGKILL');
      await gone;
      const from = performance.now();
      tally.check(`${mode}, agent killed: its port refuses at once`, !(await canConnect(broken.proxyPort)) && performance.now() - from < 1_000);
    }
    for (const [answer, seen] of [['splice', false], ['block', null]] as const) {
      const agent = await startTestAgent({ defaults: { onInvalidUpstream: answer, onUnknownApp: 'inspect' }, rules, network: networkOf(legs, true) });
      tally.check(`a bad server under onInvalidUpstream ${answer}`, await inspected(agent, 'expired.fail.test') === seen);
      await agent.stop();
    }
  });
  return tally.result('a root key that cannot be used, a killed agent and a bad server, under failMode open and closed. Keeping the network alive or shut after that is the watchdog\'s: npm run faults');
}
