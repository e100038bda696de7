// How this device is connected: interfaces, way out, resolvers, and which proxy settings stand where and whose they are. Reads only.
// Not for changing a setting (a person's command does) and not for connections.
import { getServers } from 'node:dns';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { callerOf, settingsOf } from '../../native/system-proxy/settings-of.ts';
import type { Setting } from '../../native/system-proxy/setting.ts';
import type { DefaultRoute, NetworkFacts, ProxySetting } from './diagnostics/collectors.ts';

/** `service`: the agent has no person's session, so no desktop's settings. `stateFolder`: the agent's own. */
export type NetworkPlace = { readonly service: boolean; readonly home: string; readonly env: NodeJS.ProcessEnv; readonly stateFolder: string };

/** Rejects never for one setting that cannot be read: its row says so. */
export async function readNetworkFacts({ service, home, env, stateFolder }: NetworkPlace): Promise<NetworkFacts> {
  const caller = callerOf({ home, env, folder: stateFolder });
  const settings = await settingsOf(service ? { ...caller, machine: true } : caller);
  return {
    interfaces: Object.entries(networkInterfaces()).flatMap(([name, all]) => (all ?? []).map(({ cidr, address, internal }) => ({ name, address: cidr ?? address, internal }))),
    defaultRoutes: defaultRoutes(process.platform),
    resolvers: getServers(),
    proxySettings: await Promise.all(settings.map(proxySetting)),
    notVisible: service ? 'The settings of a person\'s desktop and session are not visible to the service; doctor.json has what the person who asked could see.' : null,
  };
}

async function proxySetting(setting: Setting): Promise<ProxySetting> {
  const { name, path } = setting;
  try {
    const reading = await setting.check(null);
    switch (reading.kind) {
      case 'taken': return { setting: name, path, setBy: 'somebody else', detail: reading.found.words };
      case 'unreadable': return { setting: name, path, setBy: 'not readable', detail: reading.detail };
      case 'read': return { setting: name, path, setBy: reading.state === 'steered' ? 'pinlight' : 'nobody', detail: reading.detail };
    }
  } catch (thrown) {
    return { setting: name, path, setBy: 'not readable', detail: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function defaultRoutes(platform: NodeJS.Platform): readonly DefaultRoute[] | string {
  if (platform !== 'linux') return 'routes are read on Linux only';
  try {
    return [...ipv4Defaults(readFileSync('/proc/net/route', 'latin1')), ...ipv6Defaults(withoutIpv6(() => readFileSync('/proc/net/ipv6_route', 'latin1')))];
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** A kernel without IPv6 has no such file. */
function withoutIpv6(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Default routes of /proc/net/route: addresses are hexadecimal in the machine's byte order, little-endian on all that Node runs on here. */
export function ipv4Defaults(table: string): DefaultRoute[] {
  return table.split('\n').slice(1).flatMap((line) => {
    const [name, target, gateway, flags, , , metric, mask] = line.trim().split(/\s+/);
    if (name === undefined || target !== '00000000' || mask !== '00000000' || !isUp(flags)) return [];
    const octets = (gateway ?? '').match(/../g)?.toReversed().map((hex) => parseInt(hex, 16)) ?? [];
    return [{ family: 'IPv4' as const, interface: name, gateway: octets.some((octet) => octet !== 0) ? octets.join('.') : null, metric: Number(metric) }];
  });
}

/** Default routes of /proc/net/ipv6_route; a route that refuses stands on `lo` and leads nowhere. */
export function ipv6Defaults(table: string): DefaultRoute[] {
  return table.split('\n').flatMap((line) => {
    const [target, length, , , gateway = '', metric = '', , , flags, name] = line.trim().split(/\s+/);
    if (name === undefined || name === 'lo' || length !== '00' || !/^0+$/.test(target ?? '') || !isUp(flags)) return [];
    const groups = gateway.match(/.{4}/g) ?? [];
    return [{ family: 'IPv6' as const, interface: name, gateway: /^0+$/.test(gateway) ? null : groups.map((group) => group.replace(/^0{1,3}/, '')).join(':'), metric: parseInt(metric, 16) }];
  });
}

/** RTF_UP. */
function isUp(flags: string | undefined): boolean {
  return (parseInt(flags ?? '0', 16) & 1) !== 0;
}
