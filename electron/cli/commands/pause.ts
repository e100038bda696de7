// `pinlight pause | resume`, and `pinlight pause grant` for the helpdesk: the codes of a pause, made offline from the organisation's key.
// Not for what policy allows: the agent judges.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { PinlightError } from '../../contract/errors.ts';
import { duration } from '../../core/explain.ts';
import { deviceKey, keyText, passcodeOf, readCode, readKey, requestLength, spokenCode, ticketAnswer } from '../../core/policy/pause-code.ts';
import type { Hmac } from '../../core/policy/pause-code.ts';
import type { CliContext } from '../context.ts';
import { clockTime } from '../phrases.ts';

export function addPauseCommand(program: Command, context: CliContext): void {
  const pause = program.command('pause')
    .description('let everything through uninspected for a while, as far as policy allows; `pinlight resume` ends it')
    .option('--minutes <n>', 'how long; without it 15, or the most that policy allows', wholeMinutes)
    .option('--reason <text>', 'why; policy may ask for it')
    .option('--code <code>', 'the code or answer of your helpdesk, where policy asks for one')
    .option('--ticket', 'show the request that your helpdesk answers')
    .addHelpText('after', `
Examples:
  $ pinlight pause --minutes 10 --reason "the video call drops"
  $ pinlight pause --ticket
  $ pinlight pause --minutes 30 --code ABCDE-FGHIJ

A pause ends by time, by \`pinlight resume\`, and with the agent. What policy blocks or must inspect stays as it is. Each pause is recorded.
`)
    .action(async (options: { minutes?: number; reason?: string; code?: string; ticket?: boolean }) => {
      if (options.ticket === true) return showTicket(context);
      const answer = await context.client.call('pause', {}, { minutes: options.minutes, reason: options.reason, code: options.code });
      context.output.data(answer);
      const { since, until } = answer.pause;
      context.output.line(`Inspection is paused until ${clockTime(until)} (${duration(until - since)}).`, 'warn');
      context.output.line('`pinlight resume` ends it sooner.', 'dim');
    });
  addGrant(pause, context);
}

export function addResumeCommand(program: Command, context: CliContext): void {
  program.command('resume')
    .description('end a pause now')
    .addHelpText('after', '\nExample:\n  $ pinlight resume\n')
    .action(async () => {
      const answer = await context.client.call('resume', {}, {});
      context.output.data(answer);
      // An agent of before this command knows no other pause.
      const other = (answer.active as typeof answer.active | undefined) ?? null;
      context.output.line(answer.ended === null ? 'Inspection was not paused.'
        : other === null ? 'The pause has ended: inspection goes on as policy says.'
          : `Your pause has ended; one that somebody else began lasts until ${clockTime(other.until)}.`);
    });
}

async function showTicket(context: CliContext): Promise<void> {
  const answer = await context.client.call('pauseTicket', {}, {});
  context.output.data(answer);
  context.output.line(`Request  ${spokenCode(answer.request)}`, 'strong');
  context.output.line(`Device   ${answer.device}`);
  context.output.line('Read both to your helpdesk, with the minutes you need; then: `pinlight pause --minutes N --code ANSWER`');
}

function addGrant(pause: Command, context: CliContext): void {
  pause.command('grant')
    .description('for the helpdesk: make the code of a pause, or a device\'s key; asks no agent')
    .requiredOption('--organisation-key <file>', 'file with the organisation\'s key, 64 hex digits; it never belongs on a device')
    .requiredOption('--device <name>', 'the device, as `pinlight status` names it')
    // Not `--minutes`, which commander would take for the command's above.
    .option('--for <minutes>', 'how long the pause may last', wholeMinutes)
    .option('--request <code>', 'answer this request (pause.mode ticket); without it the code holds in this hour (passcode)')
    .option('--device-key', 'print the key for the device\'s key file (pause.keyFile) instead')
    .addHelpText('after', `
Examples:
  $ pinlight pause grant --organisation-key org.key --device LAPTOP-42 --device-key > laptop-42.key
  $ pinlight pause grant --organisation-key org.key --device LAPTOP-42 --for 30 --request ABCD-EFGH

A code holds once, for this device and this number of minutes; one without a request until the end of the next hour.
`)
    .action((options: { organisationKey: string; device: string; for?: number; request?: string; deviceKey?: boolean }) => {
      const { device, for: minutes } = options;
      const key = deviceKey(hmac, readOrganisationKey(options.organisationKey), device);
      if (options.deviceKey === true) {
        context.output.data({ device, deviceKey: keyText(key) });
        context.output.line(keyText(key));
        return;
      }
      if (minutes === undefined) throw new PinlightError('bad-request', 'A code is made for a number of minutes: --for N.');
      const request = options.request === undefined ? null : readCode(options.request);
      if (request !== null && request.length !== requestLength) throw new PinlightError('bad-request', `A request has ${requestLength} characters.`);
      const code = request === null
        ? passcodeOf(hmac, key, { device, hour: Math.floor(context.now() / 3600_000), minutes })
        : ticketAnswer(hmac, key, { device, request, minutes });
      context.output.data({ device, minutes, code });
      context.output.line(spokenCode(code));
    });
}

const hmac: Hmac = (key, message) => createHmac('sha256', key).update(message).digest();

function readOrganisationKey(file: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new PinlightError('bad-request', `There is no key file ${file} that can be read.`);
  }
  const key = readKey(text);
  if (key === null) throw new PinlightError('bad-request', `${file} holds no key of 64 hex digits (\`openssl rand -hex 32\` makes one).`);
  return key;
}

function wholeMinutes(text: string): number {
  const minutes = Number(text);
  if (!/^\d+$/.test(text) || minutes < 1 || minutes > 480) throw new InvalidArgumentError('It must be a whole number of minutes from 1 to 480.');
  return minutes;
}
