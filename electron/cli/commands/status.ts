// `pinlight status`: whether the agent runs, what it does, and what deserves attention.
// Not for changes over time (watch) or single connections (log).
import type { Command } from 'commander';
import { duration } from '../../core/explain.ts';
import type { WarningSeverity } from '../../core/health/warnings.ts';
import { managerWords } from '../../core/policy/permission.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { clockTime, counted, isLetThrough, localTime } from '../phrases.ts';
import type { Tone } from '../table.ts';
import { tellNotice } from './notice.ts';

export function addStatusCommand(program: Command, context: CliContext): void {
  program.command('status')
    .description('is it running, what does it let through, what needs attention')
    .addHelpText('after', '\nExamples:\n  $ pinlight status\n  $ pinlight status --json | jq .data.counts\n')
    .action(async () => {
      const snapshot = await context.client.call('status', {}, {});
      context.output.data(snapshot);
      await tellNotice(context);
      printStatus(context.output, snapshot, context.now());
    });
}

const tones: Readonly<Record<WarningSeverity, Tone>> = { error: 'bad', warning: 'warn', notice: 'dim' };

function printStatus(output: Output, snapshot: Snapshot, now: number): void {
  const { agent, counts } = snapshot;
  const letThrough = snapshot.apps.filter(isLetThrough);
  const { active } = agent.pause;
  output.line(active !== null ? `Pinlight is paused until ${clockTime(active.until)}${active.reason === null ? '' : ` (${active.reason})`}: everything is let through. \`pinlight resume\` ends it.`
    : letThrough.length === 0 ? 'Pinlight is running; no app is let through.'
    : `Pinlight is running and lets ${counted(letThrough.length, 'app')} through: ${letThrough.slice(0, 5).map((app) => app.name).join(', ')}${letThrough.length > 5 ? ', …' : ''}.`, active === null ? 'strong' : 'warn');
  output.line();
  output.line(`Agent        ${agent.version} on ${agent.device}, process ${agent.pid}, up ${duration(now - agent.startedAt)}`);
  output.line(`Proxy        ${agent.proxy.join(', ')}`);
  output.line(`Policy       ${agent.policy.origin}, ${counted(agent.policy.rules, 'rule')}, generation ${agent.policy.generation}${agent.policy.files.length === 0 ? '' : `, from ${agent.policy.files.join(', ')}`}`);
  if (agent.policy.managedBy !== null) output.line(`Managed by   ${managerWords(agent.policy.managedBy)}`);
  output.line(`Root         ${agent.root.subject}, until ${localTime(agent.root.notAfter)}`);
  output.line(`             ${agent.root.fingerprint}`);
  output.line(`Connections  ${counts.inspect} inspected, ${counts.bypass} bypassed, ${counts.block} blocked, ${counts.open} open`);
  output.line(`Exclusions   ${snapshot.exclusions.length}`);
  if (snapshot.warnings.length > 0) output.line();
  for (const warning of snapshot.warnings) {
    output.line(`${warning.severity.toUpperCase()}: ${warning.title}. ${warning.text}`, tones[warning.severity]);
    output.line(`  ${warning.advice}`);
  }
}
