// `pinlight watch`: what the agent does, as it happens, one line per event.
// Not for history (log) or filters (`log --follow`).
import type { Command } from 'commander';
import { duration } from '../../core/explain.ts';
import type { Exclusion } from '../../core/model.ts';
import type { BridgeSignal } from '../../contract/bridge.ts';
import type { AppSummary } from '../../contract/snapshot.ts';
import type { CliContext } from '../context.ts';
import { connectionLine, clockTime, counted, exclusionWords, nextWords } from '../phrases.ts';
import { tellNotice } from './notice.ts';

export function addWatchCommand(program: Command, context: CliContext): void {
  program.command('watch')
    .description('what happens right now, one line per event, until Ctrl-C')
    .addHelpText('after', '\nExamples:\n  $ pinlight watch\n  $ pinlight watch --json | jq -c "select(.kind == \\"app\\")"\n\nWith --json the first object is the whole state (kind "snapshot"), then one object per change.\n')
    .action(async () => {
      const signal = context.interruption();
      // An agent that is not there at all is an error with an exit code; one that goes later is waited for.
      await context.client.call('status', {}, {});
      await tellNotice(context);
      const told = createTold();
      const ledger = createExclusionLedger();
      await context.client.watch((event) => {
        if (event.kind === 'heartbeat') return;
        context.output.item(event);
        if (told(event)) return;
        for (const line of [...linesFor(event, context.now()), ...ledger(event, context.now())]) context.output.line(line);
      }, { signal });
    });
}

/** A connection is reported when its outcome is known and again when it ends, an app with each, a lost agent at each try. People are told once. */
function createTold(): (event: BridgeSignal) => boolean {
  const outcomes = new Map<number, string>();
  const apps = new Map<string, string>();
  let lost = false;
  return (event) => {
    const stillLost = lost && event.kind === 'disconnected';
    lost = event.kind === 'disconnected';
    if (event.kind === 'snapshot') for (const app of event.snapshot.apps) apps.set(app.id, appWords(app));
    if (event.kind === 'app') {
      const words = appWords(event.app);
      const known = apps.get(event.app.id);
      apps.set(event.app.id, words);
      return known === words;
    }
    if (event.kind !== 'connection') return stillLost;
    const outcome = JSON.stringify(event.row.outcome);
    const before = outcomes.get(event.row.id);
    if (event.row.durationMs === null) outcomes.set(event.row.id, outcome);
    else outcomes.delete(event.row.id);
    return before === outcome;
  };
}

/** The event carries the whole list; people are told which began and which ended. */
function createExclusionLedger(): (event: BridgeSignal, now: number) => readonly string[] {
  let known: readonly Exclusion[] = [];
  return (event, now) => {
    if (event.kind === 'snapshot') known = event.snapshot.exclusions;
    if (event.kind !== 'exclusions') return [];
    const without = (list: readonly Exclusion[], others: readonly Exclusion[]): readonly Exclusion[] => list.filter((one) => !others.some(({ id }) => id === one.id));
    const lines = [
      ...without(event.exclusions, known).map((one) => `${clockTime(now)}  Exclusion began: ${exclusionWords(one, now)}.`),
      ...without(known, event.exclusions).map((one) => `${clockTime(now)}  Exclusion ended: ${one.appName ?? 'every app'} at ${one.host} (${one.kind}).`),
    ];
    known = event.exclusions;
    return lines;
  };
}

function appWords({ name, hosts }: AppSummary): string {
  const latest = hosts.reduce<AppSummary['hosts'][number] | null>((best, host) => (best === null || host.lastSeen > best.lastSeen ? host : best), null);
  return `${name}${latest === null ? ' was seen for the first time.' : ` at ${latest.host}: ${latest.verdict.kind}. The next connection is ${nextWords[latest.next.disposition]}.`}`;
}

function linesFor(event: BridgeSignal, now: number): readonly string[] {
  const at = clockTime(now);
  switch (event.kind) {
    // Exclusions have their ledger.
    case 'heartbeat': case 'exclusions': return [];
    case 'snapshot': {
      const { agent, apps, exclusions, counts } = event.snapshot;
      return [`${at}  Connected to Pinlight ${agent.version} on ${agent.device}, up ${duration(now - agent.startedAt)}: ${counted(apps.length, 'app')} seen, ${counted(exclusions.length, 'exclusion')}, ${counts.open} open.`];
    }
    case 'connection': return [connectionLine(event.row)];
    case 'app': return [`${at}  ${appWords(event.app)}`];
    case 'warnings': return event.warnings.length === 0
      ? [`${at}  No warnings now.`]
      : event.warnings.map((warning) => `${at}  ${warning.severity.toUpperCase()}: ${warning.title}. ${warning.text}`);
    case 'agent': {
      const { policy, pause: { active } } = event.agent;
      return [active === null
        ? `${at}  Policy: ${policy.origin}, ${counted(policy.rules, 'rule')}, generation ${policy.generation}.`
        : `${at}  Inspection is paused until ${clockTime(active.until)}.`];
    }
    case 'disconnected': return [`${at}  Agent lost: ${event.why} Waiting for it to come back.`];
  }
}
