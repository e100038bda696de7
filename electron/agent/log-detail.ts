// "Detailed log for 30 minutes": debug level that ends by itself, also over a restart of the agent. Not for what is logged.
import type pino from 'pino';
import type { SettingsFile } from './settings-file.ts';

/** Long enough to reproduce a problem; a level that nobody ends would fill the disk and the bundle. */
export const detailMs = 30 * 60_000;
/** By the wall clock, so that a device that slept finds the time over. */
const lookEveryMs = 1_000;

export type LogDetail = {
  /** ms since the epoch; null = normal. */
  until(): number | null;
  /** Goes on where an earlier run of the agent stopped. */
  resume(): void;
  /** Begins (or begins anew) and ends. */
  set(detailed: boolean): void;
  close(): void;
};

/** `onChange`: after each beginning and end. */
export function createLogDetail({ log, settings, now, onChange }: {
  readonly log: pino.Logger; readonly settings: SettingsFile; readonly now: () => number; readonly onChange: (until: number | null) => void;
}): LogDetail {
  const normal = log.level;
  let until: number | null = null;
  let timer: NodeJS.Timeout | null = null;

  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  const begin = (end: number): void => {
    stop();
    until = end;
    log.level = 'debug';
    timer = setInterval(() => {
      // A clock that was set back must not stretch it.
      if (now() >= end || end - now() > detailMs) finish();
    }, lookEveryMs).unref();
    onChange(until);
  };
  const finish = (): void => {
    stop();
    until = null;
    log.level = normal;
    settings.change({ logDetailUntil: null });
    onChange(null);
  };

  return {
    until: () => until,
    resume: () => {
      const before = settings.current().logDetailUntil;
      if (before !== null && before > now() && before - now() <= detailMs) begin(before);
    },
    set: (detailed) => {
      if (!detailed) {
        if (until !== null) finish();
        return;
      }
      const end = now() + detailMs;
      settings.change({ logDetailUntil: end });
      begin(end);
    },
    close: stop,
  };
}
