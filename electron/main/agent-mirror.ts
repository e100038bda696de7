// Keeps the agent's state in this process: applies the event stream and passes it on to tray and windows.
// Not for reconnecting (the control client's watch does) or for starting the agent (agent-process).
import type { BridgeSignal } from '../contract/bridge.ts';
import { reduce } from '../contract/snapshot.ts';
import type { Snapshot } from '../contract/snapshot.ts';
import type { ControlClient } from '../client/control-client.ts';

export type AgentMirror = {
  /** The agent's state; null while no agent answers. */
  snapshot(): Snapshot | null;
  /** Gives the present state at once, then every signal as it comes. Returns the unsubscribe. */
  subscribe(listener: (signal: BridgeSignal) => void): () => void;
  /** Ends the stream; resolves when it has ended. Rejects with what a listener threw, which is a bug. */
  close(): Promise<void>;
};

/** Starts mirroring the agent behind `client`. */
export function createAgentMirror(client: Pick<ControlClient, 'watch'>): AgentMirror {
  const listeners = new Set<(signal: BridgeSignal) => void>();
  const closing = new AbortController();
  let snapshot: Snapshot | null = null;
  let why = 'Connecting to the agent.';

  const ended = client.watch((signal) => {
    switch (signal.kind) {
      case 'snapshot': snapshot = signal.snapshot; break;
      case 'disconnected':
        snapshot = null;
        why = signal.why;
        break;
      case 'heartbeat': break;
      // The client has seen to it that a snapshot came first and that nothing is missing in between.
      default: if (snapshot !== null) snapshot = reduce(snapshot, signal);
    }
    for (const listener of listeners) listener(signal);
  }, { signal: closing.signal });

  return {
    snapshot: () => snapshot,
    subscribe(listener) {
      listeners.add(listener);
      listener(snapshot === null ? { kind: 'disconnected', why } : { kind: 'snapshot', snapshot });
      return () => {
        listeners.delete(listener);
      };
    },
    close() {
      listeners.clear();
      closing.abort();
      return ended;
    },
  };
}
