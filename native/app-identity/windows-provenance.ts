// Signatures on Windows: Authenticode in the program's file, package family of the process, version of the file.
// Files signed by a catalogue only (parts of Windows) count as unsigned. Tested through a fake of the calls; not yet run on Windows itself.
import { unvouched } from './provenance.ts';
import type { ProvenanceBook } from './provenance.ts';
import type { WindowsSignatureApi } from './windows-signature-api.ts';

/** Answers by the system's calls. A signature counts when Windows trusts it: its words alone can say anything. */
export function createWindowsProvenance(api: WindowsSignatureApi): ProvenanceBook {
  return {
    async of({ path: file, pid }) {
      const named = api.packageFamilyOf(pid);
      // Children of a packaged program run under its name too, whatever their file.
      const family = named !== null && named.toLowerCase() === familyOfPath(file)?.toLowerCase() ? named : null;
      const trusted = await api.verify(file) === 0;
      // What the Store installs is signed as a package, not file by file; the system lets nobody change it.
      if (!trusted && family === null) return unvouched;
      const version = parseFileVersion(api.versionBlock(file));
      const name = family === null || version === null ? family : `${family} ${version}`;
      return { package: name, signer: trusted ? await api.signerOf(file) : null, proof: 'sealed' };
    },
  };
}

/** `1.2.3.4` of a version resource; null when there is none. VS_FIXEDFILEINFO begins with its signature. */
export function parseFileVersion(block: Buffer | null): string | null {
  const at = block?.indexOf(Buffer.from('bd04effe', 'hex')) ?? -1;
  if (block === null || at < 0 || at + 16 > block.length) return null;
  return [at + 10, at + 8, at + 14, at + 12].map((field) => block.readUInt16LE(field)).join('.');
}

/** Package family of a file below WindowsApps, whose folders are named `Name_Version_Processor_Resource_Publisher`; null for others. */
export function familyOfPath(file: string): string | null {
  const found = /\\WindowsApps\\([^\\_]+)_[^\\]*_([a-z0-9]+)\\/i.exec(file);
  return found === null ? null : `${found[1]}_${found[2]}`;
}
