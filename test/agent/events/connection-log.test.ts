// The counts of ended connections: by what was done, and nothing for a server that could not be reached.
import { expect, test } from 'vitest';
import { createConnectionLog } from '../../../electron/agent/events/connection-log.ts';
import { createEventBus } from '../../../electron/agent/events/event-bus.ts';
import { sampleRow } from '../../client/sample-state.ts';

test.each([
  ['an inspected connection', sampleRow(1, { disposition: 'inspect', outcome: { kind: 'established' } }), { inspect: 1, bypass: 0, block: 0, open: 0 }],
  ['one that was let through', sampleRow(1), { inspect: 0, bypass: 1, block: 0, open: 0 }],
  ['a host that could not be resolved', sampleRow(1, { reason: { code: 'upstream-failed', detail: 'ENOTFOUND' }, outcome: { kind: 'upstream', code: 'ENOTFOUND' } }), { inspect: 0, bypass: 0, block: 0, open: 0 }],
])('%s', (_name, row, counts) => {
  const log = createConnectionLog(createEventBus());
  log.opened();
  expect(log.counts()).toEqual({ inspect: 0, bypass: 0, block: 0, open: 1 });
  log.record(row, true);
  expect(log.counts()).toEqual(counts);
  expect(log.recent()).toEqual([row]);
});
