// Who has read and accepted the notice, as values: what is kept and what is put on record. With an agent: test/routes/pause.test.ts.
import { expect, test } from 'vitest';
import { createNotices } from '../../../electron/agent/control/notices.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import type { NoticeRecord } from '../../../electron/core/policy/notice.ts';

test('said once more, nothing is written and nothing is put on record', () => {
  let records: Readonly<Record<string, NoticeRecord>> = {};
  let [kept, at] = [0, 1_000];
  const audit: string[] = [];
  const policy = mergePolicy([], []);
  const notices = createNotices({ policy: () => policy, records: () => records, keep: (all) => { records = all; kept += 1; }, audit: (kind) => audit.push(kind), now: () => at });
  const { version } = notices.read('ann');
  expect(notices.record('ann', version, 'shown')).toMatchObject({ shownAt: 1_000, acceptedAt: null });
  at = 2_000;
  expect(notices.record('ann', version, 'accepted')).toMatchObject({ shownAt: 1_000, acceptedAt: 2_000 });
  at = 3_000;
  for (const as of ['accepted', 'shown'] as const) expect(notices.record('ann', version, as)).toMatchObject({ shownAt: 1_000, acceptedAt: 2_000 });
  expect([kept, audit]).toEqual([2, ['notice-accepted']]);
  expect(notices.read('ben')).toMatchObject({ shownAt: null, acceptedAt: null });
});
