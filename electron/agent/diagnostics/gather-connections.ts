// The connections of a bundle: read page by page from the log's reading thread, chosen (core/diagnostics/connection-choice), and kept
// compressed until they are redacted. Kept, and not read twice: names are hidden only when all are known, and the log goes on meanwhile.
// Not for redacting (bundle.ts) and not for who may see which row (the source is the asker's).
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { ConnectionRow } from '../../contract/snapshot.ts';
import { createConnectionChooser, type ConnectionChoice } from '../../core/diagnostics/connection-choice.ts';
import type { Recording } from '../../core/diagnostics/manifest.ts';

export type ConnectionSource = {
  /** Newest first, ids below `before`, at most `limit` rows that fit the filter. */
  readonly page: (filter: string, before: number | null, limit: number) => Promise<readonly ConnectionRow[]>;
  readonly count: () => Promise<number>;
};

/** Names that stand in a field of their own. */
export type NamesMet = { readonly hosts: ReadonlySet<string>; readonly addresses: ReadonlySet<string>; readonly users: ReadonlySet<string> };

export type GatheredConnections = {
  readonly choice: ConnectionChoice;
  readonly names: NamesMet;
  /** One page after another, newest first; each is inflated when it is asked for. */
  readonly pages: () => AsyncGenerator<readonly ConnectionRow[]>;
};

export type GatherOptions = { readonly now: number; readonly recording: Recording | null; readonly limitMs: number; readonly signal: AbortSignal | undefined };

const pageRows = 250;
/** Before redaction; rows have some 700 bytes, and only hostile ones would come here. */
const mostBytes = 30 * 1024 * 1024;
const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** `limitMs`: what was found by then is kept. Rejects when not even the first page can be read. */
export async function gatherConnections(source: ConnectionSource, { now, recording, limitMs, signal }: GatherOptions): Promise<GatheredConnections> {
  const deadline = performance.now() + limitMs;
  const chooser = createConnectionChooser(now, recording);
  const names = { hosts: new Set<string>(), addresses: new Set<string>(), users: new Set<string>() };
  const kept: Buffer[] = [];
  let bytes = 0;
  let before: number | null = null;
  let cut = false;
  for (;;) {
    const filter = chooser.takesAll() ? '' : chooser.filter();
    if (filter === null) break;
    const rows: readonly ConnectionRow[] | null = await source.page(filter, before, pageRows).catch((thrown: unknown) => {
      if (before === null) throw thrown;
      return null;
    });
    if (rows === null || signal?.aborted === true || performance.now() > deadline || bytes > mostBytes) {
      cut = true;
      break;
    }
    const chosen = rows.filter((row) => chooser.choose(row) !== null);
    for (const { host, serverName, ip, user } of chosen) {
      for (const name of [host, serverName]) if (name !== null) names.hosts.add(name);
      if (ip !== null) names.addresses.add(ip);
      if (user !== null) names.users.add(user);
    }
    if (chosen.length > 0) {
      const text = JSON.stringify(chosen);
      bytes += text.length;
      kept.push(await deflate(text));
    }
    if (rows.length < pageRows) break;
    before = rows.at(-1)?.id ?? null;
  }
  const total = await source.count().catch(() => null);
  return {
    choice: chooser.choice(total, cut), names,
    pages: async function* () {
      for (const page of kept) yield JSON.parse((await inflate(page)).toString()) as readonly ConnectionRow[];
    },
  };
}
