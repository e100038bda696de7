// The proxy setting of macOS: the auto-proxy URL of every network service that is switched on, by networksetup.
// Written from documentation, run on recordings only. Not for browsers' policy (policy-elsewhere.ts).
import { trouble } from '../trust-store/run-tool.ts';
import type { RunTool } from '../trust-store/run-tool.ts';
import { pacUrl } from './setting.ts';
import type { Found } from './setting.ts';
import type { ReadValues, Values, ValueStore } from './value-setting.ts';

const tool = '/usr/sbin/networksetup';
/** The manual proxies that would go before a PAC, as networksetup names them. */
const manual = ['webproxy', 'securewebproxy', 'socksfirewallproxy'] as const;

/** One store for each service that is on now; a later network has its own and is found by the next `pinlight steer on`. */
export async function macosStores(run: RunTool): Promise<readonly ValueStore[]> {
  const listed = await run(tool, ['-listallnetworkservices']);
  return listed.kind === 'ended' && listed.code === 0 ? parseServices(listed.output).map((service) => serviceStore(service, run)) : [];
}

/** The services of `networksetup -listallnetworkservices` that are switched on. Pure. */
export function parseServices(text: string): readonly string[] {
  // The first line explains the asterisk, which marks what is switched off.
  return text.split(/\r?\n/).slice(1).filter((line) => line !== '' && !line.startsWith('*'));
}

/** `Name: value` lines, as every -get… answers. "(null)" is no value. Pure. */
export function parseFields(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(/\r?\n/).flatMap((line) => {
    const match = /^([A-Za-z ]+): *(.*)$/.exec(line);
    return match?.[1] === undefined ? [] : [[match[1], match[2] === '(null)' ? '' : match[2] ?? '']];
  }));
}

function serviceStore(service: string, run: RunTool): ValueStore {
  return {
    name: `macos:${service}`, kind: 'system', path: null, detail: 'Safari, Chromium, Firefox and most programs of macOS follow it at once',
    blocked: () => null,
    read,
    async write(values) {
      const { url, state } = values;
      // Setting an address switches the service's PAC on, so its state is said again in any case.
      const after = state ?? await stateNow();
      if (url !== undefined) await must(['-setautoproxyurl', service, url ?? '']);
      await must(['-setautoproxystate', service, after]);
    },
    wanted: (wanted) => ({ url: pacUrl(wanted), state: 'on' }),
    untouched: { url: null, state: 'off' },
    pac: (values) => (values['state'] === 'on' ? values['url'] ?? null : null),
    found: foundIn,
  };

  async function read(): Promise<ReadValues> {
    const auto = await run(tool, ['-getautoproxyurl', service]);
    const why = trouble('networksetup', auto);
    if (why !== null || auto.kind !== 'ended') return { kind: 'unreadable', why: why ?? '' };
    const { URL: url = '', Enabled: enabled = '' } = parseFields(auto.output);
    const others: Record<string, string> = {};
    for (const kind of manual) {
      const found = await run(tool, [`-get${kind}`, service]);
      const { Enabled: on = '', Server: server = '', Port: port = '' } = parseFields(found.kind === 'ended' ? found.output : '');
      if (on === 'Yes' && server !== '') others[kind] = `${server}:${port}`;
    }
    const discovery = await run(tool, ['-getproxyautodiscovery', service]);
    if (discovery.kind === 'ended' && /: *On\b/i.test(discovery.output)) others['discovery'] = 'on';
    return { kind: 'values', values: { url: url === '' ? null : url, state: enabled === 'Yes' ? 'on' : 'off', ...others } };
  }

  async function stateNow(): Promise<string> {
    const { Enabled: enabled } = parseFields(await must(['-getautoproxyurl', service]));
    return enabled === 'Yes' ? 'on' : 'off';
  }

  async function must(args: readonly string[]): Promise<string> {
    const done = await run(tool, args);
    const why = trouble('networksetup', done);
    const said = done.kind === 'ended' ? done.output.trim() : '';
    if (why !== null) throw new Error(why);
    // It may end with 0 and refuse in words.
    if (/\*\* Error|requires admin|You must run this/i.test(said)) throw new Error(said);
    return said;
  }
}

function foundIn(values: Values): Found | null {
  if (values['state'] === 'on' && values['url'] !== null) return { plain: true, words: `PAC ${values['url'] ?? ''}` };
  const [kind] = manual.filter((one) => values[one] !== undefined);
  if (kind !== undefined) return { plain: kind !== 'socksfirewallproxy', words: `${kind === 'socksfirewallproxy' ? 'SOCKS' : 'HTTP'} proxy ${values[kind] ?? ''}` };
  return values['discovery'] === 'on' ? { plain: false, words: 'the network is asked for a proxy (WPAD)' } : null;
}
