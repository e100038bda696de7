// `pinlight uninstall`: everything Pinlight put on this device goes, step after step, with one receipt of what is left. Needs no agent.
// Not for how a step is made: each belongs to the command of its name.
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { PinlightError } from '../../contract/errors.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { homesNotLookedAt, tellNotLookedAt } from '../not-looked-at.ts';
import type { Tone } from '../table.ts';
import { uninstallSteps } from '../uninstall-steps.ts';
import type { StepReceipt } from '../uninstall-steps.ts';

export function addUninstallCommand(program: Command, context: CliContext): void {
  program.command('uninstall')
    .description('take everything off this device: steering, capture, service, agent, roots in stores, key and history')
    .option('--yes', 'do not ask')
    .addHelpText('after', `
Works without an agent. What it cannot do (a store that needs more rights, a program that is in the way) it names, and goes on; run it again
for the rest. Interrupted anywhere, running it again completes it. Exit code 1 when something is left, 4 when that needs more rights. "clean" in
the JSON is null where nothing is known to be left and not everything could be looked at.
Where Pinlight is a service of the machine, root's stores and settings go with: $ sudo pinlight uninstall
That one does not look into the homes of other users; it names them, and each of them runs: $ pinlight uninstall

Examples:
  $ pinlight uninstall
  $ sudo pinlight uninstall --yes --json
`)
    .action((options: { readonly yes?: boolean }) => uninstall(context, options.yes === true));
}

async function uninstall(context: CliContext, sure: boolean): Promise<void> {
  if (!sure) await confirm(context);
  const receipts: StepReceipt[] = [];
  for (const step of uninstallSteps) {
    context.output.note(`${step.name} …`);
    receipts.push({ step: step.name, ...await step.run(context, receipts) });
  }
  const others = homesNotLookedAt(context, 'uninstall');
  const stuck = receipts.filter((receipt) => receipt.left.length > 0);
  const unsure = others.length > 0 || receipts.some((receipt) => receipt.done === 'not checked');
  const clean = stuck.length > 0 ? false : unsure ? null : true;
  context.output.data({ clean, steps: receipts, notLookedAt: others });
  context.output.line(clean === false ? 'Pinlight is not off this device yet.' : clean === null ? 'Nothing of Pinlight is left where this looked, which is not everywhere.' : 'Pinlight is off this device: nothing of it is left.', clean === false ? 'bad' : 'strong');
  context.output.line();
  context.output.table(
    [{ title: 'Step' }, { title: 'Done' }, { title: 'Left' }],
    receipts.map((receipt) => [receipt.step, { text: receipt.done, tone: doneTones[receipt.done] }, receipt.left.length === 0 ? '-' : receipt.left.join('; ')]),
  );
  tellNotLookedAt(context, others);
  if (clean !== false) return;
  if (stuck.some((receipt) => receipt.needsRights)) context.output.line(`\nFor what needs more rights:\n  sudo ${context.command} uninstall`, 'warn');
  context.finish(stuck.every((receipt) => receipt.needsRights) ? exitCodes.notPermitted : exitCodes.negative);
}

async function confirm(context: CliContext): Promise<void> {
  if (context.output.json || !process.stdin.isTTY || !process.stdout.isTTY) {
    throw new PinlightError('bad-request', 'Nobody is here to ask: `pinlight uninstall --yes` takes everything off without asking.');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('This takes Pinlight off this device: its settings, its root in every store, its key and its history. Type "yes" to go on: ');
  terminal.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new PinlightError('bad-request', 'Nothing was changed.');
}

const doneTones: Readonly<Record<StepReceipt['done'], Tone>> = { removed: 'good', 'nothing there': 'dim', 'not checked': 'dim', 'in part': 'bad' };
