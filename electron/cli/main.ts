// The command line under Node 24: builds the commands, runs one, turns every failure into words or an envelope and an exit code.
// Not for finding Node 24 (pinlight.mjs) or for what commands do (commands/).
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { createControlClient } from '../client/control-client.ts';
import { PinlightError, errorAdvice, errorBody } from '../contract/errors.ts';
import { asTyped } from '../contract/own-command.ts';
import { exitCodeFor, exitCodes } from './context.ts';
import type { CliContext, ExitCode } from './context.ts';
import { createOutput } from './output.ts';
import { ownCommand } from './own-program.ts';
import { addAppsCommand } from './commands/apps.ts';
import { addBundleCommand } from './commands/bundle.ts';
import { addCaptureCommand } from './commands/capture.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addExcludeCommand } from './commands/exclude.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addLogCommand } from './commands/log.ts';
import { addLogLevelCommand } from './commands/log-level.ts';
import { addNoticeCommand } from './commands/notice.ts';
import { addOpenCommand } from './commands/open.ts';
import { addPauseCommand, addResumeCommand } from './commands/pause.ts';
import { addPolicyCommand } from './commands/policy.ts';
import { addServiceCommand } from './commands/service.ts';
import { addStatusCommand } from './commands/status.ts';
import { addSteerCommand } from './commands/steer.ts';
import { addStopCommand } from './commands/stop.ts';
import { addTestAppCommand } from './commands/test-app.ts';
import { addTrustCommand } from './commands/trust.ts';
import { addUninstallCommand } from './commands/uninstall.ts';
import { addWatchCommand } from './commands/watch.ts';

/** Runs `pinlight` with these arguments (without node and script) and resolves with the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  // Known before parsing, so that usage errors come as an envelope too.
  const json = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length).includes('--json');
  const output = createOutput(process, process.env, json, ownCommand);
  let exitCode: ExitCode = exitCodes.ok;
  const context: CliContext = {
    client: createControlClient(),
    output,
    command: ownCommand,
    now: () => Date.now(),
    interruption: createInterruption(),
    finish: (code) => {
      exitCode = code;
    },
  };
  let complaint = '';
  const program = createProgram(context, (text) => {
    complaint += text;
  });
  if (args.length === 0) {
    program.outputHelp();
    return exitCodes.ok;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) return exitCodes.ok;
      if (json) output.fail({ code: 'bad-request', message: firstLine(complaint, thrown.message), advice: errorAdvice['bad-request'] });
      else process.stderr.write(complaint);
      return exitCodes.usage;
    }
    const body = errorBody(thrown);
    output.fail(body);
    if (!(thrown instanceof PinlightError) && thrown instanceof Error) output.note(thrown.stack ?? '');
    return exitCodeFor(body.code);
  }
}

function createProgram(context: CliContext, complain: (text: string) => void): Command {
  const program = new Command('pinlight')
    .description('Which apps Pinlight inspects, which it lets through, and why.')
    .version(packageVersion(), '-V, --version')
    .option('--json', 'machine-readable: {"ok":true,"data":…} or {"ok":false,"error":{…}}; streams give one object a line')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => context.output.raw(asTyped(text, context.command)), writeErr: complain })
    .showSuggestionAfterError()
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', `
Examples:
  $ pinlight status                     is it running, and what does it let through
  $ pinlight explain slack              why an app is let through, and what to do
  $ pinlight test-app slack edge.slack.com    find out now whether it can be inspected
  $ pinlight log verdict:pinned since:7d
  $ pinlight bundle                     one zip file for support

Exit codes: 0 ok, 1 negative finding, 2 usage, 3 agent not running, 4 not permitted, 5 bad input, 70 a bug in Pinlight.
Environment: PINLIGHT_HOME names another state folder; NO_COLOR turns colour off.`);
  for (const add of [
    addStatusCommand, addAppsCommand, addExplainCommand, addTestAppCommand, addLogCommand, addWatchCommand, addExcludeCommand,
    addPolicyCommand, addTrustCommand, addSteerCommand, addCaptureCommand, addServiceCommand, addDoctorCommand, addBundleCommand, addOpenCommand, addPauseCommand, addResumeCommand, addNoticeCommand, addLogLevelCommand, addStopCommand, addUninstallCommand,
  ]) add(program, context);
  return program;
}

function createInterruption(): () => AbortSignal {
  let controller: AbortController | null = null;
  return () => {
    if (controller !== null) return controller.signal;
    const created = new AbortController();
    controller = created;
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => created.abort());
    return created.signal;
  };
}

function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
}

function firstLine(text: string, otherwise: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '');
  return (line ?? otherwise).replace(/^error: /, '');
}
