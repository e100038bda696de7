// The managed policy that a browser needs behind a proxy on loopback: Local Network Access stays on, QUIC is off where the browser is inspected.
// The document, and the file of it that Chromium reads on Linux. Not for the root (trust-store/browser-policy.ts).
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { chromiumFolders, rivalOf } from '../trust-store/browser-policy.ts';
import { removeOwned, refusalOf, writeBlocked } from '../trust-store/trust-store.ts';
import { pacUrl } from './setting.ts';
import type { Setting, Wanted } from './setting.ts';

/** A browser of the Chromium family: what policy calls it, and where each system keeps it and its policy. */
export type ManagedBrowser = {
  readonly name: string;
  /** Folder of its policy on Linux. */
  readonly folder: string;
  readonly path: string;
  readonly package: string;
  /** Key below HKLM\SOFTWARE\Policies; domain of its preferences on macOS. */
  readonly registry: string;
  readonly domain: string;
};

export const managedBrowsers: readonly ManagedBrowser[] = [
  { name: 'chromium', folder: '/etc/chromium', path: '/usr/lib/chromium/chromium', package: 'chromium', registry: 'Chromium', domain: 'org.chromium.Chromium' },
  { name: 'chrome', folder: '/etc/opt/chrome', path: '/opt/google/chrome/chrome', package: 'google-chrome-stable', registry: 'Google\\Chrome', domain: 'com.google.Chrome' },
  { name: 'edge', folder: '/etc/opt/edge', path: '/opt/microsoft/msedge/msedge', package: 'microsoft-edge-stable', registry: 'Microsoft\\Edge', domain: 'com.microsoft.Edge' },
  { name: 'brave', folder: '/etc/brave', path: '/opt/brave.com/brave/brave', package: 'brave-browser', registry: 'BraveSoftware\\Brave', domain: 'com.brave.Browser' },
];

export type BrowserNetworkPolicy = {
  readonly LocalNetworkAccessIpAddressSpaceOverrides: readonly string[];
  readonly QuicAllowed?: false;
  readonly ProxySettings?: { readonly ProxyMode: 'pac_script'; readonly ProxyPacUrl: string; readonly ProxyPacMandatory: boolean };
};

/**
 * The policy document for one browser. A page that comes through a proxy on loopback counts as local, and may then call every service of this
 * device; declared `public`, the proxy's address gives the protection back (measured, Chromium 146 and later).
 */
export function browserNetworkPolicy(wanted: Pick<Wanted, 'port' | 'version' | 'failMode' | 'quicOff' | 'browsersByPolicy'>, browser: string): BrowserNetworkPolicy {
  return {
    LocalNetworkAccessIpAddressSpaceOverrides: [`127.0.0.1:${wanted.port}=public`],
    ...(wanted.quicOff.includes(browser) ? { QuicAllowed: false as const } : {}),
    // Mandatory: without it an unreachable PAC makes the browser go direct.
    ...(wanted.browsersByPolicy ? { ProxySettings: { ProxyMode: 'pac_script' as const, ProxyPacUrl: pacUrl(wanted), ProxyPacMandatory: wanted.failMode === 'closed' } } : {}),
  };
}

/** A file for each Chromium on this machine. */
export function browserPolicySettings(): readonly Setting[] {
  return managedBrowsers.filter(({ folder }) => chromiumFolders.includes(folder) && existsSync(folder)).map(policyFileSetting);
}

function policyFileSetting({ name, folder }: ManagedBrowser): Setting {
  const file = path.join(folder, 'policies/managed/pinlight-network.json');
  const textOf = (wanted: Wanted): string => `${JSON.stringify(browserNetworkPolicy(wanted, name), null, 2)}\n`;
  const detail = 'managed policy: web pages reach no service of this device through the proxy';
  return {
    name: `browser-policy:${name}`, kind: 'browser-policy', path: file, enforcesClosed: true,
    blocked: () => writeBlocked(file),
    check(wanted) {
      try {
        if (!existsSync(file)) return Promise.resolve({ kind: 'read', state: 'off', current: true, detail });
        const text = readFileSync(file, 'utf8');
        // A person who is not the machine's administrator needs only what protects: the rest of the file is the administrator's choice.
        const current = wanted === null || text === textOf(wanted) || (!wanted.browsersByPolicy && text.includes(`"127.0.0.1:${wanted.port}=public"`));
        return Promise.resolve({ kind: 'read', state: 'steered', current, detail });
      } catch (error) {
        return Promise.resolve({ kind: 'unreadable', detail: refusalOf(error, file).why.replace('written', 'read') });
      }
    },
    install(change, wanted) {
      const rival = Object.keys(browserNetworkPolicy(wanted, name)).map((key) => [key, rivalOf(path.dirname(file), file, key)] as const).find(([, found]) => found !== null);
      if (rival !== undefined) return Promise.resolve({ kind: 'refused', why: `${rival[1]} sets ${rival[0]} already, and of two files one wins: add what ${file} would say there`, rights: false });
      change.write(file, Buffer.from(textOf(wanted)));
      return Promise.resolve({ kind: 'changed' });
    },
    uninstall(change) {
      removeOwned(change, file);
      return Promise.resolve({ kind: 'changed' });
    },
  };
}
