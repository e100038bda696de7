// A leaf for `localhost` under the device's root, with which handshakes are tried out: by programs (control/handshake-check) and by ourselves
// (tls-selftest). Not for apps' connections (leaf-contexts.ts).
import { createHash, generateKeyPairSync } from 'node:crypto';
import { PinlightError } from '../../contract/errors.ts';
import { leafValidity } from '../../core/ca/leaf-profile.ts';
import type { Authority } from './authority.ts';
import type { IssuedLeaf } from './leaf-contexts.ts';
import { mintLeaf, pem } from './mint.ts';

/** PEM. `stranger` has the same names and key, and is signed by nobody anyone trusts. */
export type CheckLeaves = { readonly key: string; readonly own: string; readonly stranger: string };

/** `now`: ms since the epoch; valid for `livesMs`. `onIssue` is told of the one under the root. Throws PinlightError where the root can sign nothing. */
export function mintCheckLeaves(root: Authority, now: number, livesMs: number, onIssue: (leaf: Omit<IssuedLeaf, 'bytes'>) => void): CheckLeaves {
  const validity = leafValidity(now, now + livesMs, root);
  if (validity.kind === 'impossible') throw new PinlightError('root-unusable', validity.why);
  const { notBefore, notAfter } = validity;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leafBy = (rootKey: Authority['key']): Buffer => mintLeaf({
    rootKey, issuer: root.subjectDer, rootKeyId: root.keyId, publicKey, name: { kind: 'dns', name: 'localhost' }, notBefore, notAfter,
  });
  const own = leafBy(root.key);
  onIssue({ sha256: createHash('sha256').update(own).digest('hex'), host: 'localhost', upstreamHash: '', rule: null, notBefore, notAfter });
  const stranger = leafBy(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  return { key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), own: pem(own), stranger: pem(stranger) };
}
