// Which stores Chromium and Firefox read on Linux: NSS databases and managed policy. Pure. Not for opening them.
import { systemBundle } from './places.ts';
import type { ProcessView, StoreChoice } from './store-of-process.ts';

const base = { untellable: false, loadsOnce: true, alternative: null };

/** Chromium 156 uses ~/.local/share/pki/nssdb unless ~/.pki/nssdb exists, which then hides the new one even when empty (measured). */
export function chromiumStore(view: ProcessView): StoreChoice {
  const home = view.home;
  if (home === null) return { ...base, store: 'nss', places: [], because: 'the home folder of the process is not known', untellable: true };
  const databases = [`${home}/.pki/nssdb/cert9.db`, `${home}/.local/share/pki/nssdb/cert9.db`];
  return {
    ...base, store: `nss:${home}`,
    places: [
      { form: 'nss', firstOf: databases },
      ...['/etc/chromium/policies/managed', '/etc/opt/chrome/policies/managed', '/etc/opt/edge/policies/managed', '/etc/brave/policies/managed']
        .map((folder) => ({ form: 'text-dir' as const, firstOf: [folder] })),
    ],
    because: 'NSS database of its home folder and managed policy',
  };
}

/** Firefox reads the database of its profile and what the enterprise policy installs; never the system store by itself. */
export function firefoxStore(view: ProcessView): StoreChoice {
  const profiles = firefoxProfiles(view);
  if (profiles === null) return { ...base, store: 'nss', places: [], because: 'its profile is not known', untellable: true };
  return {
    ...base, store: `nss:${profiles[0] ?? ''}`,
    places: [
      { form: 'nss', firstOf: profiles.map((profile) => `${profile}/cert9.db`) },
      { form: 'firefox-policy', firstOf: ['/etc/firefox/policies/policies.json', `${folderOf(view.path)}/distribution/policies.json`] },
    ],
    because: 'database of its profile and enterprise policy',
  };
}

/** Profile folders to try, best first; null when neither arguments nor profiles.ini name one. */
export function firefoxProfiles(view: Pick<ProcessView, 'argv' | 'configs'>): readonly string[] | null {
  const at = view.argv.findIndex((argument) => /^--?profile$/i.test(argument));
  const named = at < 0 ? undefined : view.argv[at + 1];
  if (named !== undefined) return [named.replace(/\/+$/, '')];
  const nameAt = view.argv.findIndex((argument) => /^-P$|^--?p$/i.test(argument));
  const wanted = nameAt < 0 ? null : view.argv[nameAt + 1] ?? null;
  const found = [...view.configs].flatMap(([file, text]) => profilesIn(text, wanted).map((profile) => (profile.startsWith('/') ? profile : `${folderOf(file)}/${profile}`)));
  return found.length === 0 ? null : found;
}

/** Profile paths of a profiles.ini: the one with this name, else the installations' defaults, then the old default. */
export function profilesIn(ini: string, name: string | null): readonly string[] {
  const sections = ini.split(/^\[/m).map((section) => ({
    title: section.slice(0, section.indexOf(']')),
    values: new Map([...section.matchAll(/^([^=\n]+)=(.*?)\r?$/gm)].map((match) => [match[1] ?? '', match[2] ?? ''])),
  }));
  const profiles = sections.filter((section) => section.title.startsWith('Profile'));
  if (name !== null) return profiles.filter((profile) => profile.values.get('Name') === name).flatMap(pathOf);
  return [
    ...sections.filter((section) => section.title.startsWith('Install')).flatMap((section) => section.values.get('Default') ?? []),
    ...profiles.filter((profile) => profile.values.get('Default') === '1').flatMap(pathOf),
    ...(profiles.length === 1 ? profiles.flatMap(pathOf) : []),
  ];
}

/** What an enterprise policy says about roots: certificates to install (names are below ~/.mozilla/certificates) and whether it loads p11-kit. */
export function readFirefoxPolicy(text: string): { readonly install: readonly string[]; readonly systemToo: boolean } {
  const install = /"Install"\s*:\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '';
  return {
    install: [...install.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? ''),
    systemToo: /"SecurityDevices"[^]*p11-kit-trust\.so/.test(text),
  };
}

/** The store that p11-kit's module shows to NSS. */
export const p11KitPlace = systemBundle;

function pathOf(profile: { readonly values: ReadonlyMap<string, string> }): readonly string[] {
  const path = profile.values.get('Path');
  return path === undefined ? [] : [path];
}

function folderOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf('/')));
}
