// The few things the agent must know again after a restart and that are no history: who accepted the notice, until when the log is
// detailed. One JSON file in the state folder (0600), written whole. Not for policy, and nothing an app could fill.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { NoticeRecord } from '../core/policy/notice.ts';

export type Settings = {
  /** ms since the epoch; null = the log has its normal level. */
  readonly logDetailUntil: number | null;
  /** Account (uid, or a name on Windows) → what that person was shown. */
  readonly notices: Readonly<Record<string, NoticeRecord>>;
};

export type SettingsFile = {
  current(): Settings;
  /** Holds from now on even where the disk refuses; answers false then. */
  change(change: Partial<Settings>): boolean;
};

const empty: Settings = { logDetailUntil: null, notices: {} };

/** Reads the file at `path`. One that cannot be understood counts as empty: then people are asked again, which harms nobody. */
export function openSettingsFile(path: string): SettingsFile {
  let settings = readSettings(path);
  return {
    current: () => settings,
    change: (change) => {
      settings = { ...settings, ...change };
      const part = `${path}.part`;
      try {
        writeFileSync(part, `${JSON.stringify(settings)}\n`, { mode: 0o600 });
        renameSync(part, path);
        return true;
      } catch {
        rmSync(part, { force: true });
        return false;
      }
    },
  };
}

function readSettings(path: string): Settings {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!isRecord(value)) return empty;
    const { logDetailUntil, notices } = value;
    return {
      logDetailUntil: typeof logDetailUntil === 'number' ? logDetailUntil : null,
      notices: isRecord(notices) ? Object.fromEntries(Object.entries(notices).flatMap(([account, record]) => (isNoticeRecord(record) ? [[account, record]] : []))) : {},
    };
  } catch {
    return empty;
  }
}

function isNoticeRecord(value: unknown): value is NoticeRecord {
  return isRecord(value) && typeof value['version'] === 'string' && isTime(value['shownAt']) && isTime(value['acceptedAt']);
}

function isTime(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
