// B12, B13: what an app hears when something is refused, by the bytes; hellos that come in pieces.
import type * as net from 'node:net';
import * as tls from 'node:tls';
import { changed, hello, record, setExtension, sni } from '../../core/tls/hello-builder.ts';
import type { TestAgent } from '../../support/agent.ts';
import { connectThrough, until } from '../../support/tunnel.ts';
import { createTally, inspectAll, isOurs, lastRow, mustInspectAll, run, sClient, withLegs, type Legs, type ServerFiles, type Tally } from '../legs.ts';
import type { Row, RowResult } from '../registry.ts';

export const rows: readonly Row[] = [
  { id: 'B12', title: 'alerts with meaning', source: '8446 TA17', run: alerts },
  { id: 'B13', title: 'large hellos in small pieces', source: 'own', run: pieces },
];

async function alerts(): Promise<RowResult> {
  const tally = createTally();
  await ownAlerts(tally);
  await serversAlerts(tally);
  await appsAlerts(tally);
  return tally.result('raw hellos, openssl s_client with and without us, curl, gnutls-cli. A server whose certificate does not hold hears a close instead of an alert: Node judges after the handshake');
}

const accessDenied = 49;

/** Hellos that are refused by policy, and messages that our own leg cannot take. */
async function ownAlerts(tally: Tally): Promise<void> {
  await withLegs(async (legs) => {
    const [host, expired, shut] = ['own.alerts.test', 'expired.alerts.test', 'shut.alerts.test'];
    await legs.origin(host);
    const day = 24 * 3600_000;
    await legs.origin(expired, { leaf: legs.authority.leaf(expired, { notBefore: Date.now() - 5 * day, notAfter: Date.now() - day }) });
    const agent = await legs.agent([{ id: 'shut', when: { host: shut }, do: 'block' }, ...mustInspectAll], { defaults: { onInvalidUpstream: 'block' } });
    const of12 = (name: string): Buffer => changed(hello('openssl s_client TLS 1.2').bytes, (parts) => setExtension(parts, 0, sni(name)));
    const refused: Readonly<Record<string, readonly [string, Buffer]>> = {
      'a name that policy blocks': [host, of12(shut)],
      'a server whose certificate has expired, where policy blocks those': [expired, of12(expired)],
      'a name the server has no certificate for': [host, of12('other.alerts.test')],
      'a hello without null compression': [host, changed(of12(host), (parts) => { parts.compression = Buffer.from([1]); })],
      'a hello with a session id of 33 bytes': [host, changed(of12(host), (parts) => { parts.sessionId = Buffer.alloc(33); })],
      'an alert instead of a hello': [host, record(Buffer.from([1, 0]), 0x0301, 21)],
      'a hello of TLS 1.0': [host, changed(of12(host), (parts) => { parts.legacyVersion = 0x0301; })],
      'a hello without a suite of ours': [host, changed(of12(host), (parts) => { parts.suites = [0x002f]; })],
    };
    for (const [title, [target, bytes]] of Object.entries(refused)) {
      const answer = await answerTo(agent, target, [bytes]);
      tally.check(`${title}: fatal alert 49, access_denied, and nothing else`, answer.equals(Buffer.from([21, 3, 3, 0, 2, 2, accessDenied])), answer.toString('hex').slice(0, 80));
    }
    const after: Readonly<Record<string, readonly [Buffer, number]>> = {
      'application data in the middle of the handshake': [record(Buffer.alloc(40, 1), 0x0303, 23), 10],
      'another hello, for another name, in the middle of the handshake': [record(of12(shut).subarray(5), 0x0303), 10],
      'a key exchange that cannot be read': [record(Buffer.from([16, 0, 0, 1, 9]), 0x0303), 50],
    };
    for (const [title, [bytes, alert]] of Object.entries(after)) {
      const answer = await answerTo(agent, host, [of12(host), bytes]);
      const last = answer.subarray(-7);
      tally.check(`${title}: fatal alert ${alert}`, last.equals(Buffer.from([21, 3, 3, 0, 2, 2, alert])), last.toString('hex'));
    }
  });
}

/** Sends a flight, waits for an answer, sends the next; everything that came until the end. */
async function answerTo(agent: TestAgent, target: string, flights: readonly Buffer[]): Promise<Buffer> {
  const socket = await connectThrough(agent.proxyPort, target);
  let answer = Buffer.alloc(0);
  let over = false;
  socket.on('data', (chunk: Buffer) => { answer = Buffer.concat([answer, chunk]); }).on('error', () => undefined).once('end', () => { over = true; }).once('close', () => { over = true; });
  for (const flight of flights) {
    // TLS 1.2: the server's flight ends with ServerHelloDone.
    if (flight !== flights[0]) await until('the server\'s flight', () => over || answer.subarray(-4).equals(Buffer.from([14, 0, 0, 0])));
    socket.write(flight);
  }
  await until('the end of the connection', () => over);
  socket.destroy();
  return answer;
}

type Refusing = { readonly title: string; readonly server: readonly string[]; readonly app: readonly string[]; readonly alert: number };

/** Whatever the server refuses, the app hears from the server itself, as without us. */
const refusing: readonly Refusing[] = [
  { title: 'a server of TLS 1.3 and an app of 1.2', server: ['-tls1_3'], app: ['-tls1_2'], alert: 70 },
  { title: 'no suite in common', server: ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384'], app: ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'], alert: 40 },
  { title: 'no protocol in common', server: ['-alpn', 'h2'], app: ['-alpn', 'x-unknown'], alert: 120 },
  { title: 'an app that has fallen back', server: [], app: ['-tls1_2', '-fallback_scsv'], alert: 86 },
  { title: 'a name the server does not know', server: ['-servername', 'known.alerts.test', '-servername_fatal', '-cert2', 'cert.pem', '-key2', 'key.pem'], app: [], alert: 112 },
  { title: 'a client certificate that is missing, TLS 1.3', server: ['-tls1_3', '-Verify', '1'], app: [], alert: 116 },
  { title: 'a client certificate that is missing, TLS 1.2', server: ['-tls1_2', '-Verify', '1'], app: ['-tls1_2'], alert: 40 },
];

async function serversAlerts(tally: Tally): Promise<void> {
  await withLegs(async (legs) => {
    const hosts = refusing.map((_, at) => `s${at}.alerts.test`);
    for (const [at, { server }] of refusing.entries()) await legs.program(hosts[at] as string, 'ec', sServer(server));
    const agent = await legs.agent(inspectAll);
    for (const [at, { title, app, alert }] of refusing.entries()) {
      const host = hosts[at] as string;
      const request = { input: 'GET / HTTP/1.0\r\n\r\n', hold: true, timeoutMs: 4_000 };
      const through = alertIn((await sClient(agent, host, app, request)).text);
      const direct = alertIn((await run(['openssl', 's_client', '-connect', `127.0.0.1:${legs.targets.get(host)}`, '-servername', host, ...app], request)).text);
      tally.check(`${title}: alert ${alert}, as without us`, through === alert && direct === alert, `through us ${through}, without ${direct}`);
    }
  });
}

const sServer = (more: readonly string[]) => ({ port, key, cert }: ServerFiles): readonly string[] => ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-key', key, '-cert', cert, '-quiet', ...(more.includes('-alpn') ? [] : ['-www']), ...more];

function alertIn(text: string): number | null {
  const match = /SSL alert number (\d+)/.exec(text);
  return match === null ? null : Number(match[1]);
}

/** What an app says to our certificate is written down by its number. */
async function appsAlerts(tally: Tally): Promise<void> {
  await withLegs(async (legs) => {
    const hosts = ['curl.alerts.test', 'gnutls.alerts.test'] as const;
    for (const host of hosts) await legs.origin(host);
    const agent = await legs.agent(mustInspectAll);
    const front = await legs.front(agent, hosts[1]);
    await run(['curl', '-sS', '--proxy', `http://${agent.proxy}`, `https://${hosts[0]}/`]);
    await run(['gnutls-cli', '--sni-hostname', hosts[1], '--verify-hostname', hosts[1], '-p', String(front), '127.0.0.1']);
    for (const [at, alert] of [48, 42].entries()) {
      const row = await until(`the end of ${hosts[at]}`, async () => {
        const found = await lastRow(agent, hosts[at] as string);
        return found.outcome === null ? null : found;
      });
      tally.check(`${row.host}: alert ${alert} is written down`, row.outcome?.kind === 'refused' && row.outcome.alert === alert, JSON.stringify(row.outcome));
    }
  });
}

async function pieces(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const [inspected, copied] = ['inspected.pieces.test', 'copied.pieces.test'];
    await legs.origin(inspected, { onConnection: (socket) => socket.on('error', () => socket.destroy()).pipe(socket) });
    const received: Buffer[] = [];
    await legs.plain(copied, (socket) => {
      const at = received.push(Buffer.alloc(0)) - 1;
      socket.on('data', (chunk: Buffer) => { received[at] = Buffer.concat([received[at] as Buffer, chunk]); }).on('end', () => socket.end()).on('error', () => socket.destroy());
    });
    const agent = await legs.agent([{ id: 'copied', when: { host: copied }, do: 'bypass' }, ...mustInspectAll]);
    for (const program of ['chromium', 'node https']) {
      const bytes = changed(hello(program).bytes, (parts) => setExtension(parts, 0, sni(inspected)));
      for (const cut of cutsOf(bytes.length)) {
        const first = await firstByte(agent, inspected, [bytes.subarray(0, cut), bytes.subarray(cut)]);
        tally.check(`${program}, ${bytes.length} bytes, cut at ${cut}: ServerHello`, first === 22, first);
      }
      const passed = changed(hello(program).bytes, (parts) => setExtension(parts, 0, sni(copied)));
      for (const size of [1, 100, 536, 1_460]) {
        const at = received.length;
        const socket = await connectThrough(agent.proxyPort, copied);
        await writeInPieces(socket, cutInto(passed, size));
        await until('the server has it all', () => (received[at]?.length ?? 0) >= passed.length);
        socket.destroy();
        tally.check(`${program} in pieces of ${size}, let through: not a byte differs`, received[at]?.equals(passed) === true);
      }
    }
    // Whole connections, as over a path with an MTU of 576 and worse.
    for (const size of [1, 7, 536, 1_200]) {
      const port = await slowFront(legs, agent, inspected, size);
      const socket = tls.connect({ port, host: '127.0.0.1', servername: inspected, rejectUnauthorized: false, ecdhCurve: 'X25519MLKEM768:X25519' });
      await new Promise<void>((done, fail) => socket.once('secureConnect', done).once('error', fail));
      const sent = Buffer.alloc(3_000, size);
      let back = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => { back = Buffer.concat([back, chunk]); });
      const ours = isOurs(socket.getPeerX509Certificate());
      socket.write(sent);
      await until(`3,000 bytes come back in pieces of ${size}`, () => back.length >= sent.length);
      socket.destroy();
      tally.check(`a whole connection in pieces of ${size}`, ours && back.equals(sent));
    }
  });
  return tally.result('recorded hellos with post-quantum shares (Chromium, Node) cut at many places, in pieces of 1 to 1,460 bytes, inspected and let through');
}

/** Every place near the ends of headers, every 24th elsewhere. */
function cutsOf(length: number): readonly number[] {
  return Array.from({ length: length - 1 }, (_, at) => at + 1).filter((cut) => cut <= 12 || cut >= length - 2 || cut % 24 === 0);
}

function cutInto(bytes: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

/** One write, and without Nagle's algorithm one segment, after the other. */
async function writeInPieces(socket: net.Socket, list: readonly Buffer[]): Promise<void> {
  for (const piece of list) {
    if (socket.destroyed) return;
    await new Promise<void>((done) => socket.write(piece, () => setImmediate(done)));
  }
}

async function firstByte(agent: TestAgent, host: string, list: readonly Buffer[]): Promise<number> {
  const socket = await connectThrough(agent.proxyPort, host);
  const first = new Promise<number>((done) => socket.once('data', (chunk: Buffer) => done(chunk[0] as number)).once('close', () => done(-1)).once('error', () => done(-1)));
  await writeInPieces(socket, list);
  const byte = await first;
  socket.destroy();
  return byte;
}

/** The host through the agent; what the app says comes to the agent in pieces. */
function slowFront(legs: Legs, agent: TestAgent, host: string, size: number): Promise<number> {
  return legs.plain(`slow ${size}`, (socket) => {
    socket.on('error', () => socket.destroy());
    connectThrough(agent.proxyPort, host).then(async (tunnel) => {
      tunnel.on('error', () => socket.destroy()).pipe(socket);
      socket.once('close', () => tunnel.destroy());
      for await (const chunk of socket as AsyncIterable<Buffer>) await writeInPieces(tunnel, cutInto(chunk, size));
    }).catch(() => socket.destroy());
  });
}
