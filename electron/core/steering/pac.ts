// The proxy auto-configuration that brings browsers to the proxy: policy and port in, PAC text out.
// Not for serving it (agent/proxy) and not for telling the system where it is (native/system-proxy).
import { formatHostPort } from '../policy/host-pattern.ts';
import type { Policy, Rule } from '../policy/policy.ts';
import { readProxyUrl } from '../upstream-proxy/route.ts';

/** What of a policy a PAC can say. */
export type PacPolicy = Pick<Policy, 'rules'> & {
  readonly defaults: Pick<Policy['defaults'], 'failMode'>;
  readonly network: Pick<Policy['network'], 'privateTargets' | 'upstreamProxy'>;
};

/** Path of the PAC on the proxy's own port. The query only makes browsers read it again. */
export const pacPath = '/pinlight.pac';

/**
 * The PAC's text. Where the proxy does not answer, browsers go to the organisation's proxy that policy names, else direct (fail-open), or
 * nowhere (fail-closed, and hosts of a must-inspect rule for every program). No name is ever looked up in it: that would hold every request back.
 */
export function pacText(policy: PacPolicy, port: number): string {
  const proxy = `PROXY 127.0.0.1:${port}`;
  const open = policy.defaults.failMode === 'open';
  const must = open ? mustInspectPatterns(policy.rules) : [];
  const direct = [
    // Loopback and plain names never leave the device or its own network.
    'host === "localhost" || /\\.localhost$/.test(host) || /^127\\./.test(host) || host === "::1" || host === "[::1]"',
    'host.indexOf(".") === -1 && host.indexOf(":") === -1',
    // Where private targets are blocked, the agent has to see them to do so.
    ...(policy.network.privateTargets === 'allow' ? [`${privateIpv4}.test(host) || ${privateIpv6}.test(host)`] : []),
    // Only what the proxy speaks.
    '!/^(https?|wss?):/i.test(url)',
  ];
  return [
    'function FindProxyForURL(url, host) {',
    '  host = host.toLowerCase();',
    ...direct.map((condition) => `  if (${condition}) return "DIRECT";`),
    ...must.map((pattern) => `  if (shExpMatch(host, ${JSON.stringify(pattern)})) return ${JSON.stringify(proxy)};`),
    `  return ${JSON.stringify(open ? `${proxy}; ${wayWithoutUs(policy.network.upstreamProxy)}` : proxy)};`,
    '}', '',
  ].join('\n');
}

// RFC 1918 and ULA (fc00::/7) as browsers write them, IPv6 with or without brackets.
const privateIpv4 = '/^(10\\.\\d+|192\\.168|172\\.(1[6-9]|2\\d|3[01]))\\.\\d+\\.\\d+$/';
const privateIpv6 = '/^\\[?f[cd][0-9a-f]{2}:/';

/** What programs would do without us, as far as a PAC can say it: another PAC cannot be called from one. */
function wayWithoutUs(upstreamProxy: string): string {
  const read = upstreamProxy === 'direct' || upstreamProxy === 'system' ? null : readProxyUrl(upstreamProxy);
  return read?.kind === 'proxy' ? `PROXY ${formatHostPort(read.proxy.host, read.proxy.port)}; DIRECT` : 'DIRECT';
}

/** Hosts that must be inspected whichever program asks; a PAC knows no programs, so rules for some of them cannot be said in it. */
function mustInspectPatterns(rules: readonly Rule[]): readonly string[] {
  const patterns = rules.filter((rule) => rule.mustInspect && rule.when.app === undefined && rule.when.user === undefined).flatMap(({ when: { host } }) => host ?? '*');
  return [...new Set(patterns.flat())];
}
