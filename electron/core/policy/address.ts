// What kind of address an IP literal is: which ones a loopback proxy must not open to web pages. Criterion E2 (SECURITY.md).
// Not for names: those are resolved first, and the address that is dialled is the one that counts.

export type AddressKind = 'public' | 'private' | 'loopback' | 'link-local' | 'unspecified' | 'metadata' | 'multicast' | 'reserved';

/** 4 or 16 bytes of an IPv4 or IPv6 literal; null for anything else. Zone ids are not accepted. */
export function addressBytes(text: string): Uint8Array | null {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

/** The kind of an address; IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4) is judged as the IPv4 address it reaches. */
export function addressKind(bytes: Uint8Array): AddressKind {
  if (bytes.length === 4) return ipv4Kind(bytes);
  const word = (index: number): number => ((bytes[index * 2] as number) << 8) | (bytes[index * 2 + 1] as number);
  const leadingZeros = (count: number): boolean => bytes.subarray(0, count).every((byte) => byte === 0);
  if (leadingZeros(16)) return 'unspecified';
  if (leadingZeros(15) && bytes[15] === 1) return 'loopback';
  if (leadingZeros(10) && word(5) === 0xffff) return ipv4Kind(bytes.subarray(12));
  if (leadingZeros(12)) return ipv4Kind(bytes.subarray(12));
  // RFC 6052 (64:ff9b::/96) and RFC 8215 (64:ff9b:1::/48)
  if (word(0) === 0x64 && word(1) === 0xff9b) return ipv4Kind(bytes.subarray(12));
  if (word(0) === 0x2002) return ipv4Kind(bytes.subarray(2, 6));
  // fd00:ec2::254 is the metadata service of AWS over IPv6; fd20:ce::254 that of Google Cloud.
  if ((word(0) === 0xfd00 && word(1) === 0x0ec2 && word(7) === 0x254) || (word(0) === 0xfd20 && word(1) === 0xce && word(7) === 0x254)) return 'metadata';
  if ((word(0) & 0xfe00) === 0xfc00) return 'private';
  if ((word(0) & 0xffc0) === 0xfe80) return 'link-local';
  if ((word(0) & 0xffc0) === 0xfec0) return 'private';
  if ((word(0) & 0xff00) === 0xff00) return 'multicast';
  return (word(0) & 0xe000) === 0x2000 ? 'public' : 'reserved';
}

function ipv4Kind(bytes: Uint8Array): AddressKind {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  if (a === 0) return 'unspecified';
  if (a === 127) return 'loopback';
  if (a === 169 && b === 254) return c === 169 && d === 254 ? 'metadata' : 'link-local';
  // Metadata services outside link-local: Alibaba 100.100.100.200, Oracle 192.0.0.192, Azure's wire server 168.63.129.16.
  if ((a === 100 && b === 100 && c === 100 && d === 200) || (a === 192 && b === 0 && c === 0 && d === 192) || (a === 168 && b === 63 && c === 129 && d === 16)) return 'metadata';
  if (a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b <= 127)) return 'private';
  if (a >= 224 && a <= 239) return 'multicast';
  return a >= 240 || (a === 192 && b === 0 && c === 0) ? 'reserved' : 'public';
}

function ipv4Bytes(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return null;
  return Uint8Array.from(parts.map(Number));
}

function ipv6Bytes(text: string): Uint8Array | null {
  let plain = text;
  const tail = plain.slice(plain.lastIndexOf(':') + 1);
  if (tail.includes('.')) {
    const v4 = ipv4Bytes(tail);
    if (v4 === null) return null;
    const [a = 0, b = 0, c = 0, d = 0] = v4;
    plain = `${plain.slice(0, -tail.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) return null;
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':'));
  const left = groups(halves[0] as string);
  const right = halves.length === 2 ? groups(halves[1] as string) : [];
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...left, ...Array.from({ length: halves.length === 2 ? missing : 0 }, () => '0'), ...right];
  if (all.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return null;
  return Uint8Array.from(all.flatMap((group) => { const value = Number.parseInt(group, 16); return [value >> 8, value & 0xff]; }));
}
