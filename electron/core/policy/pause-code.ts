// The codes that let a helpdesk allow a pause by telephone, offline: a truncated HMAC under a key of this device's own, which is derived
// from the organisation's key, so that a device never holds more than its own. Not for counting tries (agent/control/pauses).

/** HMAC-SHA-256; core has no cryptography of its own. */
export type Hmac = (key: Uint8Array, message: Uint8Array) => Uint8Array;

/** Characters of a request and of an answer. 50 bits, five tries. */
export const requestLength = 8;
export const codeLength = 10;

/** The key of one device: HKDF-SHA-256 (RFC 5869) of the organisation's key with the device's name. 32 bytes. */
export function deviceKey(hmac: Hmac, organisationKey: Uint8Array, device: string): Uint8Array {
  const pseudorandom = hmac(new Uint8Array(32), organisationKey);
  const info = bytesOf(['pinlight pause device', nameOf(device)]);
  return hmac(pseudorandom, Uint8Array.from([...info, 1]));
}

/** `ticket`: the answer to a request that the device has made up, for so many minutes. */
export function ticketAnswer(hmac: Hmac, key: Uint8Array, about: { readonly device: string; readonly request: string; readonly minutes: number }): string {
  return codeOf(hmac(key, bytesOf(['pinlight pause ticket', nameOf(about.device), readCode(about.request), about.minutes])));
}

/** `passcode`: the code of one hour (whole hours since the epoch), for so many minutes. */
export function passcodeOf(hmac: Hmac, key: Uint8Array, about: { readonly device: string; readonly hour: number; readonly minutes: number }): string {
  return codeOf(hmac(key, bytesOf(['pinlight pause passcode', nameOf(about.device), about.hour, about.minutes])));
}

/** A request out of random bytes (5 at least). */
export function requestFrom(random: Uint8Array): string {
  return base32(random, requestLength);
}

/** A code as it was meant, however it was typed: any case, groups, and digits read for the letters they look like. */
export function readCode(typed: string): string {
  return typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('0', 'O').replaceAll('1', 'I').replaceAll('8', 'B');
}

/** `ABCDE-FGHIJ`: what people read to each other. */
export function spokenCode(code: string): string {
  const half = Math.ceil(code.length / 2);
  return `${code.slice(0, half)}-${code.slice(half)}`;
}

/** A key file's text: 64 hex digits, white space around them; null for anything else. */
export function readKey(text: string): Uint8Array | null {
  const hex = text.trim();
  if (!/^[0-9a-f]{64}$/i.test(hex)) return null;
  return Uint8Array.from({ length: 32 }, (_, index) => Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16));
}

/** As a key file holds it. */
export function keyText(key: Uint8Array): string {
  return Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function codeOf(mac: Uint8Array): string {
  return base32(mac, codeLength);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The first `length` characters of RFC 4648 base32. */
function base32(bytes: Uint8Array, length: number): string {
  let text = '';
  for (let bit = 0; text.length < length; bit += 5) {
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += alphabet[(pair >> (11 - (bit & 7))) & 31] ?? '';
  }
  return text;
}

/** Host names are one name in any case. */
function nameOf(device: string): string {
  return device.trim().toLowerCase();
}

/** JSON, so that no two lists of parts are one text; percent-encoded, as core knows no TextEncoder. */
function bytesOf(parts: readonly (string | number)[]): Uint8Array {
  const text = encodeURIComponent(JSON.stringify(parts));
  return Uint8Array.from(text, (sign) => sign.charCodeAt(0));
}
