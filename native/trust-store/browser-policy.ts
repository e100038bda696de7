// Machine-wide browser policy that brings our root: Chromium's CACertificates as a file of ours, Firefox's policies.json by p11-kit's module.
// Not for databases of a person (nss-stores.ts).
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Change } from '../undo-journal/index.ts';
import { readFirefoxPolicy } from './browser-store.ts';
import { pinlightRootsIn } from './pinlight-roots.ts';
import { nothing, refusalOf, removeOwned, writeBlocked } from './trust-store.ts';
import type { Caller, Outcome, Reading, TrustStore } from './trust-store.ts';

/** Where browsers of the Chromium family read their managed policy, each with a folder of its own. */
export const chromiumFolders: readonly string[] = ['/etc/chromium', '/etc/opt/chrome', '/etc/opt/edge', '/etc/brave'];
const firefoxPolicy = '/etc/firefox/policies/policies.json';
const p11KitModules = ['/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so', '/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-trust.so', '/usr/lib64/pkcs11/p11-kit-trust.so', '/usr/lib/pkcs11/p11-kit-trust.so'];
const deviceName = 'Pinlight: the system store';

/** A file for each Chromium on this machine; for Firefox only where certutil is missing, because then its profiles are out of reach. */
export function policyStores(caller: Caller, system: TrustStore | null): readonly TrustStore[] {
  const chromium = chromiumFolders.filter((folder) => existsSync(folder)).map(chromiumStore);
  const hasOurs = existsSync(firefoxPolicy) && readFileSync(firefoxPolicy, 'utf8').includes(deviceName);
  const firefox = ['firefox', 'firefox-esr'].some((name) => caller.tools.find(name) !== null) && caller.tools.find('certutil') === null;
  return [...chromium, ...(hasOurs || firefox ? [firefoxStore(system)] : [])];
}

function chromiumStore(folder: string): TrustStore {
  const file = path.join(folder, 'policies/managed/pinlight-root.json');
  return {
    name: `browser-policy:${folder}`, kind: 'browser-policy', path: file,
    blocked: () => writeBlocked(file),
    check: () => Promise.resolve(readFileOf(file, (bytes) => {
      const roots = pinlightRootsIn(bytes);
      return { kind: 'read', trusted: roots, present: roots, detail: 'managed policy of this browser, for every user of the machine' };
    })),
    async install(change, roots) {
      const rival = rivalOf(path.dirname(file), file, 'CACertificates');
      if (rival !== null) return { kind: 'refused', why: `${rival} sets CACertificates already, and of two files one wins: add the root there`, rights: false };
      change.write(file, Buffer.from(`${JSON.stringify({ CACertificates: roots.map((root) => root.der.toString('base64')) }, null, 2)}\n`));
      return await Promise.resolve({ kind: 'changed' });
    },
    uninstall(change) {
      removeOwned(change, file);
      return Promise.resolve({ kind: 'changed' });
    },
  };
}

/**
 * Firefox on Linux: `Certificates.Install` leaves the root in every profile when the policy goes, and ImportEnterpriseRoots does nothing
 * there (both measured). The module shows Firefox the system's store and leaves nothing behind.
 */
function firefoxStore(system: TrustStore | null): TrustStore {
  const p11Kit = p11KitModules.find((file) => existsSync(file));
  return {
    name: 'browser-policy:firefox', kind: 'browser-policy', path: firefoxPolicy,
    blocked() {
      if (p11Kit === undefined) return { kind: 'refused', why: 'neither certutil (package libnss3-tools) nor p11-kit\'s module (p11-kit-modules) is installed', rights: false };
      return writeBlocked(firefoxPolicy);
    },
    async check() {
      const held = await system?.check();
      return readFileOf(firefoxPolicy, (bytes) => {
        const follows = readFirefoxPolicy(bytes.toString('utf8')).systemToo;
        return { kind: 'read', trusted: follows && held?.kind === 'read' ? held.trusted : [], present: [], traces: bytes.includes(deviceName) ? [firefoxPolicy] : [], detail: follows ? 'Firefox is told by policy to read the system store' : 'enterprise policy of Firefox' };
      });
    },
    install(change) {
      const edited = editPolicy(existsSync(firefoxPolicy) ? readFileSync(firefoxPolicy, 'utf8') : '{}', p11Kit ?? null);
      return Promise.resolve(replace(change, edited));
    },
    uninstall(change) {
      if (!existsSync(firefoxPolicy) || change.restore([firefoxPolicy], (content) => content === null || !content.includes(deviceName))) return Promise.resolve({ kind: 'changed' });
      return Promise.resolve(replace(change, editPolicy(readFileSync(firefoxPolicy, 'utf8'), null)));
    },
  };
}

/** The policy with our module in it, or without it for null; null when the text is no JSON object. Pure. */
export function editPolicy(text: string, module: string | null): string | null {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecord(parsed)) return null;
    const policies = isRecord(parsed['policies']) ? parsed['policies'] : {};
    const devices = isRecord(policies['SecurityDevices']) ? policies['SecurityDevices'] : {};
    const add = isRecord(devices['Add']) ? devices['Add'] : {};
    const { [deviceName]: _ours, ...others } = add;
    const wanted = module === null ? others : { ...others, [deviceName]: module };
    return `${JSON.stringify({ ...parsed, policies: { ...policies, SecurityDevices: { ...devices, Add: wanted } } }, null, 2)}\n`;
  } catch {
    return null;
  }
}

function replace(change: Change, edited: string | null): Outcome {
  if (edited === null) return { kind: 'refused', why: `${firefoxPolicy} is not valid JSON: it is left as it is`, rights: false };
  change.write(firefoxPolicy, Buffer.from(edited));
  return { kind: 'changed' };
}

/** Another policy file of this folder that sets the key; null = none. */
export function rivalOf(folder: string, own: string, key: string): string | null {
  if (!existsSync(folder)) return null;
  return readdirSync(folder).map((name) => path.join(folder, name)).find((file) => file !== own && file.endsWith('.json') && readFileSync(file, 'utf8').includes(`"${key}"`)) ?? null;
}

function readFileOf(file: string, read: (bytes: Buffer) => Reading): Reading {
  try {
    return existsSync(file) ? read(readFileSync(file)) : { ...nothing, detail: 'managed policy of this browser' };
  } catch (error) {
    return { kind: 'unreadable', detail: refusalOf(error, file).why.replace('written', 'read') };
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

