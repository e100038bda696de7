// The keychains of macOS: the machine's for an administrator, else the login keychain, with trust settings of the same domain. By `security`.
// Written from documentation and the sources of mkcert; not run on a Mac yet. Firefox and Chromium read these keychains there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Change } from '../undo-journal/index.ts';
import { distinct, pinlightRootsIn } from './pinlight-roots.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import { trouble } from './run-tool.ts';
import type { ToolResult } from './run-tool.ts';
import { isAmong } from './trust-store.ts';
import type { Caller, Outcome, Reading, TrustStore } from './trust-store.ts';

/** Long enough for a person to answer the password dialogue that macOS 11 and later show. */
const securityMs = 120_000;

export function macosStore(caller: Caller): TrustStore {
  const keychain = caller.machine ? '/Library/Keychains/System.keychain' : path.join(caller.home, 'Library/Keychains/login.keychain-db');
  const domain = caller.machine ? ['-d'] : [];

  return {
    name: 'system', kind: 'system', path: keychain,
    blocked: () => (caller.tools.find('/usr/bin/security') === null ? { kind: 'refused', why: '/usr/bin/security is missing', rights: false } : null),
    check,
    install: put,
    uninstall: (change) => put(change, []),
    async undoStep(_verb, name, data) {
      // Whole or not there, as far as `security` tells: an addition without its trust goes, an interrupted removal is completed.
      const found = await check();
      if (found.kind !== 'read') throw new Error(found.detail);
      const of = (roots: readonly RootCertificate[]): RootCertificate | undefined => roots.find((root) => root.fingerprint === data['fingerprint']);
      const root = of(found.present);
      if (root !== undefined && (name === 'drop' || of(found.trusted) === undefined)) await drop(root);
    },
    async prove(root) {
      const found = await withFile(root, (file) => security(['verify-cert', '-c', file, '-p', 'ssl', '-l', '-L']));
      return found.kind === 'ended' ? { accepted: found.code === 0, by: 'security verify-cert' } : null;
    },
  };

  async function check(): Promise<Reading> {
    const listed = await security(['find-certificate', '-a', '-c', 'Pinlight root for', '-p', keychain]);
    // 44: no such item.
    const why = listed.kind === 'ended' && listed.code === 44 ? null : trouble('security', listed);
    if (why !== null) return { kind: 'unreadable', detail: why };
    const present = distinct(pinlightRootsIn(Buffer.from(listed.kind === 'ended' ? listed.output : '')));
    const settings = await security(['dump-trust-settings', ...domain]);
    const names = settings.kind === 'ended' && settings.code === 0 ? trustedNames(settings.output) : [];
    return { kind: 'read', present, trusted: present.filter((root) => names.includes(root.name.replace(/^CN=/, ''))), detail: 'keychain; Safari, Chromium, Firefox and most programs read it' };
  }

  async function put(change: Change, wanted: readonly RootCertificate[]): Promise<Outcome> {
    const found = await check();
    if (found.kind !== 'read') return { kind: 'refused', why: found.detail, rights: false };
    for (const root of wanted.filter((one) => !isAmong(one, found.trusted))) {
      change.step('add', { fingerprint: root.fingerprint });
      const added = await withFile(root, (file) => security(['add-trusted-cert', ...domain, '-r', 'trustRoot', '-p', 'ssl', '-k', keychain, file]));
      const why = trouble('security', added);
      if (why !== null) return { kind: 'refused', why: /-60005|denied|canceled|cancelled/i.test(why) ? 'macOS wants an administrator to allow this in a dialogue: run it in a session with a screen' : why, rights: !caller.machine };
    }
    for (const root of found.present) {
      if (isAmong(root, wanted)) continue;
      change.step('drop', { fingerprint: root.fingerprint });
      await drop(root);
    }
    return { kind: 'changed' };
  }

  async function drop(root: RootCertificate): Promise<void> {
    // Fails where there are no trust settings for it, which is as well.
    await withFile(root, (file) => security(['remove-trusted-cert', ...domain, file]));
    const why = trouble('security', await security(['delete-certificate', '-Z', root.fingerprint.toUpperCase(), keychain]));
    if (why !== null) throw new Error(why);
  }

  async function withFile(root: RootCertificate, use: (file: string) => Promise<ToolResult>): Promise<ToolResult> {
    const folder = mkdtempSync(path.join(caller.scratch, 'root-'));
    try {
      const file = path.join(folder, 'root.pem');
      writeFileSync(file, root.pem, { mode: 0o600 });
      return await use(file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  function security(args: readonly string[]): Promise<ToolResult> {
    return caller.tools.run('/usr/bin/security', args, { timeoutMs: securityMs });
  }
}

/** Names of the certificates that `security dump-trust-settings` lists with trust as a root, or with no restriction at all. Pure. */
export function trustedNames(text: string): readonly string[] {
  return text.split(/^Cert \d+: /m).slice(1).flatMap((part) => {
    const name = part.slice(0, part.indexOf('\n')).trim();
    const results = [...part.matchAll(/Result Type\s*:\s*(\S+)/g)].map((match) => match[1] ?? '');
    const free = /Number of trust settings\s*:\s*0/.test(part);
    return free || results.some((result) => /^kSecTrustSettingsResultTrust(Root|AsRoot)$/.test(result)) ? [name] : [];
  });
}
