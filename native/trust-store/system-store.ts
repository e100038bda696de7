// The system's store on Linux: our root as a file of its own in the anchors folder, and the distribution's own tool that rebuilds the rest.
// Debian's layout was run; RHEL's, Arch's and SUSE's were run with stand-ins for their tools only. Not for NSS or Java's own keystores.
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Change } from '../undo-journal/index.ts';
import { keystoreRoots, rewriteKeystore } from './java-keystore.ts';
import { distinct, pemBlocks, pinlightRootsIn, readPinlightRoot } from './pinlight-roots.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import { trouble } from './run-tool.ts';
import { proofMs, writeBlocked } from './trust-store.ts';
import type { Caller, Outcome, Proof, Reading, TrustStore } from './trust-store.ts';

type Layout = {
  readonly anchors: string;
  readonly extension: string;
  readonly command: readonly [string, ...string[]];
  readonly bundle: string;
  /** Debian: the folder of links that the tool makes and does not take away again. */
  readonly links: string | null;
};

const layouts: readonly Layout[] = [
  { anchors: '/etc/pki/ca-trust/source/anchors', extension: '.pem', command: ['update-ca-trust', 'extract'], bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', links: null },
  { anchors: '/etc/ca-certificates/trust-source/anchors', extension: '.crt', command: ['update-ca-trust'], bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem', links: null },
  { anchors: '/etc/pki/trust/anchors', extension: '.pem', command: ['update-ca-certificates'], bundle: '/var/lib/ca-certificates/ca-bundle.pem', links: null },
  { anchors: '/usr/local/share/ca-certificates', extension: '.crt', command: ['update-ca-certificates'], bundle: '/etc/ssl/certs/ca-certificates.crt', links: '/etc/ssl/certs' },
];

/** Filled by Debian's hook whenever the system's store changes, and never emptied by it (measured). */
const debianKeystore = '/etc/ssl/certs/java/cacerts';

/** The store of this machine; null where no layout is known. */
export function systemStore(caller: Caller): TrustStore | null {
  const layout = layouts.find((one) => existsSync(one.anchors));
  return layout === undefined ? null : storeOf(caller, layout);
}

function storeOf(caller: Caller, layout: Layout): TrustStore {
  const tool = layout.command[0];
  const anchorOf = (root: RootCertificate): string => path.join(layout.anchors, `pinlight-${root.fingerprint.slice(0, 16)}${layout.extension}`);

  return {
    name: 'system', kind: 'system', path: layout.bundle,
    blocked() {
      if (caller.tools.find(tool) === null) return { kind: 'refused', why: `${tool} is not installed (package ca-certificates)`, rights: false };
      return writeBlocked(path.join(layout.anchors, 'pinlight')) ?? writeBlocked(layout.bundle);
    },
    check: () => Promise.resolve(check(layout)),
    install: put,
    uninstall: (change) => put(change, []),
    async undoStep() {
      await rebuild([]);
    },
    prove: (root) => prove(root),
  };

  async function put(change: Change, wanted: readonly RootCertificate[]): Promise<Outcome> {
    const anchors = anchorsOf(layout);
    const shared = anchors.find((one) => one.others);
    if (shared !== undefined) return { kind: 'refused', why: `${shared.file} holds a root of Pinlight's among others; that file is not ours: take the block out of it`, rights: false };
    const lost = layout.links === null ? 0 : onlyInBundle(layout.bundle, layout.links);
    if (lost > 0) {
      return { kind: 'refused', why: `${layout.bundle} holds ${lost} certificate${lost === 1 ? '' : 's'} put there by hand, which ${tool} would drop: put ${lost === 1 ? 'it' : 'them'} into ${layout.anchors} first`, rights: false };
    }
    // Before the files: steps are taken back last first, and rebuilding comes after the files are as they were.
    change.step('rebuild', {});
    const kept = new Set(wanted.map(anchorOf));
    for (const { file } of anchors) if (!kept.has(file)) change.write(file, null);
    for (const root of wanted) change.write(anchorOf(root), Buffer.from(root.pem));
    return await rebuild(wanted.map((root) => root.fingerprint));
  }

  async function rebuild(wanted: readonly string[]): Promise<Outcome> {
    if (layout.links !== null) dropLinks(layout.links, layout);
    const why = trouble(tool, await caller.tools.run(tool, layout.command.slice(1)));
    if (why !== null) throw new Error(why);
    await cleanDebianKeystore(wanted);
    return { kind: 'changed' };
  }

  /** Aliases that the hook made for anchors of ours that are gone. */
  async function cleanDebianKeystore(wanted: readonly string[]): Promise<void> {
    if (layout.links === null || !existsSync(debianKeystore)) return;
    const standing = new Set([...wanted, ...anchorsOf(layout).flatMap((one) => one.roots.map((root) => root.fingerprint))]);
    const found = await keystoreRoots(caller, debianKeystore);
    if (found === null || found.every((root) => standing.has(root.fingerprint))) return;
    await rewriteKeystore(caller, debianKeystore, (alias, root) => alias.startsWith('debian:') && !standing.has(root.fingerprint));
  }

  async function prove(root: RootCertificate): Promise<Proof | null> {
    const found = await caller.tools.run('openssl', ['verify'], { timeoutMs: proofMs, input: root.pem });
    return found.kind === 'ended' ? { accepted: found.code === 0, by: 'openssl' } : null;
  }
}

function check(layout: Layout): Reading {
  try {
    const trusted = existsSync(layout.bundle) ? pinlightRootsIn(readFileSync(layout.bundle)) : [];
    const anchored = anchorsOf(layout).flatMap((one) => one.roots);
    const linked = layout.links === null ? [] : linksOf(layout.links).flatMap((link) => pinlightRootsIn(readIfThere(link)));
    return { kind: 'read', trusted, present: distinct([...trusted, ...anchored, ...linked]), detail: 'curl, wget, git, Go and most programs of the distribution read it' };
  } catch (error) {
    return { kind: 'unreadable', detail: error instanceof Error ? error.message : String(error) };
  }
}

type Anchor = { readonly file: string; readonly roots: readonly RootCertificate[]; readonly others: boolean };

/** Files of the anchors folder that hold a root of Pinlight's, whoever put them there and under whatever name. */
function anchorsOf(layout: Layout): readonly Anchor[] {
  if (!existsSync(layout.anchors)) return [];
  return readdirSync(layout.anchors).map((name) => path.join(layout.anchors, name)).filter((file) => lstatSync(file).isFile()).flatMap((file) => {
    const bytes = readFileSync(file);
    const roots = pinlightRootsIn(bytes);
    return roots.length === 0 ? [] : [{ file, roots, others: pemBlocks(bytes.toString('latin1')).length > roots.length }];
  });
}

/** Certificates of the bundle that no file feeds; roots of Pinlight's left out. */
function onlyInBundle(bundle: string, folder: string): number {
  if (!existsSync(bundle)) return 0;
  const fed = new Set(linksOf(folder).flatMap((link) => pemBlocks(readIfThere(link).toString('latin1'))));
  return pemBlocks(readFileSync(bundle, 'latin1')).filter((block) => !fed.has(block) && readPinlightRoot(Buffer.from(block, 'base64')) === null).length;
}

function linksOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.pem')).map((name) => path.join(folder, name)) : [];
}

/**
 * Links that the tool made for anchors of ours, and the hashed ones to them. It takes neither away by itself, and makes hashed ones
 * only for links that are new: so even the link of an anchor that stays goes first. What a killed tool left half-written goes too.
 */
function dropLinks(folder: string, layout: Layout): void {
  rmSync(`${layout.bundle}.new`, { force: true });
  const names = readdirSync(folder);
  const linkOf = (name: string): string | null => {
    const file = path.join(folder, name);
    return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(file) : null;
  };
  const ours = names.filter((name) => {
    const to = linkOf(name);
    return to !== null && path.dirname(to) === layout.anchors && (!existsSync(to) || pinlightRootsIn(readIfThere(to)).length > 0);
  });
  for (const name of names) if (ours.includes(name) || ours.includes(linkOf(name) ?? '')) rmSync(path.join(folder, name));
  // A hashed link whose target went in an earlier, interrupted run.
  for (const name of names) if (/^[0-9a-f]{8}\.\d+$/.test(name) && linkOf(name)?.startsWith('pinlight-') === true && !existsSync(path.join(folder, name))) rmSync(path.join(folder, name), { force: true });
}

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
