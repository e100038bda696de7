// Reads the values of the X.509 extensions that a chain is judged by (RFC 5280 section 4.2). A value that is not well-formed spoils the
// certificate, as in browsers, also in extensions that nothing is decided by. Not for what the values mean together (chain.ts).
import { bitString, boolean, children, hex, only, sequence, smallInteger, text, type Element } from './der.ts';

export type CertificateName = { readonly kind: 'dns'; readonly name: string } | { readonly kind: 'ip'; readonly address: string };

export type GeneralNames = {
  /** dNSName in lower case, and iPAddress; in order. */
  readonly names: readonly CertificateName[];
  /** directoryName: whole Name structures. */
  readonly directories: readonly Uint8Array[];
  /** Tags of all other kinds that are present (0x81 = mail address, 0x86 = URI, …). */
  readonly otherKinds: readonly number[];
};

export type Subtrees = {
  /** Lower case; '' is every name, a leading dot means names below only. */
  readonly dns: readonly string[];
  /** Address and mask of the same length. */
  readonly ips: readonly { readonly address: Uint8Array; readonly mask: Uint8Array }[];
  readonly directories: readonly Uint8Array[];
  readonly otherKinds: readonly number[];
};

export type NameConstraints = { readonly permitted: Subtrees | null; readonly excluded: Subtrees | null };

export type CertificateExtensions = {
  /** Object identifiers, hex, of critical extensions that are not in the list of what is understood. */
  readonly unknownCritical: readonly string[];
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | null } | null;
  /** First byte of keyUsage: 0x80 digitalSignature … 0x04 keyCertSign. */
  readonly keyUsage: number | null;
  /** Object identifiers, hex. */
  readonly extendedKeyUsage: readonly string[] | null;
  readonly subjectAltName: (GeneralNames & { readonly critical: boolean }) | null;
  readonly nameConstraints: NameConstraints | null;
  readonly keyId: Uint8Array | null;
  /** Object identifiers, hex, of certificatePolicies. */
  readonly policies: readonly string[] | null;
  /** How many more certificates may follow before a policy is demanded; null = never. */
  readonly requireExplicitPolicy: number | null;
  /** policyMappings or inhibitAnyPolicy: they only count where a policy is demanded. */
  readonly policyArithmetic: boolean;
};

type Extension = { readonly oid: string; readonly critical: boolean; readonly value: Uint8Array };

const id = {
  keyId: '551d0e', keyUsage: '551d0f', subjectAltName: '551d11', basicConstraints: '551d13', nameConstraints: '551d1e', policies: '551d20',
  policyMappings: '551d21', authorityKeyId: '551d23', policyConstraints: '551d24', extendedKeyUsage: '551d25', inhibitAnyPolicy: '551d36',
  authorityInfo: '2b06010505070101', microsoftPolicies: '2b0601040182371515',
} as const;

/** What Chromium processes, so that their being critical is no obstacle. Key identifiers and authorityInfo are not among them. */
const understood: ReadonlySet<string> = new Set([
  id.keyUsage, id.subjectAltName, id.basicConstraints, id.nameConstraints, id.policies, id.policyMappings, id.policyConstraints, id.extendedKeyUsage, id.inhibitAnyPolicy,
]);

/** All values, or the name of the extension that is not well-formed. `list`: every identifier once. */
export function readExtensionValues(list: readonly Extension[]): CertificateExtensions | string {
  const values = new Map(list.map((extension) => [extension.oid, extension]));
  let broken: string | null = null;
  const read = <T>(oid: string, name: string, parse: (value: Uint8Array, critical: boolean) => T | null): T | null => {
    const found = values.get(oid);
    if (found === undefined) return null;
    const value = parse(found.value, found.critical);
    if (value === null) broken ??= name;
    return value;
  };
  read(id.authorityInfo, 'authorityInfoAccess', readAuthorityInfo);
  read(id.authorityKeyId, 'authorityKeyIdentifier', readAuthorityKeyId);
  const constraints = read(id.policyConstraints, 'policyConstraints', readPolicyConstraints);
  const mappings = read(id.policyMappings, 'policyMappings', readPolicyMappings);
  const inhibit = read(id.inhibitAnyPolicy, 'inhibitAnyPolicy', (value) => onlyInteger(only(value, 2)));
  const extensions: CertificateExtensions = {
    unknownCritical: list.filter(({ oid, critical }) => critical && !understood.has(oid) && !(oid === id.microsoftPolicies && values.has(id.extendedKeyUsage))).map(({ oid }) => oid),
    basicConstraints: read(id.basicConstraints, 'basicConstraints', readBasicConstraints),
    keyUsage: read(id.keyUsage, 'keyUsage', readKeyUsage),
    extendedKeyUsage: read(id.extendedKeyUsage, 'extendedKeyUsage', readObjectIdentifiers),
    subjectAltName: read(id.subjectAltName, 'subjectAltName', (value, critical) => {
      const names = readGeneralNames(value);
      return names === null ? null : { ...names, critical };
    }),
    nameConstraints: read(id.nameConstraints, 'nameConstraints', readNameConstraints),
    keyId: read(id.keyId, 'subjectKeyIdentifier', (value) => only(value, 4)?.content ?? null),
    policies: read(id.policies, 'certificatePolicies', readPolicies),
    requireExplicitPolicy: constraints?.requireExplicitPolicy ?? null,
    policyArithmetic: mappings !== null || inhibit !== null,
  };
  return broken ?? extensions;
}

/** `192.0.2.1`, or eight lower-case groups without `::` for IPv6: a form to compare, not to show. Null for other lengths. */
export function ipText(bytes: Uint8Array): string | null {
  if (bytes.length === 4) return [...bytes].join('.');
  if (bytes.length !== 16) return null;
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] as number)).toString(16));
  return groups.join(':');
}

const tag = { mail: 0x81, dns: 0x82, directory: 0xa4, ip: 0x87 } as const;
/** otherName, mail address, X.400 address, EDI party, URI, registered identifier. */
const otherTags: readonly number[] = [0xa0, tag.mail, 0xa3, 0xa5, 0x86, 0x88];

/** A dNSName that is not printable ASCII spoils all: what hides a NUL or a space is no name. */
function readGeneralNames(value: Uint8Array): GeneralNames | null {
  const list = sequence(value);
  if (list === null || list.length === 0) return null;
  const names: CertificateName[] = [];
  const directories: Uint8Array[] = [];
  const otherKinds: number[] = [];
  for (const entry of list) {
    if (entry.tag === tag.dns) {
      const name = dnsText(entry);
      if (name === null) return null;
      names.push({ kind: 'dns', name });
    } else if (entry.tag === tag.ip) {
      const address = ipText(entry.content);
      if (address === null) return null;
      names.push({ kind: 'ip', address });
    } else if (entry.tag === tag.directory) {
      const name = only(entry.content, 0x30);
      if (name === null) return null;
      directories.push(name.whole);
    } else if (!otherTags.includes(entry.tag)) return null;
    else otherKinds.push(entry.tag);
  }
  return { names, directories, otherKinds };
}

function dnsText(entry: Element): string | null {
  return entry.content.some((byte) => byte < 0x21 || byte > 0x7e) ? null : text(entry.content).toLowerCase();
}

function readNameConstraints(value: Uint8Array): NameConstraints | null {
  const list = sequence(value);
  if (list === null || list.length === 0 || list.length > 2) return null;
  const [first, second] = list;
  const tags = list.map((part) => part.tag);
  if (!(tags.length === 2 ? tags[0] === 0xa0 && tags[1] === 0xa1 : tags[0] === 0xa0 || tags[0] === 0xa1)) return null;
  const permitted = first?.tag === 0xa0 ? readSubtrees(first.content) : null;
  const excludedPart = first?.tag === 0xa1 ? first : second;
  const excluded = excludedPart === undefined ? null : readSubtrees(excludedPart.content);
  return (first?.tag === 0xa0 && permitted === null) || (excludedPart !== undefined && excluded === null) ? null : { permitted, excluded };
}

/** GeneralSubtrees, at least one; `minimum` and `maximum` must be absent (RFC 5280 section 4.2.1.10). */
function readSubtrees(content: Uint8Array): Subtrees | null {
  const list = children(content);
  if (list === null || list.length === 0) return null;
  const dns: string[] = [];
  const ips: { address: Uint8Array; mask: Uint8Array }[] = [];
  const directories: Uint8Array[] = [];
  const otherKinds: number[] = [];
  for (const subtree of list) {
    const parts = subtree.tag === 0x30 ? children(subtree.content) : null;
    const base = parts?.[0];
    if (base === undefined || parts?.length !== 1) return null;
    if (base.tag === tag.dns) {
      const name = dnsText(base);
      if (name === null) return null;
      dns.push(name);
    } else if (base.tag === tag.ip) {
      const half = base.content.length / 2;
      const mask = base.content.subarray(half);
      if ((half !== 4 && half !== 16) || !/^1*0*$/.test(Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join(''))) return null;
      ips.push({ address: base.content.subarray(0, half), mask });
    } else if (base.tag === tag.directory) {
      const name = only(base.content, 0x30);
      if (name === null) return null;
      directories.push(name.whole);
    } else if (!otherTags.includes(base.tag)) return null;
    else otherKinds.push(base.tag);
  }
  return { dns, ips, directories, otherKinds };
}

function readBasicConstraints(value: Uint8Array): { ca: boolean; pathLength: number | null } | null {
  const list = sequence(value);
  if (list === null || list.length > 2) return null;
  const [first, second] = list;
  const hasFlag = first?.tag === 1;
  const length = hasFlag ? second : first;
  if (!hasFlag && second !== undefined) return null;
  const ca = hasFlag ? boolean(first) : false;
  const pathLength = length === undefined ? null : smallInteger(length);
  return ca === null || (length !== undefined && pathLength === null) ? null : { ca, pathLength };
}

/** At least one bit must be set (RFC 5280 section 4.2.1.3). */
function readKeyUsage(value: Uint8Array): number | null {
  const part = only(value, 3);
  const bits = part === null ? null : bitString(part);
  return bits === null || bits.length > 2 || !bits.some((byte) => byte !== 0) ? null : bits[0] as number;
}

function readObjectIdentifiers(value: Uint8Array): string[] | null {
  const list = sequence(value);
  return list === null || list.length === 0 || list.some((part) => part.tag !== 6) ? null : list.map((part) => hex(part.content));
}

function readPolicies(value: Uint8Array): string[] | null {
  const list = sequence(value);
  if (list === null || list.length === 0) return null;
  const found: string[] = [];
  for (const policy of list) {
    const [oid, qualifiers, ...more] = policy.tag === 0x30 ? children(policy.content) ?? [] : [];
    if (oid?.tag !== 6 || more.length > 0 || found.includes(hex(oid.content))) return null;
    if (qualifiers !== undefined && (qualifiers.tag !== 0x30 || !(children(qualifiers.content)?.every(isQualifier) ?? false) || qualifiers.content.length === 0)) return null;
    found.push(hex(oid.content));
  }
  return found;
}

function isQualifier(part: Element): boolean {
  const parts = part.tag === 0x30 ? children(part.content) : null;
  return parts?.length === 2 && parts[0]?.tag === 6;
}

function readPolicyMappings(value: Uint8Array): true | null {
  const list = sequence(value);
  const pairs = list?.map((pair) => (pair.tag === 0x30 ? children(pair.content) : null)) ?? [];
  return pairs.length > 0 && pairs.every((pair) => pair?.length === 2 && pair.every((part) => part.tag === 6)) ? true : null;
}

function readPolicyConstraints(value: Uint8Array): { requireExplicitPolicy: number | null } | null {
  const list = sequence(value);
  if (list === null || list.length === 0 || list.length > 2 || list.some((part) => part.tag !== 0x80 && part.tag !== 0x81)) return null;
  if (list.length === 2 && (list[0]?.tag !== 0x80 || list[1]?.tag !== 0x81)) return null;
  const counts = list.map((part) => onlyInteger({ ...part, tag: 2 }));
  if (counts.includes(null)) return null;
  return { requireExplicitPolicy: list[0]?.tag === 0x80 ? counts[0] ?? null : null };
}

function readAuthorityInfo(value: Uint8Array): true | null {
  const list = sequence(value);
  if (list === null || list.length === 0) return null;
  const sound = list.every((description) => {
    const [method, location, ...more] = description.tag === 0x30 ? children(description.content) ?? [] : [];
    return method?.tag === 6 && location !== undefined && more.length === 0 && (otherTags.includes(location.tag) || location.tag === tag.dns || location.tag === tag.ip || location.tag === tag.directory);
  });
  return sound ? true : null;
}

/** keyIdentifier, authorityCertIssuer, authorityCertSerialNumber: in order; the last two together or not at all. */
function readAuthorityKeyId(value: Uint8Array): true | null {
  const tags = sequence(value)?.map((part) => part.tag);
  return tags !== undefined && ['', '128', '128,161,130', '161,130'].includes(tags.join()) ? true : null;
}

function onlyInteger(part: Element | null): number | null {
  return part === null ? null : smallInteger(part);
}
