// What the tray hears of the window's bundle: progress, preview, file, end. Not for how the tray words it (tray-model.test.ts).
import { expect, test } from 'vitest';
import type { BundleJob } from '../../electron/contract/jobs.ts';
import { createBundleWork } from '../../electron/main/bundle-work.ts';
import type { BundleParts, BundleState, BundleWork } from '../../electron/main/bundle-work.ts';
import { until } from '../support/tunnel.ts';

const job: BundleJob = { id: 'j', phase: 'collecting', done: 3, total: 11, unit: 'sources', manifest: null, fileName: null, key: null, sealed: false, error: null };
const working = { kind: 'working', phase: 'collecting', done: 3, total: 11 };

/** Work whose every state is kept, and which jobs it ended. */
function watched(parts: Partial<BundleParts> = {}): { readonly work: BundleWork; readonly seen: BundleState[]; readonly ended: string[] } {
  const seen: BundleState[] = [];
  const ended: string[] = [];
  const work: BundleWork = createBundleWork({ cancel: async (id) => void ended.push(id), onChange: () => seen.push(work.state()), ...parts });
  return { work, seen, ended };
}

test.each<[string, (work: BundleWork) => void, readonly unknown[]]>([
  ['how far it is', (work) => work.heard({ job }), [working]],
  ['where it was written', (work) => { work.heard({ job }); work.saved('/home/ada/a.zip'); }, [working, { kind: 'saved', path: '/home/ada/a.zip' }]],
  ['a person who chooses no place still has the preview', (work) => { work.heard({ job: { ...job, phase: 'ready' } }); work.saved(null); }, [{ ...working, phase: 'ready' }]],
  ['one that the window ended', (work) => { work.heard({ job }); work.heard({ job: { ...job, phase: 'cancelled' } }); }, [working, { kind: 'none' }]],
  ['one that failed', (work) => { work.heard({ job }); work.heard({ job: { ...job, phase: 'failed' } }); }, [working, { kind: 'none' }]],
  ['closing the preview afterwards does not take away where it lies', (work) => { work.heard({ job }); work.saved('/a.zip'); work.heard({ job: { ...job, phase: 'cancelled' } }); },
    [working, { kind: 'saved', path: '/a.zip' }]],
  ['the end of an earlier one is no end of this', (work) => { work.heard({ job }); work.heard({ job: { ...job, id: 'i', phase: 'cancelled' } }); }, [working]],
  ['answers to other questions say nothing', (work) => { for (const answer of [null, 'x', { rows: [] }, { job: null }, { job: 'j' }, { job: { id: 1 } }]) work.heard(answer); }, []],
])('tells %s', (_name, happen, states) => {
  const { work, seen } = watched();
  happen(work);
  expect(seen).toEqual(states);
});

test('cancelling ends the job in the agent once, and is nothing without one', async () => {
  const { work, ended } = watched();
  await work.cancel();
  work.heard({ job });
  await work.cancel();
  await work.cancel();
  expect([ended, work.state()]).toEqual([['j'], { kind: 'none' }]);
});

test('a bundle of which nothing more is heard is forgotten: its window was closed', async () => {
  const { work } = watched({ quietMs: 20 });
  work.heard({ job });
  await until('the end', () => work.state().kind === 'none');
});
