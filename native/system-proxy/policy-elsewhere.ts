// The browsers' network policy where it is no file of Linux: the registry on Windows, managed preferences on macOS.
// Written from documentation, run on recordings only. Not for what the policy says (browser-network-policy.ts).
import { existsSync, readFileSync } from 'node:fs';
import { trouble } from '../trust-store/run-tool.ts';
import type { RunTool } from '../trust-store/run-tool.ts';
import { removeOwned, writeBlocked } from '../trust-store/trust-store.ts';
import { browserNetworkPolicy } from './browser-network-policy.ts';
import type { ManagedBrowser } from './browser-network-policy.ts';
import type { Setting } from './setting.ts';
import type { ValueStore, Values } from './value-setting.ts';

const overrides = 'LocalNetworkAccessIpAddressSpaceOverrides';
/** Entries of a list are values named by number; this one is nobody's who counts from 1. */
const entry = '18443';

/** Policy below HKLM, by reg.exe: three values of plain ASCII. */
export function registryPolicyStore(browser: ManagedBrowser, run: RunTool): ValueStore {
  const key = `HKLM\\SOFTWARE\\Policies\\${browser.registry}`;
  const places: Readonly<Record<string, { readonly key: string; readonly value: string; readonly type: 'REG_SZ' | 'REG_DWORD' }>> = {
    override: { key: `${key}\\${overrides}`, value: entry, type: 'REG_SZ' },
    quic: { key, value: 'QuicAllowed', type: 'REG_DWORD' },
  };
  return {
    name: `browser-policy:${browser.name}`, kind: 'browser-policy', path: key, detail: 'managed policy: web pages reach no service of this device through the proxy',
    blocked: () => null,
    async read() {
      const values: Record<string, string | null> = {};
      for (const [name, place] of Object.entries(places)) {
        const found = await run('reg', ['query', place.key, '/v', place.value]);
        if (found.kind !== 'ended') return { kind: 'unreadable', why: trouble('reg.exe', found) ?? '' };
        // 1: there is no such key or value.
        values[name] = found.code === 0 ? parseRegValue(found.output, place.value) : null;
      }
      return { kind: 'values', values };
    },
    async write(values) {
      for (const [name, value] of Object.entries(values)) {
        const place = places[name];
        if (place === undefined) throw new Error(`${name} is no value of this policy`);
        const args = value === null ? ['delete', place.key, '/v', place.value, '/f'] : ['add', place.key, '/v', place.value, '/t', place.type, '/d', value, '/f'];
        const why = trouble('reg.exe', await run('reg', args));
        if (why !== null) throw new Error(why);
      }
    },
    wanted(wanted) {
      const document = browserNetworkPolicy(wanted, browser.name);
      return { override: document[overrides][0] ?? null, quic: document.QuicAllowed === false ? '0' : null };
    },
    untouched: { override: null, quic: null },
    // The setting goes with the proxy and is no proxy itself: its own entry stands for the address.
    pac: (values) => pacOf(values),
    found: () => null,
  };
}

/** The value's data in what `reg query KEY /v NAME` prints, numbers as decimals; null where it is not there. Pure. */
export function parseRegValue(text: string, name: string): string | null {
  const line = text.split(/\r?\n/).map((one) => one.trim()).find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()} `));
  const match = /^\S+\s+(REG_\w+)\s+(.*)$/.exec(line ?? '');
  if (match?.[2] === undefined) return null;
  return match[1] === 'REG_DWORD' ? String(Number(match[2])) : match[2];
}

function pacOf(values: Values): string | null {
  const port = /^127\.0\.0\.1:(\d+)=public$/.exec(values['override'] ?? '')?.[1];
  return port === undefined ? null : `http://127.0.0.1:${port}/pinlight.pac`;
}

/** A browser's file below /Library/Managed Preferences, where nobody else manages it: a management profile writes the same file. */
export function macosPolicySetting(browser: ManagedBrowser): Setting {
  const file = `/Library/Managed Preferences/${browser.domain}.plist`;
  const marker = '<!-- Written by Pinlight: `pinlight steer off` takes it away. -->';
  const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return {
    name: `browser-policy:${browser.name}`, kind: 'browser-policy', path: file, enforcesClosed: false,
    blocked: () => writeBlocked(file),
    check(wanted) {
      const text = read();
      const ours = text.includes(marker);
      const current = wanted === null || text.includes(`127.0.0.1:${wanted.port}=public`);
      return Promise.resolve({ kind: 'read', state: ours ? 'steered' : 'off', current: !ours || current, detail: 'managed preferences of this browser' });
    },
    install(change, wanted) {
      if (existsSync(file) && !read().includes(marker)) {
        return Promise.resolve({ kind: 'refused', why: `a management profile writes ${file}: let it say ${overrides} = 127.0.0.1:${wanted.port}=public`, rights: false });
      }
      change.write(file, Buffer.from(policyPlist(marker, browserNetworkPolicy(wanted, browser.name))));
      return Promise.resolve({ kind: 'changed' });
    },
    uninstall(change) {
      if (read().includes(marker)) removeOwned(change, file);
      return Promise.resolve({ kind: 'changed' });
    },
  };
}

function policyPlist(marker: string, document: ReturnType<typeof browserNetworkPolicy>): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">', marker,
    '<plist version="1.0">', '<dict>', `  <key>${overrides}</key>`, '  <array>', ...document[overrides].map((one) => `    <string>${one}</string>`), '  </array>',
    ...(document.QuicAllowed === false ? ['  <key>QuicAllowed</key>', '  <false/>'] : []), '</dict>', '</plist>', '',
  ].join('\n');
}
