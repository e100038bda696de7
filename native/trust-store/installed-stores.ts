// The programs with a list of their own that the trust page names: Node, and the Pythons on PATH with what certifi carries. Reads only.
// Not for stores that can be changed (doctor.ts) or for one process's store (store-of-process.ts).
import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { mayStart } from '../procfs/foreign-file.ts';
import type { Holding, RootSearch } from './holds-root.ts';
import { openSslPlaces } from './places.ts';
import type { Place } from './places.ts';
import type { StoreKind } from './trust-store.ts';

/** One line of the trust page. */
export type InstalledStore = {
  readonly store: string;
  readonly kind: StoreKind;
  readonly path: string | null;
  readonly state: 'trusted' | 'missing' | 'unreadable' | 'not-checked';
  readonly detail: string;
};

/** Node first, then the Pythons. Starts each Python once (5 s at most); never rejects. */
export async function runtimeStores(search: RootSearch, env: NodeJS.ProcessEnv): Promise<readonly InstalledStore[]> {
  const [node, python] = await Promise.all([nodeRow(search, env), pythonRows(search, env)]);
  return [node, ...python];
}

async function nodeRow(search: RootSearch, env: NodeJS.ProcessEnv): Promise<InstalledStore> {
  const extra = env['NODE_EXTRA_CA_CERTS'];
  const base = { store: 'node-bundled', kind: 'node' as const, path: null };
  const system = env['NODE_USE_SYSTEM_CA'] === '1' || /--use-(system|openssl)-ca/.test(env['NODE_OPTIONS'] ?? '');
  if (system) {
    const found = await search.find(openSslPlaces(env['SSL_CERT_FILE'], env['SSL_CERT_DIR']));
    return { ...base, state: stateOf(found), detail: 'this environment tells Node to read the system store' };
  }
  if (extra === undefined || extra === '') return { ...base, state: 'missing', detail: 'Node\'s own list never holds a local root, and NODE_EXTRA_CA_CERTS is not set here' };
  const found = await search.find([{ form: 'pem', firstOf: [extra] }]);
  return { ...base, path: extra, state: stateOf(found), detail: 'NODE_EXTRA_CA_CERTS of this environment adds this file to Node\'s own list' };
}

async function pythonRows(search: RootSearch, env: NodeJS.ProcessEnv): Promise<InstalledStore[]> {
  const rows = await Promise.all(pythonsOn(env['PATH'] ?? '').map(async (python) => {
    const paths = await askPython(python, env);
    if (paths === null) return [{ store: `python:${python}`, kind: 'python' as const, path: null, state: 'not-checked' as const, detail: 'this Python did not answer' }];
    const own: readonly Place[] = [
      ...(paths.file === null ? [] : [{ form: 'pem' as const, firstOf: [paths.file] }]),
      ...(paths.folder === null ? [] : [{ form: 'hash-dir' as const, firstOf: [paths.folder] }]),
    ];
    return Promise.all([
      row(search, `python:${paths.prefix}`, 'python', paths.file ?? paths.folder, own, 'OpenSSL\'s default store of this Python'),
      ...distinct(paths.bundles).map((file) => row(search, `python-certifi:${paths.prefix}`, 'python', file, [{ form: 'pem', firstOf: [file] }], 'the list that certifi, requests or pip carry')),
    ]);
  }));
  const seen = new Set<string>();
  return rows.flat().filter((one) => {
    const key = `${one.store} ${one.path}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

async function row(search: RootSearch, store: string, kind: InstalledStore['kind'], file: string | null, places: readonly Place[], detail: string): Promise<InstalledStore> {
  return { store, kind, path: file, state: stateOf(await search.find(places)), detail };
}

function stateOf(found: Holding): InstalledStore['state'] {
  return found.holds === null ? 'unreadable' : found.holds ? 'trusted' : 'missing';
}

type PythonPaths = { readonly prefix: string; readonly file: string | null; readonly folder: string | null; readonly bundles: readonly string[] };

// find_spec imports no package code; requests brings no list of its own since certifi, but old copies did.
const pythonQuestion = `
import json, os, ssl, sys, importlib.util
p = ssl.get_default_verify_paths()
found = []
for name, inside in (('certifi', 'cacert.pem'), ('requests', 'cacert.pem'), ('pip', '_vendor/certifi/cacert.pem')):
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        spec = None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = os.path.join(folder, inside)
        if os.path.isfile(file):
            found.append(os.path.realpath(file))
print(json.dumps({'prefix': sys.prefix, 'file': p.cafile, 'folder': p.capath, 'bundles': found}))
`;

function askPython(python: string, env: NodeJS.ProcessEnv): Promise<PythonPaths | null> {
  return new Promise((resolve) => {
    const child = execFile(python, ['-c', pythonQuestion], {
      timeout: 5000, maxBuffer: 64 * 1024,
      cwd: '/', // a module of the working directory must not be imported
      env: { PATH: env['PATH'], HOME: env['HOME'] }, // no SSL_CERT_FILE: the row is about this Python, not about our environment
    }, (error, stdout) => resolve(error === null ? readPythonAnswer(stdout) : null));
    child.stdin?.end();
  });
}

/** Reads what the question above prints; null for anything else. */
export function readPythonAnswer(text: string): PythonPaths | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('prefix' in value) || typeof value.prefix !== 'string') return null;
    const bundles: unknown = 'bundles' in value ? value.bundles : [];
    return {
      prefix: value.prefix,
      file: 'file' in value ? textOf(value.file) : null,
      folder: 'folder' in value ? textOf(value.folder) : null,
      bundles: Array.isArray(bundles) ? bundles.filter((one) => typeof one === 'string') : [],
    };
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function pythonsOn(searchPath: string): readonly string[] {
  const folders = searchPath.split(':').filter((folder) => path.isAbsolute(folder));
  return distinct(folders.map((folder) => path.join(folder, 'python3')).filter(mayStart)).slice(0, 4);
}

function distinct(files: readonly string[]): readonly string[] {
  const seen = new Map(files.map((file) => [realPath(file), file]));
  return [...seen.values()];
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
