// Recovery and the tools of a killed predecessor: it waits for them, and undoes nothing beside one that does not end. Real tools: test/cli/trust-killed.test.ts.
import { expect, test } from 'vitest';
import { recoverAfterTools } from '../../../native/undo-journal/after-tools.ts';
import type { Journal, Undone } from '../../../native/undo-journal/index.ts';

const undone: Undone = { subject: 'gnome', verb: 'on', left: [] };
function journal(hasUnfinished: boolean, told: string[]): Journal {
  return { hasUnfinished: () => hasUnfinished, recover: async () => { told.push('recovered'); return [undone]; } } as unknown as Journal;
}
const nothing = async (): Promise<void> => undefined;

test('nothing unfinished: no tool is looked for', async () => {
  const told: string[] = [];
  expect(await recoverAfterTools(journal(false, told), { outlived: () => { throw new Error('looked for'); } }, nothing, 1_000)).toEqual([]);
  expect(told).toEqual([]);
});

test('a tool that is still at work is waited for, and what is undone is undone after it', async () => {
  const told: string[] = [];
  let looks = 0;
  const tools = { outlived: () => { looks += 1; told.push(`look ${looks}`); return looks < 3 ? [4711] : []; } };
  expect(await recoverAfterTools(journal(true, told), tools, nothing, 10_000)).toEqual([undone]);
  expect(told).toEqual(['look 1', 'look 2', 'look 3', 'recovered']);
});

test('one that does not end leaves everything as it is', async () => {
  const told: string[] = [];
  expect(await recoverAfterTools(journal(true, told), { outlived: () => [4711] }, nothing, 50)).toBeNull();
  expect(told).toEqual([]);
});
