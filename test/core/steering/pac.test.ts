// The PAC as browsers run it: the text is evaluated with the one helper it uses.
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { pacText } from '../../../electron/core/steering/pac.ts';
import type { PacPolicy } from '../../../electron/core/steering/pac.ts';

const policy: PacPolicy = { rules: [], defaults: { failMode: 'open' }, network: { privateTargets: 'allow', upstreamProxy: 'system' } };
const inspect = { id: 'must', when: { host: ['bank.example', '*.bank.example'] }, do: 'inspect', mustInspect: true, reason: null } as const;

function ask(text: string, url: string): string {
  // As browsers do it: names in lower case or not, IPv6 with brackets or without.
  const host = new URL(url).hostname;
  const shExpMatch = (name: string, glob: string): boolean => new RegExp(`^${glob.replaceAll(/[^\w*]/g, '\\$&').replaceAll('*', '.*')}$`).test(name);
  const answer: unknown = runInNewContext(`${text}; FindProxyForURL(${JSON.stringify(url)}, ${JSON.stringify(host)})`, { shExpMatch });
  return String(answer);
}

const direct = 'DIRECT';
const open = 'PROXY 127.0.0.1:18443; DIRECT';
const closed = 'PROXY 127.0.0.1:18443';

describe('where a request goes', () => {
  test.each<[string, Partial<PacPolicy>, string, string]>([
    ['a name on the internet goes through the proxy, and direct without it', {}, 'https://www.example.com/x?y', open],
    ['plain HTTP too', {}, 'http://www.example.com/', open],
    ['WebSockets too', {}, 'wss://www.example.com/', open],
    ['fail-closed has no way past the proxy', { defaults: { failMode: 'closed' } }, 'https://www.example.com/', closed],
    ['FTP is nothing the proxy speaks', {}, 'ftp://www.example.com/', direct],
    ['localhost stays', { defaults: { failMode: 'closed' } }, 'http://localhost:3000/', direct],
    ['a name below localhost stays', {}, 'http://app.localhost/', direct],
    ['127.x stays', {}, 'http://127.8.9.10/', direct],
    ['::1 stays', {}, 'http://[::1]:8080/', direct],
    ['a plain name stays', {}, 'http://printer/', direct],
    ['10.x is private', {}, 'https://10.1.2.3/', direct],
    ['172.16 is private', {}, 'https://172.16.0.1/', direct],
    ['172.32 is not', {}, 'https://172.32.0.1/', open],
    ['192.168.x is private', {}, 'https://192.168.7.7/', direct],
    ['a name that begins like a private address is a name', {}, 'https://10.1.2.3.example.com/', open],
    ['a unique local address is private', {}, 'https://[fd12:3456::1]/', direct],
    ['a global one is not', {}, 'https://[2001:db8::1]/', open],
    ['where private targets are blocked the agent has to see them', { network: { privateTargets: 'block', upstreamProxy: 'system' } }, 'https://10.1.2.3/', open],
    ['the organisation\'s proxy is the way without us', { network: { privateTargets: 'allow', upstreamProxy: 'http://proxy.corp.example:3128' } }, 'https://www.example.com/', 'PROXY 127.0.0.1:18443; PROXY proxy.corp.example:3128; DIRECT'],
    ['a PAC of the organisation cannot be called from ours', { network: { privateTargets: 'allow', upstreamProxy: 'pac+http://corp.example/p.pac' } }, 'https://www.example.com/', open],
    ['a must-inspect host is closed although the rest is open', { rules: [inspect] }, 'https://bank.example/', closed],
    ['and what is below it', { rules: [inspect] }, 'https://www.bank.example/', closed],
    ['other hosts stay open', { rules: [inspect] }, 'https://notbank.example/', open],
    ['a must-inspect rule without a host is for all', { rules: [{ ...inspect, when: {} }] }, 'https://www.example.com/', closed],
    ['a must-inspect rule for one program cannot be said in a PAC', { rules: [{ ...inspect, when: { ...inspect.when, app: { path: '/usr/bin/curl' } } }] }, 'https://bank.example/', open],
  ])('%s', (_name, changed, url, answer) => {
    expect(ask(pacText({ ...policy, ...changed }, 18_443), url)).toBe(answer);
  });
});

test('a hostile host pattern stays a string', () => {
  const text = pacText({ ...policy, rules: [{ ...inspect, when: { host: '"); evil(); ("*' } }] }, 18_443);
  expect(ask(text, 'https://www.example.com/')).toBe(open);
});

test('no name is looked up', () => {
  expect(pacText(policy, 18_443)).not.toMatch(/dnsResolve|isInNet|isResolvable|myIpAddress/);
});
