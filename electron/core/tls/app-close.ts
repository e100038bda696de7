// How an app left a finished handshake without a word of data: whether records came behind its Finished, from sizes alone.
// Not for alerts: those Node reports by number. It reports close_notify and a bare FIN alike.

/** Wire sizes of a TLS 1.3 client's last flight alone: Finished with a hash of 32 or 48 bytes, JSSE's 16 bytes of padding, ChangeCipherSpec. */
const bareFinished13 = new Set([58, 74, 90].flatMap((size) => [size, size + 6]));

/**
 * True when an app that sent no data put a record (close_notify) behind its Finished. `bytesAfterLeaf`: what the app sent after our
 * flight; `bytesAfterFinished`: the part of it that came after the handshake was over. In TLS 1.3 a quick goodbye may arrive in one
 * piece with Finished and count with it; in TLS 1.2 the app waits for our Finished first.
 */
export function saidGoodbye(version: 'TLSv1.2' | 'TLSv1.3', bytesAfterLeaf: number, bytesAfterFinished: number): boolean {
  return bytesAfterFinished > 0 || (version === 'TLSv1.3' && !bareFinished13.has(bytesAfterLeaf));
}
