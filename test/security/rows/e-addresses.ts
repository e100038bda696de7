// E1, E2, E3: the proxy listens for this device alone, a user's own for that user, and is no way to what listens on it.
import { spawnSync } from 'node:child_process';
import { lookup } from 'node:dns';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Resolve } from '../../../electron/agent/proxy/dial.ts';
import { findCommand } from '../../support/find-command.ts';
import { open } from '../../support/origins.ts';
import { exchange } from '../../routes/stage.ts';
import { createTally, run, withLegs, type Tally } from '../legs.ts';
import { startOwnAgent } from '../own-agent.ts';
import { skip, type Row, type RowResult } from '../registry.ts';
import { asStranger, noSecondUser, strangerUid } from '../second-user.ts';

export const rows: readonly Row[] = [
  { id: 'E1', title: 'no open proxy: this device alone, a user\'s own for that user', source: 'NSA', run: notOpen },
  { id: 'E2', title: 'no way to local services, in 40 spellings and more', source: 'mitmproxy CVE-2025-23217', run: noWayInside },
  { id: 'E3', title: 'the address that was checked is the one that is dialled', source: 'DNS rebinding', run: oneLookUp },
];

async function notOpen(): Promise<RowResult> {
  const [noNeighbour, noStranger] = [whyNoNeighbour(), noSecondUser() ?? (findCommand('curl') === null ? 'curl is not installed' : null)];
  if (noNeighbour !== null && noStranger !== null) return skip(`${noNeighbour}; ${noStranger}`);
  const tally = createTally();
  if (noNeighbour === null) await tryNeighbour(tally);
  if (noStranger === null) await tryStranger(tally);
  const result = tally.result([
    noNeighbour === null ? 'an agent and a neighbour in network namespaces of their own, 206 ports at each of four addresses, before and after a network change' : `no neighbour was tried: ${noNeighbour}`,
    noStranger === null ? `curl of uid ${strangerUid} through the agent of uid ${userUid}, over IPv4 and IPv6, in tunnels and plain` : `no other user was tried: ${noStranger}`,
  ].join('; '));
  const untried = noNeighbour ?? noStranger;
  return untried === null || result.failed > 0 ? result : { ...result, skipped: untried };
}

function whyNoNeighbour(): string | null {
  const missing = findCommand('unshare') === null || findCommand('ip') === null || spawnSync('unshare', ['--net', 'true']).status !== 0;
  return missing ? 'a neighbour on the network needs root, unshare and ip (Debian: util-linux iproute2)' : null;
}

async function tryNeighbour(tally: Tally): Promise<void> {
  const { code, text } = await run(['unshare', '--net', process.execPath, fileURLToPath(new URL('../inside/lan-host.ts', import.meta.url))], { timeoutMs: 90_000 });
  const line = text.split('\n').find((one) => one.startsWith('['));
  if (code !== 0 || line === undefined) throw new Error(text.slice(-500));
  for (const { what, held, seen } of JSON.parse(line) as { what: string; held: boolean; seen: string }[]) tally.check(what, held, seen);
}

/** Whose own agent it is: neither root nor the stranger. */
const userUid = 65_533;

async function tryStranger(tally: Tally): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'pinlight-own-'));
  chownSync(home, userUid, userUid);
  try {
    await withLegs(async (legs) => {
      let reached = 0;
      await legs.plain('whose.test', (socket) => {
        reached += 1;
        socket.on('error', () => undefined).end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
      });
      const agent = await legs.agent([], { home, before: ['setpriv', `--reuid=${userUid}`, `--regid=${userUid}`, '--clear-groups'] });
      const ask = async (uid: number, address: string, url: string): Promise<string> =>
        (await asStranger(['curl', '-sk', '--proxy', `http://${address}:${agent.proxyPort}`, '-w', ' %{http_connect} %{http_code}', url], uid)).text;
      for (const address of ['127.0.0.1', '[::1]']) {
        for (const [what, url] of [['a tunnel', 'https://whose.test/'], ['a plain request', 'http://whose.test:443/']] as const) {
          // The user's own first: the target has answered a moment ago, and would be promised before it is dialled.
          const own = await ask(userUid, address, url);
          tally.check(`${what} of the agent's own user over ${address} is served`, / (200 000|000 204)$/.test(own), own);
          const before = reached;
          const answer = await ask(strangerUid, address, url);
          tally.check(`${what} of another user over ${address} is refused`, / (403 000|000 403)$/.test(answer), answer);
          tally.check(`and nothing is dialled for ${what} over ${address}`, reached === before, reached - before);
        }
      }
      const { recent } = await agent.client.call('status', {}, {});
      const refused = recent.filter(({ reason, disposition }) => reason.code === 'other-user' && disposition === 'block').length;
      tally.check('each refusal is written down with its reason', refused === 4, refused);
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Ways to write 127.0.0.1 and its like; those that no resolver takes are as good as refused, none may be opened. */
const loopback = [
  '127.0.0.1', '127.1', '127.0.1', '127.0.0.255', '127.255.255.254', '0', '0.0.0.0', '0.0.0.1', '0x7f.1', '0x7f000001', '0x7f.0x0.0x0.0x1', '0177.0.0.1', '017700000001', '2130706433', '127.0.0.1.',
  'localhost', 'LOCALHOST', 'localhost.', 'foo.localhost', 'ip6-localhost', 'localhost.localdomain', hostname(), '①②⑦.⓪.⓪.①', '127。0。0。1', '127.0.0.1%00', '%31%32%37.0.0.1',
  '[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:0:127.0.0.1]', '[::127.0.0.1]', '[::7f00:1]', '[64:ff9b::127.0.0.1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[::1%lo]', '[::ffff:0.0.0.0]',
];
const elsewhere = [
  '169.254.169.254', '169.254.1.1', '[fe80::1]', '[::ffff:169.254.169.254]', '[64:ff9b::a9fe:a9fe]', '2852039166', '0xa9fea9fe', '100.100.100.200', '168.63.129.16', '192.0.0.192', '[fd00:ec2::254]', '[fd20:ce::254]',
  '224.0.0.1', '255.255.255.255', '240.0.0.1', '[ff02::1]', '[fec0::1]',
];
/** What a hostile name server says. */
const names: Readonly<Record<string, readonly string[]>> = {
  'localtest.me': ['127.0.0.1'], 'six.evil.test': ['::1'], 'mapped.evil.test': ['::ffff:127.0.0.1'], 'zero.evil.test': ['0.0.0.0'], 'meta.evil.test': ['169.254.169.254'],
  'mixed.evil.test': ['127.0.0.1', '::1', '0.0.0.0'], 'nat64.evil.test': ['64:ff9b::7f00:1'], '127.0.0.1.nip.test': ['127.0.0.1'], 'alias.evil.test': ['127.0.0.53'], 'own.evil.test': ownAddresses(),
};

function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []).filter((entry) => !entry.internal && !entry.address.startsWith('fe80')).map(({ address }) => address);
  return found.length > 0 ? found : ['127.0.0.1'];
}

const saying = (table: Readonly<Record<string, readonly string[]>>): Resolve => (host, done) => {
  const list = table[host];
  if (list === undefined) return lookup(host, { all: true, verbatim: true }, done);
  done(null, list.map((address) => ({ address, family: net.isIP(address) })));
};

async function noWayInside(): Promise<RowResult> {
  const tally = createTally();
  let reached = 0;
  const victim = await open(net.createServer((socket) => {
    reached += 1;
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ninner');
  }), 'victim');
  const agent = await startOwnAgent({ rules: [], network: { privateTargets: 'block' } }, { resolve: saying(names) });
  try {
    const one = async (host: string, port: number): Promise<void> => {
      const connect = await exchange(agent.proxyPort, Buffer.from(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: x\r\n\r\n`));
      tally.check(`CONNECT ${host}:${port === victim.port ? 'service' : port === agent.proxyPort ? 'proxy' : port}`, /^HTTP\/1\.1 (400|403|502|504) /.test(connect), connect.slice(0, 60));
      const plain = await exchange(agent.proxyPort, Buffer.from(`GET http://${host}:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
      tally.check(`GET http://${host}`, /^HTTP\/1\.1 (400|403|502|504) /.test(plain) && !plain.includes('inner'), plain.slice(0, 60));
    };
    const all = [...[...loopback, ...Object.keys(names)].flatMap((host) => [[host, victim.port], [host, agent.proxyPort]] as const), ...elsewhere.map((host) => [host, 80] as const), ['10.0.0.1', 443] as const, ['192.168.1.1', 80] as const, ['172.16.0.1', 80] as const, ['100.64.0.1', 80] as const, ['[fd00::1]', 80] as const, ['[::ffff:10.0.0.1]', 80] as const];
    for (let at = 0; at < all.length; at += 10) await Promise.all(all.slice(at, at + 10).map(([host, port]) => one(host, port)));
    tally.check('the service on loopback was reached by nobody', reached === 0, reached);
    const direct = await exchange(victim.port, 'GET / HTTP/1.1\r\n\r\n');
    tally.check('it can be reached directly, so the check can tell', direct.includes('inner'));
  } finally {
    await agent.close();
    await victim.close();
  }
  return tally.result(`${loopback.length} spellings of loopback and ${Object.keys(names).length} names that resolve to it, at a service and at the proxy itself; ${elsewhere.length} link-local, metadata and other special addresses; private ones under network.privateTargets "block"; by CONNECT and as plain HTTP`);
}

async function oneLookUp(): Promise<RowResult> {
  const tally = createTally();
  let reached = 0;
  const victim = await open(net.createServer((socket) => {
    reached += 1;
    socket.end();
  }), 'victim');
  // TEST-NET: nobody answers there, and nothing of this machine has such an address.
  const harmless = '192.0.2.7';
  const asked: string[] = [];
  let turn = 0;
  const resolve: Resolve = (host, done) => {
    asked.push(host);
    turn += 1;
    const list = host.startsWith('flip') ? [turn % 2 === 0 ? '127.0.0.1' : harmless] : host.startsWith('both') ? ['127.0.0.1', harmless] : ['127.0.0.1'];
    done(null, list.map((address) => ({ address, family: 4 })));
  };
  const agent = await startOwnAgent({ rules: [] }, { resolve });
  try {
    const requests = Array.from({ length: 40 }, (_, n) => `${['flip', 'both', 'plain', 'flip'][n % 4]}${n >> 2}.rebind.test`);
    await Promise.all(requests.map(async (host, n) => {
      const answer = await exchange(agent.proxyPort, n % 2 === 0 ? `CONNECT ${host}:${victim.port} HTTP/1.1\r\n\r\n` : `GET http://${host}:${victim.port}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      tally.check(`${host}: not opened`, /^HTTP\/1\.1 (403|502|504) /.test(answer), answer.slice(0, 80));
    }));
    for (const host of new Set(requests)) {
      const times = asked.filter((one) => one === host).length;
      tally.check(`${host}: one look-up a connection`, times === requests.filter((one) => one === host).length, times);
    }
    tally.check('the service on loopback was reached by nobody', reached === 0, reached);
  } finally {
    await agent.close();
    await victim.close();
  }
  return tally.result('names whose look-ups alternate between a harmless address and loopback, or give both');
}
