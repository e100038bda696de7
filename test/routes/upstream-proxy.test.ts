// Connections through an organisation's proxy: a real squid with Basic authentication, NO_PROXY, PAC files, and proxies that want what we cannot give.
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin } from '../support/origins.ts';
import { portOf } from '../support/port-of.ts';
import { startSquid, type Squid } from '../support/squid.ts';
import { exchange, fetchThrough, tunnel } from './stage.ts';

const secret = 'sesame-4711';
const shop = 'shop.pinlight.test';
const bank = 'bank.pinlight.test';
const started = await startSquid([shop, bank, 'plain.pinlight.test'], 'ann', secret);

if (started !== null) suite(started);
else test.skip('through squid', () => undefined);

function suite(squid: Squid): void {
  const authority = createTestAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'way-out-'));
  const credentials = join(folder, 'credentials');
  const origins: Origin[] = [];
  let agent: TestAgent;
  let plain: http.Server;
  const policy = (network: Record<string, unknown> = {}): Record<string, unknown> => ({
    version: 1,
    // On a busy machine the first look-up of an owner may be late.
    defaults: { onUnknownApp: 'inspect' },
    rules: [{ id: 'bank', when: { host: bank }, do: 'bypass' }, { id: 'all', when: { user: 'self' }, do: 'inspect' }],
    network: { port: 0, upstreamRoots: [authority.rootFile], ...network },
  });
  const at = (host: string): string => `${host}:${origins.find((origin) => origin.host === host)?.port ?? 0}`;
  const lastRow = async (): Promise<unknown> => (await agent.client.call('connections', { limit: '1' }, {})).rows[0];
  const warnings = async (): Promise<readonly string[]> => (await agent.client.call('status', {}, {})).warnings.map(({ code, text }) => `${code}: ${text}`);
  const refusal = (target: string): Promise<string> => tunnel(agent.proxyPort, target).then(() => 'open', (error: Error) => error.message.replace(/^closed: /, ''));
  let names = 0;
  /** A name of which no answer is remembered: a target that answered a moment ago is promised before it is dialled. */
  const fresh = (): string => `name-${names += 1}.pinlight.test:443`;
  const settle = async (network: Record<string, unknown>): Promise<void> => {
    const { generation } = await agent.client.call('policy', {}, {});
    agent.writePolicy(policy(network));
    await vi.waitFor(async () => expect((await agent.client.call('policy', {}, {})).generation).toBeGreaterThan(generation), 10_000);
  };

  beforeAll(async () => {
    for (const host of [shop, bank]) origins.push(await startOrigin(authority, host));
    plain = http.createServer((request, response) => response.end(`plain ${request.headers.host ?? ''} ${request.url ?? ''} ${String(request.headers['proxy-authorization'])}`)).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    writeFileSync(credentials, `ann:${secret}\n`, { mode: 0o600 });
  });
  afterAll(async () => {
    for (const origin of origins) await origin.close();
    plain.close();
    await squid.close();
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('named by the environment, with a password in its address', () => {
    beforeAll(async () => {
      const address = `http://ann:${secret}@127.0.0.1:${squid.port}`;
      agent = await startTestAgent(policy(), { env: { HTTPS_PROXY: address, HTTP_PROXY: address, NO_PROXY: 'nowhere.pinlight.test,.direct.pinlight.test' } });
    });
    afterAll(() => agent.stop());

    test('an inspected connection is: our leaf for the app, the verified server behind squid', async () => {
      const seen = await fetchThrough(agent.proxyPort, at(shop), { ca: [readFileSync(agent.rootFile, 'utf8')], rejectUnauthorized: true });
      expect(seen.text).toContain(`hello from ${shop}`);
      expect(squid.asked().at(-1)).toBe(`TCP_TUNNEL/200 CONNECT ${at(shop)} ann`);
      expect(await lastRow()).toMatchObject({ disposition: 'inspect', ip: null, host: shop, outcome: { kind: 'established' } });
    });

    test('the same again, begun before the hello came', async () => {
      for (let round = 0; round < 3; round += 1) expect((await fetchThrough(agent.proxyPort, at(shop))).text).toContain('hello from');
    });

    test('a bypassed one is: the server\'s own certificate', async () => {
      const seen = await fetchThrough(agent.proxyPort, at(bank), { ca: [authority.rootPem], rejectUnauthorized: true });
      expect(seen.text).toContain(`hello from ${bank}`);
      expect(await lastRow()).toMatchObject({ disposition: 'bypass', outcome: { kind: 'passed', data: true } });
    });

    test('a plain request is, as a request and not a tunnel, and the server never sees the password', async () => {
      const place = `plain.pinlight.test:${portOf(plain)}`;
      const answer = await exchange(agent.proxyPort, `GET http://${place}/a?b HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n`);
      expect(answer).toContain(`plain ${place} /a?b undefined`);
      expect(squid.asked().at(-1)).toBe(`TCP_MISS/200 GET http://${place}/a? ann`);
    });

    test('a name that squid cannot resolve is a worded 502', async () => {
      expect(await refusal('unknown.pinlight.test:443')).toMatch(/^HTTP\/1\.1 502 [^]*proxy_configuration_error[^]*cannot reach it \(ERR_PROXY_GATEWAY\)/);
      expect(await lastRow()).toMatchObject({ error: 'ERR_PROXY_GATEWAY', outcome: { kind: 'upstream', code: 'ERR_PROXY_GATEWAY' } });
      expect(await warnings()).toEqual([]);
    });

    const direct = ['nowhere.pinlight.test:443', 'x.direct.pinlight.test:443'];
    const closed = [
      '127.0.0.1:443', '[::1]:443', '169.254.169.254:80', '[::ffff:127.0.0.1]:443', 'localhost:443', 'x.localhost:443', '0.0.0.0:443', '127.1:443', '0x7f000001:443', '2130706433:443',
    ];
    test.each(direct)('what NO_PROXY names does not go there: %s', async (target) => expect(await refusal(target)).toContain('dns_error'));
    test.each(closed)('what a loopback proxy must not open is not opened by way of another: %s', async (target) => expect(await refusal(target)).toMatch(/^HTTP\/1\.1 (400|403|502) /));

    test('and squid, which notes a request at its end, has heard of none of these', async () => {
      const before = squid.asked().length;
      await fetchThrough(agent.proxyPort, at(shop));
      const line = ` CONNECT ${at(shop)} `;
      await vi.waitFor(() => expect(squid.asked().slice(before).join('\n')).toContain(line), 5_000);
      expect(squid.asked().filter((asked) => [...direct, ...closed].some((target) => asked.includes(` CONNECT ${target} `)))).toEqual([]);
    });

    test('the password stands nowhere: not in policy, state, rows, log or database', async () => {
      const all = [
        JSON.stringify(await agent.client.call('policy', {}, {})), JSON.stringify(await agent.client.call('status', {}, {})),
        JSON.stringify(await agent.client.call('connections', { limit: '100' }, {})), readFileSync(join(agent.home, 'agent.log'), 'latin1'),
        readFileSync(join(agent.home, 'pinlight.db'), 'latin1'),
      ].join('\n');
      for (const form of [secret, Buffer.from(`ann:${secret}`).toString('base64')]) expect(all).not.toContain(form);
    });
  });

  describe('named by the policy', () => {
    beforeAll(async () => {
      agent = await startTestAgent(policy(), { env: { HTTPS_PROXY: '', https_proxy: '', HTTP_PROXY: '', http_proxy: '', ALL_PROXY: '', all_proxy: '' } });
    });
    afterAll(() => agent.stop());
    const ours = (): string => `http://127.0.0.1:${squid.port}`;

    test('with a file of credentials, squid lets us through', async () => {
      await settle({ upstreamProxy: ours(), upstreamCredentials: credentials });
      expect((await fetchThrough(agent.proxyPort, at(shop))).text).toContain('hello from');
      expect(await warnings()).toEqual([]);
    });

    test.each([
      ['without credentials', () => ({ upstreamCredentials: '' })],
      ['with a wrong password', () => {
        writeFileSync(join(folder, 'wrong'), 'ann:nonsense', { mode: 0o600 });
        return { upstreamCredentials: join(folder, 'wrong') };
      }],
    ])('%s: a worded 502, the row and a warning', async (_name, more) => {
      await settle({ upstreamProxy: ours(), ...more() });
      expect(await refusal(fresh())).toMatch(/^HTTP\/1\.1 502 [^]*wants a user name and password, and has accepted none \(407\) \(ERR_PROXY_PASSWORD\)/);
      expect(await lastRow()).toMatchObject({ error: 'ERR_PROXY_PASSWORD' });
      expect(await warnings()).toEqual([expect.stringMatching(/^upstream-proxy-password: 127\.0\.0\.1:/)]);
      const answer = await exchange(agent.proxyPort, `GET http://plain.pinlight.test:${portOf(plain)}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 502 [^]*ERR_PROXY_PASSWORD/);
    });

    test('with a file that others may read: it is not used, and the warning says why', async () => {
      chmodSync(credentials, 0o644);
      await settle({ upstreamProxy: ours(), upstreamCredentials: credentials });
      expect(await refusal(fresh())).toContain('ERR_PROXY_PASSWORD');
      chmodSync(credentials, 0o600);
      await settle({ upstreamProxy: ours(), upstreamCredentials: credentials, upstreamBypass: ['x.example'] });
      expect((await fetchThrough(agent.proxyPort, at(shop))).text).toContain('hello from');
      expect(await warnings()).toEqual([]);
    });

    test('ourselves as the proxy is a worded 502, and no loop', async () => {
      for (const host of ['127.0.0.1', 'localhost']) {
        await settle({ upstreamProxy: `http://${host}:${agent.proxyPort}` });
        expect(await refusal(fresh())).toContain('ERR_PROXY_LOOP');
      }
    });

    test('NTLM alone: Pinlight cannot sign in, says so, and goes on when that is over', async () => {
      const corporate = http.createServer((_request, response) => response.writeHead(407, { 'proxy-authenticate': ['Negotiate', 'NTLM'] }).end('sign in'));
      corporate.on('connect', (_request, socket: net.Socket) => socket.end('HTTP/1.1 407 Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n'));
      corporate.listen(0, '127.0.0.1');
      await once(corporate, 'listening');
      await settle({ upstreamProxy: `http://127.0.0.1:${portOf(corporate)}` });
      expect(await refusal(fresh())).toMatch(/^HTTP\/1\.1 502 [^]*wants a sign-in that Pinlight cannot make for you \(407\) \(ERR_PROXY_SIGN_IN\)/);
      expect(await exchange(agent.proxyPort, 'GET http://plain.pinlight.test/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toContain('ERR_PROXY_SIGN_IN');
      expect(await warnings()).toEqual([expect.stringMatching(/^upstream-proxy-sign-in: .* asks for Negotiate, NTLM\. /)]);
      corporate.close();
      await settle({ upstreamProxy: ours(), upstreamCredentials: credentials });
      await fetchThrough(agent.proxyPort, at(shop));
      expect(await warnings()).toEqual([]);
    });

    test('a proxy that is not there', async () => {
      await settle({ upstreamProxy: 'http://127.0.0.1:1' });
      expect(await refusal(fresh())).toContain('ERR_PROXY_UNREACHABLE');
      expect(await warnings()).toEqual([expect.stringContaining('upstream-proxy-unusable: 127.0.0.1:1: ERR_PROXY_UNREACHABLE')]);
    });
  });

  describe('named by a PAC file', () => {
    const file = join(folder, 'proxy.pac');
    let round = 0;
    const withPac = async (text: string): Promise<void> => {
      round += 1;
      writeFileSync(`${file}${round}`, text);
      await settle({ upstreamProxy: `pac+file://${file}${round}`, upstreamCredentials: credentials });
    };
    beforeAll(async () => {
      agent = await startTestAgent(policy());
    });
    afterAll(() => agent.stop());
    beforeEach(() => chmodSync(credentials, 0o600));

    test('the file chooses by host, passes over a proxy that is not there, and leaves the rest direct', async () => {
      await withPac(`function FindProxyForURL(url, host) {
        if (shExpMatch(host, 'shop.*') && url.substring(0, 6) === 'https:') return 'PROXY 127.0.0.1:1; PROXY 127.0.0.1:${squid.port}';
        return isPlainHostName(host) ? 'PROXY 127.0.0.1:1' : 'DIRECT';
      }`);
      expect((await fetchThrough(agent.proxyPort, at(shop))).text).toContain('hello from');
      const before = squid.asked().length;
      expect(await refusal('elsewhere.pinlight.test:443')).toContain('dns_error');
      expect(await refusal('plainhost:443')).toContain('ERR_PROXY_UNREACHABLE');
      expect(squid.asked()).toHaveLength(before);
    });

    test('one that comes over http', async () => {
      const server = http.createServer((_request, response) => response.end(`function FindProxyForURL() { return 'PROXY 127.0.0.1:${squid.port}'; }`)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      await settle({ upstreamProxy: `pac+http://127.0.0.1:${portOf(server)}/proxy.pac`, upstreamCredentials: credentials });
      expect((await fetchThrough(agent.proxyPort, at(shop))).text).toContain('hello from');
      server.close();
    });

    test.each([
      ['runs for ever', 'function FindProxyForURL() { for (;;); }'],
      ['runs for ever before it is asked', 'for (;;); function FindProxyForURL() { return "DIRECT"; }'],
      ['takes all memory', 'function FindProxyForURL() { var a = []; for (;;) a.push(new Array(100000).join("x")); }'],
      ['throws', 'function FindProxyForURL() { throw new Error("no"); }'],
      ['is no program', 'this is not javascript'],
      ['reaches for what it has not', 'function FindProxyForURL() { return process.exit(1) || require("fs"); }'],
      ['answers what nobody understands', 'function FindProxyForURL() { return "SOCKS 127.0.0.1:1"; }'],
      ['answers a number', 'function FindProxyForURL() { return 42; }'],
    ])('one that %s: a worded 502, a warning, and the agent goes on', async (_name, text) => {
      await withPac(text);
      expect(await refusal(fresh())).toContain('ERR_PROXY_PAC');
      expect(await warnings()).toEqual([expect.stringContaining('upstream-proxy-unusable: file://')]);
      await withPac(`function FindProxyForURL() { return 'PROXY 127.0.0.1:${squid.port}'; }`);
      expect((await fetchThrough(agent.proxyPort, at(shop))).text).toContain('hello from');
      expect(await warnings()).toEqual([]);
    }, 30_000);

    test('one that is not there', async () => {
      await settle({ upstreamProxy: 'pac+file:///nonexistent/proxy.pac' });
      expect(await refusal(fresh())).toContain('ERR_PROXY_PAC');
    });
  });

  test('an agent that inherited its own address as proxy goes out directly', async () => {
    const free = net.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const port = portOf(free);
    await new Promise((done) => free.close(done));
    agent = await startTestAgent(policy({ port }), { env: { HTTPS_PROXY: `http://localhost:${port}`, https_proxy: `http://localhost:${port}` } });
    try {
      expect(await refusal('nowhere.pinlight.test:443')).toContain('dns_error');
    } finally {
      await agent.stop();
    }
  });
}
