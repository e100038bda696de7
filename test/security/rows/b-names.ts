// B8 to B11: protocols, client certificates, names that disagree, hidden names.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import * as http2 from 'node:http2';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { chromium } from '@playwright/test';
import { changed, hello, setExtension, sni } from '../../core/tls/hello-builder.ts';
import { exchange } from '../../routes/stage.ts';
import { findCommand } from '../../support/find-command.ts';
import { connectThrough, tlsThrough, until } from '../../support/tunnel.ts';
import { createTally, inspectAll, isOurs, issued, lastRow, mustInspectAll, run, withLegs, type Legs, type ServerFiles } from '../legs.ts';
import { readClientHello } from '../../../electron/core/tls/client-hello.ts';
import type { TestAgent } from '../../support/agent.ts';
import type { Row, RowResult } from '../registry.ts';

export const rows: readonly Row[] = [
  { id: 'B8', title: 'the app gets the protocol the server chose', source: 'TPBP', run: protocols },
  { id: 'B9', title: 'servers that want a client certificate', source: 'STIP BSL', run: clientCertificates },
  { id: 'B10', title: 'no name, names that disagree', source: 'STIP TPBP', run: names },
  { id: 'B11', title: 'encrypted client hello', source: 'ECH', run: hiddenNames },
];

const protocolLists: readonly (readonly string[])[] = [[], ['h2'], ['http/1.1'], ['h2', 'http/1.1'], ['http/1.1', 'h2'], ['acme-tls/1'], ['x-unknown', 'h2'], ['postgresql']];

/** Every list of an app against every list of a server, with data of no protocol at all. */
async function protocols(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    for (const [at, list] of protocolLists.entries()) {
      await legs.origin(`p${at}.protocols.test`, { tls: list.length === 0 ? {} : { ALPNProtocols: [...list] }, onConnection: (socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('data', (bytes: Buffer) => socket.end(Buffer.concat([Buffer.from(`${socket.alpnProtocol === false ? 'none' : socket.alpnProtocol} `), bytes])));
      } });
    }
    await legs.origin('web.protocols.test', { tls: { ALPNProtocols: ['h2', 'http/1.1'] } });
    const agent = await legs.agent(inspectAll);
    for (const [at, server] of protocolLists.entries()) {
      for (const app of protocolLists) {
        const title = `server [${server.join(', ')}], app [${app.join(', ')}]`;
        const socket = await tlsThrough(agent.proxyPort, `p${at}.protocols.test`, { rejectUnauthorized: false, ...(app.length === 0 ? {} : { ALPNProtocols: [...app] }) }).catch((error: Error) => error);
        const nothingInCommon = server.length > 0 && app.length > 0 && !server.some((protocol) => app.includes(protocol));
        if (socket instanceof Error) {
          tally.check(`${title}: refused by the server itself, alert 120`, nothingInCommon && /alert number 120/.test(socket.message), socket.message);
          continue;
        }
        const got = socket.alpnProtocol === false || socket.alpnProtocol === null ? 'none' : socket.alpnProtocol;
        socket.write(Buffer.from([0, 1, 2, 255]));
        const answer: Buffer[] = [];
        for await (const chunk of socket as AsyncIterable<Buffer>) answer.push(chunk);
        tally.check(title, Buffer.concat(answer).equals(Buffer.concat([Buffer.from(`${got} `), Buffer.from([0, 1, 2, 255])])), `app ${got}, server ${Buffer.concat(answer).toString('latin1')}`);
      }
    }
    tally.check('the ones with something in common were inspected', new Set(await issued(agent)).size === protocolLists.length, [...new Set(await issued(agent))]);
    const { text } = await run(['curl', '-sS', '--http2', '-w', ' HTTP/%{http_version}', '--proxy', `http://${agent.proxy}`, '--cacert', agent.rootFile, 'https://web.protocols.test/']);
    tally.check('curl speaks HTTP/2 through us', /hello from web.protocols.test[^]*HTTP\/2$/.test(text), text);
    tally.check('node:http2 gets 20 answers on one connection', await twentyStreams(agent, 'web.protocols.test') === 20);
  });
  return tally.result('Node servers and clients of eight lists of protocols each, curl, node:http2');
}

async function twentyStreams(agent: TestAgent, host: string): Promise<number> {
  const socket = await tlsThrough(agent.proxyPort, host, { ALPNProtocols: ['h2'], ca: readFileSync(agent.rootFile) });
  const session = http2.connect(`https://${host}`, { createConnection: () => socket });
  const answers = await Promise.all(Array.from({ length: 20 }, () => new Promise<boolean>((done) => {
    let body = '';
    session.request({ ':path': '/' }).setEncoding('utf8').on('data', (chunk: string) => { body += chunk; }).on('end', () => done(body.includes(`hello from ${host}`))).on('error', () => done(false));
  })));
  session.destroy();
  return answers.filter(Boolean).length;
}

const wanting = (version: string, verify: string, clientCa: string) => ({ port, key, cert, folder }: ServerFiles): readonly string[] => {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  writeFileSync(join(folder, 'conf'), `daemon off; master_process off; pid ${folder}/pid; events {} http { log_format seen "$ssl_client_verify $request_uri"; access_log ${folder}/../${version}-${verify}.log seen; ${temporary}
    server { listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols ${version}; ssl_verify_client ${verify}; ssl_client_certificate ${clientCa}; location / { return 200 "verified: $ssl_client_verify"; } } }`);
  return ['nginx', '-p', folder, '-e', join(folder, 'error'), '-c', join(folder, 'conf')];
};

async function clientCertificates(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const own = legs.authority.clientCertificate();
    const servers = ['TLSv1.2', 'TLSv1.3'].flatMap((version) => ['on', 'optional'].map((verify) => ({ version, verify, host: `${verify}.v${version.slice(-1)}.wants.test`, strict: `strict-${verify}.v${version.slice(-1)}.wants.test` })));
    for (const { version, verify, host, strict } of servers) {
      await legs.program(host, 'ec', wanting(version, verify, own.certFile));
      legs.targets.set(strict, legs.targets.get(host) as number);
    }
    const agent = await legs.agent([{ id: 'strict', when: { host: servers.map(({ strict }) => strict) }, do: 'inspect', mustInspect: true }, { id: 'all', do: 'inspect' }]);
    const ask = async (host: string, path: string, ...more: readonly string[]): Promise<string> => (await run(['curl', '-sS', '--proxy', `http://${agent.proxy}`, '--cacert', legs.authority.rootFile, ...more, `https://${host}${path}`])).text;
    for (const { version, verify, host, strict } of servers) {
      const title = `nginx ${version}, ${verify}`;
      const shown = await ask(host, '/with', '--cert', own.certFile, '--key', own.keyFile);
      tally.check(`${title}: the app's certificate arrives`, shown.includes('verified: SUCCESS'), shown);
      const row = await lastRow(agent, host);
      tally.check(`${title}: written down as a client certificate`, row.disposition === 'bypass' && row.reason.code === 'client-certificate', row.reason.code);
      const without = await ask(host, '/without');
      tally.check(`${title}: an app without one hears it from the server`, verify === 'on' ? without.includes('No required SSL certificate was sent') : without.includes('verified: NONE'), without);
      const log = readFileSync(join(legs.authority.folder, `${version}-${verify}.log`), 'utf8').trim().split('\n').map((line) => line.split(' '));
      tally.check(`${title}: no request came with an empty certificate but the app's own`, log.every(([verified, path]) => verified === 'SUCCESS' || path === '/without'), log.join('; '));
      await ask(strict, '/strict', '--cert', own.certFile, '--key', own.keyFile);
      const must = await lastRow(agent, strict);
      tally.check(`${title}: never let through where policy insists on inspection`, must.disposition !== 'bypass', must.disposition);
    }
    tally.check('no leaf but for the hosts that must be inspected', (await issued(agent)).every((host) => host.startsWith('strict-')), await issued(agent));
  });
  return tally.result('curl with and without a certificate at nginx, TLS 1.2 and 1.3, required and optional');
}

const kinds = ['bypass', 'inspect', 'must', 'block', 'none'] as const;
type Kind = (typeof kinds)[number];
const kindRules = [
  { id: 'bypass', when: { host: 'bypass.names.test' }, do: 'bypass' }, { id: 'inspect', when: { host: 'inspect.names.test' }, do: 'inspect' },
  { id: 'must', when: { host: 'must.names.test' }, do: 'inspect', mustInspect: true }, { id: 'block', when: { host: 'block.names.test' }, do: 'block' },
];
/** No rule passes like `bypass`, but any rule goes before it. */
const strictness: Readonly<Record<Kind, number>> = { none: -1, bypass: 0, inspect: 1, must: 2, block: 3 };

async function names(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    await legs.origin('*.names.test');
    for (const kind of kinds) legs.targets.set(`${kind}.names.test`, legs.targets.get('*.names.test') as number);
    legs.targets.delete('*.names.test');
    await legs.origin('elsewhere.other.test');
    legs.targets.set('inspect2.other.test', legs.targets.get('elsewhere.other.test') as number);
    const agent = await legs.agent([...kindRules, { id: 'other', when: { host: '*.other.test' }, do: 'inspect' }]);
    for (const target of kinds) {
      for (const name of [...kinds, null]) {
        const expected = name === null || strictness[name] <= strictness[target] ? target : name;
        const got = await treatment(agent, `${target}.names.test`, name === null ? null : `${name}.names.test`);
        const wanted = expected === 'block' ? 'blocked' : expected === 'inspect' || expected === 'must' ? `ours for ${name ?? target}.names.test` : 'the server\'s';
        tally.check(`CONNECT ${target}, server name ${name ?? 'absent'}: as ${expected}`, got === wanted, got);
      }
      // The Host of a CONNECT means nothing.
      for (const host of kinds) {
        const answer = await exchange(agent.proxyPort, `CONNECT ${target}.names.test:443 HTTP/1.1\r\nHost: ${host}.names.test:443\r\n\r\n`, 300);
        tally.check(`CONNECT ${target}, Host ${host}: as ${target}`, target === 'block' ? answer.startsWith('HTTP/1.1 403') : answer.startsWith('HTTP/1.1 200'), answer.slice(0, 60));
      }
    }
    // A name that the server cannot prove: no leaf, whatever it is.
    for (const [target, name] of [['inspect.names.test', 'elsewhere.other.test'], ['inspect2.other.test', 'inspect.names.test'], ['inspect2.other.test', null]] as const) {
      const got = await treatment(agent, target, name);
      tally.check(`CONNECT ${target}, server name ${name ?? 'absent'}, which the server has no certificate for: no leaf`, got === 'the server\'s', got);
    }
    const wrong = (await issued(agent)).filter((host) => !['inspect.names.test', 'must.names.test', 'bypass.names.test', 'none.names.test'].includes(host));
    tally.check('no leaf for another name', wrong.length === 0, wrong);
  });
  return tally.result('five kinds of rules for CONNECT\'s name, times the server name, times the Host of the CONNECT');
}

async function treatment(agent: TestAgent, target: string, name: string | null): Promise<string> {
  const raw = await connectThrough(agent.proxyPort, target).catch(() => null);
  if (raw === null) return 'blocked';
  return new Promise((done) => {
    const socket = tls.connect({ socket: raw, rejectUnauthorized: false, ...(name === null ? {} : { servername: name }) }, () => {
      const certificate = socket.getPeerX509Certificate();
      // An app that says nothing would look as if it had refused.
      socket.write(`GET / HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
      socket.once('data', () => {
        done(isOurs(certificate) ? `ours for ${certificate?.subjectAltName?.replace('DNS:', '')}` : 'the server\'s');
        socket.destroy();
      });
    });
    socket.once('error', (error: Error) => done(/alert number 49/.test(error.message) ? 'blocked' : error.message));
  });
}

async function hiddenNames(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    await recordedHellos(legs, tally);
    await chromiumEndToEnd(legs, tally);
  });
  return tally.result('a recorded hello of Chromium with encrypted_client_hello under other outer names, and Chromium itself');
}

async function recordedHellos(legs: Legs, tally: ReturnType<typeof createTally>): Promise<void> {
  const [outer, inner, shut] = ['outer.ech.test', 'inner.ech.test', 'shut.ech.test'];
  await legs.origin(outer, { tls: { ALPNProtocols: ['h2', 'http/1.1'] } });
  for (const host of [inner, shut]) legs.targets.set(host, legs.targets.get(outer) as number);
  let seen = Buffer.alloc(0);
  await legs.plain('copied.ech.test', (socket) => socket.on('data', (chunk: Buffer) => { seen = Buffer.concat([seen, chunk]); }));
  const agent = await legs.agent([
    { id: 'copied', when: { host: 'copied.ech.test' }, do: 'bypass' }, { id: 'shut', when: { host: shut }, do: 'block' }, { id: 'inner', when: { host: inner }, do: 'inspect', mustInspect: true }, { id: 'all', do: 'inspect' },
  ]);
  const withName = (name: string): Buffer => changed(hello('chromium').bytes, (parts) => setExtension(parts, 0, sni(name)));
  const read = readClientHello(withName(outer));
  tally.check('the hello carries encrypted_client_hello', read.kind === 'client-hello' && read.hello.ech && read.hello.serverName === outer);
  const send = async (target: string, bytes: Buffer): Promise<number | 'refused'> => {
    const socket = await connectThrough(agent.proxyPort, target).catch(() => null);
    if (socket === null) return 'refused';
    socket.write(bytes);
    const first = await new Promise<number>((done) => socket.once('data', (chunk: Buffer) => done(chunk[0] as number)).once('close', () => done(-1)));
    socket.destroy();
    return first;
  };
  tally.check('by the outer name: inspected, ServerHello', await send(outer, withName(outer)) === 22);
  tally.check('an address whose outer name is inspected: the outer name counts', await send(inner, withName(outer)) === 22);
  tally.check('an outer name that is blocked is blocked, whatever is inside', await send(outer, withName(shut)) === 21);
  tally.check('a target that is blocked is blocked, whatever the outer name', await send(shut, withName(outer)) === 'refused');
  const leaves = new Set(await issued(agent));
  tally.check('leaves only for the outer name', [...leaves].join() === outer, [...leaves]);
  const bytes = withName('copied.ech.test');
  const socket = await connectThrough(agent.proxyPort, 'copied.ech.test');
  socket.write(bytes);
  await until('the server has the hello', () => seen.length >= bytes.length);
  socket.destroy();
  tally.check('let through: not a byte differs', seen.equals(bytes), `${seen.length} of ${bytes.length}`);
}

/** Chromium sends GREASE in place of ECH by itself. Its root store is an NSS database of its own. */
async function chromiumEndToEnd(legs: Legs, tally: ReturnType<typeof createTally>): Promise<void> {
  const [executablePath, certutil] = [findCommand('chromium'), findCommand('certutil')];
  if (executablePath === null || certutil === null) throw new Error('needs chromium and certutil (Debian: chromium libnss3-tools)');
  const [inspected, passed] = ['browser.ech.test', 'passed.ech.test'];
  for (const host of [inspected, passed]) await legs.origin(host);
  const agent = await legs.agent([{ id: 'passed', when: { host: passed }, do: 'bypass' }, ...mustInspectAll]);
  const home = mkdtempSync(join(legs.authority.folder, 'chromium-'));
  const store = join(home, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true });
  execFileSync(certutil, ['-d', `sql:${store}`, '-N', '--empty-password']);
  for (const [name, file] of [['agent', agent.rootFile], ['origins', legs.authority.rootFile]] as const) execFileSync(certutil, ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', name, '-i', file]);
  const browser = await chromium.launch({
    executablePath, headless: true, env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home }, proxy: { server: `http://${agent.proxy}` },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const page = await browser.newPage();
    for (const host of [inspected, passed]) {
      await page.goto(`https://${host}/`);
      tally.check(`Chromium sees ${host}`, (await page.textContent('p')) === `hello from ${host}`);
    }
  } finally {
    await browser.close();
  }
  tally.check('Chromium: inspected one and let the other through', (await lastRow(agent, inspected)).disposition === 'inspect' && (await lastRow(agent, passed)).disposition === 'bypass');
  tally.check('Chromium: a leaf for the name it asked for alone', [...new Set(await issued(agent))].join() === inspected, await issued(agent));
}
