// `pinlight notice show | accept`: who inspects, what is never read, who sees it; and the same words once, unasked, at the
// first `status` or `watch`. Not for the words (core/policy/notice) or for keeping who accepted (the agent).
import type { Command } from 'commander';
import { PinlightError } from '../../contract/errors.ts';
import type { NoticeAnswer } from '../../contract/routes.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { localTime } from '../phrases.ts';

export function addNoticeCommand(program: Command, context: CliContext): void {
  const notice = program.command('notice')
    .description('who inspects here, what is never read, who sees it; and accepting that')
    .addHelpText('after', '\nExamples:\n  $ pinlight notice show\n  $ pinlight notice accept\n');
  notice.command('show')
    .description('the notice, and whether you have accepted it')
    .addHelpText('after', '\nExample:\n  $ pinlight notice show\n')
    .action(async () => {
      const answer = await context.client.call('notice', {}, {});
      context.output.data(answer);
      for (const { text } of answer.paragraphs) {
        context.output.line(text);
        context.output.line();
      }
      context.output.line(acceptance(answer), answer.acceptedAt === null && answer.mode === 'required' ? 'warn' : 'dim');
    });
  notice.command('accept')
    .description('say that you have read it; recorded for your account')
    .addHelpText('after', '\nExample:\n  $ pinlight notice accept\n\nWhere the notice was never shown to you, it is shown first and nothing is accepted yet (exit code 1).\n')
    .action(async () => {
      const before = await context.client.call('notice', {}, {});
      // Nobody accepts what they have not seen, not even in a script.
      if (before.shownAt === null) {
        await show(context, before);
        context.output.data(before);
        context.output.line('Nothing is accepted yet. Read it; then: `pinlight notice accept`', 'warn');
        context.finish(exitCodes.negative);
        return;
      }
      const answer = await context.client.call('acceptNotice', {}, { version: before.version, as: 'accepted' });
      context.output.data(answer);
      context.output.line(acceptance(answer), 'good');
    });
}

/** Shows the notice where this account has not seen it; with `required`, a line until it is accepted. Nothing with --json. */
export async function tellNotice(context: CliContext): Promise<void> {
  if (context.output.json) return;
  try {
    const notice = await context.client.call('notice', {}, {});
    if (notice.shownAt === null) await show(context, notice);
    if (notice.mode === 'required' && notice.acceptedAt === null) context.output.note('Nothing of yours is inspected until you accept the notice: `pinlight notice accept`');
  } catch (thrown) {
    // An older agent has no notice; whatever else fails is told by the command itself.
    if (!(thrown instanceof PinlightError)) throw thrown;
  }
}

async function show(context: CliContext, notice: NoticeAnswer): Promise<void> {
  for (const { text } of notice.paragraphs) {
    context.output.note(text);
    context.output.note('');
  }
  if (!context.output.json) await context.client.call('acceptNotice', {}, { version: notice.version, as: 'shown' });
}

function acceptance({ mode, acceptedAt, version }: NoticeAnswer): string {
  if (acceptedAt !== null) return `You accepted this notice (version ${version}) on ${localTime(acceptedAt)}.`;
  return mode === 'required'
    ? 'You have not accepted it, and until then nothing of yours is inspected: `pinlight notice accept`'
    : 'You have not accepted it: `pinlight notice accept`';
}
