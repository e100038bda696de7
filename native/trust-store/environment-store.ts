// Programs with lists of their own (Node, Python, Ruby, git, curl builds, aws, cargo, Deno): a bundle that is ours, and variables in a drop-in that is ours.
// Never an edit of somebody's bundle, and never over a variable that somebody set. Not for the system's own store.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { configFolder } from '../config-folder.ts';
import { readStart } from '../procfs/foreign-file.ts';
import type { Change } from '../undo-journal/index.ts';
import { distinct, pinlightRootsIn, withoutPinlightRoots } from './pinlight-roots.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import { systemBundles } from './places.ts';
import { proofMs, refusalOf, removeOwned, writeBlocked } from './trust-store.ts';
import type { Caller, Outcome, Proof, Reading, TrustStore } from './trust-store.ts';

/**
 * Measured: NODE_EXTRA_CA_CERTS adds (Node, Bun, Deno: so nothing of Deno's own is needed); the others replace, so they name a bundle of the
 * system's roots and ours. REQUESTS_CA_BUNDLE serves pip too. GIT_SSL_CAINFO rather than git's configuration, which is the user's file.
 */
const adding = ['NODE_EXTRA_CA_CERTS'];
const replacing = ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'GIT_SSL_CAINFO', 'AWS_CA_BUNDLE', 'CARGO_HTTP_CAINFO'];
/** Bytes read of a file that somebody's variable names. */
const largestBundle = 4 * 1024 * 1024;
const header = '# Written by Pinlight (`pinlight trust remove` takes it away): lets programs with their own list of authorities trust this device\'s root.';

/** The store made of variables: for the caller's sessions, or for the machine's when the caller changes the machine. */
export function environmentStore(caller: Caller): TrustStore {
  const rootFile = path.join(caller.ownFolder, 'root.pem');
  const bundleFile = path.join(caller.ownFolder, 'bundle.pem');
  const sessions = caller.machine ? '/etc/environment.d' : path.join(configFolder(caller.env, caller.home), 'environment.d');
  const dropIns = [{ file: path.join(sessions, '60-pinlight.conf'), line: sessionLine }, ...(caller.machine ? [{ file: '/etc/profile.d/pinlight.sh', line: shellLine }] : [])];

  return {
    name: 'environment', kind: 'environment', path: dropIns[0]?.file ?? null,
    blocked() {
      if (!/^[\w./@+-]+$/.test(caller.ownFolder)) return { kind: 'refused', why: `${caller.ownFolder} has characters in its name that a drop-in cannot carry`, rights: false };
      return dropIns.map(({ file }) => writeBlocked(file)).find((one) => one !== null) ?? writeBlocked(rootFile);
    },
    check: () => Promise.resolve(check()),
    install: (change, roots) => Promise.resolve(install(change, roots)),
    uninstall: (change) => Promise.resolve(uninstall(change)),
    prove: (root) => prove(root),
    variables: () => Object.fromEntries(variables()),
  };

  function check(): Reading {
    try {
      const present = distinct([rootFile, bundleFile].flatMap((file) => pinlightRootsIn(read(file))));
      const whole = dropIns.every(({ file, line }) => variables().every(([name, value]) => read(file).toString('utf8').includes(line(name, value))));
      const bundled = bundleSource() === null || existsSync(bundleFile);
      const listed = bundleSource() === null ? present : pinlightRootsIn(read(bundleFile));
      const trusted = whole && bundled ? listed.filter((root) => read(rootFile).toString('utf8').includes(root.pem)) : [];
      return { kind: 'read', trusted, present, traces: dropIns.map(({ file }) => file).filter((file) => existsSync(file)), detail: detail(whole) };
    } catch (error) {
      return { kind: 'unreadable', detail: refusalOf(error, caller.ownFolder).why.replace('written', 'read') };
    }
  }

  function install(change: Change, roots: readonly RootCertificate[]): Outcome {
    const pem = roots.map((root) => root.pem).join('');
    const foreign = dropIns.find(({ file }) => existsSync(file) && !read(file).toString('utf8').startsWith(header));
    if (foreign !== undefined) return { kind: 'refused', why: `${foreign.file} is there and was not written by Pinlight: it is left as it is`, rights: false };
    change.write(rootFile, Buffer.from(pem));
    const bundle = bundleOf(pem);
    if (bundle !== null) change.write(bundleFile, bundle);
    for (const { file, line } of dropIns) change.write(file, Buffer.from(`${[header, ...variables().map(([name, value]) => line(name, value))].join('\n')}\n`));
    return { kind: 'changed' };
  }

  function uninstall(change: Change): Outcome {
    for (const { file, line } of dropIns) {
      const text = read(file).toString('utf8');
      const ours = new Set([header, ...[...adding, ...replacing].flatMap((name) => [rootFile, bundleFile].map((value) => line(name, value)))]);
      const theirs = text.split('\n').filter((one) => !ours.has(one)).join('\n');
      // Lines that a person added stay.
      if (theirs.trim() === '') removeOwned(change, file);
      else change.write(file, Buffer.from(theirs));
    }
    // A program that was started with the variable would find no authorities at all without the file.
    const source = bundleSource();
    if (source !== null && existsSync(bundleFile) && isInUse(bundleFile)) change.write(bundleFile, source);
    else removeOwned(change, bundleFile);
    removeOwned(change, rootFile);
    return { kind: 'changed' };
  }

  function variables(): readonly (readonly [string, string])[] {
    return [...adding.map((name) => [name, rootFile] as const), ...(bundleSource() === null ? [] : replacing.map((name) => [name, bundleFile] as const))];
  }

  function bundleOf(pem: string): Buffer | null {
    const source = bundleSource();
    return source === null ? null : Buffer.concat([source, Buffer.from(source.at(-1) === 0x0a ? '' : '\n'), Buffer.from(pem)]);
  }

  function detail(whole: boolean): string {
    const held = [...adding, ...replacing].flatMap((name) => {
      const value = caller.env[name];
      if (value === undefined || value === '' || value.startsWith(`${caller.ownFolder}/`)) return [];
      const holds = pinlightRootsIn(readStart(value, largestBundle) ?? Buffer.alloc(0)).length > 0;
      return [`${name}=${value} is set here already and stays${holds ? '' : ', without the root'}`];
    });
    const systemd = existsSync('/run/systemd/system') ? 'read at the next login' : 'systemd does not run here, and only its sessions read the drop-in';
    return ['variables for Node, Python, Ruby, git, curl, aws, cargo and Deno', ...(whole ? [systemd] : []), ...held].join('; ');
  }

  async function prove(root: RootCertificate): Promise<Proof | null> {
    const env = Object.fromEntries(variables());
    const node = await caller.tools.run('node', ['-e', nodeQuestion], { timeoutMs: proofMs, env });
    const python = await caller.tools.run('python3', ['-I', '-c', pythonQuestion], { timeoutMs: proofMs, env });
    const answers = ([['node', node], ['python3', python]] as const).flatMap(([by, result]) => (result.kind === 'ended' && result.code === 0 ? [{ by, accepted: result.output.includes(root.fingerprint) }] : []));
    return answers.length === 0 ? null : { accepted: answers.every((one) => one.accepted), by: answers.map((one) => one.by).join(' and ') };
  }
}

/** Brings the owned bundle up to the system's roots, and drops it when nothing of ours is in it and nobody uses it. True when it changed. */
export function renewBundle(caller: Caller, change: () => Change): boolean {
  const file = path.join(caller.ownFolder, 'bundle.pem');
  const source = bundleSource();
  if (source === null || !existsSync(file)) return false;
  const is = readFileSync(file);
  const roots = pinlightRootsIn(is);
  const wanted = Buffer.concat([source, ...roots.map((root) => Buffer.from(root.pem))]);
  const unused = roots.length === 0 && !isInUse(file);
  if (!unused && is.equals(wanted)) return false;
  const begun = change();
  begun.write(file, unused ? null : wanted);
  begun.done();
  return true;
}

/** One row for containers, which read nothing of the host's; null where there are none. */
export function containerStore(caller: Caller): TrustStore | null {
  const tool = ['docker', 'podman', 'nerdctl'].find((name) => caller.tools.find(name) !== null);
  if (tool === undefined) return null;
  const why = `a container reads neither stores nor variables of the host: mount ${path.join(caller.ownFolder, 'bundle.pem')} and set SSL_CERT_FILE and NODE_EXTRA_CA_CERTS in it; ${tool} itself reads the system store when it starts`;
  return {
    name: 'containers', kind: 'containers', path: null,
    blocked: () => ({ kind: 'refused', why, rights: false }),
    check: () => Promise.resolve({ kind: 'not-checked', detail: why }),
    install: () => Promise.resolve({ kind: 'refused', why, rights: false }),
    uninstall: () => Promise.resolve({ kind: 'changed' }),
  };
}

/** The system's bundle without roots of Pinlight's, ending in a line break; null where no bundle is known, and nothing may replace it then. */
function bundleSource(): Buffer | null {
  const file = systemBundles.find((one) => existsSync(one));
  if (file === undefined) return null;
  const text = withoutPinlightRoots(readFileSync(file, 'latin1'));
  return Buffer.from(text === '' || text.endsWith('\n') ? text : `${text}\n`, 'latin1');
}

/** A variable for systemd's sessions. `:-` leaves a value alone that comes from an earlier file; a later file's value wins by itself. */
export function sessionLine(name: string, value: string): string {
  return `${name}=\${${name}:-${value}}`;
}

/** The same for shells. */
export function shellLine(name: string, value: string): string {
  return `[ -n "\${${name}:-}" ] || export ${name}=${value}`;
}

/** Whether a process that we may look at has the file in its environment. */
function isInUse(file: string): boolean {
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && read(`/proc/${pid}/environ`).includes(`=${file}\0`));
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    // /proc answers these for processes that are not ours or have just ended.
    if (file.startsWith('/proc/')) return Buffer.alloc(0);
    throw error;
  }
}

const nodeQuestion = `
const tls = require('node:tls');
if (!tls.getCACertificates) process.exit(3);
for (const pem of tls.getCACertificates('extra')) console.log(new (require('node:crypto').X509Certificate)(pem).fingerprint256.replaceAll(':', '').toLowerCase());
`;
const pythonQuestion = `
import hashlib, ssl
for der in ssl.create_default_context().get_ca_certs(binary_form=True): print(hashlib.sha256(der).hexdigest())
`;
