// KDE's proxy setting: the group [Proxy Settings] of kioslaverc. Edited as text, so that everything else in the file stays as it is.
// Not by kwriteconfig: it writes one key a call, and the file would be half changed in between.
import { existsSync, readFileSync } from 'node:fs';
import { writeBlocked } from '../trust-store/trust-store.ts';
import type { RunTool } from '../trust-store/run-tool.ts';
import { priorValues } from './prior-values.ts';
import type { Values } from './prior-values.ts';
import { isOurPac, pacUrl, readingOf } from './setting.ts';
import type { Found, Setting } from './setting.ts';

const group = '[Proxy Settings]';
const keys = ['ProxyType', 'Proxy Config Script'];
/** Values of ProxyType. */
const types = { none: '0', manual: '1', pac: '2', detected: '3', environment: '4' } as const;

/** `file`: kioslaverc in the person's configuration folder. `folder`: where what was there before is kept. */
export function kdeSetting(file: string, folder: string, run: RunTool, env: Readonly<Record<string, string>>): Setting {
  const prior = priorValues(folder, 'kde');
  const text = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const detail = 'KDE Plasma; Chromium and programs of KDE follow it at once';
  const tell = async (): Promise<void> => {
    // Running programs of KDE read the file again; where no session runs there is nobody to tell.
    await run('dbus-send', ['--type=signal', '/KIO/Scheduler', 'org.kde.KIO.Scheduler.reparseSlaveConfiguration', 'string:'], { env, timeoutMs: 2_000 });
  };
  return {
    name: 'kde', kind: 'desktop', path: file, enforcesClosed: false,
    blocked: () => writeBlocked(file),
    check(wanted) {
      try {
        const values = readGroup(text());
        const found = foundIn(values);
        return Promise.resolve(readingOf(pacOf(values), wanted, detail)
          ?? (found === null ? { kind: 'read', state: 'off', current: true, detail } : { kind: 'taken', found, detail }));
      } catch (error) {
        return Promise.resolve({ kind: 'unreadable', detail: `${file} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})` });
      }
    },
    async install(change, wanted) {
      const is = text();
      const values = readGroup(is);
      prior.write(change, isOurPac(pacOf(values)) ? prior.read() ?? none : Object.fromEntries(keys.map((key) => [key, values[key] ?? null])));
      change.write(file, Buffer.from(editGroup(is, { ProxyType: types.pac, 'Proxy Config Script': pacUrl(wanted) })), 0o600);
      await tell();
      return { kind: 'changed' };
    },
    async uninstall(change) {
      const is = text();
      if (isOurPac(pacOf(readGroup(is)))) {
        const notOurs = (content: Buffer | null): boolean => !isOurPac(pacOf(readGroup(content?.toString('utf8') ?? '')));
        // Byte for byte where nobody has written since; else only our two lines.
        if (!change.restore([file], notOurs)) change.write(file, Buffer.from(editGroup(is, prior.read() ?? none)));
      }
      prior.forget(change);
      await tell();
      return { kind: 'changed' };
    },
  };
}

const none: Values = Object.fromEntries(keys.map((key) => [key, null]));

/** The keys of the group [Proxy Settings]. Pure. */
export function readGroup(text: string): Values {
  const values: Record<string, string> = {};
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*\[/.test(line)) inside = line.trim() === group;
    const match = inside ? /^\s*([^=[#][^=[]*?)(?:\[[^\]]*\])?\s*=\s*(.*?)\s*$/.exec(line) : null;
    if (match?.[1] !== undefined) values[match[1]] = match[2] ?? '';
  }
  return values;
}

/** The text with these keys of the group set, or with null taken out; every other line stays. Pure. */
export function editGroup(text: string, values: Values): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const start = lines.findIndex((line) => line.trim() === group);
  const wanted = Object.entries(values).flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`]));
  if (start === -1) return wanted.length === 0 ? text : `${[...lines, ...(lines.length === 0 ? [] : ['']), group, ...wanted].join('\n')}\n`;
  const next = lines.findIndex((line, at) => at > start && /^\s*\[/.test(line));
  const end = next === -1 ? lines.length : next;
  const kept = lines.slice(start + 1, end).filter((line) => !Object.keys(values).some((key) => line.replace(/^\s*/, '').startsWith(key) && /^(?:\[[^\]]*\])?\s*=/.test(line.replace(/^\s*/, '').slice(key.length))));
  return `${[...lines.slice(0, start + 1), ...wanted, ...kept, ...lines.slice(end)].join('\n')}\n`;
}

function pacOf(values: Values): string | null {
  return values['ProxyType'] === types.pac ? values['Proxy Config Script'] ?? null : null;
}

function foundIn(values: Values): Found | null {
  const proxy = values['httpsProxy'] ?? values['httpProxy'] ?? '';
  switch (values['ProxyType']) {
    case types.pac: return { plain: true, words: `PAC ${values['Proxy Config Script'] ?? ''}` };
    case types.manual: return proxy === '' ? { plain: false, words: 'a SOCKS or FTP proxy' } : { plain: true, words: `HTTP proxy ${proxy.replace(' ', ':')}` };
    case types.detected: return { plain: false, words: 'the network is asked for a proxy (WPAD)' };
    case types.environment: return { plain: true, words: 'the proxy that variables of the session name' };
    default: return null;
  }
}
