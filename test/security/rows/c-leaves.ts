// C4 to C8: what a leaf says, who accepts it, how long it lives, that each is its server's alone and stands in the issuance log.
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { loadAuthority } from '../../../electron/agent/ca/authority.ts';
import { createLeafContexts, type LeafRequest } from '../../../electron/agent/ca/leaf-contexts.ts';
import { readCertificate } from '../../../electron/core/ca/certificate.ts';
import { leafBackdateMs, leafLifetimeMs } from '../../../electron/core/ca/leaf-profile.ts';
import { repository, type TestAgent } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { tlsThrough } from '../../support/tunnel.ts';
import { openBrowser } from '../browser.ts';
import { compareWithBrowser } from '../laundering.ts';
import { createTally, isOurs, mustInspectAll, run, withLegs, type Legs, type Tally } from '../legs.ts';
import type { CheckRun, Row, RowResult } from '../registry.ts';
import { day } from '../workshop.ts';

export const rows: readonly Row[] = [
  { id: 'C4', title: 'the leaf\'s profile, and seven stacks that accept it', source: 'BR STIP Apple', run: leafProfile },
  { id: 'C5', title: 'a leaf\'s life lies within server\'s and root\'s', source: 'STIP', run: leafLife },
  { id: 'C6', title: 'no leaf is handed out for another server', source: 'Kaspersky 2016', run: noCollision },
  { id: 'C7', title: 'a bad server gets no leaf by any trick of names', source: 'Komodia 2015', run: noLeafForBad },
  { id: 'C8', title: 'each leaf is logged with its server and rule', source: 'STIP', run: joined },
];

const verifiers = join(repository, 'test/agent/ca/verifiers');

/** The certificate that an app is shown. */
async function shown(agent: TestAgent, host: string): Promise<X509Certificate> {
  const socket = await tlsThrough(agent.proxyPort, host, { rejectUnauthorized: false });
  const certificate = socket.getPeerX509Certificate();
  socket.end('GET / HTTP/1.1\r\nConnection: close\r\n\r\n').resume();
  await new Promise((done) => socket.once('close', done));
  if (certificate === undefined) throw new Error(`${host} showed no certificate`);
  return certificate;
}

const longName = `${'a'.repeat(60)}.${'b'.repeat(60)}.leaf.test`;

async function leafProfile(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const hosts = ['api.leaf.test', 'under_score.leaf.test', longName];
    for (const host of hosts) await legs.origin(host);
    // A server for many names: the leaf is for the one that was asked for.
    await legs.origin('one.wild.test', { leaf: legs.authority.leaf('*.wild.test') });
    const agent = await legs.agent(mustInspectAll);
    const root = readCertificate(new X509Certificate(await rootOf(agent)).raw);
    for (const host of [...hosts, 'one.wild.test']) {
      const read = readCertificate((await shown(agent, host)).raw);
      if (read.kind === 'malformed' || root.kind === 'malformed') {
        tally.check(`${host}: the leaf can be read`, false);
        continue;
      }
      const { facts: { extensions, ...facts } } = read;
      const name = extensions.subjectAltName;
      const longer = host.length > 64;
      tally.check(`${host}: version 3`, facts.version === 3);
      tally.check(`${host}: the name asked for, and no other`, name?.names.length === 1 && name.names[0]?.kind === 'dns' && name.names[0].name === host, JSON.stringify(name?.names));
      tally.check(`${host}: SAN is critical only without a subject`, name?.critical === longer);
      tally.check(`${host}: serverAuth alone`, extensions.extendedKeyUsage?.join() === '2b06010505070301');
      tally.check(`${host}: digitalSignature alone`, extensions.keyUsage === 0x80);
      tally.check(`${host}: no authority`, extensions.basicConstraints?.ca === false);
      tally.check(`${host}: no name constraints, no policies, nothing unknown and critical`, extensions.nameConstraints === null && extensions.policies === null && extensions.unknownCritical.length === 0);
      tally.check(`${host}: the issuer is the root, byte for byte`, Buffer.from(facts.issuer).equals(Buffer.from(root.facts.subject)));
      tally.check(`${host}: P-256`, facts.key.kind === 'ec');
    }
    // Java refuses to ask for a name with an underscore by itself.
    await sevenStacks(tally, legs, agent, hosts.filter((host) => !host.includes('_')));
  });
  return tally.result('leaves as apps are shown them, read by our own DER reader; OpenSSL -x509_strict, GnuTLS, NSS, Chromium, Java, Go and Python at the agent\'s own handshakes');
}

async function rootOf(agent: TestAgent): Promise<string> {
  return (await agent.client.call('trust', {}, {})).root.pem;
}

async function sevenStacks(tally: Tally, legs: Legs, agent: TestAgent, hosts: readonly string[]): Promise<void> {
  const fronts = new Map<string, number>();
  for (const host of hosts) fronts.set(host, await legs.front(agent, host));
  const pairs = [...fronts].map(([host, port]) => `${host}=${port}`);
  const all = (stack: string, text: string): void => {
    for (const host of hosts) tally.check(`${stack} accepts the leaf for ${host.slice(0, 30)}`, text.includes(`ok ${host}`), text);
  };
  const missing = (stack: string, command: string): boolean => {
    const there = findCommand(command) !== null;
    if (!there) tally.check(`${stack}: ${command} is installed`, false);
    return !there;
  };
  const database = `sql:${mkdtempSync(join(legs.authority.folder, 'nss-'))}`;
  if (!missing('NSS', 'tstclnt')) {
    await run(['certutil', '-N', '-d', database, '--empty-password']);
    await run(['certutil', '-A', '-d', database, '-t', 'C,,', '-n', 'root', '-i', agent.rootFile]);
  }
  for (const [host, port] of fronts) {
    const request = { input: `GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`, hold: true };
    const openssl = await run(['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', host, '-CAfile', agent.rootFile, '-verify_return_error', '-verify_hostname', host, '-x509_strict', '-purpose', 'sslserver'], request);
    tally.check(`OpenSSL accepts the leaf for ${host.slice(0, 30)}`, /Verify return code: 0 \(ok\)|Verification: OK/.test(openssl.text), openssl.text.slice(-300));
    const gnutls = await run(['gnutls-cli', '--x509cafile', agent.rootFile, '--port', String(port), '--verify-hostname', host, '--sni-hostname', host, '127.0.0.1'], { input: '' });
    tally.check(`GnuTLS accepts the leaf for ${host.slice(0, 30)}`, gnutls.code === 0 && /The certificate is trusted/.test(gnutls.text), gnutls.text.slice(-300));
    const nss = await run(['tstclnt', '-h', '127.0.0.1', '-a', host, '-p', String(port), '-d', database], { input: request.input });
    tally.check(`NSS accepts the leaf for ${host.slice(0, 30)}`, nss.text.includes(`hello from ${host}`), `${nss.code} ${nss.text.slice(-200)}`);
  }
  if (!missing('Python', 'python3')) all('Python', (await run(['python3', join(verifiers, 'verify.py'), agent.rootFile, ...pairs])).text);
  if (!missing('Go', 'go')) all('Go', (await run(['go', 'run', join(verifiers, 'verify.go'), agent.rootFile, ...pairs], { env: { GOFLAGS: '-mod=mod', GO111MODULE: 'off' }, timeoutMs: 120_000 })).text);
  if (!missing('Java', 'java')) all('Java', (await run(['java', join(verifiers, 'Verify.java'), agent.rootFile, ...pairs], { timeoutMs: 60_000 })).text);
  const browser = await openBrowser(legs.authority.folder, [await rootOf(agent)], fronts);
  try {
    for (const host of hosts) {
      const verdict = await browser.judge(host);
      tally.check(`Chromium accepts the leaf for ${host.slice(0, 30)}`, verdict.accepted, verdict.error);
    }
  } finally {
    await browser.close();
  }
}

/** Ends of servers, in days from now; the agent's own leaf ends no later. */
const serverEnds = [0.1, 1, 3, 6.9, 7, 8, 20, 300];

async function leafLife(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const now = Date.now();
    for (const days of serverEnds) await legs.origin(`end-${days}.leaf.test`, { leaf: legs.authority.leaf(`end-${days}.leaf.test`, { notAfter: now + days * day }) });
    const agent = await legs.agent(mustInspectAll);
    const root = new X509Certificate(await rootOf(agent));
    for (const days of serverEnds) {
      const leaf = await shown(agent, `end-${days}.leaf.test`);
      const [from, to] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
      tally.check(`server with ${days} days left: never past it`, to <= now + days * day, leaf.validTo);
      tally.check(`server with ${days} days left: seven days in all at most`, to - from <= leafLifetimeMs);
      tally.check(`server with ${days} days left: never past the root`, to <= root.validToDate.getTime());
      tally.check(`server with ${days} days left: begins at most a day ago`, from >= now - leafBackdateMs - 2_000 && from <= now, leaf.validFrom);
      tally.check(`server with ${days} days left: not before the root`, from >= root.validFromDate.getTime());
    }
  });
  return tally.result('servers that end in 0.1 to 300 days. By design: leaves begin half a day to a day before they are made, because clocks of apps differ');
}

async function noCollision({ quick }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const loaded = loadAuthority(mkdtempSync(join(legs.authority.folder, 'root-')), 'laptop', Date.now());
    if (loaded.kind !== 'authority') throw new Error(loaded.why);
    const contexts = createLeafContexts(loaded.authority, () => undefined, () => undefined);
    const count = quick ? 400 : 4_000;
    const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T;
    const byLeaf = new Map<string, string>();
    for (let n = 0; n < count; n += 1) {
      // Few values of each kind, so that every cut-short or blended key would meet another.
      const request: LeafRequest = {
        account: pick([null, '1000', '1001'], n >> 6), host: pick(['a.test', 'b.test', 'a.test.', 'ab.test', 'a.test h2'], n), upstreamHash: pick(['aa', 'aa a.test', 'ab', 'b', `${'0'.repeat(56)}${n % 16}`, `${n % 16}${'0'.repeat(56)}`], n >> 2), upstreamNotAfter: Date.now() + 5 * day,
        alpn: pick([null, 'h2', 'http/1.1'], n >> 3), maxVersion: pick(['TLSv1.2', 'TLSv1.3'], n >> 4), bulk: pick(['AES128', 'AES256', 'CHACHA20'], n >> 5), key: 'ec', rule: null,
      };
      const made = contexts.contextFor(request, Date.now());
      if (made.kind === 'impossible') throw new Error(made.why);
      const asked = JSON.stringify([request.host, request.upstreamHash]);
      tally.check(`request ${n} got its own leaf`, made.leaf.host === request.host && made.leaf.upstreamHash === request.upstreamHash, asked);
      tally.check(`request ${n}: that leaf is no other's`, (byLeaf.get(made.leaf.sha256) ?? asked) === asked, asked);
      byLeaf.set(made.leaf.sha256, asked);
    }
    tally.check('the cache is bounded', contexts.size() <= 400, contexts.size());

    // Two servers whose certificates agree in name, issuer and all but the key: two leaves.
    const agent = await (async () => {
      for (const host of ['twin.leaf.test']) await legs.origin(host);
      return legs.agent(mustInspectAll);
    })();
    const first = await shown(agent, 'twin.leaf.test');
    await legs.origin('twin.leaf.test', { leaf: legs.authority.leaf('twin.leaf.test') });
    const { generation } = await agent.client.call('policy', {}, {});
    agent.writePolicy({ version: 1, defaults: { onUnknownApp: 'inspect' }, rules: mustInspectAll, network: { port: 0, upstreamRoots: [legs.authority.rootFile], localTargets: { 'twin.leaf.test:443': `127.0.0.1:${legs.targets.get('twin.leaf.test')}` } } });
    while ((await agent.client.call('policy', {}, {})).generation === generation) await new Promise((done) => setTimeout(done, 20));
    const second = await shown(agent, 'twin.leaf.test');
    tally.check('another certificate of the same name means another leaf', first.fingerprint256 !== second.fingerprint256);
  });
  return tally.result('requests to the real cache that differ in one field or look alike when joined; a server that changes its certificate');
}

async function noLeafForBad({ progress }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  const { results } = await compareWithBrowser({ rows: ['A1', 'A12'], browser: false, progress });
  for (const { situation, leaves } of results.filter((one) => one.situation.kind === 'bad')) tally.check(`${situation.title}: no leaf`, leaves === 0, leaves);
  return tally.result('the bad servers of A1 and A12 against the issuance log');
}

async function joined({ quick }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const hosts = Array.from({ length: 20 }, (_, n) => `s${n}.log.test`);
    const upstream = new Map<string, string>();
    for (const host of hosts) {
      const leaf = legs.authority.leaf(host);
      upstream.set(host, createHash('sha256').update(new X509Certificate(leaf.cert).raw).digest('hex'));
      await legs.origin(host, { leaf });
    }
    const agent = await legs.agent([{ id: 'even', when: { host: hosts.filter((_, n) => n % 2 === 0) }, do: 'inspect', mustInspect: true }, { id: 'odd', do: 'inspect', mustInspect: true }]);
    const sessions = quick ? 100 : 1_000;
    const seen: { host: string; sha256: string }[] = [];
    const one = async (n: number): Promise<void> => {
      const host = hosts[n % hosts.length] as string;
      const leaf = await shown(agent, host);
      tally.check(`${host}: a leaf of ours`, isOurs(leaf));
      seen.push({ host, sha256: createHash('sha256').update(leaf.raw).digest('hex') });
    };
    for (let n = 0; n < sessions; n += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => one(n + k)));
    await agent.client.call('connections', { limit: '1' }, {});
    const database = new Database(join(agent.home, 'pinlight.db'), { readonly: true });
    try {
      const log = new Map((database.prepare('SELECT * FROM issued_leaves').all() as { sha256: string; host: string; upstream_sha256: string; upstream_result: string; rule: string; at: number }[]).map((row) => [row.sha256, row]));
      for (const { host, sha256 } of seen) {
        const row = log.get(sha256);
        tally.check(`${host}: its leaf is logged with its server, result and rule`, row?.host === host && row.upstream_sha256 === upstream.get(host) && row.upstream_result === 'verified' && row.rule === (hosts.indexOf(host) % 2 === 0 ? 'even' : 'odd') && row.at > 0);
      }
      const used = new Set(seen.map(({ sha256 }) => sha256));
      for (const sha256 of log.keys()) tally.check('a logged leaf was shown to somebody', used.has(sha256));
      const rowsOf = database.prepare("SELECT count(*) AS n FROM connections WHERE disposition = 'inspect'").get() as { n: number };
      tally.check('as many connections as sessions', rowsOf.n === sessions, rowsOf.n);
    } finally {
      database.close();
    }
  });
  return tally.result('sessions at 20 servers under two rules, joined with the issuance log both ways');
}
