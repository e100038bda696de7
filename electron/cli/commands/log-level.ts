// `pinlight log-level normal | detailed`: how much the agent writes into its own log. Not for reading the log (the bundle holds it).
import { Argument } from 'commander';
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { clockTime } from '../phrases.ts';

export function addLogLevelCommand(program: Command, context: CliContext): void {
  program.command('log-level')
    .description('write more into the agent\'s log for 30 minutes, or stop that')
    .addArgument(new Argument('<level>').choices(['normal', 'detailed']))
    .addHelpText('after', '\nExample:\n  $ pinlight log-level detailed\n\nIt ends by itself, also over a restart of the agent.\n')
    .action(async (level: 'normal' | 'detailed') => {
      const answer = await context.client.call('logLevel', {}, { level });
      context.output.data(answer);
      context.output.line(answer.until === null ? 'The log has its normal level.' : `The log is detailed until ${clockTime(answer.until)}.`);
    });
}
