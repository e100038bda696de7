// The pause of inspection: begins as policy allows, ends by time, by hand, by policy or with the agent, and is counted over restarts.
// Not for what it does to a connection (core/policy/decide) or for what policy says (core/policy/pause).
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PinlightError } from '../../contract/errors.ts';
import { passcodeOf, readCode, readKey, requestFrom, ticketAnswer } from '../../core/policy/pause-code.ts';
import type { Hmac } from '../../core/policy/pause-code.ts';
import { judgePause, pauseDayMs } from '../../core/policy/pause.ts';
import type { Pause, PauseView } from '../../core/policy/pause.ts';
import type { Policy } from '../../core/policy/policy.ts';

export type Pauses = {
  isPaused(): boolean;
  view(): PauseView;
  /** Throws PinlightError `not-permitted-by-policy` or `pause-refused`. A running one of `account` is replaced, and both count; other people's run on below it. */
  begin(wish: { readonly minutes?: unknown; readonly reason?: unknown; readonly code?: unknown }, account: string): Pause;
  /** Ends what `account` began; null = an administrator, who ends all. Answers the pause; null where none ran. Throws PinlightError `not-permitted`. */
  resume(account: string | null): Pause | null;
  /** The request that a helpdesk answers (`pause.mode` ticket): the open one, else a new one. */
  ticket(): { readonly request: string; readonly device: string };
  /** Policy has changed: a pause it no longer allows ends. */
  policyChanged(): void;
  close(): void;
};

type Running = { readonly pause: Pause; /** On the clock that stands still while the device sleeps. */ readonly overAt: number; readonly account: string };

export type PauseEnd = 'time' | 'resumed' | 'policy' | 'agent-ended';

export type PauseSources = {
  readonly policy: () => Policy;
  readonly device: string;
  /** Text of the key file; null = there is none to read. */
  readonly readKeyFile: (path: string) => string | null;
  /** Audit rows since a time: what was used before the agent was started anew. */
  readonly history: (kind: 'paused' | 'pause-refused', since: number) => readonly { readonly at: number; readonly detail: Readonly<Record<string, unknown>> }[];
  readonly audit: (kind: 'paused' | 'pause-ended' | 'pause-refused', detail: Readonly<Record<string, unknown>>) => void;
  readonly onChange: (pause: Pause | null) => void;
  /** ms since the epoch. */
  readonly now: () => number;
  /** ms that only ever grow while the device is awake. */
  readonly uptime: () => number;
};

/** Ends are looked for this often: a timer alone would sleep with the device. */
const lookEveryMs = 1_000;
const triesPerHour = 5;
const hourMs = 3600_000;

const hmac: Hmac = (key, message) => createHmac('sha256', key).update(message).digest();

export function createPauses(sources: PauseSources): Pauses {
  const { policy, now, uptime, device } = sources;
  const begun: { at: number; code: string | null }[] = sources.history('paused', now() - pauseDayMs)
    .map(({ at, detail }) => ({ at, code: typeof detail['code'] === 'string' ? detail['code'] : null }));
  // Each account's own: one person's guesses lock out nobody else.
  let failures = sources.history('pause-refused', now() - hourMs).map(({ at, detail }) => ({ at, account: detail['account'] }));
  // One of an account at most. The last ends last: none is begun that would end before another's.
  let running: readonly Running[] = [];
  let request: string | null = null;
  let timer: NodeJS.Timeout | null = null;

  const used = (): number => begun.filter(({ at }) => now() - at < pauseDayMs).length;
  // Whichever clock says so first: one that was set back must not stretch a pause.
  const isOver = (one: Running): boolean => now() >= one.pause.until || uptime() >= one.overAt;

  const end = (ended: readonly Running[], why: PauseEnd, added: readonly Running[] = []): void => {
    const before = running.at(-1);
    running = [...running.filter((one) => !ended.includes(one)), ...added];
    for (const { pause } of ended) sources.audit('pause-ended', { why, since: pause.since });
    const after = running.at(-1);
    if (after === before) return;
    if (timer !== null) clearInterval(timer);
    timer = after === undefined ? null : setInterval(isPaused, lookEveryMs).unref();
    sources.onChange(after?.pause ?? null);
  };
  const isPaused = (): boolean => {
    if (running.length > 0) end(running.filter(isOver), 'time');
    return running.length > 0;
  };

  /** The code that was right, or a throw. */
  const checkCode = (kind: 'passcode' | 'ticket', typed: unknown, minutes: number, account: string): string => {
    const key = deviceKeyOf(policy().pause.keyFile, sources.readKeyFile);
    failures = failures.filter(({ at }) => now() - at < hourMs);
    if (failures.filter((one) => one.account === account).length >= triesPerHour) throw refused(`${triesPerHour} codes were wrong within an hour. Try again later.`);
    if (typeof typed !== 'string' || typed.trim() === '') {
      throw refused(kind === 'ticket' ? 'The policy (pause.mode) asks for the answer to a request: `pinlight pause --ticket` makes one.' : 'The policy (pause.mode) asks for a code of your helpdesk\'s.');
    }
    const code = readCode(typed.slice(0, 40));
    const hour = Math.floor(now() / hourMs);
    const right = kind === 'ticket'
      ? request === null ? [] : [ticketAnswer(hmac, key, { device, request, minutes })]
      : [hour, hour - 1].map((at) => passcodeOf(hmac, key, { device, hour: at, minutes }));
    if (right.some((one) => sameText(one, code)) && !begun.some((one) => one.code === code)) return code;
    failures.push({ at: now(), account });
    sources.audit('pause-refused', { mode: kind, minutes, account });
    throw refused('The code is wrong, was used before, or was made for another device or another number of minutes.');
  };

  return {
    isPaused,
    view: () => {
      isPaused();
      const { mode, maxMinutes, maxPerDay } = policy().pause;
      return { mode, maxMinutes, left: Math.max(0, maxPerDay - used()), active: running.at(-1)?.pause ?? null };
    },
    begin: ({ minutes, reason, code }, account) => {
      const judged = judgePause(policy(), { minutes, reason, used: used() });
      if (judged.kind === 'forbidden') throw new PinlightError('not-permitted-by-policy', judged.why);
      if (judged.kind === 'refused') throw refused(judged.why);
      const lasts = judged.minutes * 60_000;
      const mine = isPaused() ? running.filter((one) => one.account === account) : [];
      if (running.some((one) => !mine.includes(one) && one.pause.until > now() + lasts)) throw refused('A longer pause, which somebody else began, runs already.');
      const right = judged.needsCode === null ? null : checkCode(judged.needsCode, code, judged.minutes, account);
      request = null;
      const since = now();
      const pause = { since, until: since + lasts, reason: judged.reason };
      begun.push({ at: since, code: right });
      end(mine, 'resumed', [{ pause, overAt: uptime() + lasts, account }]);
      sources.audit('paused', { minutes: judged.minutes, reason: judged.reason, mode: policy().pause.mode, ...(right === null ? {} : { code: right }) });
      return pause;
    },
    resume: (account) => {
      if (!isPaused()) return null;
      const mine = running.filter((one) => account === null || one.account === account);
      const last = mine.at(-1);
      if (last === undefined) throw new PinlightError('not-permitted', 'somebody else began this pause');
      end(mine, 'resumed');
      return last.pause;
    },
    ticket: () => {
      const judged = judgePause(policy(), { minutes: undefined, reason: undefined, used: used() });
      if (judged.kind === 'forbidden') throw new PinlightError('not-permitted-by-policy', judged.why);
      if (policy().pause.mode !== 'ticket') throw refused('The policy (pause.mode) asks for no ticket here.');
      deviceKeyOf(policy().pause.keyFile, sources.readKeyFile);
      request ??= requestFrom(randomBytes(8));
      return { request, device };
    },
    policyChanged: () => {
      if (policy().pause.mode === 'disallow') end(running, 'policy');
    },
    close: () => {
      end(running, 'agent-ended');
    },
  };
}

function deviceKeyOf(path: string | null, readKeyFile: PauseSources['readKeyFile']): Uint8Array {
  const key = readKey(path === null ? '' : readKeyFile(path) ?? '');
  if (key === null) throw refused('The policy asks for codes, but names no readable key file for this device (pause.keyFile).');
  return key;
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function refused(why: string): PinlightError {
  return new PinlightError('pause-refused', why);
}
