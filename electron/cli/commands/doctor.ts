// `pinlight doctor`: is everything on this device as it should be, and what to do where not. Changes nothing.
// Not for the checks themselves (cli/doctor).
import type { Command } from 'commander';
import { doctorMarks } from '../../core/diagnostics/doctor-report.ts';
import type { DoctorCheck } from '../../core/diagnostics/doctor-report.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { runDoctor } from '../doctor/run-doctor.ts';
import { counted } from '../phrases.ts';
import type { Tone } from '../table.ts';

export function addDoctorCommand(program: Command, context: CliContext): void {
  program.command('doctor')
    .description('check everything on this device; exit code 1 when something is wrong')
    .option('--probe <name>', 'a server to be reached past the proxy, with a port where it is not 443; default: the last one the agent reached')
    .addHelpText('after', '\n[ok] as it should be, [!!] wrong with what mends it below, [??] could not be found out.\n\nExamples:\n  $ pinlight doctor\n  $ pinlight doctor --probe example.com\n  $ pinlight doctor --json | jq ".data.checks[] | select(.state == \\"wrong\\")"\n')
    .action(async ({ probe }: { readonly probe?: string }) => {
      const report = await runDoctor({ client: context.client, now: context.now, probe: probe ?? null });
      context.output.data(report);
      const width = Math.max(...report.checks.map((check) => check.name.length));
      for (const check of report.checks) {
        context.output.line(`${doctorMarks[check.state]} ${check.name.padEnd(width)}  ${check.text}`, tones[check.state]);
        if (check.fix !== null) context.output.line(`     ${' '.repeat(width)}  ${check.fix}`);
      }
      const faults = report.checks.filter((check) => check.state === 'wrong').length;
      context.output.line();
      context.output.line(report.ok ? 'Nothing is wrong.' : `${counted(faults, 'thing')} ${faults === 1 ? 'is' : 'are'} wrong.`, 'strong');
      if (!report.ok) context.finish(exitCodes.negative);
    });
}

const tones: Readonly<Record<DoctorCheck['state'], Tone>> = { ok: 'plain', wrong: 'bad', unknown: 'warn' };
