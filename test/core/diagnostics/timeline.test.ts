// Which moments stand in the report's timeline, and in which order.
import { describe, expect, it } from 'vitest';
import { timelineOf, type TimelineInput } from '../../../electron/core/diagnostics/timeline.ts';
import { audit, connections, hostile, now, snapshot } from './device-fixture.ts';

const minute = 60_000;
const input: TimelineInput = { createdAt: now, recording: null, note: null, connections, audit, warnings: snapshot.warnings };

describe('without a recording', () => {
  it('has the last hour: what went wrong and what changed, oldest first', () => {
    const entries = timelineOf(input);
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).toSorted((a, b) => a - b));
    expect(entries.filter(({ kind }) => kind === 'connection').map(({ text }) => text)).toEqual([
      expect.stringContaining('Pinlight itself'), expect.stringContaining('ENOTFOUND'), expect.stringContaining('does not verify'),
    ]);
    expect(entries.some(({ text }) => text === 'Pass through: dropbox, sync.dropbox.example.')).toBe(true);
  });

  it('has nothing older', () => {
    expect(timelineOf({ ...input, createdAt: now + 10 * 3600_000 })).toEqual([]);
  });
});

describe('with a recording', () => {
  it('has every connection between its marks and a moment around them, and no other', () => {
    const entries = timelineOf({ ...input, recording: { from: now - 4 * minute, to: now - 2 * minute }, note: 'sign-in fails' });
    expect(entries.map(({ kind, text }) => (kind === 'mark' ? text : kind)).toSorted()).toEqual([
      'Recording began: sign-in fails', 'connection', 'connection', 'connection', 'change', 'Recording ended.',
    ].toSorted());
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).toSorted((a, b) => a - b));
  });
});

it('writes hostile names as they are: escaping is the page\'s', () => {
  expect(timelineOf({ ...input, recording: { from: now - 3 * minute, to: now } }).some(({ text }) => text.includes(hostile[2]))).toBe(true);
});

it('says nothing where nothing was collected', () => {
  expect(timelineOf({ ...input, connections: null, audit: null, warnings: null })).toEqual([]);
});
