// The first-start notice: who inspects, what is never read, who sees it, in plain words; and what acceptance is worth.
// Not for recording it (agent/control/notices) and no legal text: an organisation that needs one sets `notice.text`.
import type { ManagedBy, PolicyNotice } from './policy.ts';

/** One paragraph. The window translates by `code` and `values`; `text` is the English. `own`: the organisation's words, as they are. */
export type NoticeParagraph = {
  readonly code: 'who' | 'what' | 'never' | 'sees' | 'choice' | 'own';
  readonly values: Readonly<Record<string, string>>;
  readonly text: string;
};

/** What one person has had before their eyes, and when (ms since the epoch). */
export type NoticeRecord = { readonly version: string; readonly shownAt: number | null; readonly acceptedAt: number | null };

/** The notice as it is to be read under this policy. */
export function noticeParagraphs({ notice, managedBy }: { readonly notice: PolicyNotice; readonly managedBy: ManagedBy | null }): readonly NoticeParagraph[] {
  const manager = managedBy?.name ?? null;
  const paragraph = (code: NoticeParagraph['code'], values: NoticeParagraph['values'], text: string): NoticeParagraph => ({ code, values, text });
  if (notice.text !== null) return [paragraph('own', {}, notice.text)];
  return [
    manager === null
      ? paragraph('who', {}, 'Pinlight runs on this device and inspects encrypted connections where its policy says so. Nobody else manages it: the policy is yours.')
      : paragraph('who', { manager }, `Pinlight runs on this device and inspects encrypted connections where the policy of ${manager} says so.`),
    paragraph('what', {}, 'To inspect a connection, Pinlight stands between the app and its server with a certificate of this device. It records which app connected, to which host, when, and how it ended.'),
    paragraph('never', {}, 'Pinlight never stores or sends what a connection carries: no pages, no messages, no passwords, no files. Apps that refuse inspection, and the hosts on the exclusion lists, are let through untouched.'),
    manager === null
      ? paragraph('sees', {}, 'The records stay on this device. You see them in this window, and they leave it only in a diagnostic bundle that you make.')
      : paragraph('sees', { manager }, `The records stay on this device, where you and ${manager} can see them, and leave it in a diagnostic bundle or where ${manager} collects them.`),
    paragraph('choice', {}, 'You can see at any time which apps are inspected, which are let through, and why.'),
  ];
}

/** True while policy wants this person's word before anything of theirs is inspected. */
export function isNoticePending(notice: PolicyNotice, version: string, record: NoticeRecord | null): boolean {
  return notice.mode === 'required' && (record === null || record.version !== version || record.acceptedAt === null);
}
