// `pinlight test-app APP HOST`: asks the agent for the experiment on one app at one host, tells the person what to do, shows each step,
// then the verdict. Not for judging or connecting: the agent judges, the app itself connects.
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { PinlightError } from '../../contract/errors.ts';
import type { ExplainAnswer } from '../../contract/routes.ts';
import type { AppSummary } from '../../contract/snapshot.ts';
import { explainOutcome } from '../../core/explain.ts';
import type { AppTest } from '../../core/model.ts';
import { exitCodes } from '../context.ts';
import type { CliContext, ExitCode } from '../context.ts';
import { clockTime, dispositionCell } from '../phrases.ts';
import { printVerdict } from './explain.ts';

export function addTestAppCommand(program: Command, context: CliContext): void {
  program.command('test-app')
    .description('find out now whether an app can be inspected at a host: uses the app\'s own next connections')
    .argument('<app>', 'name, path or id of an app that was seen (`pinlight apps` lists them)')
    .argument('<host>', 'the host to test it at')
    .option('--wait <minutes>', 'give up after so many minutes; without it, when the agent does', minutes)
    .addHelpText('after', `
Examples:
  $ pinlight test-app curl bank.example
  $ pinlight test-app slack edge.slack.com --wait 2 --json

The app's next connection to the host is inspected, whatever was learned about it; if the app refuses, the one after it is let
through untouched. Pinlight makes no connection itself: use the app while this waits. Ctrl-C cancels.
Exit code 0: it can be inspected, or the cause is clear. 1: no attempt was seen, or the cause cannot be told.
`)
    .action(async (app: string, host: string, options: { wait?: number }) => {
      const signal = context.interruption();
      const { app: found } = await context.client.call('explain', { app }, {});
      const deadline = options.wait === undefined ? null : context.now() + options.wait * 60_000;
      // The agent ends a test that nobody uses; a person who asked for longer gets another.
      const isTimeLeft = (): boolean => deadline !== null && context.now() < deadline && !signal.aborted;
      let test = await run(context, found, host, deadline, signal);
      while (test.result === 'no-attempt' && isTimeLeft()) test = await run(context, found, host, deadline, signal);
      const answer = await explained(context, found.id, host);
      context.output.data({ app: { id: found.id, name: found.name }, test, explain: answer });
      if (signal.aborted) {
        context.output.note('Cancelled. What was seen until now counts all the same.');
        context.finish(exitCodes.interrupted);
        return;
      }
      printResult(context, found, test, answer);
      context.finish(exitCodeOf(test.result));
    });
}

/** One test from its start to its result, or to the deadline or interruption, which cancel it. */
async function run(context: CliContext, app: AppSummary, host: string, deadline: number | null, signal: AbortSignal): Promise<AppTest> {
  let { test } = await context.client.call('startTest', {}, { app: app.id, host });
  const { output } = context;
  output.line(`Use ${app.name} at ${test.host} now; Pinlight inspects its next connection, and lets the one after it through if it refuses.`, 'strong');
  output.line(`Waiting until ${clockTime(Math.min(test.endsAt, deadline ?? test.endsAt))}; Ctrl-C cancels.`, 'dim');
  const over = new AbortController();
  const take = (seen: AppTest): void => {
    if (seen.startedAt !== test.startedAt) return;
    printNews(context, app, test, seen);
    test = seen;
    if (seen.result !== null) over.abort();
  };
  take(test);
  const timer = setTimeout(() => over.abort(), Math.max(0, Math.min(test.endsAt + graceMs, deadline ?? Infinity) - context.now()));
  let lost = false;
  await context.client.watch((event) => {
    if (event.kind === 'disconnected') {
      if (!lost) output.note(`Agent lost: ${event.why} Waiting for it to come back.`);
      lost = true;
    } else if (event.kind === 'snapshot') {
      const seen = testIn(event.snapshot.apps.find((one) => one.id === app.id), test.host);
      if (seen !== null) take(seen);
      // An agent that was started anew knows nothing of the test.
      else if (lost) over.abort();
      lost = false;
    } else if (event.kind === 'app' && event.app.id === app.id) {
      const seen = testIn(event.app, test.host);
      if (seen !== null) take(seen);
    }
  }, { signal: AbortSignal.any([signal, over.signal]) });
  clearTimeout(timer);
  return test.result === null ? endTest(context, app, test, take) : test;
}

// The agent ends its test by its own timer; a moment later the answer is there.
const graceMs = 500;

async function endTest(context: CliContext, app: AppSummary, test: AppTest, take: (seen: AppTest) => void): Promise<AppTest> {
  const query = { app: app.id, host: test.host };
  const { test: last } = await context.client.call('test', query, {});
  if (last !== null && last.startedAt === test.startedAt) take(last);
  if (last?.result === null) await context.client.call('cancelTest', query, {});
  return last?.startedAt === test.startedAt && last.result !== null ? last : { ...test, steps: last?.steps ?? test.steps, phase: 'done', result: 'no-attempt' };
}

function testIn(app: AppSummary | undefined, host: string): AppTest | null {
  return app?.hosts.find((one) => one.host === host)?.test ?? null;
}

function printNews({ output }: CliContext, app: AppSummary, before: AppTest, seen: AppTest): void {
  for (const step of seen.steps.slice(before === seen ? 0 : before.steps.length)) {
    const done = dispositionCell(step.disposition);
    const verb = typeof done === 'string' ? done : done.text;
    output.line(`${clockTime(step.at)}  ${verb}: ${explainOutcome(step.outcome)}`);
  }
  if (seen.phase === 'letting-through' && before.phase === 'inspecting') {
    output.line(`It refused. Use ${app.name} at ${seen.host} once more: this time it is let through untouched.`, 'strong');
  }
}

function printResult({ output }: CliContext, app: AppSummary, test: AppTest, answer: ExplainAnswer | null): void {
  output.line();
  if (test.result === 'no-attempt') {
    output.line(test.steps.length === 0
      ? `No attempt was seen: ${app.name} made no connection to ${test.host} through Pinlight.`
      : `The test is not finished: ${app.name} made no further connection to ${test.host}.`, 'warn');
    output.line(`Check that ${app.name} uses the proxy (\`pinlight status\` names it), and test again.`);
    return;
  }
  if (test.result === 'not-allowed') output.line(`Policy does not allow this test of ${app.name} at ${test.host}: it says what happens there, whatever the app does.`, 'warn');
  if (answer !== null) printVerdict(output, answer);
}

/** Null where the agent knows nothing of the app at that host yet. */
async function explained(context: CliContext, app: string, host: string): Promise<ExplainAnswer | null> {
  try {
    return await context.client.call('explain', { app, host }, {});
  } catch (thrown) {
    if (thrown instanceof PinlightError && thrown.code === 'not-found') return null;
    throw thrown;
  }
}

function exitCodeOf(result: AppTest['result']): ExitCode {
  return result === null || result === 'no-attempt' || result === 'not-allowed' || result === 'undetermined' ? exitCodes.negative : exitCodes.ok;
}

function minutes(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0 || value > 1_440) throw new InvalidArgumentError('It must be a number of minutes above 0 and at most 1440.');
  return value;
}
