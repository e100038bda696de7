// `pinlight stop`: ends the agent and comes back when it is gone.
// Not for starting it (`npm start` or the service manager).
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { PinlightError } from '../../contract/errors.ts';
import type { RouteAnswer } from '../../contract/routes.ts';
import type { CliContext } from '../context.ts';

// Open connections get a few seconds to end; an agent that needs longer than this hangs.
const longestStopMs = 15_000;

export function addStopCommand(program: Command, context: CliContext): void {
  program.command('stop')
    .description('end the agent; exclusions, history and root stay')
    .addHelpText('after', '\nExample:\n  $ pinlight stop\n\nPrograms set to use the proxy have no network through it until the agent runs again.\n')
    .action(async () => {
      context.output.data(await stopAgent(context));
      context.output.line('Pinlight has stopped.');
    });
}

/** Ends the agent and waits until it is gone. Throws PinlightError. */
export async function stopAgent(context: CliContext): Promise<RouteAnswer<'stop'>> {
  const answer = await context.client.call('stop', {}, {});
  await untilGone(context);
  return answer;
}

async function untilGone(context: CliContext): Promise<void> {
  const deadline = context.now() + longestStopMs;
  while (context.now() < deadline) {
    try {
      await context.client.call('status', {}, {});
    } catch (thrown) {
      if (thrown instanceof PinlightError && thrown.code === 'agent-not-running') return;
      throw thrown;
    }
    await delay(100);
  }
  throw new PinlightError('agent-timeout', `The agent said it would stop, but still answers after ${longestStopMs / 1000} s.`);
}
