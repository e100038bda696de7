// Which way leads out: proxy addresses, NO_PROXY as curl, Go and browsers read it, PAC answers, a proxy's own words.
import { describe, expect, test } from 'vitest';
import { bypasses, chooseWay, failureOf, proxyFailureWords, proxySettings, readConnectAnswer, readPacAnswer, readProxyUrl, upstreamProxyFault } from '../../../electron/core/upstream-proxy/route.ts';

describe('the address of a proxy', () => {
  test.each([
    ['with scheme and port', 'http://proxy.example:3128', { host: 'proxy.example', port: 3128, credentials: null }],
    ['without a scheme', 'Proxy.Example.:8080', { host: 'proxy.example', port: 8080, credentials: null }],
    ['without a port: 80, as browsers have it', 'http://proxy.example/', { host: 'proxy.example', port: 80, credentials: null }],
    ['an IPv6 address', 'http://[FD00::1]:3128', { host: 'fd00::1', port: 3128, credentials: null }],
    ['with user and password, percent-encoded', 'http://ann:p%40ss%3Aword@proxy.example:3128', { host: 'proxy.example', port: 3128, credentials: 'ann:p@ss:word' }],
    ['with a bare @ in the password', 'http://ann:p@ss@proxy.example:3128', { host: 'proxy.example', port: 3128, credentials: 'ann:p@ss' }],
    ['with a user alone', 'http://ann@proxy.example:3128', { host: 'proxy.example', port: 3128, credentials: 'ann:' }],
  ])('%s', (_name, text, proxy) => {
    expect(readProxyUrl(text)).toEqual({ kind: 'proxy', proxy });
  });

  test.each([
    ['another kind', 'socks5://proxy.example:1080', 'not socks5://'],
    ['TLS to the proxy', 'https://proxy.example:443', 'not https://'],
    ['a path', 'http://proxy.example/x', 'no address'],
    ['port 0', 'proxy.example:0', '1 to 65535'],
    ['a port too large', 'proxy.example:65536', '1 to 65535'],
    ['brackets around no address', 'http://[1.2.3]:80', '1 to 65535'],
    ['an encoded line break in the password', 'http://a:b%0d%0ax@proxy.example', 'none can hold'],
    ['nothing', '', 'no address'],
  ])('%s is refused in words', (_name, text, words) => {
    expect(readProxyUrl(text)).toMatchObject({ kind: 'invalid', why: expect.stringContaining(words) });
  });

  test('a policy holds no password, and says where one belongs', () => {
    expect(upstreamProxyFault('http://ann:secret@proxy.example:3128')).toContain('network.upstreamCredentials');
    expect(upstreamProxyFault('http://ann:secret@proxy.example:3128')).not.toContain('secret');
    expect(['direct', 'system', 'http://proxy.example:3128', 'pac+http://wpad.example/p.pac', 'pac+file:///etc/p.pac'].map(upstreamProxyFault)).toEqual([null, null, null, null, null]);
    expect(['pac+ftp://x/p', 'pac+http://', 'pac+http://ann:secret@wpad.example/p.pac', 'Direct'].map((text) => upstreamProxyFault(text) === null)).toEqual([false, false, false, true]);
  });
});

describe('NO_PROXY', () => {
  test.each<[string, string, string, number, boolean]>([
    ['a star names every host', '*', 'a.example', 443, true],
    ['a name names itself', 'corp.example', 'corp.example', 443, true],
    ['a name names what is below it', 'corp.example', 'a.b.corp.example', 443, true],
    ['a name does not name one that only ends alike', 'corp.example', 'evilcorp.example', 443, false],
    ['a leading dot names what is below', '.corp.example', 'a.corp.example', 443, true],
    ['a leading dot names the name itself as well', '.corp.example', 'corp.example', 443, true],
    ['a leading star and dot as well', '*.corp.example', 'a.corp.example', 443, true],
    ['case does not matter', 'Corp.EXAMPLE', 'corp.example', 443, true],
    ['a port that is the target\'s', 'corp.example:8443', 'corp.example', 8443, true],
    ['a port that is not', 'corp.example:8443', 'corp.example', 443, false],
    ['an address names itself', '10.0.0.1', '10.0.0.1', 443, true],
    ['an address does not name others', '10.0.0.1', '10.0.0.10', 443, false],
    ['a range names what is in it', '10.0.0.0/8', '10.200.3.4', 443, true],
    ['a range does not name what is not', '10.0.0.0/8', '11.0.0.1', 443, false],
    ['a range of bits', '192.168.4.0/22', '192.168.7.9', 443, true],
    ['a range of bits, just outside', '192.168.4.0/22', '192.168.8.0', 443, false],
    ['a range of no bits names every address of its family', '0.0.0.0/0', '8.8.8.8', 443, true],
    ['a range of IPv4 names no IPv6 address', '0.0.0.0/0', '::1', 443, false],
    ['a range of IPv6', 'fd00::/8', 'fd12::1', 443, true],
    ['an IPv6 address in brackets with a port', '[fd00::1]:443', 'fd00::1', 443, true],
    ['an IPv6 address in brackets with another port', '[fd00::1]:444', 'fd00::1', 443, false],
    ['a range with a nonsense length names nothing', '10.0.0.0/x', '10.0.0.0', 443, false],
    ['a range longer than an address names nothing', '10.0.0.0/33', '10.0.0.0', 443, false],
    ['names are not resolved: a range names no name', '0.0.0.0/0', 'corp.example', 443, false],
    ['<local> names hosts without a dot', '<local>', 'intranet', 80, true],
    ['<local> does not name others', '<local>', 'a.example', 80, false],
    ['an empty entry names nothing', '', 'a.example', 443, false],
    ['a lone dot names nothing', '.', 'a.example', 443, false],
  ])('%s', (_name, entry, host, port, named) => {
    expect(bypasses(entry, host, port)).toBe(named);
  });
});

describe('the way to a target', () => {
  const env = { HTTPS_PROXY: 'http://p.example:1', http_proxy: 'http://q.example:2', NO_PROXY: 'corp.example, .lab.example' };
  const way = (host: string, use: 'plain' | 'tunnel' = 'tunnel', proxy = 'system', environment: Record<string, string> = env): unknown =>
    chooseWay(proxySettings(proxy, ['policy.example'], environment), { host, port: 443 }, use);

  test.each<[string, unknown, unknown]>([
    ['by HTTPS_PROXY', way('a.example'), { kind: 'proxy', proxy: { host: 'p.example', port: 1, credentials: null } }],
    ['by http_proxy for plain requests', way('a.example', 'plain'), { kind: 'proxy', proxy: { host: 'q.example', port: 2, credentials: null } }],
    ['by ALL_PROXY where there is no other', way('a.example', 'plain', 'system', { ALL_PROXY: 'r.example:3' }), { kind: 'proxy', proxy: { host: 'r.example', port: 3, credentials: null } }],
    ['directly where NO_PROXY says so', way('x.lab.example'), { kind: 'direct' }],
    ['directly where policy says so', way('policy.example'), { kind: 'direct' }],
    ['directly for this device itself', way('foo.localhost'), { kind: 'direct' }],
    ['directly for what only a resolver takes for an address', ['127.1', '0x7f.0.0.1', '2130706433', '10.0.0.0x1'].map((host) => way(host)), Array.from({ length: 4 }, () => ({ kind: 'direct' }))],
    ['by the proxy for a name that ends alike', way('a1.example7'), { kind: 'proxy', proxy: { host: 'p.example', port: 1, credentials: null } }],
    ['by the proxy for an address as such', way('192.0.2.1'), { kind: 'proxy', proxy: { host: 'p.example', port: 1, credentials: null } }],
    ['directly without a setting', way('a.example', 'tunnel', 'system', {}), { kind: 'direct' }],
    ['directly where policy wants that, whatever the environment says', way('a.example', 'tunnel', 'direct'), { kind: 'direct' }],
    ['by the policy\'s proxy, whatever the environment says', way('corp.example', 'tunnel', 'http://z.example:9'), { kind: 'proxy', proxy: { host: 'z.example', port: 9, credentials: null } }],
    ['by a PAC file', way('a.example', 'tunnel', 'pac+http://wpad.example/p.pac'), { kind: 'pac', url: 'http://wpad.example/p.pac' }],
    ['by a PAC file of the environment', way('a.example', 'tunnel', 'system', { ...env, auto_proxy: 'file:///etc/p.pac' }), { kind: 'pac', url: 'file:///etc/p.pac' }],
    ['not past a proxy that cannot be used', way('a.example', 'tunnel', 'system', { HTTPS_PROXY: 'socks5://s.example:1' }), { kind: 'unusable' }],
  ])('%s', (_name, found, expected) => {
    expect(found).toEqual(expected);
  });

  test('what cannot be used is told without its password', () => {
    const { problems } = proxySettings('system', [], { HTTPS_PROXY: 'socks5://ann:secret@s.example:1', HTTP_PROXY: 'http://ann:secret@' });
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('secret');
  });
});

describe('a PAC answer', () => {
  test.each([
    ['several ways in their order', 'PROXY a.example:1; proxy b.example:2 ;DIRECT', [['a.example', 1], ['b.example', 2], 'direct']],
    ['an empty one is DIRECT', ' ; ', ['direct']],
    ['kinds that are not understood are passed over', 'SOCKS5 s.example:1; HTTPS t.example:2; HTTP a.example:1', [['a.example', 1]]],
    ['nothing understood is none', 'SOCKS5 s.example:1', null],
    ['nonsense is none', 'nonsense', null],
  ])('%s', (_name, answer, ways) => {
    expect(readPacAnswer(answer)?.map((way) => (way.kind === 'direct' ? 'direct' : [way.proxy.host, way.proxy.port])) ?? null).toEqual(ways);
  });
});

describe('a proxy\'s answer to CONNECT', () => {
  test.each<[string, string, string | null]>([
    ['200', 'HTTP/1.1 200 Connection established', null],
    ['204 with headers', 'HTTP/1.0 204\r\nVia: x', null],
    ['407 with Basic among others', 'HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\nproxy-authenticate: Basic realm="r"', 'ERR_PROXY_PASSWORD'],
    ['407 with NTLM and Negotiate alone', 'HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM', 'ERR_PROXY_SIGN_IN'],
    ['407 without a scheme', 'HTTP/1.1 407 x', 'ERR_PROXY_PASSWORD'],
    ['403', 'HTTP/1.1 403 Forbidden', 'ERR_PROXY_DENIED'],
    ['503', 'HTTP/1.1 503 Service Unavailable', 'ERR_PROXY_GATEWAY'],
    ['302 to a sign-in page', 'HTTP/1.1 302 Found', 'ERR_PROXY_ANSWER'],
  ])('%s', (_name, head, failure) => {
    const answer = readConnectAnswer(head);
    expect(answer === null ? 'none' : failureOf(answer.status, answer.schemes)).toBe(failure);
  });

  test('what is no HTTP is no answer, and schemes are short words', () => {
    expect(['SSH-2.0-x', 'HTTP/1.1 20 x', 'HTTP/2 200', ''].map(readConnectAnswer)).toEqual([null, null, null, null]);
    expect(readConnectAnswer(`HTTP/1.1 407 x\r\nProxy-Authenticate: <script> a\r\nProxy-Authenticate: ${'a'.repeat(99)}`)?.schemes).toEqual(['a'.repeat(20)]);
    expect(proxyFailureWords('ERR_PROXY_SIGN_IN', 'a.example:443')).toBe('a.example:443 cannot be reached: the organisation\'s proxy wants a sign-in that Pinlight cannot make for you (407) (ERR_PROXY_SIGN_IN).');
  });
});
