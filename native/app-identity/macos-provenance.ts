// Signatures on macOS: codesign says who signed a program and whether that holds, plutil which version its bundle is.
// Tested on texts after codesign's manual and through a fake runner; not yet run on macOS itself.
import path from 'node:path';
import type { RunTool } from '../trust-store/run-tool.ts';
import { unvouched } from './provenance.ts';
import type { ProvenanceBook } from './provenance.ts';

/** A large bundle takes seconds to verify. */
const verifyMs = 30_000;

/** Answers by the system's own tools. A signature counts when it holds and ends at Apple: its words alone can say anything. */
export function createMacosProvenance(run: RunTool): ProvenanceBook {
  return {
    async of({ path: file }) {
      const verified = await run('/usr/bin/codesign', ['--verify', '--strict', '-R=anchor apple generic', '--', file], { timeoutMs: verifyMs });
      if (verified.kind !== 'ended' || verified.code !== 0) return unvouched;
      const shown = await run('/usr/bin/codesign', ['-d', '--verbose=4', '--', file], { timeoutMs: 5000 });
      const signature = shown.kind === 'ended' && shown.code === 0 ? parseSignature(shown.errors) : null;
      if (signature === null) return unvouched;
      const version = await versionOf(file);
      return { package: version === null ? signature.identifier : `${signature.identifier} ${version}`, signer: signature.signer, proof: 'sealed' };
    },
  };

  async function versionOf(file: string): Promise<string | null> {
    const bundle = bundleOf(file);
    if (bundle === null) return null;
    const read = await run('/usr/bin/plutil', ['-extract', 'CFBundleShortVersionString', 'raw', '-o', '-', path.posix.join(bundle, 'Contents/Info.plist')], { timeoutMs: 5000 });
    const version = read.kind === 'ended' && read.code === 0 ? read.output.trim() : '';
    return /^[\w.+-]{1,64}$/.test(version) ? version : null;
  }
}

export type Signature = {
  /** Bundle id, or the identifier of a program without bundle. */
  readonly identifier: string;
  /** Name of the signing certificate with the team's id, `Developer ID Application: Example (A1B2C3D4E5)`; `Apple` for the system's own. */
  readonly signer: string;
};

/** Reads what `codesign -d --verbose=4` prints on standard error; null for ad hoc and unreadable signatures. */
export function parseSignature(text: string): Signature | null {
  const field = (name: string): string | null => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1]?.trim() ?? null;
  const identifier = field('Identifier');
  const authority = field('Authority');
  if (identifier === null || authority === null || field('Signature') === 'adhoc') return null;
  if (authority === 'Software Signing') return { identifier, signer: 'Apple' };
  const team = field('TeamIdentifier');
  const named = team === null || team === 'not set' || authority.includes(`(${team})`) ? authority : `${authority} (${team})`;
  return { identifier, signer: named };
}

/** The innermost bundle that the program is the executable of; null for plain programs. */
export function bundleOf(file: string): string | null {
  return /^(.+\.(?:app|xpc|appex))\/Contents\/MacOS\/[^/]+$/.exec(file)?.[1] ?? null;
}
