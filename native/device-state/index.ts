// One look at the device: its clocks, and its network as a text that changes when the network does. Reads only; some 0.1 ms.
// Not for judging what a difference means: electron/core/health/disturbance.ts does that.
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import type { DeviceReading } from '../../electron/core/health/disturbance.ts';
import { readProcText } from '../procfs/read.ts';
import { parseRoutes, parseRoutes6, parseUptime, type DefaultRoute } from './linux.ts';

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Reads the device as it is now. Systems but Linux have no second clock and tell no routes here. Never throws. */
export function readDevice(): DeviceReading {
  const linux = process.platform === 'linux';
  const routes = linux ? [...parseRoutes(textOf('/proc/net/route')), ...parseRoutes6(textOf('/proc/net/ipv6_route'))] : [];
  const network = summariseNetwork(interfacesOrNone(), routes);
  // Last and together: what is slow above must not come between the clocks.
  return { network, bootMs: linux ? parseUptime(textOf('/proc/uptime')) : null, monotonicMs: performance.now(), wallMs: Date.now() };
}

/**
 * The network in one line, the same for the same network. Left out: loopback; link-local addresses, which reach no server; the lower
 * half of an IPv6 address, which privacy extensions change by the day; and interfaces of containers and virtual machines, by name, as
 * these come and go with them: unless a default route uses one.
 */
export function summariseNetwork(interfaces: Interfaces, routes: readonly DefaultRoute[]): string {
  const inUse = new Set(routes.map((route) => route.device));
  const addresses = Object.entries(interfaces).flatMap(([name, list]) => (isGuest(name) && !inUse.has(name) ? [] : (list ?? [])
    .filter((entry) => !entry.internal && !/^(?:169\.254\.|fe[89ab])/i.test(entry.address))
    .map((entry) => `${name} ${entry.family === 'IPv6' ? prefixOf(entry.address) : entry.address}`)));
  return [...new Set(addresses)].sort().concat(routes.map((route) => `${route.device} via ${route.via}`)).join(', ');
}

/** Docker, libvirt, LXC, Podman and Kubernetes plug-ins; VMware and VirtualBox; bridges of macOS guests; WSL and Hyper-V's own switch. */
function isGuest(name: string): boolean {
  return /^(?:docker|br-[0-9a-f]{12}$|veth|virbr|vnet\d|lxc|lxd|cni|flannel|cali|podman|vmnet|vboxnet|bridge1\d\d$|vEthernet \((?:WSL|Default Switch))/.test(name);
}

/** The first 64 bits of an IPv6 address. `os` writes the shortest form, so equal networks give equal texts. */
function prefixOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}

function textOf(path: string): string {
  const read = readProcText(path);
  return typeof read === 'string' ? '' : read.text;
}

/** Some sandboxes forbid the question. */
function interfacesOrNone(): Interfaces {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
}
