// B1, B2, B5: what both legs offer, from captured bytes and from testssl.sh, graded by the published table.
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { readClientHello, type ClientHello } from '../../../electron/core/tls/client-hello.ts';
import { takeApart } from '../../core/tls/hello-builder.ts';
import { connectThrough } from '../../support/tunnel.ts';
import { gradeLeg, gradeSuite, suiteNames, type Grade } from '../grade.ts';
import { createTally, mustInspectAll, run, sClient, withLegs } from '../legs.ts';
import type { CheckRun, Row, RowResult } from '../registry.ts';

export const rows: readonly Row[] = [
  { id: 'B1', title: 'what our ClientHello offers', source: 'SIHI', run: upstreamGrade },
  { id: 'B2', title: 'what testssl.sh finds on the app\'s leg', source: 'SIHI SST', slow: true, run: downstreamGrade },
  { id: 'B5', title: 'no compression, no renegotiation, fallback signal', source: 'KbP SIHI 9325', run: renegotiation },
];

/** The nine: three of TLS 1.3, six ECDHE with AEAD. */
const published = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9];
const modernGroups = new Set([0x001d, 0x0017, 0x0018, 0x0019, 0x11ec]);

/** Apps whose hello shapes the server leg in every way there is. */
const shapes: readonly { readonly title: string; readonly options: tls.ConnectionOptions; readonly name: boolean; readonly versions: readonly number[] }[] = [
  { title: 'a modern app', options: {}, name: true, versions: [0x0304, 0x0303] },
  { title: 'an app without post-quantum groups', options: { ecdhCurve: 'X25519:P-256' }, name: true, versions: [0x0304, 0x0303] },
  { title: 'an app of TLS 1.2', options: { maxVersion: 'TLSv1.2' }, name: true, versions: [0x0303] },
  { title: 'an app of TLS 1.3 only', options: { minVersion: 'TLSv1.3' }, name: true, versions: [0x0304, 0x0303] },
  { title: 'an app that offers every suite', options: { ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1' }, name: true, versions: [0x0304, 0x0303] },
  { title: 'an app with protocols', options: { ALPNProtocols: ['h2', 'http/1.1'] }, name: true, versions: [0x0304, 0x0303] },
  { title: 'an app without a server name', options: {}, name: false, versions: [0x0304, 0x0303] },
];

type Captured = { readonly hello: ClientHello; readonly compression: Buffer };

async function upstreamGrade(): Promise<RowResult> {
  const tally = createTally();
  const grades: Grade[] = [];
  await withLegs(async (legs) => {
    const firsts = new Map<string, (bytes: Buffer) => void>();
    for (const [at] of shapes.entries()) await legs.plain(`c${at}.hello.test`, (socket) => capture(socket, (bytes) => firsts.get(`c${at}.hello.test`)?.(bytes)));
    const agent = await legs.agent(mustInspectAll);
    for (const [at, { title, options, name, versions }] of shapes.entries()) {
      const host = `c${at}.hello.test`;
      const coming = new Promise<Buffer>((done) => firsts.set(host, done));
      const socket = await connectThrough(agent.proxyPort, host);
      tls.connect({ socket, rejectUnauthorized: false, ...options, ...(name ? { servername: host } : {}) }).on('error', () => undefined);
      const { hello, compression } = readCaptured(await coming);
      socket.destroy();
      const names = suiteNames(hello.cipherSuites);
      grades.push(gradeLeg(names, hello.versions));
      const suites = hello.cipherSuites.filter((suite) => suite !== 0x00ff);
      const expected = versions.includes(0x0304) ? published : published.filter((suite) => suite > 0x1303);
      tally.check(`${title}: only TLS 1.2 and 1.3`, hello.versions.join() === versions.join(), hello.versions);
      tally.check(`${title}: the published suites`, suites.length === expected.length && expected.every((suite) => suites.includes(suite)), names.join(' '));
      tally.check(`${title}: no SHA-1, SHA-224, MD5, DSA`, hello.signatureAlgorithms.length > 0 && hello.signatureAlgorithms.every((algorithm) => algorithm >> 8 > 3 && (algorithm & 0xff) !== 2), hello.signatureAlgorithms);
      tally.check(`${title}: modern groups only`, hello.groups.length > 0 && hello.groups.every((group) => modernGroups.has(group)), hello.groups);
      tally.check(`${title}: null compression alone`, compression.equals(Buffer.from([0])), compression.toString('hex'));
      // heartbeat (15), early_data (42)
      tally.check(`${title}: no heartbeat, no early data`, ![15, 42].some((type) => hello.extensions.includes(type)), hello.extensions);
    }
  });
  // The same measure on Node's own defaults, which the literature's table grades C: it can tell.
  const control = await nodesDefault();
  const controlNames = suiteNames(control.hello.cipherSuites);
  const controlGrade = gradeLeg(controlNames, control.hello.versions);
  tally.check('control: Node\'s default hello is graded C', controlGrade === 'C', controlGrade);
  const upstream = grades.reduce((worst, grade) => (grade > worst ? grade : worst));
  const count = (grade: Grade): number => controlNames.filter((name) => gradeSuite(name) === grade).length;
  return {
    ...tally.result(`${shapes.length} hellos captured by a raw TCP server, grade ${upstream}; Node's default: ${controlNames.length} suites (${count('A')} A, ${count('B')} B, ${count('C')} C), grade ${controlGrade}`),
    grade: { upstream },
  };
}

function capture(socket: net.Socket, onBytes: (bytes: Buffer) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (readClientHello(bytes).kind === 'client-hello') {
      onBytes(bytes);
      socket.destroy();
    }
  });
}

function readCaptured(bytes: Buffer): Captured {
  const read = readClientHello(bytes);
  if (read.kind !== 'client-hello') throw new Error(`not a ClientHello: ${read.kind}`);
  return { hello: read.hello, compression: takeApart(bytes).compression };
}

function nodesDefault(): Promise<Captured> {
  return new Promise((done, fail) => {
    const server = net.createServer((socket) => capture(socket, (bytes) => {
      server.close();
      done(readCaptured(bytes));
    })).listen(0, '127.0.0.1', () => tls.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1' }).on('error', () => undefined));
    server.once('error', fail);
  });
}

type Finding = { readonly id: string; readonly severity: string; readonly finding: string };

/** testssl.sh takes half a minute; two rows read what it found. */
const scans = new WeakMap<CheckRun, Promise<readonly Finding[]>>();

function scanOf(checkRun: CheckRun): Promise<readonly Finding[]> {
  const known = scans.get(checkRun) ?? scan();
  scans.set(checkRun, known);
  return known;
}

/** Behind the agent stands a server that speaks nearly everything: whatever reached it would be found. */
const weakServer: tls.TlsOptions = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' };

function scan(): Promise<readonly Finding[]> {
  return withLegs(async (legs) => {
    const host = 'scan.legs.test';
    await legs.origin(host, { tls: weakServer, leaf: legs.authority.leaf(host, { rsa: true }) });
    const agent = await legs.agent(mustInspectAll);
    const port = await legs.front(agent, host);
    const folder = mkdtempSync(join(legs.authority.folder, 'testssl-'));
    const file = join(folder, 'out.json');
    const { code, text } = await run(['testssl', '--quiet', '--color', '0', '--warnings', 'batch', '--ip', '127.0.0.1', '--nodns', 'none', '-p', '-s', '-f', '-U', '--jsonfile', file, `${host}:${port}`], { timeoutMs: 170_000, cwd: folder });
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Finding[];
    } catch (error) {
      throw new Error(`testssl.sh left no result (code ${code}): ${text.slice(-300)}`, { cause: error });
    }
  });
}

/** About the program itself, not about the server: Debian's OpenSSL has no engines. */
const aboutTestssl = new Set(['engine_problem', 'scanTime']);
const harmless = new Set(['OK', 'INFO']);
const versionIds = { SSLv2: 0x0002, SSLv3: 0x0300, TLS1: 0x0301, TLS1_1: 0x0302, TLS1_2: 0x0303, TLS1_3: 0x0304 } as const;
/** Families that testssl.sh looks for, by a suite of that family. */
const families = { cipherlist_NULL: 'NULL-SHA256', cipherlist_aNULL: 'ADH-AES128-SHA', cipherlist_EXPORT: 'EXP-RC4-MD5', cipherlist_LOW: 'DES-CBC-SHA', cipherlist_3DES_IDEA: 'DES-CBC3-SHA', cipherlist_AVERAGE: 'AES128-SHA' } as const;

async function downstreamGrade(checkRun: CheckRun): Promise<RowResult> {
  const tally = createTally();
  const findings = await scanOf(checkRun);
  const found = (id: string): string => findings.find((finding) => finding.id === id)?.finding ?? '';
  for (const { id, severity, finding } of findings) if (!aboutTestssl.has(id)) tally.check(`${id} is no more than information`, harmless.has(severity), `${severity}: ${finding}`);
  for (const id of [...Object.keys(versionIds), ...Object.keys(families), 'PFS_ciphers', 'heartbleed', 'secure_renego', 'RC4']) tally.check(`testssl.sh has tested ${id}`, found(id) !== '');
  const versions = Object.entries(versionIds).flatMap(([id, version]) => (/^(supported|offered)/.test(found(id)) ? [version] : []));
  const offered = [...found('PFS_ciphers').split(' ').filter((name) => name !== ''), ...Object.entries(families).flatMap(([id, name]) => (found(id).startsWith('offered') ? [name] : []))];
  const downstream = gradeLeg(offered, versions);
  tally.check('the grade is A', downstream === 'A', `${downstream}: ${offered.join(' ')}`);
  return { ...tally.result(`testssl.sh 3.0 -p -s -f -U, ${findings.length} findings: ${versions.length} versions, ${offered.length} suites, grade ${downstream}`), grade: { downstream } };
}

async function renegotiation(checkRun: CheckRun): Promise<RowResult> {
  const tally = createTally();
  const findings = await scanOf(checkRun);
  for (const id of ['secure_renego', 'secure_client_renego', 'CRIME_TLS', 'fallback_SCSV']) {
    const finding = findings.find((one) => one.id === id);
    tally.check(`testssl.sh: ${id}`, finding !== undefined && harmless.has(finding.severity), finding?.finding ?? 'not tested');
  }
  await withLegs(async (legs) => {
    const [host, asks, newer, older] = ['renegotiates.legs.test', 'asks.legs.test', 'newer.legs.test', 'older.legs.test'];
    for (const name of [host, newer]) await legs.origin(name);
    await legs.origin(older, { tls: { maxVersion: 'TLSv1.2' } });
    const answers: string[] = [];
    await legs.origin(asks, { tls: { maxVersion: 'TLSv1.2' }, onConnection: (socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => {
        answers.push('asked');
        socket.renegotiate({ rejectUnauthorized: false, requestCert: true }, () => {
          answers.push('renegotiated');
          socket.end();
        });
      });
    } });
    const agent = await legs.agent(mustInspectAll);
    // R: s_client renegotiates.
    const asked = await sClient(agent, host, ['-tls1_2'], { input: 'R\n', hold: true, timeoutMs: 5_000 });
    tally.check('an app of TLS 1.2 is served', asked.version === 'TLSv1.2', asked.text.slice(-200));
    tally.check('an app that renegotiates is refused', /RENEGOTIATING[^]*no renegotiation/.test(asked.text), asked.text.slice(-200));
    for (const version of ['-tls1_2', '-tls1_3']) {
      const { text } = await sClient(agent, host, [version, '-comp']);
      tally.check(`${version}: no compression`, /^Compression: NONE$/m.test(text));
    }
    const server = await sClient(agent, asks, ['-tls1_2'], { input: 'GET / HTTP/1.0\r\n\r\n', hold: true, timeoutMs: 5_000 });
    tally.check('a server that renegotiates is refused', server.version !== null && answers.join() === 'asked', answers);
    const fellBack = await sClient(agent, newer, ['-tls1_2', '-fallback_scsv']);
    tally.check('an app that fell back although the server has more is stopped', fellBack.version === null, fellBack.version);
    const honest = await sClient(agent, older, ['-tls1_2', '-fallback_scsv']);
    tally.check('an app that fell back to what the server has is served', honest.version === 'TLSv1.2', honest.text.slice(-200));
  });
  await withLegs(async (legs) => {
    await legs.origin('newer.legs.test');
    const agent = await legs.agent([{ id: 'all', do: 'inspect' }]);
    const { text } = await sClient(agent, 'newer.legs.test', ['-tls1_2', '-fallback_scsv']);
    tally.check('an ordinary app hears it from the server: alert 86', /alert number 86/.test(text), text.slice(0, 300));
  });
  return tally.result('testssl.sh, and openssl s_client and Node servers that renegotiate, compress and fall back');
}
