// Pure readers of Linux's /proc/uptime, /proc/net/route and /proc/net/ipv6_route. No OS guard: tested everywhere on recorded text.
// Not for opening files (index.ts).

/** A route that takes what no nearer route takes. `via`: gateway as /proc writes it, zeros for a link without one. */
export type DefaultRoute = { readonly device: string; readonly via: string };

/** RTF_UP, RTF_REJECT of <linux/route.h>. */
const up = 0x1;
const reject = 0x200;

/** Milliseconds since boot, suspend included, in steps of 10 (proc(5)); null when the text is none. */
export function parseUptime(text: string): number | null {
  const found = /^(\d+)\.(\d\d) /.exec(text);
  return found === null ? null : Number(found[1]) * 1000 + Number(found[2]) * 10;
}

/** Default routes of /proc/net/route, the preferred one first. Half of the address space counts: OpenVPN takes it in two halves. */
export function parseRoutes(text: string): DefaultRoute[] {
  return ordered(text.split('\n').slice(1).flatMap((line) => {
    const [device, , via, flags, , , metric, mask] = line.trim().split(/\s+/);
    if (device === undefined || via === undefined || flags === undefined || metric === undefined || mask === undefined) return [];
    // The mask stands in the machine's byte order, so bits are counted: none or one.
    return /^0*[1248]?0*$/.test(mask) && counts(device, flags) ? [{ device, via, metric: Number(metric) }] : [];
  }));
}

/** Default routes of /proc/net/ipv6_route, the preferred one first. Down to 2000::/3, which is all of today's internet. */
export function parseRoutes6(text: string): DefaultRoute[] {
  return ordered(text.split('\n').flatMap((line) => {
    const [, length, , , via, metric, , , flags, device] = line.trim().split(/\s+/);
    if (length === undefined || via === undefined || metric === undefined || flags === undefined || device === undefined) return [];
    return Number.parseInt(length, 16) <= 3 && counts(device, flags) ? [{ device, via, metric: Number.parseInt(metric, 16) }] : [];
  }));
}

function counts(device: string, flags: string): boolean {
  const set = Number.parseInt(flags, 16);
  return device !== 'lo' && (set & up) !== 0 && (set & reject) === 0;
}

/** The metric itself is left out: NetworkManager moves it while it probes, and only the order decides. */
function ordered(routes: readonly (DefaultRoute & { readonly metric: number })[]): DefaultRoute[] {
  return routes
    .toSorted((a, b) => a.metric - b.metric || (`${a.device} ${a.via}` < `${b.device} ${b.via}` ? -1 : 1))
    .map(({ device, via }) => ({ device, via }));
}
