// Reads what a stapled OCSP response (RFC 6960) says. Not a verifier: a server that shows that its own certificate was revoked is believed
// whoever signed it, and nothing is trusted for a good answer. Criterion A8 (SECURITY.md).
import { children, sequence } from './der.ts';

/** True when any certificate in the response is revoked; false for good, unknown, and whatever cannot be read. Never throws. */
export function saysRevoked(response: Uint8Array): boolean {
  const [, wrapped] = sequence(response) ?? [];
  const [, basic] = wrapped?.tag === 0xa0 ? sequence(wrapped.content) ?? [] : [];
  const [data] = basic?.tag === 4 ? sequence(basic.content) ?? [] : [];
  const parts = data?.tag === 0x30 ? children(data.content) ?? [] : [];
  // Version and responder are tagged, the time is a time: the only plain sequence holds the answers.
  const answers = parts.find(({ tag }) => tag === 0x30);
  return (answers === undefined ? [] : children(answers.content) ?? []).some((answer) => {
    const [, status] = answer.tag === 0x30 ? children(answer.content) ?? [] : [];
    return status?.tag === 0xa1;
  });
}
