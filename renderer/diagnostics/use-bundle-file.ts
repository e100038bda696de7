// Reads a bundle's file that the person chose, in this process alone. Not for how it is shown (bundle-opener.tsx, bundle-comparison.tsx).
import { useState } from 'react';
import { largestBundle, readBundle } from '../../electron/core/diagnostics/read-bundle.ts';
import type { OpenedBundle } from '../../electron/core/diagnostics/read-bundle.ts';
import { sentence } from '../../electron/core/sentence.ts';
import type { Sentence } from '../../electron/core/sentence.ts';
import { browserBundleTools } from './browser-tools.ts';

export type BundleFile =
  | { readonly kind: 'none' } | { readonly kind: 'reading' }
  | { readonly kind: 'refused'; readonly name: string; readonly sealed: false; readonly why: Sentence } | { readonly kind: 'refused'; readonly name: string; readonly sealed: true }
  | { readonly kind: 'open'; readonly name: string; readonly bundle: OpenedBundle };

/** What a dialog for choosing one offers. */
export const bundleTypes = ['.zip', '.sealed'];

/** The file as far as it is read, and what takes another one. */
export function useBundleFile(): { readonly file: BundleFile; readonly choose: (files: FileList | null) => void } {
  const [file, setFile] = useState<BundleFile>({ kind: 'none' });
  return {
    file,
    choose: (files) => {
      const chosen = files?.[0];
      if (chosen === undefined) return;
      setFile({ kind: 'reading' });
      read(chosen).then(setFile, (thrown: unknown) => setFile({ kind: 'refused', name: chosen.name, sealed: false, why: sentence('bundle.not-read', { message: String(thrown) }) }));
    },
  };
}

async function read(file: File): Promise<BundleFile> {
  const { name } = file;
  if (file.size > largestBundle) return { kind: 'refused', name, sealed: false, why: sentence('bundle.too-large') };
  const found = await readBundle(new Uint8Array(await file.arrayBuffer()), browserBundleTools);
  switch (found.kind) {
    case 'bundle': return { kind: 'open', name, bundle: found.bundle };
    case 'sealed': return { kind: 'refused', name, sealed: true };
    case 'invalid': return { kind: 'refused', name, sealed: false, why: found.why };
  }
}
