// Tells what changed, in order, to whoever listens (control streams). Events only tell; nothing here decides or waits.
import type { AgentEvent } from '../../contract/snapshot.ts';

/** An event before it has its place in the order. */
export type Change = AgentEvent extends infer E ? (E extends { sequence: number } ? Omit<E, 'sequence'> : never) : never;

export type EventBus = {
  publish(change: Change): void;
  /** Sequence of the newest event. */
  sequence(): number;
  /** Answers the unsubscribe. A listener must not throw and must not block. */
  subscribe(listener: (event: AgentEvent) => void): () => void;
};

export function createEventBus(): EventBus {
  const listeners = new Set<(event: AgentEvent) => void>();
  let sequence = 0;
  return {
    publish: (change) => {
      sequence += 1;
      const event = { sequence, ...change } as AgentEvent;
      for (const listener of listeners) listener(event);
    },
    sequence: () => sequence,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
