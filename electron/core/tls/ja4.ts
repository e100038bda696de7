// JA4: the fingerprint of a TLS client's library (FoxIO, BSD-3; not JA4S/H/X, which are licensed otherwise).
// Not an identity: it names the library, not the app.
import { isGrease, type ClientHello } from './client-hello.ts';

/**
 * The JA4 string of a hello that arrived over TCP, e.g. `t13d1517h2_8daaf6152771_cb7bf5808d99`.
 * `sha256Hex`: lower-case hex digest of a UTF-8 text.
 */
export function ja4(hello: ClientHello, sha256Hex: (text: string) => string): string {
  const ciphers = hello.cipherSuites.filter((suite) => !isGrease(suite));
  const extensions = hello.extensions.filter((type) => !isGrease(type));
  const version = versionWord(Math.max(...hello.versions, 0));
  const sni = extensions.includes(0) ? 'd' : 'i';
  const head = `t${version}${sni}${count(ciphers.length)}${count(extensions.length)}${alpnWord(hello.alpn[0])}`;
  const sortedCiphers = ciphers.map(hex4).sort().join(',');
  // SNI and ALPN are left out of the hash, so that the same library at another host keeps its fingerprint.
  const sortedExtensions = extensions.filter((type) => type !== 0 && type !== 16).map(hex4).sort().join(',');
  const algorithms = hello.signatureAlgorithms.filter((algorithm) => !isGrease(algorithm)).map(hex4).join(',');
  const tail = algorithms === '' ? sortedExtensions : `${sortedExtensions}_${algorithms}`;
  const hash = (text: string, empty: boolean): string => (empty ? '000000000000' : sha256Hex(text).slice(0, 12));
  return `${head}_${hash(sortedCiphers, ciphers.length === 0)}_${hash(tail, tail === '')}`;
}

function versionWord(version: number): string {
  const words: Record<number, string> = { 0x0304: '13', 0x0303: '12', 0x0302: '11', 0x0301: '10', 0x0300: 's3', 0x0002: 's2' };
  return words[version] ?? '00';
}

function alpnWord(first: string | undefined): string {
  if (first === undefined || first === '') return '00';
  const ends = [first.charCodeAt(0), first.charCodeAt(first.length - 1)];
  if (ends.every((code) => /[0-9A-Za-z]/.test(String.fromCharCode(code)))) return String.fromCharCode(...ends);
  const hex = Array.from(first, (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  return `${hex.charAt(0)}${hex.charAt(hex.length - 1)}`;
}

function count(n: number): string {
  return String(Math.min(n, 99)).padStart(2, '0');
}

function hex4(value: number): string {
  return (value + 0x10000).toString(16).slice(1);
}
