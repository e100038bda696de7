// What "Copy for the ticket" puts on the clipboard: plain text that a helpdesk can read without Pinlight.
import type { ExplainAnswer } from '../../electron/contract/routes.ts';
import type { AgentState } from '../../electron/contract/snapshot.ts';
import { explainExclusion } from '../../electron/core/explain.ts';
import type { Exclusion } from '../../electron/core/model.ts';
import { visible } from '../format.ts';

type TicketFacts = {
  readonly answer: ExplainAnswer;
  readonly host: string;
  readonly exclusion: Exclusion | null;
  readonly agent: AgentState;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** The text, one fact a line; English like the agent's own sentences, times in UTC. */
export function ticketText({ answer, host, exclusion, agent, now }: TicketFacts): string {
  const { app } = answer;
  const lines = [
    `Pinlight ${agent.version} on ${agent.device} (${agent.os}), policy generation ${agent.policy.generation} (${agent.policy.origin})`,
    `Time: ${new Date(now).toISOString()}`,
    '',
    `App: ${app.name}${app.package === null ? '' : ` (${app.package})`}`,
    `Path: ${app.path}${app.script === null ? '' : `, running ${app.script}`}`,
    `SHA-256: ${app.hash ?? 'not computed'}`,
    `Host: ${host}`,
    `Verdict: ${answer.verdict?.kind ?? 'none'}: ${answer.sentence}`,
    `Next connection: ${answer.next}`,
    `Exclusion: ${exclusion === null ? 'none' : explainExclusion(exclusion, now)}`,
    `Advice: ${answer.advice}`,
    ...section('Evidence for', answer.evidenceFor),
    ...section('Evidence against', answer.evidenceAgainst),
    ...section('Also known', answer.alsoKnown),
    ...section('What still protects it', answer.controls),
    ...section('Last attempts (UTC)', answer.attempts.map((attempt) => `${new Date(attempt.at).toISOString()} ${attempt.host}: ${attempt.sentence}`)),
  ];
  return lines.map(visible).join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `- ${line}`)];
}
