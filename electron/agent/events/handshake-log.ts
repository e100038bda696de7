// The handshakes that apps refused lately, as bytes, in memory alone and only where policy asks for it (diagnostics.captureHandshakes).
// Not for payload: what is kept ends with the ClientHello. Off, it costs one comparison a connection.
import type { ConnectionOutcome } from '../../core/model.ts';

export type RefusedHandshake = {
  readonly connection: number;
  /** Milliseconds since the epoch: when the app's hello had come, and when the handshake was over. */
  readonly at: number;
  readonly endedAt: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
  readonly host: string;
  readonly appName: string | null;
  readonly user: string | null;
  /** The app's ClientHello as it came, with its record heads and not a byte more. */
  readonly hello: Uint8Array;
  readonly tlsVersion: string;
  /** SHA-256, hex, of the certificate it was shown. */
  readonly leaf: string;
  readonly outcome: ConnectionOutcome;
  readonly alert: number | null;
  readonly alertBy: 'client' | 'agent' | null;
};

export type HandshakeLog = {
  /** Whether handshakes are to be kept now. */
  readonly wanted: () => boolean;
  /** Keeps one; the oldest beyond the limit goes. */
  readonly keep: (handshake: RefusedHandshake) => void;
  /** Oldest first; none where policy has ended it. */
  readonly all: () => readonly RefusedHandshake[];
};

/** `limit`: how many policy allows now. */
export function createHandshakeLog(limit: () => number): HandshakeLog {
  let kept: readonly RefusedHandshake[] = [];
  const within = (list: readonly RefusedHandshake[]): readonly RefusedHandshake[] => (limit() === 0 ? [] : list.slice(-limit()));
  return {
    wanted: () => limit() > 0,
    keep: (handshake) => {
      kept = within([...kept, handshake]);
    },
    all: () => {
      kept = within(kept);
      return kept;
    },
  };
}
