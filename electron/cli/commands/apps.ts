// `pinlight apps`: every app seen, host by host, with its verdict and what happens next.
// Not for the evidence behind a verdict (explain).
import type { Command } from 'commander';
import type { AppSummary } from '../../contract/snapshot.ts';
import type { CliContext } from '../context.ts';
import { counted, dispositionCell, localTime, verdictCell } from '../phrases.ts';
import type { Cell } from '../table.ts';

export function addAppsCommand(program: Command, context: CliContext): void {
  program.command('apps')
    .description('the apps seen, with their verdict at each host and what happens next')
    .addHelpText('after', '\nExamples:\n  $ pinlight apps\n  $ pinlight apps --json | jq -r ".data.apps[].name"\n')
    .action(async () => {
      const answer = await context.client.call('apps', {}, {});
      context.output.data(answer);
      if (answer.apps.length === 0) {
        context.output.line('No app has been seen yet. Connections show up here once a program uses the proxy.');
        return;
      }
      context.output.table(
        [{ title: 'App' }, { title: 'Host' }, { title: 'Verdict' }, { title: 'Next' }, { title: 'Attempts', align: 'right' }, { title: 'Last seen' }],
        answer.apps.flatMap(rowsOf),
      );
      context.output.line();
      context.output.line(`${counted(answer.apps.length, 'app')}. \`pinlight explain APP HOST\` says why.`, 'dim');
    });
}

function rowsOf(app: AppSummary): Cell[][] {
  if (app.hosts.length === 0) return [[app.name, '-', '-', '-', '0', localTime(app.lastSeen)]];
  return app.hosts.map((host) => [
    app.name, host.host, verdictCell(host.verdict), dispositionCell(host.next.disposition), String(host.attempts), localTime(host.lastSeen),
  ]);
}
