// `pinlight exclude list | add | remove`: what is not inspected because inspecting breaks it, and who said so until when.
// Not for no-inspect rules, which are policy (policy).
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { duration } from '../../core/explain.ts';
import type { CliContext } from '../context.ts';
import { counted, exclusionReason, exclusionWords } from '../phrases.ts';

export function addExcludeCommand(program: Command, context: CliContext): void {
  const exclude = program.command('exclude')
    .description('list, add and remove exclusions: hosts that are let through because inspecting breaks an app')
    .addHelpText('after', '\nExamples:\n  $ pinlight exclude list\n  $ pinlight exclude add api.example.com --app slack --reason "ticket 4711" --hours 8\n  $ pinlight exclude remove ID\n');
  addList(exclude, context);
  addAdd(exclude, context);
  addRemove(exclude, context);
}

function addList(exclude: Command, context: CliContext): void {
  exclude.command('list')
    .description('every exclusion in force, with its reason and its end')
    .addHelpText('after', '\nExamples:\n  $ pinlight exclude list\n  $ pinlight exclude list --json | jq ".data.exclusions[] | select(.kind == \\"learned\\")"\n')
    .action(async () => {
      const answer = await context.client.call('exclusions', {}, {});
      context.output.data(answer);
      if (answer.exclusions.length === 0) {
        context.output.line('There are no exclusions.');
        return;
      }
      const now = context.now();
      context.output.table(
        [{ title: 'Id' }, { title: 'Kind' }, { title: 'App' }, { title: 'Host' }, { title: 'Ends in' }, { title: 'Reason' }],
        answer.exclusions.map((exclusion) => [
          exclusion.id, exclusion.kind, exclusion.appName ?? 'every app', exclusion.host,
          exclusion.expiresAt === null ? 'no end' : duration(exclusion.expiresAt - now), exclusionReason(exclusion),
        ]),
      );
      context.output.line();
      context.output.line(`${counted(answer.exclusions.length, 'exclusion')}.`, 'dim');
    });
}

function addAdd(exclude: Command, context: CliContext): void {
  exclude.command('add')
    .description('let a host through uninspected')
    .argument('<host>', 'host name, or `*.example.com` for every name below it')
    .option('--app <app>', 'only for this app: name, path or id of one that was seen')
    .option('--reason <text>', 'why; people will read it months later', 'added by hand')
    .option('--hours <n>', 'how long, in hours; without it there is no end', positiveHours)
    .addHelpText('after', '\nExamples:\n  $ pinlight exclude add api.example.com --reason "ticket 4711" --hours 8\n  $ pinlight exclude add "*.vendor.example" --app /opt/vendor/agent\n')
    .action(async (host: string, options: { app?: string; reason: string; hours?: number }) => {
      const before = await context.client.call('exclusions', {}, {});
      const answer = await context.client.call('addExclusion', {}, { host, app: options.app, reason: options.reason, hours: options.hours });
      context.output.data(answer);
      const { exclusion } = answer;
      const old = before.exclusions.find(({ id }) => id === exclusion.id);
      const words = `${exclusion.id}: ${exclusionWords(exclusion, context.now())}.`;
      if (old !== undefined) {
        context.output.line(old.expiresAt === exclusion.expiresAt ? `It exists already, and nothing was changed: ${words}` : `It existed already, and ends later now: ${words}`);
        return;
      }
      context.output.line(`Added ${words}`);
      context.output.line('New connections are let through from now on; open ones end by themselves.', 'dim');
    });
}

function addRemove(exclude: Command, context: CliContext): void {
  exclude.command('remove')
    .description('take an exclusion back')
    .argument('<id>', 'its id (`pinlight exclude list` shows it)')
    .addHelpText('after', '\nExample:\n  $ pinlight exclude remove ID\n\nAn id that does not exist gives exit code 1.\n')
    .action(async (id: string) => {
      const answer = await context.client.call('removeExclusion', { id }, {});
      context.output.data(answer);
      context.output.line(`Removed ${answer.removed.id}: ${exclusionWords(answer.removed, context.now())}.`);
    });
}

function positiveHours(text: string): number {
  const hours = Number(text);
  if (text.trim() === '' || !Number.isFinite(hours) || hours <= 0) throw new InvalidArgumentError('It must be a number of hours above 0, such as 8 or 0.5.');
  return hours;
}
