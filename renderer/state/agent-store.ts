// The last snapshot of the agent and how fresh it is, fed by the bridge. Changes are applied in batches, so a busy agent costs
// ten paints a second at most. Not for what a person has open or typed (ui-store, connections/feed).
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type { BridgeSignal } from '../../electron/contract/bridge.ts';
import { hasGap, reduce } from '../../electron/contract/snapshot.ts';
import type { AgentEvent, Snapshot } from '../../electron/contract/snapshot.ts';

/** What the screens know about the agent. `asOf`: when the snapshot was last known to be true, ms since the epoch. */
export type AgentView = {
  readonly link: 'loading' | 'live' | 'disconnected';
  readonly snapshot: Snapshot | null;
  readonly asOf: number | null;
  /** Why the agent cannot be reached; null while it can. */
  readonly why: string | null;
};

export type AgentStore = StoreApi<AgentView>;

/** Ten batches a second: faster than a person reads, slow enough to stay smooth. */
const batchMs = 100;
/** While a new snapshot is on its way; beyond this many events asking again is cheaper than replaying. */
const heldEvents = 5_000;

/** The two things the store needs of a bridge. `status` rejects with PinlightError. */
export type AgentSource = {
  readonly watch: (listener: (signal: BridgeSignal) => void) => () => void;
  readonly status: () => Promise<Snapshot>;
};

/** Watches the agent and keeps the store current; `close` ends it. */
export function connectAgent(source: AgentSource): { readonly store: AgentStore; readonly close: () => void } {
  const store = createStore<AgentView>(() => ({ link: 'loading', snapshot: null, asOf: null, why: null }));
  let waiting: AgentEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;
  let resyncing = false;

  const unsubscribe = source.watch(receive);
  return {
    store,
    close() {
      unsubscribe();
      if (timer !== null) clearTimeout(timer);
    },
  };

  function receive(signal: BridgeSignal): void {
    if (signal.kind === 'disconnected') {
      flush();
      store.setState({ link: 'disconnected', why: signal.why });
    } else if (signal.kind === 'snapshot') {
      waiting = [];
      store.setState({ link: 'live', snapshot: signal.snapshot, asOf: Date.now(), why: null });
    } else if (signal.kind === 'heartbeat') {
      store.setState({ asOf: Date.now() });
    } else {
      waiting.push(signal);
      timer ??= setTimeout(flush, batchMs);
    }
  }

  function flush(): void {
    timer = null;
    let { snapshot } = store.getState();
    if (snapshot === null || resyncing || waiting.length === 0) return;
    const events = waiting;
    waiting = [];
    for (const [index, event] of events.entries()) {
      if (hasGap(snapshot, event)) {
        waiting = events.slice(index);
        void resync();
        break;
      }
      snapshot = reduce(snapshot, event);
    }
    store.setState({ snapshot, asOf: Date.now() });
  }

  async function resync(): Promise<void> {
    resyncing = true;
    try {
      const snapshot = await source.status();
      waiting = waiting.length > heldEvents ? [] : waiting.filter((event) => event.sequence > snapshot.sequence);
      store.setState({ snapshot, asOf: Date.now() });
    } catch {
      // The stream tells of a lost agent by itself; the held events wait for its next snapshot.
      waiting = [];
    } finally {
      resyncing = false;
      if (waiting.length > 0) timer ??= setTimeout(flush, batchMs);
    }
  }
}
