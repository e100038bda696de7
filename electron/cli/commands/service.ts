// `pinlight service install | remove | status`: the agent as a service of this machine (root), else of this user. Changed by whoever runs this.
// Not for how a service manager is told: native/service.
import { setTimeout as delay } from 'node:timers/promises';
import { homedir } from 'node:os';
import type { Command } from 'commander';
import { openService } from '../../../native/service/index.ts';
import type { Service, ServiceOutcome } from '../../../native/service/index.ts';
import { pathsOfThisProcess } from '../../client/state-folder.ts';
import { PinlightError } from '../../contract/errors.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { servicePrograms } from '../own-program.ts';
import { captureOff } from '../uninstall-steps.ts';

/** From start to the first answer an agent takes about a second; a slow disk is allowed for. */
const startMs = 20_000;

export function addServiceCommand(program: Command, context: CliContext): void {
  const service = program.command('service').description('run the agent as a service: of the machine for root, else of this user');
  service.command('install')
    .description('make it a service, start it, and see that it answers')
    .addHelpText('after', '\nFor root: before login, under an account of its own, with the state in /var/lib/pinlight. Otherwise: with this user\'s sessions.\n\nExamples:\n  $ sudo pinlight service install\n  $ pinlight service install\n')
    .action(() => install(context));
  service.command('remove')
    .description('stop the service and take it away, and end capture, which it looks after; root key and history stay')
    .addHelpText('after', '\nExample:\n  $ sudo pinlight service remove\n')
    .action(() => remove(context));
  service.command('status')
    .description('whether it is installed and runs; exit code 1 when not')
    .addHelpText('after', '\nExample:\n  $ pinlight service status --json\n')
    .action(() => status(context));
}

async function install(context: CliContext): Promise<void> {
  await withService(context, async (service) => {
    // Two agents cannot hold one port: the service would start and end at once.
    if (!(await service.status()).running && await answers(context)) {
      throw new PinlightError('agent-already-running', 'An agent that was started by hand runs here: end it with `pinlight stop`, then install the service.');
    }
    const { state } = mustBeDone(await service.install());
    const answering = await untilAnswers(context);
    context.output.data({ manager: service.name, unit: service.unit, ...state, answers: answering, left: service.left });
    context.output.line(answering ? 'The service is installed, and its agent answers.' : 'The service is installed and was started, but its agent does not answer.', answering ? 'strong' : 'bad');
    context.output.line(`${service.name}: ${service.unit}`);
    if (!answering) context.finish(exitCodes.negative);
  });
}

async function remove(context: CliContext): Promise<void> {
  await withService(context, async (service) => {
    const was = await service.status();
    const { state } = mustBeDone(await service.remove());
    // Without it nobody would let captured users go when an agent is away.
    const capture = await captureOff(context);
    const left = [...service.left, ...capture.left];
    context.output.data({ manager: service.name, unit: service.unit, removed: was.installed, ...state, left });
    context.output.line(was.installed ? 'The service is stopped and removed; root key and history stay where they are.' : 'There is no service to remove.', 'strong');
    if (capture.done === 'removed') context.output.line('Capture, which the service looked after, is ended.');
    for (const why of capture.left) context.output.line(`Capture could not be ended: ${why}. Run \`pinlight capture off\` as root.`, 'bad');
    if (capture.left.length > 0) context.finish(exitCodes.negative);
  });
}

async function status(context: CliContext): Promise<void> {
  await withService(context, async (service) => {
    const state = await service.status();
    context.output.data({ manager: service.name, unit: service.unit, ...state, left: service.left });
    context.output.line(state.running ? 'The service runs.' : state.installed ? 'The service is installed and does not run.' : 'There is no service.', 'strong');
    context.output.line(`${service.name}: ${state.detail}`);
    if (!state.running) context.finish(exitCodes.negative);
  });
}

async function withService(context: CliContext, use: (service: Service) => Promise<void>): Promise<void> {
  const opened = await openService({ stateFolder: pathsOfThisProcess(false).stateFolder, home: homedir(), env: process.env, programs: servicePrograms(), now: context.now });
  if (opened.kind !== 'service') throw new PinlightError(opened.kind === 'in-use' ? 'service-refused' : 'state-unusable', `${opened.why}.`);
  const { service } = opened;
  try {
    for (const why of service.left) context.output.note(`An interrupted change is not put right yet: ${why}`);
    await use(service);
    if (service.left.length > 0) context.finish(exitCodes.negative);
  } finally {
    service.close();
  }
}

function mustBeDone(outcome: ServiceOutcome): ServiceOutcome & { kind: 'done' } {
  if (outcome.kind === 'done') return outcome;
  throw new PinlightError(outcome.rights ? 'not-permitted' : 'service-refused', `${outcome.why.charAt(0).toUpperCase()}${outcome.why.slice(1)}.`);
}

async function untilAnswers(context: CliContext): Promise<boolean> {
  for (const deadline = context.now() + startMs; context.now() < deadline; await delay(100)) if (await answers(context)) return true;
  return false;
}

function answers(context: CliContext): Promise<boolean> {
  return context.client.call('status', {}, {}).then(() => true, () => false);
}
