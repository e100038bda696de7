// Crockford's base 32: for what is spoken on the phone or typed from paper. Not for data of any size.

/** No I, L, O or U, which are misheard or misread. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The first `characters` digits of the bytes; a last digit that is not full counts its missing bits as zero. */
export function toBase32(bytes: Uint8Array, characters: number): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5 && text.length < characters; bits -= 5) text += alphabet.charAt((held >> (bits - 5)) & 31);
    held &= 0xff;
  }
  return text.length < characters && bits > 0 ? text + alphabet.charAt((held << (5 - bits)) & 31) : text;
}

/** The bytes of a text in any case, with blanks and hyphens, `O` for 0 and `I`, `L` for 1; null for any other sign. Bits that fill no byte are dropped. */
export function fromBase32(text: string): Uint8Array | null {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const sign of text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')) {
    const value = alphabet.indexOf(sign);
    if (value < 0) return null;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** `7K3M-Q2XA-…`: groups of four. */
export function inGroups(text: string): string {
  return text.replace(/.{4}(?=.)/g, '$&-');
}
