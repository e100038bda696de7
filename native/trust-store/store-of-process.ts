// Which trust store a process reads, from its program, arguments and environment: one function a family, in a table. Pure.
// Sources: the measured clients (curl 7.88, wget 1.21, git 2.39, OpenSSL 3.0, GnuTLS 3.7, Go, Python, Java 17, Node 24, Deno, Bun, browsers).
// Not for opening the store.
import type { Runtime } from '../../electron/core/model.ts';
import { chromiumStore, firefoxStore } from './browser-store.ts';
import { javaStore } from './java-store.ts';
import { openSslPlaces, systemBundle } from './places.ts';
import type { Place } from './places.ts';

/** What the choice depends on besides the program. */
export type ProcessView = {
  /** Real path of the executable. */
  readonly path: string;
  /** Real path or bare name of the script; null for native programs and inline code. */
  readonly script: string | null;
  readonly runtime: Runtime | null;
  readonly argv: readonly string[];
  /** Arguments that the interpreter itself reads, without the program's own; equals `argv` without its first for native programs. */
  readonly options: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** Home folder: HOME, else the one of the uid. */
  readonly home: string | null;
  /** Texts of the configuration files named by `configFilesOf`, by path. */
  readonly configs: ReadonlyMap<string, string>;
};

export type StoreChoice = {
  /** As TrustView.store. */
  readonly store: string;
  readonly places: readonly Place[];
  /** How we know. */
  readonly because: string;
  /** The program verifies nothing, or which of two stores it reads cannot be told: an answer would mislead. */
  readonly untellable: boolean;
  /** Read once, at start or first use: a store changed since then says nothing about this process. */
  readonly loadsOnce: boolean;
  /** The store may be overruled by this one, which the program's libraries may read instead; both have to agree for an answer. */
  readonly alternative: readonly Place[] | null;
};

/** The store this process reads; null when nothing is known about its kind. */
export function storeOfProcess(view: ProcessView): StoreChoice | null {
  const family = families.find(([pattern]) => pattern.test(baseName(view.path)));
  if (family !== undefined) return family[1](view);
  return view.runtime === null ? null : byRuntime[view.runtime](view);
}

/** Configuration files that decide about trust for this program; absent ones are simply not in `configs`. */
export function configFilesOf(view: Pick<ProcessView, 'path' | 'runtime' | 'home' | 'env' | 'argv'>): readonly string[] {
  const name = baseName(view.path);
  const inHome = (file: string): string[] => (view.home === null ? [] : [`${view.home}/${file}`]);
  if (name === 'wget') return view.env.has('WGETRC') ? [view.env.get('WGETRC') ?? ''] : ['/etc/wgetrc', ...inHome('.wgetrc')];
  if (name === 'curl') return view.argv[1] === '-q' || view.argv[1] === '--disable' ? [] : inHome('.curlrc');
  if (view.runtime === 'firefox') return [...inHome('.mozilla/firefox/profiles.ini'), ...inHome('.config/mozilla/firefox/profiles.ini')];
  return [];
}

const families: readonly (readonly [RegExp, (view: ProcessView) => StoreChoice])[] = [
  [/^curl$/, curlStore],
  [/^wget2?$/, wgetStore],
  [/^openssl$/, opensslStore],
  [/^gnutls-cli$/, gnutlsCliStore],
  [/^git(-remote-.*)?$/, gitStore],
  [/^deno$/, denoStore],
  [/^bun$/, bunStore],
  [/^perl[\d.]*$/, perlStore],
];

const byRuntime: Readonly<Record<Runtime, (view: ProcessView) => StoreChoice | null>> = {
  node: nodeStore,
  deno: denoStore,
  python: pythonStore,
  java: javaStore,
  go: (view) => ({ ...variableStore(view, 'text-dir'), loadsOnce: true }),
  electron: (view) => ({ ...chromiumStore(view), because: 'Electron windows use the NSS database; an app\'s Node part has a list of its own' }),
  chromium: chromiumStore,
  firefox: firefoxStore,
  openssl: (view) => variableStore(view, 'hash-dir'),
  gnutls: () => ({ ...plain, store: 'system', places: [systemBundle], because: 'GnuTLS programs read the system store and no variable' }),
  nss: () => null,
};

const plain = { untellable: false, loadsOnce: false, alternative: null };

/** SSL_CERT_FILE and SSL_CERT_DIR over the system's file and folder. */
function variableStore(view: ProcessView, form: 'hash-dir' | 'text-dir'): StoreChoice {
  const file = valueOf(view.env, 'SSL_CERT_FILE');
  const folder = valueOf(view.env, 'SSL_CERT_DIR');
  const because = file !== undefined ? `SSL_CERT_FILE names ${file}` : folder !== undefined ? `SSL_CERT_DIR names ${folder}` : 'SSL_CERT_FILE is not set';
  return { ...plain, store: file ?? 'system', places: openSslPlaces(file, folder, form), because };
}

function curlStore(view: ProcessView): StoreChoice {
  const rc = [...view.configs.values()].join('\n');
  const inRc = (name: string): string | undefined => new RegExp(`^[ \\t]*-{0,2}${name}(?:[ \\t]*[=:][ \\t]*|[ \\t]+)"?([^"\\n]+?)"?[ \\t]*$`, 'm').exec(rc)?.[1];
  if (flagIn(view.argv, '--insecure', 'k') || /^[ \t]*(-k|-{0,2}insecure)[ \t]*$/m.test(rc)) return careless('-k is set, so it verifies nothing');
  const named = option(view.argv, '--cacert') ?? inRc('cacert');
  const folder = option(view.argv, '--capath') ?? inRc('capath');
  if (named !== undefined || folder !== undefined) {
    return { ...plain, store: named ?? folder ?? 'system', places: openSslPlaces(named, folder), because: named === undefined ? '--capath names it' : '--cacert names it' };
  }
  const bundle = valueOf(view.env, 'CURL_CA_BUNDLE');
  if (bundle !== undefined) return { ...plain, store: bundle, places: openSslPlaces(bundle, undefined), because: 'CURL_CA_BUNDLE names it' };
  const chosen = variableStore(view, 'hash-dir');
  return chosen.store === 'system' ? { ...chosen, because: 'no option or variable names another file' } : chosen;
}

function wgetStore(view: ProcessView): StoreChoice {
  const rc = [...view.configs.values()].join('\n');
  // Names in .wgetrc may be written with or without `_` and `-`, and the last line wins.
  const inRc = (name: string): string | undefined => rc.split('\n').map((line) => /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line))
    .findLast((found) => found?.[1]?.toLowerCase().replace(/[_-]/g, '') === name)?.[2];
  const checks = inRc('checkcertificate');
  if (view.argv.includes('--no-check-certificate') || (checks !== undefined && /^(off|no|0|quiet)$/i.test(checks))) {
    return careless('it was told not to check certificates');
  }
  const file = option(view.argv, '--ca-certificate') ?? inRc('cacertificate');
  const folder = option(view.argv, '--ca-directory') ?? inRc('cadirectory');
  const places: Place[] = [
    ...(folder === undefined ? [systemBundle] : [{ form: 'text-dir' as const, firstOf: [folder] }]),
    ...(file === undefined ? [] : [{ form: 'pem' as const, firstOf: [file] }]),
  ];
  const because = file === undefined ? 'wget reads the system store and no variable' : 'ca_certificate adds a file to the system store';
  return { ...plain, store: file ?? folder ?? 'system', places, because };
}

function opensslStore(view: ProcessView): StoreChoice {
  const file = option(view.argv, '-CAfile') ?? option(view.argv, '--CAfile');
  const folder = option(view.argv, '-CApath') ?? option(view.argv, '--CApath');
  const places = openSslPlaces(file ?? valueOf(view.env, 'SSL_CERT_FILE'), folder ?? valueOf(view.env, 'SSL_CERT_DIR'))
    .filter((place) => !(place.form === 'pem' && file === undefined && view.argv.includes('-no-CAfile')))
    .filter((place) => !(place.form === 'hash-dir' && folder === undefined && view.argv.includes('-no-CApath')));
  const base = variableStore(view, 'hash-dir');
  return file === undefined ? { ...base, places } : { ...plain, store: file, places, because: '-CAfile names it' };
}

function gnutlsCliStore(view: ProcessView): StoreChoice {
  if (view.argv.includes('--insecure') || view.argv.includes('--no-ca-verification')) return careless('--insecure is set, so it verifies nothing');
  const file = option(view.argv, '--x509cafile');
  if (file === undefined) return { ...plain, store: 'system', places: [systemBundle], because: '--x509cafile is not given' };
  return { ...plain, store: file, places: [{ form: 'pem', firstOf: [file] }], because: '--x509cafile names it' };
}

function gitStore(view: ProcessView): StoreChoice {
  if (view.env.has('GIT_SSL_NO_VERIFY')) return careless('GIT_SSL_NO_VERIFY is set');
  const file = valueOf(view.env, 'GIT_SSL_CAINFO');
  const folder = valueOf(view.env, 'GIT_SSL_CAPATH');
  if (file === undefined && folder === undefined) {
    return { ...plain, store: 'system', places: openSslPlaces(undefined, undefined), because: 'GIT_SSL_CAINFO is not set; http.sslCAInfo was not read' };
  }
  return { ...plain, store: file ?? folder ?? 'system', places: openSslPlaces(file, folder), because: file === undefined ? 'GIT_SSL_CAPATH names it' : 'GIT_SSL_CAINFO names it' };
}

function nodeStore(view: ProcessView): StoreChoice {
  const options = [...words(view.env.get('NODE_OPTIONS')), ...view.options];
  const extra = valueOf(view.env, 'NODE_EXTRA_CA_CERTS');
  const adds: readonly Place[] = extra === undefined ? [] : [{ form: 'pem', firstOf: [extra] }];
  const system = openSslPlaces(valueOf(view.env, 'SSL_CERT_FILE'), valueOf(view.env, 'SSL_CERT_DIR'));
  const once = { untellable: false, loadsOnce: true, alternative: null };
  if (view.env.get('NODE_TLS_REJECT_UNAUTHORIZED') === '0') return careless('NODE_TLS_REJECT_UNAUTHORIZED is 0');
  const last = options.findLast((one) => /^--(use-openssl-ca|use-bundled-ca|use-system-ca|no-use-system-ca)$/.test(one));
  if (last === '--use-openssl-ca' || last === '--use-system-ca') return { ...once, store: 'system', places: [...system, ...adds], because: `${last} is set` };
  if (view.env.get('NODE_USE_SYSTEM_CA') === '1' && last === undefined) {
    // Node before 22.19 ignores the variable, and which version this is cannot be seen from outside: both readings have to agree.
    return { ...once, store: 'system', places: [...system, ...adds], because: 'NODE_USE_SYSTEM_CA is 1', alternative: adds };
  }
  if (extra !== undefined) return { ...once, store: extra, places: adds, because: `NODE_EXTRA_CA_CERTS adds ${extra} to Node's own list` };
  return { ...once, store: 'node-bundled', places: [], because: 'NODE_EXTRA_CA_CERTS is not set' };
}

function pythonStore(view: ProcessView): StoreChoice {
  const requests = valueOf(view.env, 'REQUESTS_CA_BUNDLE') ?? valueOf(view.env, 'CURL_CA_BUNDLE');
  if (/^pip[\d.]*$/.test(baseName(view.script ?? '')) || (view.script ?? '').endsWith('/pip/__main__.py')) return pipStore(view, requests);
  const base = variableStore(view, 'hash-dir');
  const because = `${base.because}; this is Python's default store, a script may load a list of its own (certifi)`;
  if (requests === undefined) return { ...base, because };
  return {
    ...base, because: `${base.because}, and requests would read ${requests}`,
    alternative: [{ form: 'pem', firstOf: [requests] }],
  };
}

// pip carries certifi inside; Debian's own copy is patched to read the system bundle.
function pipStore(view: ProcessView, requests: string | undefined): StoreChoice {
  const named = option(view.argv, '--cert') ?? valueOf(view.env, 'PIP_CERT') ?? requests;
  if (named !== undefined) return { ...plain, store: named, places: [{ form: 'pem', firstOf: [named] }], because: '--cert, PIP_CERT or REQUESTS_CA_BUNDLE names it' };
  if (/^\/usr\/(bin|lib\/python3\/dist-packages)\//.test(view.script ?? '')) return { ...plain, store: 'system', places: [systemBundle], because: 'the distribution\'s pip reads the system store' };
  return { ...plain, store: 'python-certifi', places: [], because: 'pip reads the list it carries inside; PIP_CERT is not set' };
}

function denoStore(view: ProcessView): StoreChoice {
  const files = [option(view.argv, '--cert') ?? valueOf(view.env, 'DENO_CERT'), valueOf(view.env, 'NODE_EXTRA_CA_CERTS')].filter((file) => file !== undefined);
  const system = (view.env.get('DENO_TLS_CA_STORE') ?? '').split(',').includes('system');
  const places: readonly Place[] = [...files.map((file) => ({ form: 'pem' as const, firstOf: [file] })), ...(system ? openSslPlaces(undefined, undefined) : [])];
  const because = system ? 'DENO_TLS_CA_STORE names the system store' : files.length > 0 ? 'DENO_CERT or NODE_EXTRA_CA_CERTS adds a file' : 'DENO_CERT is not set';
  return { ...plain, store: system ? 'system' : files[0] ?? 'deno-bundled', places, because, loadsOnce: true };
}

function bunStore(view: ProcessView): StoreChoice {
  const extra = valueOf(view.env, 'NODE_EXTRA_CA_CERTS');
  const base = variableStore(view, 'hash-dir');
  return { ...base, loadsOnce: true, places: [...base.places, ...(extra === undefined ? [] : [{ form: 'pem' as const, firstOf: [extra] }])] };
}

function perlStore(view: ProcessView): StoreChoice {
  const file = valueOf(view.env, 'PERL_LWP_SSL_CA_FILE') ?? valueOf(view.env, 'HTTPS_CA_FILE');
  if (file === undefined) return variableStore(view, 'hash-dir');
  return { ...plain, store: file, places: [{ form: 'pem', firstOf: [file] }], because: 'PERL_LWP_SSL_CA_FILE or HTTPS_CA_FILE names it' };
}

function careless(because: string): StoreChoice {
  return { store: 'none', places: [], because, untellable: true, loadsOnce: false, alternative: null };
}

/** Value of `--name value` or `--name=value`; the last one wins. */
export function option(argv: readonly string[], name: string): string | undefined {
  for (let at = argv.length - 1; at > 0; at -= 1) {
    const argument = argv[at] ?? '';
    if (argument.startsWith(`${name}=`)) return argument.slice(name.length + 1);
    if (argument === name && argv[at + 1] !== undefined) return argv[at + 1];
  }
  return undefined;
}

// curl: `-k`, `-sSk`, `--insecure`. In a cluster a letter that takes a value ends it: what follows is that value.
function flagIn(argv: readonly string[], long: string, letter: string): boolean {
  return argv.slice(1).some((argument, index) => argument === long
    || (/^-[A-Za-z#:0-9]+$/.test(argument) && !/^-[AbcCdDeEFhHKmoPQrtTuUwxXyYz]$/.test(argv[index] ?? '') && curlCluster(argument).includes(letter)));
}

function curlCluster(argument: string): string {
  return /^-([^AbcCdDeEFhHKmoPQrtTuUwxXyYz]*)/.exec(argument)?.[1] ?? '';
}

function valueOf(env: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = env.get(name);
  return value === '' ? undefined : value;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
