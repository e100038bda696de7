// The proxy setting of GNOME and the desktops that share it (Cinnamon, Unity, MATE, Xfce's browsers), by gsettings.
// Not for KDE, which keeps a file of its own (kde.ts).
import { trouble } from '../trust-store/run-tool.ts';
import type { RunTool } from '../trust-store/run-tool.ts';
import { pacUrl } from './setting.ts';
import type { Found } from './setting.ts';
import type { Values, ValueStore } from './value-setting.ts';

const schema = 'org.gnome.system.proxy';

/** `env`: how the session's settings are found (bus, backend, folders). */
export function gnomeStore(run: RunTool, env: Readonly<Record<string, string>>): ValueStore {
  return {
    name: 'gnome', kind: 'desktop', path: `${schema} mode`, detail: 'GNOME and the desktops that share its settings; Chromium and Firefox follow it at once',
    blocked: () => null,
    async read() {
      const listed = await run('gsettings', ['list-recursively', schema], { env });
      const why = trouble('gsettings', listed);
      return why === null && listed.kind === 'ended' ? { kind: 'values', values: parseGsettings(listed.output) } : { kind: 'unreadable', why: why ?? '' };
    },
    async write(values) {
      for (const [key, value] of Object.entries(values)) {
        const writable = await run('gsettings', ['writable', schema, key], { env });
        if (writable.kind === 'ended' && writable.output.trim() === 'false') throw new Error(`${schema} ${key} is locked by the administrator of this machine`);
        // A value that is the default was most likely never set: resetting leaves nothing behind.
        const unset = value === null || value === await defaultOf(key);
        const done = await run('gsettings', unset ? ['reset', schema, key] : ['set', schema, key, value], { env });
        const why = trouble('gsettings', done);
        if (why !== null) throw new Error(why);
        // It ends with 0 all the same.
        if (done.kind === 'ended' && done.errors.includes('failed to commit')) throw new Error('the desktop\'s settings cannot be written from here: no session bus answers');
      }
    },
    // The address first: from the moment the mode says so it is read.
    wanted: (wanted) => ({ 'autoconfig-url': quote(pacUrl(wanted)), mode: "'auto'" }),
    untouched: { mode: null, 'autoconfig-url': null },
    pac: (values) => (values['mode'] === "'auto'" ? unquote(values['autoconfig-url'] ?? null) : null),
    found: foundIn,
  };

  async function defaultOf(key: string): Promise<string | null> {
    const found = await run('gsettings', ['get', schema, key], { env: { ...env, GSETTINGS_BACKEND: 'memory' } });
    return found.kind === 'ended' && found.code === 0 ? found.output.trim() : null;
  }
}

/** What `gsettings list-recursively org.gnome.system.proxy` prints, as key (`mode`, `http.host`) to GVariant text. Pure. */
export function parseGsettings(text: string): Values {
  return Object.fromEntries(text.split('\n').flatMap((line) => {
    const match = /^org\.gnome\.system\.proxy(?:\.(\w+))? ([\w-]+) (.+)$/.exec(line);
    return match === null ? [] : [[match[1] === undefined ? match[2] : `${match[1]}.${match[2]}`, match[3] ?? '']];
  }));
}

function foundIn(values: Values): Found | null {
  const url = unquote(values['autoconfig-url'] ?? null) ?? '';
  switch (values['mode']) {
    case "'auto'": return url === '' ? { plain: false, words: 'the network is asked for a proxy (WPAD)' } : { plain: true, words: `PAC ${url}` };
    case "'manual'": {
      for (const kind of ['https', 'http', 'socks'] as const) {
        const host = unquote(values[`${kind}.host`] ?? null) ?? '';
        if (host !== '') return { plain: kind !== 'socks', words: `${kind === 'socks' ? 'SOCKS' : 'HTTP'} proxy ${host}:${values[`${kind}.port`] ?? ''}` };
      }
      return null;
    }
    default: return null;
  }
}

function quote(text: string): string {
  return `'${text}'`;
}

function unquote(text: string | null): string | null {
  return text === null ? null : text.replace(/^'(.*)'$/, '$1');
}
