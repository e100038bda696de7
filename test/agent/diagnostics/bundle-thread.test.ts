// The thread a bundle is made in: the same bundle as without it, the caller's own thread free meanwhile, and its end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assembleBundle, type Bundle } from '../../../electron/agent/diagnostics/bundle.ts';
import { packInThread } from '../../../electron/agent/diagnostics/bundle-thread.ts';
import { collectAll, type BundleProgress, type Collection } from '../../../electron/agent/diagnostics/collectors.ts';
import { logSource } from '../../../electron/agent/diagnostics/log-source.ts';
import { openForReading } from '../../../electron/agent/store/open-for-reading.ts';
import { now } from '../../core/diagnostics/device-fixture.ts';
import { fillStore } from '../../bench/log-store.ts';
import { bundleOptions, deviceSources } from './sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'pinlight-thread-'));
const log = { path: join(folder, 'pinlight.db'), uid: null };
const sources = deviceSources({ logTail: async (max) => '{"level":30,"msg":"connection 17 from curl to https://a.example/x?y=1 was bypassed"}\n'.repeat(max / 90) });
const nobody: BundleProgress = () => undefined;
const never = new AbortController().signal;
let found: Collection;

beforeAll(async () => {
  fillStore(log.path, 20_000, now);
  found = await collectAll(sources, 10_000, nobody);
}, 60_000);
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function contents({ files }: Bundle): Map<string, string> {
  return new Map(files.map(({ name, packed }) => [name, inflateRawSync(Buffer.concat(packed)).toString()]));
}

describe('a bundle out of the thread', () => {
  it.each<'shown' | 'pseudonyms'>(['shown', 'pseudonyms'])('is the one that is made without it, names %s', { timeout: 60_000 }, async (names) => {
    const options = { ...bundleOptions, names };
    const database = openForReading(log.path);
    const there = contents(await packInThread({ found, log, options }, nobody, never));
    const here = contents(await assembleBundle({ ...sources, connections: logSource(() => database, null, now) }, options));
    database.close();
    expect([...there.keys()]).toEqual([...here.keys()]);
    // What is asked of this machine at two moments differs, and the pages that hold its hash.
    for (const [name, content] of here) if (!['system.json', 'manifest.json', 'report.html'].includes(name)) expect([name, there.get(name)]).toEqual([name, content]);
    expect(there.get('connections.ndjson')?.split('\n').length).toBeGreaterThan(2_500);
  });

  it('leaves the caller\'s own thread free, with 20,000 rows and a log of 2 MB to do', { timeout: 60_000 }, async () => {
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    await packInThread({ found, log, options: bundleOptions }, nobody, never);
    clearInterval(timer);
    // Work on this thread would end before the timer comes again.
    longest = Math.max(longest, performance.now() - last);
    expect(longest).toBeLessThan(500);
  });

  it('tells how far it is, and ends where it is when it is cancelled', { timeout: 60_000 }, async () => {
    const ended = new AbortController();
    const steps: number[] = [];
    const making = packInThread({ found, log, options: bundleOptions }, (phase, done) => {
      if (phase === 'redacting') steps.push(done);
      if (done === 9) ended.abort();
    }, ended.signal);
    await expect(making).rejects.toMatchObject({ name: 'AbortError' });
    expect(steps.slice(0, 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(steps).not.toContain(13);
    const told = steps.length;
    await new Promise((done) => setTimeout(done, 300));
    expect(steps).toHaveLength(told);
  });

  it('without a database has all but the connections, and says why', { timeout: 60_000 }, async () => {
    const { manifest } = await packInThread({ found, log: { path: join(folder, 'none.db'), uid: null }, options: bundleOptions }, nobody, never);
    expect(manifest.notCollected).toEqual([{ name: 'connections.ndjson', because: expect.stringContaining('it failed: ') }]);
  });
});
