// A map that keeps what was used last: the bound of everything the monitor remembers. Not for what is remembered.

export type RecentMap<K, V> = {
  /** Counts as use. */
  get(key: K): V | undefined;
  /** Does not count as use. */
  peek(key: K): V | undefined;
  /** Makes it the most recent one; beyond the limit the least recent one goes, and `onDropped` hears of it. */
  set(key: K, value: V): void;
  delete(key: K): void;
};

export function createRecentMap<K, V>(limit: number, onDropped: (value: V) => void = () => undefined): RecentMap<K, V> {
  const entries = new Map<K, V>();
  return {
    get: (key) => {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    peek: (key) => entries.get(key),
    set: (key, value) => {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= limit) return;
      const [oldest, dropped] = entries.entries().next().value as [K, V];
      entries.delete(oldest);
      onDropped(dropped);
    },
    delete: (key) => {
      entries.delete(key);
    },
  };
}
