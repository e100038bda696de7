// E4, E5, E6: strict CONNECT, no request smuggled past or through the proxy, no foreign text in its error pages.
import * as net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { startTestAgent, type TestAgent } from '../../support/agent.ts';
import { open } from '../../support/origins.ts';
import { readAll, tlsThrough, until } from '../../support/tunnel.ts';
import { exchange } from '../../routes/stage.ts';
import { createTally, isOurs, mustInspectAll, withLegs } from '../legs.ts';
import type { Row, RowResult } from '../registry.ts';
import { san, dns, server as serverCertificate, authority as madeAuthority } from '../workshop.ts';

export const rows: readonly Row[] = [
  { id: 'E4', title: 'CONNECT is read strictly', source: 'Squid, HTTP Garden', run: strictConnect },
  { id: 'E5', title: 'no request is smuggled', source: 'CVE-2021-39214 CVE-2022-24766 CVE-2023-46846 CVE-2024-27982', run: noSmuggling },
  { id: 'E6', title: 'error pages repeat nothing foreign', source: 'Squid PR 306', run: errorPages },
];

const name = 'echo.connect.test';

/** Heads that must be refused. `@` stands for `HOST:443`. */
const badHeads: readonly (readonly [string, string])[] = [
  ['no port', `CONNECT ${name} HTTP/1.1\r\n\r\n`], ['an empty port', `CONNECT ${name}: HTTP/1.1\r\n\r\n`], ['port 0', `CONNECT ${name}:0 HTTP/1.1\r\n\r\n`], ['port 65536', `CONNECT ${name}:65536 HTTP/1.1\r\n\r\n`],
  ['port +443', `CONNECT ${name}:+443 HTTP/1.1\r\n\r\n`], ['port -1', `CONNECT ${name}:-1 HTTP/1.1\r\n\r\n`], ['port 0x1bb', `CONNECT ${name}:0x1bb HTTP/1.1\r\n\r\n`], ['port 0443', `CONNECT ${name}:0443 HTTP/1.1\r\n\r\n`], ['port 443 twice', `CONNECT ${name}:443:443 HTTP/1.1\r\n\r\n`],
  ['an address in brackets that is none', 'CONNECT [::1::]:443 HTTP/1.1\r\n\r\n'], ['a zone id', 'CONNECT [fe80::1%25lo]:443 HTTP/1.1\r\n\r\n'], ['brackets around a name', `CONNECT [${name}]:443 HTTP/1.1\r\n\r\n`],
  ['a user', 'CONNECT a@@ HTTP/1.1\r\n\r\n'], ['user and password', 'CONNECT a:b@@ HTTP/1.1\r\n\r\n'], ['a path', 'CONNECT @/ HTTP/1.1\r\n\r\n'], ['a query', 'CONNECT @?x HTTP/1.1\r\n\r\n'], ['a fragment', 'CONNECT @#x HTTP/1.1\r\n\r\n'], ['a backslash', 'CONNECT @\\x HTTP/1.1\r\n\r\n'],
  ['the absolute form', 'CONNECT http://@/ HTTP/1.1\r\n\r\n'], ['https in absolute form', 'GET https://@/ HTTP/1.1\r\n\r\n'], ['a percent sign', 'CONNECT echo%2econnect.test:443 HTTP/1.1\r\n\r\n'], ['no target', 'CONNECT HTTP/1.1\r\n\r\n'], ['two blanks', 'CONNECT  @ HTTP/1.1\r\n\r\n'], ['a tab', 'CONNECT\t@\tHTTP/1.1\r\n\r\n'], ['a blank behind', 'CONNECT @ HTTP/1.1 \r\n\r\n'], ['two targets', 'CONNECT @ @ HTTP/1.1\r\n\r\n'],
  ['bare line feeds', 'CONNECT @ HTTP/1.1\nHost: @\n\n'], ['one bare line feed', 'CONNECT @ HTTP/1.1\r\nA: b\nC: d\r\n\r\n'], ['carriage returns alone', 'CONNECT @ HTTP/1.1\rHost: @\r\r\n\r\n'], ['a folded line', 'CONNECT @ HTTP/1.1\r\nA: b\r\n c\r\n\r\n'], ['a NUL', 'CONNECT @ HTTP/1.1\r\nA: \0\r\n\r\n'], ['a NUL in the target', 'CONNECT @\0 HTTP/1.1\r\n\r\n'],
  ['a byte above ASCII', 'CONNECT @ HTTP/1.1\r\nA: \xff\r\n\r\n'], ['a blank before the colon', 'CONNECT @ HTTP/1.1\r\nHost : @\r\n\r\n'], ['a line without a colon', 'CONNECT @ HTTP/1.1\r\nHost\r\n\r\n'], ['a name that is empty', 'CONNECT @ HTTP/1.1\r\n: x\r\n\r\n'],
  ['Content-Length', 'CONNECT @ HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody'], ['Content-Length 0', 'CONNECT @ HTTP/1.1\r\ncontent-length: 0\r\n\r\n'], ['Transfer-Encoding', 'CONNECT @ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'], ['both', 'CONNECT @ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n'],
  ['lower case', 'connect @ HTTP/1.1\r\n\r\n'], ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], ['HTTP/2.0', 'CONNECT @ HTTP/2.0\r\n\r\n'], ['HTTP/0.9', 'CONNECT @\r\n\r\n'], ['http/1.1', 'CONNECT @ http/1.1\r\n\r\n'], ['a line feed first', '\r\nCONNECT @ HTTP/1.1\r\n\r\n'], ['the PROXY protocol', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nCONNECT @ HTTP/1.1\r\n\r\n'],
  ['a head of 64 kB', `CONNECT @ HTTP/1.1\r\n${`A: ${'b'.repeat(8_000)}\r\n`.repeat(9)}\r\n`], ['a line of 64 kB', `CONNECT ${'a'.repeat(65_536)}:443 HTTP/1.1\r\n\r\n`], ['201 lines', `CONNECT @ HTTP/1.1\r\n${'A: b\r\n'.repeat(201)}\r\n`], ['a label of 64 letters', `CONNECT ${'a'.repeat(64)}.test:443 HTTP/1.1\r\n\r\n`], ['a name of 254 letters', `CONNECT ${`${'a'.repeat(49)}.`.repeat(5)}test:443 HTTP/1.1\r\n\r\n`], ['an empty label', 'CONNECT a..test:443 HTTP/1.1\r\n\r\n'],
];
/** Heads that lead to the same target. */
const goodHeads: readonly (readonly [string, string])[] = [
  ['as browsers write it', 'CONNECT @ HTTP/1.1\r\nHost: @\r\n\r\n'], ['HTTP/1.0', 'CONNECT @ HTTP/1.0\r\n\r\n'], ['another Host, which decides nothing', 'CONNECT @ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n'], ['a dot behind the name', `CONNECT ${name}.:443 HTTP/1.1\r\n\r\n`], ['upper case', `CONNECT ${name.toUpperCase()}:443 HTTP/1.1\r\n\r\n`], ['200 lines', `CONNECT @ HTTP/1.1\r\n${'A: b\r\n'.repeat(200)}\r\n`],
];

async function strictConnect(): Promise<RowResult> {
  const tally = createTally();
  let reached = 0;
  await withLegs(async (legs) => {
    await legs.plain(name, (socket) => {
      reached += 1;
      socket.pipe(socket);
    });
    const agent = await legs.agent([{ id: 'no', do: 'bypass' }]);
    for (const [what, head] of badHeads) {
      const answer = await exchange(agent.proxyPort, Buffer.from(head.replaceAll('@@', `@${name}:443`).replaceAll(/(?<![a-z:])@/g, `${name}:443`), 'latin1'), 3_000);
      tally.check(`${what} is refused in words`, /^HTTP\/1\.1 (400|403|405|431|505) [^]*Pinlight: \w/.test(answer) && answer.length < 2_000, answer.slice(0, 80));
    }
    tally.check('none of them was connected', reached === 0, reached);
    for (const [what, head] of goodHeads) {
      // What comes with the head, and an end right behind it, belongs to the tunnel, in order.
      const early = `early ${what}`;
      const text = await converse(agent.proxyPort, head.replaceAll('@', `${name}:443`) + early);
      tally.check(`${what}: opened, and early bytes neither lost nor reordered`, text === `HTTP/1.1 200 Connection established\r\n\r\n${early}`, text.slice(0, 120));
    }
    tally.check('each was connected once', reached === goodHeads.length, reached);
  });
  return tally.result('heads from the table of CONNECT disguises at a server that counts; ports other than 443 are policy\'s');
}

/** Sends, ends, and collects until the other side ends. */
function converse(port: number, text: string): Promise<string> {
  return new Promise((done) => {
    let all = '';
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(Buffer.from(text, 'latin1')));
    socket.on('data', (chunk: Buffer) => { all += chunk.toString('latin1'); }).on('error', () => undefined).once('close', () => done(all));
  });
}

const hidden = 'GET /hidden HTTP/1.1\r\nHost: inner.test\r\n\r\n';
/** Disguises of Transfer-Encoding (defparam/smuggler), beside a length. */
const disguises = [
  'Transfer-Encoding: chunked', 'Transfer-Encoding : chunked', 'Transfer-Encoding:chunked', 'Transfer-Encoding:\tchunked', 'Transfer-Encoding: \tchunked', ' Transfer-Encoding: chunked', 'X: X\r\n Transfer-Encoding: chunked', 'Transfer-Encoding\r\n : chunked', 'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked, identity', 'Transfer-Encoding: identity, chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x', 'Transfer-Encoding: x\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: "chunked"', 'Transfer-Encoding: \'chunked\'', 'Transfer-Encoding: CHUNKED', 'Transfer-Encoding: chunkeD', 'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding:\x0bchunked', 'Transfer-Encoding: \x0bchunked', 'Transfer-Encoding:\x0cchunked', 'Transfer-Encoding: chunked\x00', 'Transfer\x00-Encoding: chunked', 'Transfer-Encoding: chunked\r', 'Transfer_Encoding: chunked', 'Transfer Encoding: chunked', 'transfer-encoding\x20\x20: chunked', 'Transfer-Encoding: chu\nnked', 'Transfer-Encoding:\nchunked', 'Transfer-Encoding: \xa0chunked', 'Content-Encoding: chunked',
];
const chunkedBody = `0\r\n\r\n${hidden}`;

type Message = readonly [string, (target: string) => string];
const request = (method: string, target: string, lines: string, body: string): string => `${method} ${target} HTTP/1.1\r\nHost: plain.test\r\n${lines}\r\n\r\n${body}`;
const messages: readonly Message[] = [
  ...disguises.map((line): Message => [line.replaceAll(/[^\x21-\x7e]+/g, ' '), (t) => request('POST', t, `Content-Length: ${chunkedBody.length}\r\n${line}`, chunkedBody)]),
  ...disguises.slice(0, 6).map((line): Message => [`${line} before a short length`, (t) => request('POST', t, `${line}\r\nContent-Length: 4`, `5c\r\n${hidden}\r\n0\r\n\r\n`)]),
  ['two lengths', (t) => request('POST', t, `Content-Length: 0\r\nContent-Length: ${hidden.length}`, hidden)], ['two equal lengths', (t) => request('POST', t, 'Content-Length: 0\r\nContent-Length: 0', hidden)], ['a list of lengths', (t) => request('POST', t, `Content-Length: 0, ${hidden.length}`, hidden)],
  ['a length with a plus', (t) => request('POST', t, 'Content-Length: +0', hidden)], ['a negative length', (t) => request('POST', t, 'Content-Length: -1', hidden)], ['a length in hex', (t) => request('POST', t, 'Content-Length: 0x0', hidden)], ['an empty length', (t) => request('POST', t, 'Content-Length: ', hidden)], ['a length with a blank', (t) => request('POST', t, 'Content-Length: 0 0', hidden)], ['a length over 2^64', (t) => request('POST', t, 'Content-Length: 18446744073709551616', hidden)],
  ['a chunk size that overflows', (t) => request('POST', t, 'Transfer-Encoding: chunked', `FFFFFFFFFFFFFFFFF\r\n${hidden}`)], ['a chunk size with a sign', (t) => request('POST', t, 'Transfer-Encoding: chunked', `+0\r\n\r\n${hidden}`)], ['a chunk size 0x0', (t) => request('POST', t, 'Transfer-Encoding: chunked', `0x0\r\n\r\n${hidden}`)], ['a chunk extension', (t) => request('POST', t, 'Transfer-Encoding: chunked', `0;x="\r\n\r\n"\r\n\r\n${hidden}`)], ['a chunk extension with a line feed', (t) => request('POST', t, 'Transfer-Encoding: chunked', `0;x\n\r\n\r\n${hidden}`)],
  ['a trailer that is a length', (t) => request('POST', t, 'Transfer-Encoding: chunked\r\nTrailer: Content-Length', '0\r\nContent-Length: 50\r\n\r\n')], ['chunks ended by line feeds', (t) => request('POST', t, 'Transfer-Encoding: chunked', `0\n\n${hidden}`)],
  ['a bare CR in a value', (t) => request('GET', t, 'X: a\rContent-Length: 40', hidden)], ['a bare LF in a value', (t) => request('GET', t, 'X: a\nContent-Length: 40', hidden)], ['a NUL in a name', (t) => request('GET', t, 'X\0: a', '')], ['a blank in a name', (t) => request('GET', t, 'Content-Length : 40', hidden)], ['a vertical tab in a name', (t) => request('GET', t, 'X\x0b: a', '')], ['a folded line', (t) => request('GET', t, 'X: a\r\n Content-Length: 40', hidden)],
  ['Upgrade: h2c', (t) => request('GET', t, 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')], ['Connection names the length', (t) => request('POST', t, `Connection: Content-Length\r\nContent-Length: ${hidden.length}`, hidden)], ['two Hosts', (t) => request('GET', t, 'Host: inner.test', '')],
  ['a length on GET', (t) => request('GET', t, `Content-Length: ${hidden.length}`, hidden)], ['pipelined', (t) => request('GET', t, 'X: y', hidden)], ['HTTP/1.0 with chunks', (t) => `POST ${t} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`], ['a blank in the path', (t) => request('GET', `${t}a HTTP/1.1\r\nX: y\r\nGET /hidden`, 'A: b', '')],
];

const replies: readonly (readonly [string, string])[] = [
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\nHTTP/1.1 200 OK\r\nX-Hidden: 1\r\n\r\n'], ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nX-Hidden: 1\r\n\r\n'],
  ['a bare LF', 'HTTP/1.1 200 OK\r\nA: b\nX-Hidden: 1\r\n\r\n'], ['a NUL', 'HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n'], ['a second answer', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nX-Hidden: 1\r\n\r\n'], ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'], ['HTTP/0.9', 'hello'], ['an unasked upgrade', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nX-Hidden'],
];

async function noSmuggling(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    let received = Buffer.alloc(0);
    let reply: string | null = null;
    const raw = (socket: net.Socket | TLSSocket): void => {
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (reply !== null) socket.end(Buffer.from(reply, 'latin1'));
        else if (received.includes('\r\n\r\n')) setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'), 30);
      }).on('error', () => undefined);
    };
    await legs.origin('inside.test', { onConnection: raw });
    const plain = await open(net.createServer(raw), 'plain');
    legs.targets.set('unused.test', plain.port);
    const agent = await startTestAgent({
      defaults: { onUnknownApp: 'inspect' }, rules: mustInspectAll,
      network: { upstreamRoots: [legs.authority.rootFile], localTargets: { 'inside.test:443': `127.0.0.1:${legs.targets.get('inside.test')}`, 'plain.test:80': `127.0.0.1:${plain.port}` } },
    });
    try {
      for (const [what, write] of messages) {
        received = Buffer.alloc(0);
        const sent = Buffer.from(write('/'), 'latin1');
        const socket = await tlsThrough(agent.proxyPort, 'inside.test', { rejectUnauthorized: false });
        const ours = isOurs(socket.getPeerX509Certificate());
        socket.on('error', () => undefined).resume().write(sent);
        const whole = await until(what, () => received.length >= sent.length).then(() => true, () => false);
        socket.destroy();
        tally.check(`inspected, ${what}: unchanged`, ours && whole && received.equals(sent), received.length);
      }
      for (const [what, write] of messages) {
        received = Buffer.alloc(0);
        await exchange(agent.proxyPort, Buffer.from(write('http://plain.test/'), 'latin1'), 3_000);
        const text = received.toString('latin1');
        tally.check(`plain, ${what}: refused, or one request with one meaning`, text === '' || isOneRequest(text), JSON.stringify(text.slice(0, 200)));
      }
      for (const [what, text] of replies) {
        reply = text;
        received = Buffer.alloc(0);
        const socket = await tlsThrough(agent.proxyPort, 'inside.test', { rejectUnauthorized: false });
        socket.write('GET / HTTP/1.1\r\nHost: inside.test\r\n\r\n');
        tally.check(`inspected answer with ${what}: unchanged`, (await readAll(socket)).toString('latin1') === text);
        socket.destroy();
        const answer = await exchange(agent.proxyPort, 'GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n\r\n', 3_000);
        tally.check(`plain answer with ${what}: 502, or without what was hidden`, /^HTTP\/1\.1 (502|200) /.test(answer) && !/^X-Hidden/im.test(answer.slice(answer.startsWith('HTTP/1.1 502') ? answer.length : 0)), JSON.stringify(answer.slice(0, 200)));
      }
      tally.check('the agent lives', agent.process.exitCode === null);
    } finally {
      await agent.stop();
      await plain.close();
    }
  });
  return tally.result(`${messages.length} ambiguous requests and ${replies.length} answers: inspected ones reach the other side byte for byte (nothing parses them), plain ones are refused or written anew as one request with one length; there is no HTTP/2 to 1 translation`);
}

/** One head with valid names and one length, and exactly its body. */
function isOneRequest(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...headers] = text.slice(0, end).split('\r\n');
  const values = (wanted: string): string[] => headers.filter((header) => header.toLowerCase().startsWith(`${wanted}:`)).map((header) => header.slice(wanted.length + 1).trim());
  const [lengths, encodings, hosts] = [values('content-length'), values('transfer-encoding'), values('host')];
  if (end === -1 || !/^[A-Z]+ \/\S* HTTP\/1\.1$/.test(line) || !headers.every((header) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/.test(header))) return false;
  if (lengths.length + encodings.length > 1 || hosts.join() !== 'plain.test') return false;
  const body = text.slice(end + 4);
  if (encodings.length === 1) return encodings[0] === 'chunked' && !/\r\n0\r\n[^]*\r\n\r\n[^]/.test(`\r\n${body}`);
  return body.length <= Number(lengths[0] ?? 0);
}

async function errorPages(): Promise<RowResult> {
  const tally = createTally();
  const script = '<script>alert(1)</script>';
  const check = (what: string, answer: string): void => {
    tally.check(`${what}: nothing foreign`, !/<|alert\(1\)|%3Cscript/i.test(answer.slice(answer.indexOf('\r\n\r\n'))), answer.slice(0, 200));
    if (!answer.startsWith('HTTP/1.1 ') || answer.startsWith('HTTP/1.1 200')) return;
    tally.check(`${what}: plain text under a closed policy`, answer.includes("content-security-policy: default-src 'none'") && /content-type: text\/plain/.test(answer), answer.slice(0, 300));
  };
  await withLegs(async (legs) => {
    const root = madeAuthority(`O=${script}`);
    const bad = serverCertificate(['other.test'], root, { subject: script, extensions: [san(dns(script)), san(dns('other.test'))].slice(0, 1) });
    await legs.origin('cn.error.test', { leaf: { key: bad.keyPem, cert: bad.pem } });
    const closed = await open(net.createServer(), 'closed');
    await closed.close();
    legs.targets.set('closed.error.test', closed.port);
    const agent = await legs.agent([{ id: 'blocked', when: { host: 'blocked.error.test' }, do: 'block', reason: script }, ...mustInspectAll]);
    const ask = (text: string): Promise<string> => exchange(agent.proxyPort, Buffer.from(text, 'latin1'), 3_000);
    check('a host with markup', await ask(`CONNECT ${script}:443 HTTP/1.1\r\n\r\n`));
    check('a method with markup', await ask(`${script} http://closed.error.test/ HTTP/1.1\r\n\r\n`));
    check('a version with markup', await ask(`GET / ${script}\r\n\r\n`));
    check('a URL with markup at a closed port', await ask(`GET http://closed.error.test:443/${script}?q=${script} HTTP/1.1\r\nHost: x\r\n\r\n`));
    check('an unknown host with markup in its path', await ask(`GET http://nothing.invalid/${script} HTTP/1.1\r\nHost: ${script}\r\n\r\n`));
    check('a closed port', await ask('CONNECT closed.error.test:443 HTTP/1.1\r\n\r\n'));
    check('a forbidden address', await ask('CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n'));
    check('the head that is too long', await ask(`GET ${script.repeat(400)} HTTP/1.1\r\n\r\n`));
    check('a header with markup', await ask(`GET /x HTTP/1.1\r\n${script}: ${script}\r\n\r\n`));
    const blocked = await ask('CONNECT blocked.error.test:443 HTTP/1.1\r\n\r\n');
    tally.check('a rule\'s words are plain text, whatever the administrator wrote', /^HTTP\/1\.1 403 [^]*content-type: text\/plain[^]*x-content-type-options: nosniff|^HTTP\/1\.1 403 [^]*x-content-type-options: nosniff/.test(blocked), blocked.slice(0, 300));
    await markupInCertificate(agent, tally.check);
  });
  return tally.result('markup in hosts, methods, URLs, headers, certificates and rules, with and without a tunnel');
}

/** A bad certificate is answered with an alert or the server's own bytes: no page of ours exists that could repeat it. */
async function markupInCertificate(agent: TestAgent, check: (what: string, held: boolean, seen?: string) => void): Promise<void> {
  const answer = await tlsThrough(agent.proxyPort, 'cn.error.test', { rejectUnauthorized: false }).then(() => 'tls', (error: Error) => error.message);
  check('markup in a certificate: an alert, no page', /alert|reset|disconnected/i.test(answer), answer);
  const { rows: [row] } = await agent.client.call('connections', { filter: 'host = cn.error.test', limit: '1' }, {});
  check('its row names the cause without the markup', !/<script/.test(JSON.stringify(row)), row?.error ?? '');
}
