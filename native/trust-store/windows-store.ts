// The Root store of Windows: the machine's for an administrator (silent), else the user's, where Windows asks the person in a dialogue.
// Read by PowerShell, changed by certutil.exe, always read back. Not run on Windows yet; under Wine both tools do nothing, which reading back notices.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { Change } from '../undo-journal/index.ts';
import { distinct, readPinlightRoot } from './pinlight-roots.ts';
import type { RootCertificate } from './pinlight-roots.ts';
import { trouble } from './run-tool.ts';
import type { ToolResult } from './run-tool.ts';
import { isAmong } from './trust-store.ts';
import type { Caller, Outcome, Reading, TrustStore } from './trust-store.ts';

/** Long enough for a person to answer the dialogue of the user's store. */
const toolMs = 120_000;

export function windowsStore(caller: Caller): TrustStore {
  const place = caller.machine ? 'LocalMachine' : 'CurrentUser';
  const domain = caller.machine ? [] : ['-user'];
  const system = path.join(caller.env['SystemRoot'] ?? 'C:\\Windows', 'System32');
  const certutil = path.join(system, 'certutil.exe');
  const powershell = path.join(system, 'WindowsPowerShell', 'v1.0', 'powershell.exe');

  return {
    name: 'system', kind: 'system', path: `Cert:\\${place}\\Root`,
    blocked: () => null,
    check,
    install: put,
    uninstall: (change) => put(change, []),
    async undoStep(_verb, name, data) {
      // An addition is whole or not there; an interrupted removal is completed.
      const found = await check();
      if (found.kind !== 'read') throw new Error(found.detail);
      const root = found.present.find((one) => one.fingerprint === data['fingerprint']);
      if (root !== undefined && name === 'drop') await drop(root);
    },
  };

  async function check(): Promise<Reading> {
    const listed = await run(powershell, ['-NoProfile', '-NonInteractive', '-Command', storeQuestion(place)]);
    const why = trouble('powershell.exe', listed);
    if (why !== null) return { kind: 'unreadable', detail: why };
    const roots = parseStoreListing(listed.kind === 'ended' ? listed.output : '');
    if (roots === null) return { kind: 'unreadable', detail: 'powershell.exe did not list the store' };
    return { kind: 'read', trusted: roots, present: roots, detail: 'Edge, Chrome, Firefox and most programs of Windows read it' };
  }

  async function put(change: Change, wanted: readonly RootCertificate[]): Promise<Outcome> {
    const found = await check();
    if (found.kind !== 'read') return { kind: 'refused', why: found.detail, rights: false };
    for (const root of wanted.filter((one) => !isAmong(one, found.present))) {
      change.step('add', { fingerprint: root.fingerprint });
      const why = trouble('certutil.exe', await withFile(root, (file) => run(certutil, [...domain, '-f', '-addstore', 'Root', file])));
      // 0x800704c7: the person said no, or there is no screen to ask on; 0x80070005: access denied.
      if (why !== null) return { kind: 'refused', why: /800704c7/i.test(why) ? 'Windows asks for this in a dialogue, and it was not allowed' : why, rights: /80070005|denied/i.test(why) };
    }
    for (const root of found.present) {
      if (isAmong(root, wanted)) continue;
      change.step('drop', { fingerprint: root.fingerprint });
      await drop(root);
    }
    return { kind: 'changed' };
  }

  async function drop(root: RootCertificate): Promise<void> {
    const thumbprint = new X509Certificate(root.der).fingerprint.replaceAll(':', '').toLowerCase();
    const why = trouble('certutil.exe', await run(certutil, [...domain, '-delstore', 'Root', thumbprint]));
    if (why !== null) throw new Error(why);
  }

  async function withFile(root: RootCertificate, use: (file: string) => Promise<ToolResult>): Promise<ToolResult> {
    const folder = mkdtempSync(path.join(caller.scratch, 'root-'));
    try {
      const file = path.join(folder, 'root.cer');
      writeFileSync(file, root.pem);
      return await use(file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  function run(tool: string, args: readonly string[]): Promise<ToolResult> {
    return caller.tools.run(tool, args, { timeoutMs: toolMs });
  }
}

/** Prints one certificate a line as Base64, then `end`; only those that may be ours. */
function storeQuestion(place: 'LocalMachine' | 'CurrentUser'): string {
  return `$s = New-Object System.Security.Cryptography.X509Certificates.X509Store('Root', '${place}'); $s.Open('ReadOnly'); `
    + "$s.Certificates | Where-Object { $_.Subject -like '*O=Pinlight*' } | ForEach-Object { [Convert]::ToBase64String($_.RawData) }; 'end'";
}

/** What the question above prints, as roots of Pinlight's; null when the listing did not reach its end. Pure. */
export function parseStoreListing(text: string): readonly RootCertificate[] | null {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '');
  if (lines.at(-1) !== 'end') return null;
  return distinct(lines.flatMap((line) => readPinlightRoot(Buffer.from(line, 'base64')) ?? []));
}
