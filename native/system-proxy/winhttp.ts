// The machine's WinHTTP setting, which Windows' own services follow: `netsh winhttp … advproxy`, which takes a PAC (Windows 10 2004 and later).
// The older `set proxy` knows fixed proxies only, and those fail closed. Not for a user's programs (wininet.ts).
import { trouble } from '../trust-store/run-tool.ts';
import type { RunTool } from '../trust-store/run-tool.ts';
import { pacUrl } from './setting.ts';
import type { Values, ValueStore } from './value-setting.ts';

const keys = ['AutoConfigUrl', 'Proxy', 'ProxyBypass', 'AutoDetect'] as const;

export function winhttpStore(run: RunTool): ValueStore {
  return {
    name: 'winhttp', kind: 'system', path: 'netsh winhttp advproxy', detail: 'services of Windows',
    blocked: () => null,
    async read() {
      const shown = await run('netsh', ['winhttp', 'show', 'advproxy']);
      const why = trouble('netsh', shown);
      const values = shown.kind === 'ended' ? parseAdvproxy(shown.output) : null;
      return why === null && values !== null ? { kind: 'values', values } : { kind: 'unreadable', why: why ?? 'netsh does not know advproxy: Windows 10 2004 or later has it' };
    },
    async write(values) {
      const shown = await run('netsh', ['winhttp', 'show', 'advproxy']);
      const is = shown.kind === 'ended' ? parseAdvproxy(shown.output) : null;
      if (is === null) throw new Error('netsh did not say what is set');
      const to = { ...is, ...values };
      const settings = JSON.stringify({ Proxy: to['Proxy'] ?? '', ProxyBypass: to['ProxyBypass'] ?? '', AutoConfigUrl: to['AutoConfigUrl'] ?? '', AutoDetect: to['AutoDetect'] === 'true' });
      const why = trouble('netsh', await run('netsh', ['winhttp', 'set', 'advproxy', 'setting-scope=machine', `settings=${settings}`]));
      if (why !== null) throw new Error(why);
    },
    wanted: (wanted) => ({ AutoConfigUrl: pacUrl(wanted) }),
    untouched: { AutoConfigUrl: null },
    pac: (values) => values['AutoConfigUrl'] ?? null,
    found(values) {
      if ((values['AutoConfigUrl'] ?? null) !== null) return { plain: true, words: `PAC ${values['AutoConfigUrl'] ?? ''}` };
      return (values['Proxy'] ?? null) === null ? null : { plain: true, words: `proxy ${values['Proxy'] ?? ''}` };
    },
  };
}

/** The JSON document in what `netsh winhttp show advproxy` prints; null where there is none. Pure. */
export function parseAdvproxy(text: string): Values | null {
  const start = text.indexOf('{');
  try {
    const value: unknown = JSON.parse(text.slice(start, text.lastIndexOf('}') + 1));
    if (start === -1 || typeof value !== 'object' || value === null) return null;
    return Object.fromEntries(keys.map((key) => {
      const one: unknown = Reflect.get(value, key);
      return [key, typeof one === 'boolean' ? String(one) : typeof one === 'string' && one !== '' ? one : null];
    }));
  } catch {
    return null;
  }
}
