// Fuzz targets for what reads DER: elements, whole certificates in a chain, stapled answers, revocation lists. Signatures are OpenSSL's, not ours.
import { createHash } from 'node:crypto';
import { mintRoot, pem } from '../../../electron/agent/ca/mint.ts';
import { readCertificate } from '../../../electron/core/ca/certificate.ts';
import { whyChainNotTrusted, type ChainLimits, type ChainLink } from '../../../electron/core/ca/chain.ts';
import { bitString, boolean, children, element, sequence, smallInteger, time } from '../../../electron/core/ca/der.ts';
import { ipText } from '../../../electron/core/ca/extensions.ts';
import { readRevocationList, whyRevoked } from '../../../electron/core/ca/revocation.ts';
import { checkServerName } from '../../../electron/core/ca/server-name.ts';
import { saysRevoked } from '../../../electron/core/ca/stapled-status.ts';
import { pinlightRootsIn } from '../../../native/trust-store/pinlight-roots.ts';
import { authority, constraints, day, dns, extension, keyOf, nameOf, ocspResponse, policies, revocationList, revokedEntry, server, tlv, type Made } from '../../security/workshop.ts';
import type { Target } from '../engine.ts';
import { insist, once, tokens } from '../insist.ts';

const words = [
  '3000', '308180', '30820100', '3080', '3084ffffffff', '0500', '0101ff', '020100', '0282', '030100', '0303070080', '0603551d11', '0603551d1e', '0603551d13',
  '0603551d0f', '0603551d25', '0603551d20', '06082b06010505070301', '820b612e6578616d706c652e', '8704c0000201', 'a0', 'a1', 'a3', 'a4', '170d', '180f', '0c', '13', '1e', '2a2e',
].map((hex) => Buffer.from(hex, 'hex'));

type Stage = { readonly leaf: Made; readonly middle: Made; readonly root: Made; readonly limited: Made; readonly links: readonly ChainLink[] };
const stage = once((): Stage => {
  const root = authority('Fuzz root');
  const middle = authority('Fuzz middle', root);
  const limited = authority('Fuzz limited', root, { more: [constraints({ permitted: [dns('example'), tlv(0xa4, nameOf('server'))], excluded: [dns('bad.example')] })] });
  const leaf = server(['a.example', '*.b.example', '192.0.2.1'], middle, { more: [policies('1.2.3'), extension('1.2.3.4', Buffer.from([5, 0]))] });
  return { leaf, middle, root, limited, links: [leaf, middle, root].map(({ der }) => link(der)) };
});
const limits: ChainLimits = { publicRoot: true, ownSpkiHash: '00', isPublicSuffix: (name) => name === 'co.uk' };
const now = Date.now();

function link(der: Uint8Array): ChainLink {
  const read = readCertificate(der);
  return { read, size: der.length, spkiHash: read.kind === 'certificate' ? createHash('sha256').update(read.facts.spki).digest('hex') : '' };
}

const der: Target = {
  name: 'der', files: ['core/ca/der.ts'], words, limit: 4_000,
  get seeds() { return [stage().leaf.der, stage().limited.der]; },
  run: (input) => walk(input, 0),
};

/** Every element on every level, by every reader. */
function walk(bytes: Uint8Array, depth: number): void {
  insist(sequence(bytes) === null || bytes[0] === 0x30, 'a sequence begins with its tag');
  for (const part of children(bytes) ?? []) {
    insist(part.next <= bytes.length && part.whole.length >= part.content.length + 2, 'an element lies within its bytes');
    insist(element(part.whole, 0)?.content.length === part.content.length, 'an element alone is the same element');
    const number = smallInteger(part);
    insist(number === null || (Number.isInteger(number) && number >= 0), 'a small integer is one');
    const at = time(part);
    insist(at === null || Number.isInteger(at), 'a time is one');
    boolean(part);
    const bits = bitString(part);
    insist(bits === null || bits.length < part.content.length, 'the bits are less than the content');
    if (depth < 40) walk(part.content, depth + 1);
  }
}

const certificate: Target = {
  name: 'certificate', files: ['core/ca/certificate.ts', 'core/ca/extensions.ts', 'core/ca/chain.ts', 'core/ca/name-constraints.ts', 'core/ca/server-name.ts'], words, limit: 4_000,
  get seeds() { const { leaf, middle, root, limited } = stage(); return [leaf, middle, root, limited, server(['a.example', '192.0.2.1'], limited)].map((made) => made.der); },
  run: (input) => {
    const { links: [leaf, middle, root], limited } = stage();
    const own = link(input);
    if (own.read.kind === 'certificate') {
      insist(own.read.facts.notBefore <= Number.MAX_SAFE_INTEGER, 'has dates that are numbers');
      for (const name of own.read.facts.names ?? []) insist(name.kind === 'ip' || /^[!-~]*$/.test(name.name), 'names hosts in printable letters');
      checkServerName('a.example', null, own.read.facts.names, limits.isPublicSuffix);
    }
    for (const chain of [[own, middle, root], [leaf, own, root], [leaf, middle, own], [own, link(limited.der), root], [own], [own, own, own]]) {
      const why = whyChainNotTrusted(chain as ChainLink[], 'a.example', now, limits);
      insist(why === null || why.length > 3, 'has a reason in words');
      if (why === null) insist(own.read.kind === 'certificate', 'nothing unreadable is trusted');
    }
  },
};

const stapled: Target = {
  name: 'stapled', files: ['core/ca/stapled-status.ts'], words, limit: 4_000,
  get seeds() { const { leaf, middle } = stage(); return [ocspResponse(leaf, middle, 'revoked'), ocspResponse(leaf, middle, 'good')]; },
  run: (input) => insist(typeof saysRevoked(input) === 'boolean', 'has a yes or no'),
};

const revocation: Target = {
  name: 'revocation', files: ['core/ca/revocation.ts'], words: [...words, Buffer.from('170d3236303130313030303030305a', 'hex'), Buffer.from('0603551d1b0101ff', 'hex')], limit: 4_000,
  get seeds() {
    const { leaf, middle, root } = stage();
    return [revocationList(middle, [leaf, revokedEntry(root, extension('2.5.29.21', Buffer.from([0x0a, 1, 1])))]), revocationList(root, [middle], { version: 0, nextUpdate: null }), revocationList(root, [])];
  },
  run: (input) => {
    const read = readRevocationList(input);
    if (read.kind === 'unusable') return insist(read.why.length > 3, 'has a reason in words');
    insist(read.list.revoked.size * 6 <= input.length, 'lists no more than it has room for');
    const why = whyRevoked(stage().links, () => [{ list: read.list, vouches: true }], 'refuse', now);
    insist(why === null || why.length > 3, 'has a sentence');
  },
};

const roots: Target = {
  name: 'roots', files: ['native/trust-store/pinlight-roots.ts'], limit: 8_000,
  words: tokens(['-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '-----BEGIN TRUSTED CERTIFICATE-----', 'Pinlight root for ', '\n', 'MII', '=']),
  get seeds() {
    const { publicKey, privateKey } = keyOf('p256', 'fuzz');
    const ours = mintRoot({ key: privateKey, publicKey, commonName: 'Pinlight root for fuzz', notBefore: now - day, notAfter: now + day });
    return [Buffer.from(pem(ours)), Buffer.from(`# a comment\n${pem(ours)}\n${stage().root.pem}`), ours];
  },
  run: (input) => {
    for (const { name } of pinlightRootsIn(Buffer.from(input))) insist(name.startsWith('CN=Pinlight root for '), 'takes only roots of ours');
    insist(ipText(input) === null || input.length === 4 || input.length === 16, 'only addresses are addresses');
  },
};

export const certificateTargets: readonly Target[] = [der, certificate, stapled, revocation, roots];
