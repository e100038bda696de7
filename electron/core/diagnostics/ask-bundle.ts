// "Is host X in here?": where a name, or the pseudonym it has in a bundle, stands in its files. The same for command line and window.
// Not for making pseudonyms (pseudonyms.ts).
import { fromBase32 } from './base32.ts';
import { checkedText, hashedText, keyCheckFrom, pseudonymFrom } from './pseudonyms.ts';
import type { NameKind } from './pseudonyms.ts';
import type { OpenedBundle } from './read-bundle.ts';

/** `key`: as it was shown when the bundle was made; nothing where names are shown. */
export type NameQuestion = { readonly kind: NameKind; readonly name: string; readonly key: string };

/** `mark`: what the name is in this bundle. `found`: files in which it stands, and how often. */
export type NameAnswer = { readonly kind: 'wrong-key' } | { readonly kind: 'answer'; readonly mark: string; readonly found: readonly { readonly file: string; readonly times: number }[] };

/** HMAC-SHA-256 of a text under a key. */
export type Hmac = (key: Uint8Array, text: string) => Promise<Uint8Array>;

/** Characters in any case count as the same. */
export async function askBundle(bundle: OpenedBundle, { kind, name, key }: NameQuestion, hmac: Hmac): Promise<NameAnswer> {
  const { names } = bundle.manifest;
  if (names.kind === 'shown') return answer(bundle, name.trim());
  const secret = fromBase32(key)?.subarray(0, 16);
  if (secret?.length !== 16 || keyCheckFrom(await hmac(secret, checkedText)) !== names.check) return { kind: 'wrong-key' };
  return answer(bundle, pseudonymFrom(kind, await hmac(secret, hashedText(kind, name.trim()))));
}

function answer(bundle: OpenedBundle, mark: string): NameAnswer {
  const sought = mark.toLowerCase();
  const found = bundle.files.flatMap(({ name: file }) => {
    const times = sought === '' ? 0 : (bundle.text(file)?.toLowerCase().split(sought).length ?? 1) - 1;
    return times === 0 ? [] : [{ file, times }];
  });
  return { kind: 'answer', mark, found };
}
