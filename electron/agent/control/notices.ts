// Who has read and accepted which first-start notice, per account, over restarts.
// Not for its words (core/policy/notice) or for what happens without it (core/policy/decide).
import { hash } from 'node:crypto';
import { PinlightError } from '../../contract/errors.ts';
import type { NoticeAnswer } from '../../contract/routes.ts';
import { isNoticePending, noticeParagraphs } from '../../core/policy/notice.ts';
import type { NoticeParagraph, NoticeRecord } from '../../core/policy/notice.ts';
import type { Policy } from '../../core/policy/policy.ts';

export type Notices = {
  /** The notice and what this account was shown. */
  read(account: string): NoticeAnswer;
  /** Throws PinlightError `bad-request` where the words have changed since they were read. */
  record(account: string, version: unknown, as: unknown): NoticeAnswer;
  /** Nothing of this account's may be inspected yet. Null = nobody knows whose it is, so nobody has accepted either. */
  isPending(account: string | null): boolean;
};

export type NoticeSources = {
  readonly policy: () => Policy;
  readonly records: () => Readonly<Record<string, NoticeRecord>>;
  readonly keep: (records: Readonly<Record<string, NoticeRecord>>) => void;
  readonly audit: (kind: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly now: () => number;
};

export function createNotices({ policy, records, keep, audit, now }: NoticeSources): Notices {
  let known: { readonly policy: Policy; readonly paragraphs: readonly NoticeParagraph[]; readonly version: string } | null = null;
  const current = (): NonNullable<typeof known> => {
    const held = policy();
    if (known?.policy !== held) {
      const paragraphs = noticeParagraphs(held);
      // Of the words themselves: whoever accepted has accepted these and no others.
      known = { policy: held, paragraphs, version: hash('sha256', paragraphs.map(({ text }) => text).join('\n\n')).slice(0, 12) };
    }
    return known;
  };
  const recordOf = (account: string): NoticeRecord | null => (Object.hasOwn(records(), account) ? records()[account] ?? null : null);

  const read = (account: string): NoticeAnswer => {
    const { paragraphs, version } = current();
    const record = recordOf(account);
    const same = record?.version === version ? record : null;
    return { version, mode: policy().notice.mode, paragraphs, shownAt: same?.shownAt ?? null, acceptedAt: same?.acceptedAt ?? null };
  };
  return {
    read,
    record: (account, version, as) => {
      if (as !== 'shown' && as !== 'accepted') throw new PinlightError('bad-request', 'as must be "shown" or "accepted"');
      const before = read(account);
      if (version !== before.version) throw new PinlightError('bad-request', 'The notice has changed since it was read; read it again.');
      const at = now();
      const after: NoticeRecord = { version, shownAt: before.shownAt ?? at, acceptedAt: as === 'accepted' ? before.acceptedAt ?? at : before.acceptedAt };
      // Said once more, it is nothing to write down.
      if (after.shownAt === before.shownAt && after.acceptedAt === before.acceptedAt) return before;
      keep({ ...records(), [account]: after });
      if (after.acceptedAt !== before.acceptedAt) audit('notice-accepted', { account, version });
      return read(account);
    },
    isPending: (account) => {
      if (policy().notice.mode !== 'required') return false;
      return isNoticePending(policy().notice, current().version, account === null ? null : recordOf(account));
    },
  };
}
