// The kept handshakes as a capture file for Wireshark. Not for keeping them (events/handshake-log) or for the format (core/diagnostics/pcapng).
import { writePcapng, type Conversation } from '../../core/diagnostics/pcapng.ts';
import { redactText, type RedactOptions } from '../../core/diagnostics/redact.ts';
import { alertName } from '../../core/tls/alerts.ts';
import { explainOutcome } from '../../core/explain.ts';
import type { RefusedHandshake } from '../events/handshake-log.ts';

/** `id`: the bundle's. Names stand in it as they were on the wire. */
export function captureFile(handshakes: readonly RefusedHandshake[], id: string, redact: RedactOptions): Buffer {
  const words = (text: string): string => redactText(text, redact).text;
  const conversations = handshakes.map((shake): Conversation => ({
    client: shake.client, server: shake.server,
    segments: [
      {
        from: 'client', at: shake.at, bytes: shake.hello,
        comment: words(`Connection ${shake.connection}: ${shake.appName ?? 'unknown app'} at ${shake.host}. The app's ClientHello to Pinlight, byte for byte. `
          + `It was shown a certificate made by Pinlight (SHA-256 ${shake.leaf}, ${shake.tlsVersion}). ${explainOutcome(shake.outcome)}`),
      },
      ...(shake.alert === null ? [] : [{
        from: shake.alertBy === 'agent' ? 'server' as const : 'client' as const, at: shake.endedAt, bytes: Uint8Array.of(21, 3, 3, 0, 2, 2, shake.alert),
        comment: `Alert ${shake.alert}, ${alertName(shake.alert)}. Written from its number: on the wire it may have been encrypted (TLS 1.3). Pinlight's own flight before it is not kept.`,
      }]),
    ],
  }));
  const comment = `Pinlight bundle ${id}: ${handshakes.length} refused handshakes between apps and Pinlight. Packet heads are written afterwards; no payload.`;
  return Buffer.from(writePcapng(conversations, comment, (text) => new TextEncoder().encode(text)));
}
