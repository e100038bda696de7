// What "Ask for a permanent exclusion" puts on the clipboard: a complete request that an administrator can decide and carry out without
// asking back, with the rule for the policy. Pure. Not for the ticket of a helpdesk (ticket.ts).
import type { ExplainAnswer } from '../../electron/contract/routes.ts';
import type { AgentState } from '../../electron/contract/snapshot.ts';
import { visible } from '../format.ts';

type RequestFacts = {
  readonly answer: ExplainAnswer;
  readonly host: string;
  readonly agent: AgentState;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** The request, one fact a line; English like the agent's own sentences, times in UTC. */
export function requestText({ answer, host, agent, now }: RequestFacts): string {
  const { app } = answer;
  const lines = [
    `Please let ${app.name} at ${host} through uninspected for good: the exclusion that Pinlight learned ends and is tested again and again.`,
    '',
    `App: ${app.name}`,
    `Path: ${app.path}${app.script === null ? '' : `, running ${app.script}`}`,
    `Package: ${app.package ?? 'none'}`,
    `SHA-256: ${app.hash ?? 'not computed'}`,
    `Host: ${host}`,
    `Verdict: ${answer.verdict?.kind ?? 'none'}: ${answer.sentence}`,
    ...answer.evidenceFor.map((fact) => `For: ${fact}`),
    ...answer.evidenceAgainst.map((fact) => `Against: ${fact}`),
    ...answer.controls.map((control) => `Still applies: ${control}`),
    `Device: ${agent.device} (${agent.os}), Pinlight ${agent.version}, policy generation ${agent.policy.generation}`,
    `Asked: ${new Date(now).toISOString()}${app.user === null ? '' : ` by ${app.user}`}`,
    '',
    'To allow it, put this rule into the policy before any rule that inspects this host (a rule with mustInspect beats it):',
  ];
  return [...lines.map(visible), JSON.stringify(exclusionRule(answer, host), null, 2)].join('\n');
}

/** The policy's own shape of it: by package where one owns the program, so that it survives an update's new path, else by path. */
export function exclusionRule({ app, verdict }: Pick<ExplainAnswer, 'app' | 'verdict'>, host: string): object {
  const owned = app.package === null || app.script !== null ? { path: app.script ?? app.path } : { package: app.package.split(' ', 1)[0] };
  return {
    id: `let-through-${app.name}-${host}`.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, longestId),
    when: { app: owned, host },
    do: 'bypass',
    reason: `${verdict?.kind ?? 'refused'}: refuses inspection and works untouched`,
  };
}

/** As the policy's format has it (core/policy/keys). */
const longestId = 100;
