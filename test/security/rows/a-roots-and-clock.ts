// A9, A14: whose roots count, when the system's list changes while we run; and what a wrong clock can make us sign.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAuthority } from '../../../electron/agent/ca/authority.ts';
import { leafValidity } from '../../../electron/core/ca/leaf-profile.ts';
import { startTestAgent } from '../../support/agent.ts';
import { tlsThrough } from '../../support/tunnel.ts';
import { createTally, inspectAll, isOurs, mustInspectAll, withLegs } from '../legs.ts';
import { startOwnAgent } from '../own-agent.ts';
import type { CheckRun, Row, RowResult } from '../registry.ts';
import { day } from '../workshop.ts';

export const rows: readonly Row[] = [
  { id: 'A9', title: 'the system\'s roots, also when they change', source: 'KbP', slow: true, run: rootsChange },
  { id: 'A14', title: 'a wrong clock signs nothing impossible', source: 'SST', run: wrongClock },
];

async function rootsChange({ progress }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  const waits: number[] = [];
  await withLegs(async (legs) => {
    const host = 'system.roots.test';
    await legs.origin(host);
    const file = join(legs.authority.folder, 'system.pem');
    const empty = join(legs.authority.folder, 'none');
    mkdirSync(empty);
    const others = (readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8').match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g) ?? []).slice(0, 3).join('');
    writeFileSync(file, others);
    const agent = await startTestAgent({
      defaults: { onUnknownApp: 'inspect' }, rules: mustInspectAll, network: { localTargets: { [`${host}:443`]: `127.0.0.1:${legs.targets.get(host)}` } },
    }, { env: { SSL_CERT_FILE: file, SSL_CERT_DIR: empty } });
    const trusted = async (): Promise<boolean> => {
      const socket = await tlsThrough(agent.proxyPort, host, { rejectUnauthorized: false }).catch(() => null);
      const ours = isOurs(socket?.getPeerX509Certificate());
      socket?.destroy();
      return ours;
    };
    const turns = async (what: string, wanted: boolean): Promise<void> => {
      const from = performance.now();
      while (await trusted() !== wanted && performance.now() - from < 60_000) await new Promise((done) => { setTimeout(done, 500); });
      waits.push(Math.round((performance.now() - from) / 1_000));
      progress(`${what} after ${waits.at(-1)} s`);
      tally.check(`${what} within 60 s`, await trusted() === wanted, waits.at(-1));
    };
    try {
      tally.check('a root that the system lacks is not trusted', !(await trusted()));
      writeFileSync(file, others + legs.authority.rootPem);
      await turns('a root that the system was given is trusted', true);
      writeFileSync(file, others);
      await turns('a root that was taken from the system is not', false);
      writeFileSync(file, others + readFileSync(agent.rootFile, 'utf8'));
      tally.check('our own root among the system\'s changes nothing (A6)', !(await trusted()));
    } finally {
      await agent.stop();
    }
  });
  return tally.result(`a root added to and removed from the list that Node takes for the system's, without a restart: ${waits.join(' s and ')} s. Windows and macOS tell no file of theirs: there, at the next start`);
}

const year = 365 * day;
/** How far the clock is off, ms. */
const shifts = [-10 * year, -3 * year, -30 * day, -25 * 3600_000, -2 * 3600_000, 0, 2 * 3600_000, 25 * 3600_000, 30 * day, 3 * year, 10 * year];

async function wrongClock(): Promise<RowResult> {
  const tally = createTally();
  const begin = Date.now();
  for (let n = 0; n < 5_000; n += 1) {
    const root = { notBefore: begin - day, notAfter: begin + 2 * year };
    const now = begin + (((n * 7919) % 8_000) - 4_000) * day / 2;
    const upstream = begin + (((n * 104_729) % 2_000) - 1_000) * day;
    const made = leafValidity(now, upstream, root);
    if (made.kind === 'impossible') continue;
    tally.check('a leaf lies in the life of root and server, and now in its own', made.notBefore >= root.notBefore && made.notAfter <= Math.min(root.notAfter, upstream) && made.notBefore <= now && now < made.notAfter, new Date(now).toISOString());
  }
  await withLegs(async (legs) => {
    const host = 'clock.test';
    await legs.origin(host);
    for (const shift of shifts) {
      const agent = await startOwnAgent({
        defaults: { onUnknownApp: 'inspect' }, rules: inspectAll, network: { upstreamRoots: [legs.authority.rootFile], localTargets: { [`${host}:443`]: `127.0.0.1:${legs.targets.get(host)}` } },
      }, { now: () => Date.now() + shift, prepare: (home) => void loadAuthority(home, 'laptop', begin) });
      try {
        const socket = await tlsThrough(agent.proxyPort, host, { rejectUnauthorized: false }).catch(() => null);
        const leaf = socket?.getPeerX509Certificate();
        socket?.destroy();
        const hours = Math.round(shift / 3600_000);
        const off = Math.abs(shift) > day;
        if (isOurs(leaf)) tally.check(`clock off by ${hours} h: the leaf is good by the true clock and by the wrong one`, [begin, begin + shift].every((at) => (leaf?.validFromDate.getTime() ?? Infinity) <= at + 5_000 && at < (leaf?.validToDate.getTime() ?? 0)) || off, leaf?.validFrom ?? '');
        if (shift < -day) {
          tally.check(`clock ${hours} h behind: no leaf`, !isOurs(leaf));
          tally.check(`clock ${hours} h behind: said`, agent.snapshot().warnings.some(({ code }) => code === 'clock-wrong'), agent.snapshot().warnings.map(({ code }) => code));
        }
        if (shift > 20 * day) tally.check(`clock ${hours} h ahead: no leaf, the server looks expired`, !isOurs(leaf));
        tally.check(`clock off by ${hours} h: the app is served all the same`, leaf !== undefined);
      } finally {
        await agent.close();
      }
    }
  });
  return tally.result(`dates for 5,000 clocks; agents whose clock is off by up to ten years either way. A clock that is ahead shows as expired servers, whose rows say so`);
}
