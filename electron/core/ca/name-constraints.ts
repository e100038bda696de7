// Does an authority's nameConstraints extension allow the names of a certificate below it? RFC 5280 section 4.2.1.10, as Chromium applies it.
// Not for comparing a certificate with the host (server-name.ts).
import type { CertificateFacts } from './certificate.ts';
import { children, element, hex, text, type Element } from './der.ts';
import type { NameConstraints, Subtrees } from './extensions.ts';

/** The first name that is not allowed, in words; null when all are. */
export function whyNameNotAllowed({ permitted, excluded }: NameConstraints, facts: CertificateFacts): string | null {
  const san = facts.extensions.subjectAltName;
  const kinds = new Set([...permitted?.otherKinds ?? [], ...excluded?.otherKinds ?? []]);
  // Mail addresses, URIs and the like are not computed: a name of a constrained kind is refused, as in Chromium.
  const unknown = san?.otherKinds.find((kind) => kinds.has(kind));
  if (unknown !== undefined || (kinds.has(mailKind) && hex(facts.subject).includes(mailAttribute))) return 'a name of a kind whose limits are not computed';
  for (const name of san?.names ?? []) {
    if (name.kind === 'dns') {
      const plain = name.name.endsWith('.') ? name.name.slice(0, -1) : name.name;
      if (!allowed(permitted, excluded, ({ dns }) => dns, (limit) => isBelow(plain, limit), (limit) => isBelow(plain, limit) || coversOneOf(plain, limit))) return name.name;
    } else if (!allowed(permitted, excluded, ({ ips }) => ips, (net) => inNet(name.address, net), (net) => inNet(name.address, net))) return name.address;
  }
  const subject = rdns(facts.subject);
  const directories = [...(subject?.length === 0 ? [] : [subject]), ...(san?.directories ?? []).map(rdns)];
  for (const directory of directories) {
    const under = (limit: Uint8Array): boolean => {
      const parts = rdns(limit);
      return parts !== null && directory !== null && parts.every((part, at) => part === directory[at]);
    };
    if (!allowed(permitted, excluded, (subtrees) => subtrees.directories, under, under)) return 'its subject';
  }
  return null;
}

const mailKind = 0x81;
const mailAttribute = '06092a864886f70d010901';

/** Excluded wins; a kind without permitted subtrees is free. */
function allowed<T>(
  permitted: Subtrees | null, excluded: Subtrees | null, pick: (subtrees: Subtrees) => readonly T[], isIn: (limit: T) => boolean, mayBeIn: (limit: T) => boolean,
): boolean {
  if (excluded !== null && pick(excluded).some(mayBeIn)) return false;
  const limits = permitted === null ? [] : pick(permitted);
  return limits.length === 0 || limits.some(isIn);
}

function isBelow(name: string, limit: string): boolean {
  return limit === '' || (limit.startsWith('.') ? name.endsWith(limit) : name === limit || name.endsWith(`.${limit}`));
}

/** `*.example.com` stands for `host.example.com` too, which may be excluded. */
function coversOneOf(name: string, limit: string): boolean {
  const dot = limit.indexOf('.');
  return name.startsWith('*.') && dot > 0 && limit.slice(dot + 1) === name.slice(2);
}

function inNet(address: string, net: { readonly address: Uint8Array; readonly mask: Uint8Array }): boolean {
  const bytes = bytesOf(address);
  return bytes.length === net.address.length && bytes.every((byte, at) => (byte & (net.mask[at] as number)) === ((net.address[at] as number) & (net.mask[at] as number)));
}

/** Of the form that `ipText` writes. */
function bytesOf(address: string): number[] {
  return address.includes(':') ? address.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]) : address.split('.').map(Number);
}

/** The RDNs of a Name, each as one comparable text: attribute values without regard to case, repeated blanks and string type. Null when broken. */
function rdns(name: Uint8Array): string[] | null {
  const sets = children(element(name, 0)?.content ?? name);
  return sets === null ? null : sets.map((set) => (children(set.content) ?? []).map((pair) => {
    const [type, value] = children(pair.content) ?? [];
    return `${type === undefined ? '' : hex(type.content)}=${value === undefined ? '' : comparable(value)}`;
  }).sort().join('+'));
}

/** UTF8String, PrintableString, IA5String, TeletexString, BMPString, UniversalString; other types byte for byte. */
function comparable(value: Element): string {
  const width = value.tag === 0x1e ? 2 : value.tag === 0x1c ? 4 : 1;
  if (![0x0c, 0x13, 0x14, 0x16, 0x1c, 0x1e].includes(value.tag)) return `${value.tag} ${hex(value.content)}`;
  // Wide types: what ASCII they hold is enough to compare with the other types; the rest stays as it is.
  const plain = width === 1 ? text(value.content) : text(value.content.filter((byte, at) => at % width === width - 1 || byte !== 0));
  return plain.toLowerCase().trim().replace(/ +/g, ' ');
}
