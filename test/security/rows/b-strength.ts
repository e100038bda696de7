// B3, B4: old protocols and suites are refused on both legs; the app is never shown more than the server leg has.
import * as tls from 'node:tls';
import { bulkCipherOf, type BulkCipher } from '../../../electron/core/ca/leaf-profile.ts';
import { connectThrough, tlsThrough, until } from '../../support/tunnel.ts';
import { createTally, inspectAll, isOurs, issued, lastRow, mustInspectAll, run, sClient, withLegs, type Legs, type ServerFiles, type Tally } from '../legs.ts';
import type { Row, RowResult } from '../registry.ts';
import { exchange } from '../../routes/stage.ts';

export const rows: readonly Row[] = [
  { id: 'B3', title: 'old protocols and suites refused on both legs', source: 'KbP SST BSL 9325', run: oldThings },
  { id: 'B4', title: 'the app is never shown more than the server leg has', source: 'KbP SST STIP TPBP', run: strengthShown },
];

async function oldThings(): Promise<RowResult> {
  const tally = createTally();
  await oldApps(tally);
  await oldServers(tally);
  return tally.result('openssl s_client and gnutls-cli on the app\'s leg, openssl s_server, gnutls-serv and raw servers on the other');
}

const suite12 = (cipher: string): readonly string[] => ['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`];
/** What s_client must not get. */
const oldOffers: Readonly<Record<string, readonly string[]>> = {
  'TLS 1.0': ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'], 'TLS 1.1': ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
  'static RSA, CBC': suite12('AES128-SHA'), 'static RSA, GCM': suite12('AES256-GCM-SHA384'), 'static RSA, ARIA': suite12('ARIA128-GCM-SHA256'),
  'ECDHE with CBC and SHA-1': suite12('ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA'), 'ECDHE with CBC and SHA-256': suite12('ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256'),
  'ECDHE with CCM_8': suite12('ECDHE-ECDSA-AES128-CCM8'), 'ECDHE with Camellia': suite12('ECDHE-ECDSA-CAMELLIA128-SHA256:ECDHE-RSA-CAMELLIA128-SHA256'), 'ECDHE with ARIA': suite12('ECDHE-ARIA128-GCM-SHA256'),
  DHE: suite12('DHE-RSA-AES128-GCM-SHA256'), 'DHE with CBC': suite12('DHE-RSA-AES128-SHA'), NULL: suite12('eNULL'), anonymous: suite12('aNULL'), PSK: [...suite12('PSK'), '-psk', '00'], 'SHA-1 signatures only': ['-tls1_2', '-cipher', 'ALL:@SECLEVEL=0', '-sigalgs', 'RSA+SHA1:ECDSA+SHA1'],
  'AES-CCM of TLS 1.3': ['-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_SHA256'], 'finite-field groups only': ['-tls1_3', '-groups', 'ffdhe2048'],
};
const gnutlsOffers: Readonly<Record<string, string>> = {
  RC4: 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128:+RSA:%UNSAFE_RENEGOTIATION', '3DES': 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC:+RSA',
  'NULL with RSA': 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL:+RSA', 'DHE with CBC': 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:-KX-ALL:+DHE-RSA',
};
const ssl2Hello = Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0aabbccddeeff00112233445566778899', 'hex');
const ssl3Hello = Buffer.from(`160300002d010000290300${'07'.repeat(32)}000002000a0100`, 'hex');

/** The server behind would take nearly all of it, and nothing of it is let through: what answers is our leg. */
async function oldApps(tally: Tally): Promise<void> {
  await withLegs(async (legs) => {
    const host = 'old-apps.legs.test';
    await legs.origin(host, { tls: { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }, leaf: legs.authority.leaf(host, { rsa: true }) });
    const agent = await legs.agent(mustInspectAll);
    const front = await legs.front(agent, host);
    for (const [title, args] of Object.entries(oldOffers)) {
      const got = await sClient(agent, host, args);
      tally.check(`an app with ${title} is refused`, got.version === null && /alert number|CONNECTED/.test(got.text), got.text.slice(-200));
    }
    for (const [title, priority] of Object.entries(gnutlsOffers)) {
      const { text } = await run(['gnutls-cli', '--insecure', '--sni-hostname', host, '--priority', priority, '-p', String(front), '127.0.0.1']);
      tally.check(`an app with ${title} (GnuTLS) is refused`, !/Handshake was completed/.test(text) && /alert|handshake|priority/i.test(text), text.slice(-200));
    }
    for (const [title, bytes] of [['SSL 2.0', ssl2Hello], ['SSL 3.0', ssl3Hello]] as const) {
      const answer = await exchange(agent.proxyPort, Buffer.concat([Buffer.from(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`), bytes]));
      const tlsPart = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
      tally.check(`a hello of ${title} gets a fatal alert or nothing`, tlsPart.length === 0 || (tlsPart[0] === 21 && tlsPart[5] === 2), tlsPart.toString('hex'));
    }
    tally.check('none of these apps has led to a leaf', (await issued(agent)).length === 0, await issued(agent));
    const modern = [await sClient(agent, host, ['-tls1_2']), await sClient(agent, host, ['-tls1_3'])];
    tally.check('control: TLS 1.2 and 1.3 are served there', modern.map(({ version }) => version).join() === 'TLSv1.2,TLSv1.3');
  });
}

const sServer = (...args: readonly string[]) => ({ port, key, cert }: ServerFiles): readonly string[] => ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-key', key, '-cert', cert, '-www', '-quiet', ...args];
const gnutlsServ = (priority: string) => ({ port, key, cert }: ServerFiles): readonly string[] => ['gnutls-serv', '--http', '--quiet', '--disable-client-cert', '--port', String(port), '--x509keyfile', key, '--x509certfile', cert, '--priority', priority];
const only = (cipher: string): readonly string[] => ['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`];

type OldServer = { readonly title: string; readonly key: 'ec' | 'rsa'; readonly command: (files: ServerFiles) => readonly string[] };
const rsa = (title: string, command: OldServer['command']): OldServer => ({ title, key: 'rsa', command });
const ec = (title: string, command: OldServer['command']): OldServer => ({ title, key: 'ec', command });

const oldServersList: readonly OldServer[] = [
  rsa('TLS 1.0', sServer('-tls1', '-cipher', 'ALL:@SECLEVEL=0')), rsa('TLS 1.1', sServer('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0')),
  rsa('static RSA, CBC', sServer(...only('AES128-SHA'))), rsa('static RSA, GCM', sServer(...only('AES256-GCM-SHA384'))), rsa('static RSA, ARIA', sServer(...only('ARIA128-GCM-SHA256'))),
  rsa('ECDHE with CBC and SHA-1', sServer(...only('ECDHE-RSA-AES128-SHA'))), ec('ECDHE with CBC and SHA-256', sServer(...only('ECDHE-ECDSA-AES128-SHA256'))),
  ec('CCM_8', sServer(...only('ECDHE-ECDSA-AES128-CCM8'))), rsa('Camellia', sServer(...only('ECDHE-RSA-CAMELLIA128-SHA256'))), rsa('ECDHE with ARIA', sServer(...only('ECDHE-ARIA128-GCM-SHA256'))),
  rsa('DHE with 2048 bits', sServer(...only('DHE-RSA-AES128-GCM-SHA256'))), rsa('DHE with 1024 bits', sServer(...only('DHE-RSA-AES128-SHA'), '-dhparam', '/dev/stdin')),
  rsa('NULL', sServer(...only('NULL-SHA256'))), rsa('anonymous ECDH', sServer(...only('AECDH-AES128-SHA'))), rsa('anonymous DH', sServer(...only('ADH-AES128-GCM-SHA256'))), rsa('PSK', sServer(...only('PSK-AES128-GCM-SHA256'), '-psk', '00')),
  rsa('SHA-1 signatures', sServer(...only('ECDHE-RSA-AES128-GCM-SHA256'), '-sigalgs', 'RSA+SHA1')), rsa('finite-field groups only', sServer('-tls1_3', '-groups', 'ffdhe2048')),
  rsa('AES-CCM of TLS 1.3', sServer('-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_SHA256')),
  rsa('RC4', gnutlsServ('NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128:+RSA')), rsa('3DES', gnutlsServ('NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC:+RSA')), rsa('NULL (GnuTLS)', gnutlsServ('NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL:+RSA')),
];

/** ServerHellos that no program here can send: what our client does with an answer it did not ask for. */
const serverHello = (version: number, suite: number): Buffer => Buffer.from(`1603${version.toString(16).padStart(2, '0')}002a0200002603${version.toString(16).padStart(2, '0')}${'09'.repeat(32)}00${suite.toString(16).padStart(4, '0')}00`, 'hex');
const rawAnswers: Readonly<Record<string, Buffer>> = {
  'SSL 3.0': serverHello(0, 0xc02f), 'TLS 1.0 in the ServerHello': serverHello(1, 0xc02f), 'an export suite nobody offered': serverHello(3, 0x0003), 'DHE with export keys nobody offered': serverHello(3, 0x0014), 'RC4 nobody offered': serverHello(3, 0x0005),
  'an SSL 2.0 ServerHello': Buffer.from('800b04000100020000000000000000', 'hex'),
};

async function oldServers(tally: Tally): Promise<void> {
  await withLegs(async (legs) => {
    const names: [string, string][] = [];
    const nameOf = (title: string): string => {
      const host = `s${names.length}.old-servers.test`;
      names.push([title, host]);
      return host;
    };
    await serveOld(legs, nameOf);
    for (const [title, bytes] of Object.entries(rawAnswers)) {
      await legs.plain(nameOf(title), (socket) => socket.once('data', () => socket.write(bytes)).on('end', () => socket.end()).on('error', () => socket.destroy()));
    }
    await legs.program('good.old-servers.test', 'rsa', sServer(...only('ECDHE-RSA-AES128-GCM-SHA256')));
    const agent = await legs.agent(inspectAll);
    const look = async (host: string): Promise<void> => {
      const raw = await connectThrough(agent.proxyPort, host);
      await new Promise<void>((done) => {
        const socket = tls.connect({ socket: raw, servername: host, rejectUnauthorized: false, ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1' }, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
        for (const end of ['error', 'end', 'close'] as const) socket.once(end, () => done());
        socket.resume().setTimeout(3_000, () => socket.destroy());
      });
      raw.destroy();
    };
    for (const [title, host] of names) {
      await look(host);
      const row = await lastRow(agent, host);
      const leaves = (await issued(agent)).filter((name) => name === host).length;
      tally.check(`a server with ${title} is not inspected`, row.disposition !== 'inspect' && leaves === 0, `${row.disposition}, ${leaves} leaves`);
    }
    await look('good.old-servers.test');
    tally.check('control: a sound server beside them is inspected', (await issued(agent)).includes('good.old-servers.test'));
  });
}

async function serveOld(legs: Legs, nameOf: (title: string) => string): Promise<void> {
  const weakGroup = (await run(['openssl', 'dhparam', '-dsaparam', '1024'])).text;
  for (const { title, key, command } of oldServersList) await legs.program(nameOf(title), key, command, weakGroup);
}

const suitesOf: Readonly<Record<BulkCipher, string>> = {
  AES128: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256', AES256: 'TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
  CHACHA20: 'TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
};
type Version = 'TLSv1.2' | 'TLSv1.3';
const ranges: readonly (readonly Version[])[] = [['TLSv1.2'], ['TLSv1.3'], ['TLSv1.2', 'TLSv1.3']];
const offers: readonly (readonly BulkCipher[])[] = [['AES128'], ['AES256'], ['CHACHA20'], ['CHACHA20', 'AES256'], ['AES128', 'AES256', 'CHACHA20'], ['AES256', 'CHACHA20', 'AES128']];
const settings = ranges.flatMap((versions) => offers.map((list) => ({ versions, list })));

const optionsOf = ({ versions, list }: (typeof settings)[number]): { minVersion: Version; maxVersion: Version; ciphers: string } => ({
  minVersion: versions[0] as Version, maxVersion: versions.at(-1) as Version, ciphers: list.map((bulk) => suitesOf[bulk]).join(':'),
});
const bits: Readonly<Record<BulkCipher, number>> = { AES128: 128, AES256: 256, CHACHA20: 256 };

async function strengthShown(): Promise<RowResult> {
  const tally = createTally();
  let inspected = 0;
  await withLegs(async (legs) => {
    const servers = settings.flatMap((setting, at) => (['ec', 'rsa'] as const).map((key) => ({ setting, key, host: `${key}${at}.strength.test` })));
    for (const { setting, key, host } of servers) {
      // The server tells, on the connection that carries the data, what it has itself.
      await legs.origin(host, { leaf: legs.authority.leaf(host, { rsa: key === 'rsa' }), tls: { ...optionsOf(setting), honorCipherOrder: true }, onConnection: (socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('data', () => socket.end(`${socket.getProtocol()} ${socket.getCipher().name}`));
      } });
    }
    const agent = await legs.agent(inspectAll);
    for (const { setting, key, host } of servers) {
      for (const app of settings) {
        const title = `server ${key} ${setting.versions.join('+')} ${setting.list.join('>')}, app ${app.versions.join('+')} ${app.list.join('>')}`;
        const common = app.versions.some((version) => setting.versions.includes(version)) && app.list.some((bulk) => setting.list.includes(bulk));
        const seen = await shown(agent.proxyPort, host, optionsOf(app));
        if (seen === null) {
          tally.check(`${title}: works as it does without us`, !common);
          continue;
        }
        if (seen.ours) inspected += 1;
        tally.check(title, isHonest(seen, app), `shown ${seen.version} ${seen.cipher}, server leg ${seen.server}`);
      }
    }
  });
  return tally.result(`${settings.length * 2} servers, ${settings.length} apps, ${inspected} connections inspected`);
}

type Shown = { readonly ours: boolean; readonly version: string; readonly cipher: string; readonly server: string };

function isHonest({ version, cipher, server }: Shown, app: (typeof settings)[number]): boolean {
  const [serverVersion = '', serverCipher = ''] = server.split(' ');
  const [bulk, serverBulk] = [bulkCipherOf(cipher), bulkCipherOf(serverCipher)];
  return version <= serverVersion && bits[bulk] <= bits[serverBulk] && app.versions.some((one) => one === serverVersion) && app.list.includes(serverBulk);
}

async function shown(proxyPort: number, host: string, options: tls.ConnectionOptions): Promise<Shown | null> {
  const socket = await tlsThrough(proxyPort, host, { rejectUnauthorized: false, ...options }).catch(() => null);
  if (socket === null) return null;
  let server = '';
  let over = false;
  socket.on('data', (chunk: Buffer) => { server += chunk.toString(); }).on('error', () => undefined).once('close', () => { over = true; }).once('end', () => { over = true; });
  const facts = { ours: isOurs(socket.getPeerX509Certificate()), version: socket.getProtocol() ?? '', cipher: socket.getCipher().name };
  socket.write('?');
  await until('the server says what it has', () => over);
  socket.destroy();
  return { ...facts, server };
}
