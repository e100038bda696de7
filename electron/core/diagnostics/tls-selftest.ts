// What the agent's own handshakes under the root of this device must show. Pure. Not for making them (agent/ca/tls-selftest).

/** One handshake in the agent itself, as the app's leg of an inspected connection makes them. */
export type SelfTestRow = {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** The certificate is signed by the root of this device; else by a stranger that must be refused. */
  readonly under: 'the root' | 'a stranger';
  readonly outcome: 'established' | 'refused' | 'failed';
  readonly cipher: string | null;
  /** Why it was refused, or failed; a code of OpenSSL or Node. */
  readonly code: string | null;
  readonly ms: number;
};

/** What is not as it must be, a sentence each: nobody accepts a stranger, and who knows the root accepts it. */
export function selfTestFaults(rows: readonly SelfTestRow[]): readonly string[] {
  return rows.filter(({ under, outcome }) => outcome !== (under === 'the root' ? 'established' : 'refused')).map(({ version, under, outcome, code }) => (
    `${version}, a certificate under ${under}: ${outcome}${code === null ? '' : ` (${code})`}`));
}
