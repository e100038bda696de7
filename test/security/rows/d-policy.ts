// D1, D2, D3: what policy decides about a connection, that a bypass changes no byte, and that nothing is inspected under another's name.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import * as http2 from 'node:http2';
import type * as net from 'node:net';
import { join } from 'node:path';
import { decide } from '../../../electron/core/policy/decide.ts';
import { readClientHello } from '../../../electron/core/tls/client-hello.ts';
import type { AppIdentity, ConnectionFacts, Os } from '../../../electron/core/model.ts';
import { embeddedLayer } from '../../../electron/core/policy/embedded.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import type { Policy, Rule } from '../../../electron/core/policy/policy.ts';
import { app as anApp, exclusion as anExclusion } from '../../agent/store/rows.ts';
import { repository } from '../../support/agent.ts';
import { connectThrough, tlsThrough, until } from '../../support/tunnel.ts';
import { createTally, inspectAll, isOurs, run, withLegs, type Legs, type Tally } from '../legs.ts';
import type { CheckRun, Row, RowResult } from '../registry.ts';
import { openSteeredBrowser } from '../steered-browser.ts';

export const rows: readonly Row[] = [
  { id: 'D1', title: 'one disposition for each connection, with its rule or reason', source: 'STIP', run: dispositions },
  { id: 'D2', title: 'a bypass changes no byte', source: 'STIP', run: byteExact },
  { id: 'D3', title: 'nothing is inspected under another host\'s name', source: 'STIP NSA', run: neverByTheWay },
];

/** The same numbers at every run: a failure can be looked at again. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function dispositions({ quick }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  const below = dice(7);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const hosts = ['bank.test', 'www.bank.test', 'shop.test', '10.1.2.3', '[2001:db8::1]', '', 'xn--bcher-kva.test', 'a'.repeat(253), 'must.test'];
  const base = mergePolicy([{ origin: 'embedded', file: null, layer: embeddedLayer('user') }], []);
  const rule = (id: string): Rule => ({
    id, do: pick(['inspect', 'bypass', 'block'] as const), mustInspect: false, reason: null,
    when: { ...(below(2) === 0 ? { host: pick(['*.bank.test', 'shop.test', 'must.test']) } : {}), ...(below(3) === 0 ? { port: 443 } : {}), ...(below(3) === 0 ? { user: pick(['self', 'ann', '0']) } : {}) },
  });
  const apps: readonly (AppIdentity | null)[] = [null, anApp, { ...anApp, path: '/opt/other', known: false, hash: null }];
  const learned = anExclusion('x', { kind: 'learned', host: 'shop.test', verdict: 'pinned', expiresAt: 1e15 });
  const counts: Record<string, number> = {};
  for (let n = 0; n < 10_000; n += 1) {
    const policy: Policy = {
      ...base, rules: [...(below(4) === 0 ? [{ id: 'must', when: { host: 'must.test' }, do: 'inspect' as const, mustInspect: true, reason: null }] : []), ...Array.from({ length: below(4) }, (_, i) => rule(`r${i}`))],
      defaults: { ...base.defaults, noMatch: pick(['inspect', 'bypass', 'block'] as const), onPinned: pick(['bypass', 'inspect', 'block'] as const), onUnknownApp: pick(['bypass', 'inspect', 'block'] as const) },
    };
    const uid = pick([0, 1000, null]);
    const facts: ConnectionFacts = {
      target: { host: pick(hosts), port: pick([443, 80, 8443, 0]) }, os: pick<Os>(['linux', 'windows', 'macos']), transport: pick(['tls', 'http', 'not-tls', 'unreadable-tls'] as const),
      serverName: below(2) === 0 ? null : pick(hosts), cannotAnswer: below(5) === 0 ? 'no TLS 1.2' : null, app: pick(apps), uid, user: pick([null, 'ann']), selfUid: pick([0, 1000, null]),
      exclusion: below(3) === 0 ? learned : null, passThroughDue: below(3) === 0, suspended: null,
    };
    const decision = decide(policy, facts);
    counts[decision.disposition] = (counts[decision.disposition] ?? 0) + 1;
    const named = decision.rule === null ? decision.reason.code !== 'rule' : policy.rules.some(({ id }) => id === decision.rule);
    tally.check(`connection ${n} has one disposition, and a rule that exists or a reason`, ['inspect', 'bypass', 'block'].includes(decision.disposition) && named && decision.reason.code.length > 0, JSON.stringify([facts, decision]));
    if (decision.rule === 'must') tally.check(`connection ${n}: must-inspect is inspected or blocked`, decision.disposition !== 'bypass', JSON.stringify([facts, decision]));
    tally.check(`connection ${n}: the same again`, JSON.stringify(decide(policy, facts)) === JSON.stringify(decision));
  }
  for (const disposition of ['inspect', 'bypass', 'block']) tally.check(`${disposition} occurs`, (counts[disposition] ?? 0) > 500, counts[disposition]);

  await withLegs(async (legs) => {
    const kinds = ['inspect', 'bypass', 'block'] as const;
    for (const kind of kinds) await legs.origin(`${kind}.policy.test`);
    const agent = await legs.agent(kinds.map((kind) => ({ id: `rule-${kind}`, when: { host: `${kind}.policy.test` }, do: kind, ...(kind === 'inspect' ? { mustInspect: true } : {}) })));
    const total = quick ? 60 : 300;
    for (let n = 0; n < total; n += 1) {
      const kind = kinds[n % 3] as (typeof kinds)[number];
      const socket = await tlsThrough(agent.proxyPort, `${kind}.policy.test`, { rejectUnauthorized: false }).catch(() => null);
      const certificate = socket?.getPeerX509Certificate();
      socket?.end();
      tally.check(`a connection under rule-${kind} is treated so`, kind === 'block' ? socket === null : isOurs(certificate) === (kind === 'inspect'), n);
    }
    const written = await until('each has a row that is complete', async () => {
      const { rows: found } = await agent.client.call('connections', { limit: '1000' }, {});
      return found.length === total && found.every(({ durationMs }) => durationMs !== null) && found;
    });
    for (const row of written) tally.check('the row names disposition and rule', row.decided === row.disposition && row.rule === `rule-${row.disposition}` && row.host === `${row.disposition}.policy.test`, `${row.host} ${row.rule} ${row.disposition}`);
  });
  return tally.result(`random policies and connections through decide(), real ones through an agent. By design: without a match the default is bypass, not block; noMatch says otherwise. Seen: ${JSON.stringify(counts)}`);
}

async function byteExact({ quick, progress }: CheckRun): Promise<RowResult> {
  const tally = createTally();
  const recorded = (JSON.parse(readFileSync(join(repository, 'test/core/tls/hellos.json'), 'utf8')) as { program: string; hex: string }[]).map(({ hex }) => Buffer.from(hex, 'hex'));
  tally.check('recorded hellos of real programs are among them', recorded.length >= 10 && recorded.every((hello) => readClientHello(hello).kind === 'client-hello'), recorded.length);
  const sessions = quick ? 300 : 10_000;
  await withLegs(async (legs) => {
    const received = new Map<string, { hash: string; bytes: number }>();
    await legs.plain('bypass.policy.test', echo(received));
    const agent = await legs.agent([{ id: 'no', when: { host: 'bypass.policy.test' }, do: 'bypass' }]);
    let done = 0;
    const one = async (n: number): Promise<void> => {
      const id = String(n).padStart(8, '0');
      const hello = n % 5 === 4 ? randomBytes(40 + (n % 3_000)) : recorded[n % recorded.length] as Buffer;
      const said = Buffer.concat([hello, Buffer.from(`#${id}`), records(n)]);
      const back = await conversation(await connectThrough(agent.proxyPort, 'bypass.policy.test'), said, n);
      const sent = createHash('sha256').update(said).digest('hex');
      const server = received.get(id);
      tally.check(`session ${n}: the server gets the app's bytes`, server?.hash === sent && server.bytes === said.length, `${server?.bytes} of ${said.length}`);
      tally.check(`session ${n}: the app gets the server's bytes`, back.equals(reply(id, sent)), back.length);
      received.delete(id);
      done += 1;
      if (done % 2_000 === 0) progress(`${done} sessions`);
    };
    for (let n = 0; n < sessions; n += 50) await Promise.all(Array.from({ length: Math.min(50, sessions - n) }, (_, k) => one(n + k)));
    const { rows: [last] } = await agent.client.call('connections', { limit: '1' }, {});
    tally.check('they were bypassed by the rule', last?.disposition === 'bypass' && last.rule === 'no', last?.rule ?? '');
  });
  return tally.result(`${sessions} tunnels, four of five with recorded hellos of real programs, cut into segments of random sizes, ended with FIN; differing bytes are what is counted`);
}

/** TLS records and noise of some size, different for each session. */
function records(n: number): Buffer {
  const size = (n * 7919) % 20_000;
  const body = createHash('shake256', { outputLength: Math.max(1, size) }).update(String(n)).digest();
  return n % 2 === 0 ? body : Buffer.concat([Buffer.from([23, 3, 3, body.length >> 8, body.length & 0xff]), body]);
}

/** What the server says when the app has ended: made of what it got. */
function reply(id: string, hash: string): Buffer {
  return Buffer.concat([Buffer.from(`${id} ${hash} `), createHash('shake256', { outputLength: 1 + (Number(id) * 104_729) % 30_000 }).update(hash).digest()]);
}

function echo(received: Map<string, { hash: string; bytes: number }>): (socket: net.Socket) => void {
  return (socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined).once('end', () => {
      const all = Buffer.concat(chunks);
      const hash = createHash('sha256').update(all).digest('hex');
      // The session's number stands right behind its hello.
      const id = /#(\d{8})/.exec(all.toString('latin1'))?.[1] ?? '';
      received.set(id, { hash, bytes: all.length });
      socket.end(reply(id, hash));
    });
  };
}

async function conversation(socket: net.Socket, said: Buffer, n: number): Promise<Buffer> {
  const back: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => back.push(chunk)).on('error', () => undefined);
  const ended = new Promise((done) => socket.once('close', done));
  for (let at = 0, step = 1 + (n % 1_400); at < said.length; at += step, step = 1 + ((step * 31) % 4_000)) {
    socket.write(said.subarray(at, Math.min(said.length, at + step)));
    if (n % 10 === 0) await new Promise((done) => { setImmediate(done); });
  }
  socket.end();
  await ended;
  return Buffer.concat(back);
}

async function neverByTheWay(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const [a, b] = ['a.coalesce.test', 'b.coalesce.test'];
    const asked: string[] = [];
    await coalescing(legs, [a, b], asked);
    const agent = await legs.agent([{ id: 'private', when: { host: b }, do: 'bypass' }, ...inspectAll]);
    // Redirect: the second host's certificate is the server's own.
    const both = join(legs.authority.folder, 'both.pem');
    writeFileSync(both, readFileSync(agent.rootFile, 'utf8') + legs.authority.rootPem);
    const curl = await run(['curl', '-sS', '-L', '--http2', '-v', '--proxy', `http://${agent.proxy}`, '--cacert', both, `https://${a}/to-b`]);
    const issuers = [...curl.text.matchAll(/issuer: (.*)/g)].map((match) => match[1] ?? '');
    tally.check('the first host is inspected', issuers[0]?.includes('Pinlight root') === true, issuers);
    tally.check('the host it redirects to is not', issuers[1]?.includes('Test origins') === true, issuers);
    tally.check('its page came', curl.text.includes(`hello from ${b}`), curl.text.slice(-200));

    // HTTP/2: one server, one address, a certificate for both names. What the app sees names one alone.
    const socket = await tlsThrough(agent.proxyPort, a, { ca: readFileSync(agent.rootFile), ALPNProtocols: ['h2'] });
    const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
    tally.check('the leaf is for one name', names === `DNS:${a}`, names);
    const session = http2.connect(`https://${a}`, { createConnection: () => socket });
    const status = await new Promise<number>((done, fail) => {
      const request = session.request({ ':path': '/', ':authority': a });
      request.once('response', (headers) => done(Number(headers[':status']))).once('error', fail).resume().end();
    });
    tally.check('HTTP/2 works at the first', status === 200, status);
    tally.check('the session may be used for no other origin', (session.originSet ?? []).every((origin) => new URL(origin).hostname === a), (session.originSet ?? []).join());
    session.destroy();

    const { rows: written } = await agent.client.call('connections', { limit: '100' }, {});
    for (const row of written) tally.check(`${row.host} is ${row.host === b ? 'bypassed' : 'inspected'}`, row.disposition === (row.host === b ? 'bypass' : 'inspect'), row.disposition);
    tally.check('the second host was reached', written.some(({ host }) => host === b));
    // An app that claims the private name on the way to the other server, and the other way round: the stricter of both.
    for (const [target, name] of [[a, b], [b, a]] as const) {
      const mixed = await tlsThrough(agent.proxyPort, target, { rejectUnauthorized: false, servername: name }).catch(() => null);
      const ours = isOurs(mixed?.getPeerX509Certificate());
      mixed?.destroy();
      tally.check(`target ${target} with the name ${name} is judged by the stricter rule`, ours, String(ours));
    }
    await withChromium(legs, agent.proxyPort, both, a, b, tally);
  });
  return tally.result('curl following a redirect, node:http2 and Chromium at one server with a certificate for both names, of which policy leaves one out; crossed names');
}

/** Chromium joins connections to two names where one certificate covers both; ours never does. */
async function withChromium(legs: Legs, proxyPort: number, rootsFile: string, a: string, b: string, tally: Tally): Promise<void> {
  const browser = await openSteeredBrowser({ folder: legs.authority.folder, proxy: `http://127.0.0.1:${proxyPort}`, roots: readFileSync(rootsFile, 'utf8').match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? [] });
  try {
    const page = await browser.newPage();
    await page.goto(`https://${a}/`);
    const text = await page.evaluate((url) => fetch(url).then((answer) => answer.text(), (error: unknown) => String(error)), `https://${b}/`);
    tally.check('Chromium reaches the second host from a page of the first', text.includes(`hello from ${b}`), text);
    const sub = await page.evaluate(() => performance.getEntriesByType('resource').length);
    tally.check('Chromium made the request', sub > 0, sub);
  } finally {
    await browser.close();
  }
}

async function coalescing(legs: Legs, hosts: readonly string[], asked: string[]): Promise<void> {
  const leaf = legs.authority.leaf('*.coalesce.test');
  const [first = ''] = hosts;
  await legs.origin(first, {
    leaf, tls: { ALPNProtocols: ['h2', 'http/1.1'] }, onRequest: (request, response) => {
      const authority = request.headers[':authority'] ?? request.headers.host ?? '';
      asked.push(`${String(authority)}${request.url}`);
      response.setHeader('access-control-allow-origin', '*');
      if (request.url === '/to-b') {
        response.statusCode = 302;
        response.setHeader('location', `https://${hosts[1]}/`);
      }
      response.end(`hello from ${String(authority)}`);
    },
  });
  for (const host of hosts) legs.targets.set(host, legs.targets.get(first) as number);
}
