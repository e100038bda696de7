// `pinlight explain APP [HOST]`: one verdict as a note a helpdesk can paste: sentence, evidence, what happens next, what to do.
// Not for judging: the agent answers, this lays out.
import type { Command } from 'commander';
import type { ExplainAnswer } from '../../contract/routes.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { localTime } from '../phrases.ts';

export function addExplainCommand(program: Command, context: CliContext): void {
  program.command('explain')
    .description('why an app is inspected or let through, the evidence, and what to do')
    .argument('<app>', 'name, path or id of an app that was seen (`pinlight apps` lists them)')
    .argument('[host]', 'one of its hosts; without it, the host that says most')
    .addHelpText('after', '\nExamples:\n  $ pinlight explain slack\n  $ pinlight explain /usr/bin/curl api.example.com\n\nAn app or host that was never seen gives exit code 1.\n')
    .action(async (app: string, host: string | undefined) => {
      const answer = await context.client.call('explain', { app, host }, {});
      context.output.data(answer);
      printNote(context.output, answer);
    });
}

/** Verdict, reasons, what happens next and what to do. */
export function printVerdict(output: Output, answer: ExplainAnswer): void {
  output.line(answer.sentence, 'strong');
  printList(output, 'What speaks for it', answer.evidenceFor);
  printList(output, 'What speaks against it', answer.evidenceAgainst);
  printList(output, 'Also known', answer.alsoKnown);
  output.line();
  output.line(`Next:        ${answer.next}`);
  output.line(`What to do:  ${answer.advice}`);
  printList(output, 'What still protects it', answer.controls);
}

function printNote(output: Output, answer: ExplainAnswer): void {
  printVerdict(output, answer);
  output.line();
  output.line(`App:         ${answer.app.name} (${answer.app.path}${answer.app.package === null ? '' : `, package ${answer.app.package}`})`, 'dim');
  if (answer.attempts.length === 0) return;
  output.line();
  output.line('Latest attempts:', 'dim');
  for (const attempt of answer.attempts) output.line(`  ${localTime(attempt.at)}  ${attempt.host}  ${attempt.sentence}`);
}

function printList(output: Output, title: string, sentences: readonly string[]): void {
  if (sentences.length === 0) return;
  output.line();
  output.line(`${title}:`);
  for (const sentence of sentences) output.line(`  - ${sentence}`);
}
