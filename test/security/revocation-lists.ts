// A8, the part about lists: `openssl ca` revokes, `openssl s_server` serves, an agent whose policy names the list looks. Not a product part.
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { findCommand } from '../support/find-command.ts';
import { createOpensslAuthority, type KeyAndCertificate, type OpensslAuthority } from '../support/openssl-authority.ts';
import { tlsThrough, until } from '../support/tunnel.ts';
import { createTally, isOurs, issued, lastRow, withLegs } from './legs.ts';
import { skip, type CheckRun, type RowResult } from './registry.ts';

const good = 'good.crl.test';
const bad = 'bad.crl.test';
const revoked = 'the certificate was revoked by its authority';

export async function tryRevocationLists({ quick, progress }: CheckRun): Promise<RowResult> {
  if (findCommand('openssl') === null) return skip('openssl is not installed');
  const tally = createTally();
  const authority = createOpensslAuthority();
  try {
    const waited = await withLegs(async ({ program, targets }) => {
      let seconds: number | null = null;
      const leaves = new Map<string, KeyAndCertificate>();
      for (const host of [good, bad]) {
        const leaf = authority.leaf(host);
        leaves.set(host, leaf);
        await program(host, 'ec', ({ port }) => ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-cert', leaf.cert, '-key', leaf.key, '-www', '-quiet']);
      }
      const agent = await startTestAgent({ rules: [] });
      const servers = { upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries([...targets].map(([host, port]) => [`${host}:443`, `127.0.0.1:${port}`])) };
      /** What becomes of both hosts under these lists; null = inspected. */
      const under = async (network: object, defaults: object = {}): Promise<Readonly<Record<string, string | null>>> => {
        const { generation } = await agent.client.call('policy', {}, {});
        agent.writePolicy({ version: 1, defaults: { onUnknownApp: 'inspect', ...defaults }, rules: [{ id: 'all', do: 'inspect' }], network: { port: 0, ...servers, ...network } });
        await until('the policy is read', async () => (await agent.client.call('policy', {}, {})).generation !== generation);
        return { [good]: await refusal(agent, good), [bad]: await refusal(agent, bad) };
      };
      try {
        const before = authority.list('before.crl');
        const inForce = join(authority.folder, 'in-force.crl');
        copyFileSync(before, inForce);
        const calm = await under({ upstreamCrls: [inForce], unknownRevocation: 'refuse' });
        tally.check('before the revocation both servers are inspected, also where a current list is asked for', calm[good] === null && calm[bad] === null, JSON.stringify(calm));
        authority.revoke(leaves.get(bad) as KeyAndCertificate);
        const after = authority.list('after.crl');
        tally.check('OpenSSL itself says so of the one', authority.verdict(leaves.get(bad) as KeyAndCertificate, after).includes('certificate revoked'));
        tally.check('and not of the other', authority.verdict(leaves.get(good) as KeyAndCertificate, after).includes(': OK'));
        if (!quick) {
          copyFileSync(after, inForce);
          progress('A8 waits for the file of the list to be read again');
          seconds = await until60(async () => await refusal(agent, bad) === revoked);
          tally.check('a list that is replaced counts within 60 s, without a restart, and for resumed sessions', seconds !== null);
        }
        await tryForms(authority, after, quick, under, tally.check);
        const leafs = (await issued(agent)).filter((host) => host === bad).length;
        tally.check('a block is a block', (await under({ upstreamCrls: [after] }, { onInvalidUpstream: 'block' }))[bad] === `${revoked} (block)`);
        tally.check('and no leaf was signed for it', (await issued(agent)).filter((host) => host === bad).length === leafs);
        await tryUseless(authority, quick, under, agent, tally.check);
        return seconds;
      } finally {
        await agent.stop();
      }
    });
    return tally.result(`lists of openssl ca in PEM and DER before openssl s_server${waited === null ? '' : `, a replaced one counted after ${waited} s`}; lists that are over, spoilt, missing or of strangers; nothing is fetched: no OCSP server is asked, no distribution point followed`);
  } finally {
    authority.close();
  }
}

type Under = (network: object, defaults?: object) => Promise<Readonly<Record<string, string | null>>>;
type Check = (what: string, held: boolean, seen?: string) => void;

async function tryForms(authority: OpensslAuthority, list: string, quick: boolean, under: Under, check: Check): Promise<void> {
  for (const [what, file] of [['in PEM', list], ['in DER', authority.rewritten(list, 'after.der', '-outform', 'DER')]] as const) {
    for (const unknownRevocation of quick ? ['refuse'] : ['allow', 'refuse']) {
      const seen = await under({ upstreamCrls: [file], unknownRevocation });
      check(`a list ${what}, unknown: ${unknownRevocation}: the revoked server alone is not inspected`, seen[bad] === revoked && seen[good] === null, JSON.stringify(seen));
    }
  }
}

/** Lists that tell nothing of a server's certificate: by policy, and with a warning that names file and reason. */
async function tryUseless(authority: OpensslAuthority, quick: boolean, under: Under, agent: TestAgent, check: Check): Promise<void> {
  const stranger = createOpensslAuthority();
  const junk = join(authority.folder, 'junk.crl');
  writeFileSync(junk, 'junk');
  try {
    const over = authority.list('over.crl', [-9, -1]);
    const all = [
      ['a spoilt signature', authority.rewritten(over, 'spoilt.crl', '-badsig'), /signature/, false], ['a list that is over', over, /out of date since/, true], ['junk', junk, /no revocation list/, false],
      ['no file', join(authority.folder, 'none.crl'), /cannot be read/, false], ['a list of a stranger', stranger.list('stranger.crl'), null, false],
    ] as const;
    for (const [what, file, warning, listed] of quick ? all.slice(0, 2) : all) {
      const allowed = await under({ upstreamCrls: [file] });
      check(`${what}: traffic goes on`, allowed[good] === null && allowed[bad] === (listed ? revoked : null), JSON.stringify(allowed));
      const warnings = (await agent.client.call('status', {}, {})).warnings.filter(({ code }) => code === 'revocation-list').map(({ text }) => text);
      check(`${what}: ${warning === null ? 'nothing to warn of' : 'a warning with file and reason'}`, warning === null ? warnings.length === 0 : warnings.length === 1 && warnings[0]?.startsWith(file) === true && warning.test(warnings[0]), warnings.join());
      const strict = await under({ upstreamCrls: [file], unknownRevocation: 'refuse' });
      check(`${what}, where a current list is asked for: not inspected`, /no current revocation list/.test(strict[good] ?? '') && strict[bad] !== null, JSON.stringify(strict));
    }
    const none = await under({ upstreamCrls: [], unknownRevocation: 'refuse' });
    check('without any list, where a current one is asked for: not inspected', [good, bad].every((host) => /no current revocation list/.test(none[host] ?? '')), JSON.stringify(none));
    const calm = await under({ upstreamCrls: [] });
    check('without any list nothing is asked otherwise', calm[good] === null && calm[bad] === null, JSON.stringify(calm));
  } finally {
    stranger.close();
  }
}

/** Why an app's connection to the host is not inspected; null when it is. */
async function refusal(agent: TestAgent, host: string): Promise<string | null> {
  const before = (await agent.client.call('connections', { filter: `host = ${host}`, limit: '1' }, {})).rows[0]?.id ?? -1;
  const socket = await tlsThrough(agent.proxyPort, host, { rejectUnauthorized: false }).catch(() => null);
  const ours = isOurs(socket?.getPeerX509Certificate());
  socket?.on('error', () => undefined).end('GET / HTTP/1.0\r\n\r\n').resume();
  await new Promise((done) => (socket === null || socket.destroyed ? done(null) : socket.once('close', done)));
  const row = await until('the connection has its row', async () => {
    const last = await lastRow(agent, host);
    return last.id !== before && last.durationMs !== null && last;
  });
  if (ours) return null;
  return row.disposition === 'block' ? `${row.error ?? row.reason.code} (block)` : row.error ?? row.reason.code;
}

/** Seconds until it holds; null when it does not within a minute. */
async function until60(holds: () => Promise<boolean>): Promise<number | null> {
  const from = performance.now();
  while (performance.now() - from < 60_000) {
    if (await holds()) return Math.round((performance.now() - from) / 1_000);
    await new Promise((done) => { setTimeout(done, 500); });
  }
  return null;
}
