// Whether inspection stands still, for everybody or for one user: the pause, the first-start notice and the detailed log, put together
// out of the agent's parts. Not for what they are (control/pauses, control/notices, log-detail) or for deciding (core/policy/decide).
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Owner, Suspension } from '../core/model.ts';
import { createNotices, type Notices } from './control/notices.ts';
import { createPauses, type Pauses } from './control/pauses.ts';
import type { EventBus } from './events/event-bus.ts';
import type { Health } from './health/health.ts';
import { createLogDetail, type LogDetail } from './log-detail.ts';
import type { LogFile } from './log-file.ts';
import type { PolicyStore } from './policy/policy-store.ts';
import { accountOf } from './proxy/admission.ts';
import { openSettingsFile } from './settings-file.ts';
import type { Store } from './store/store.ts';

export type StandingParts = {
  readonly stateFolder: string; readonly device: string;
  /** Many users' agent: then what it runs as is nobody's account. */
  readonly service: boolean;
  readonly policy: PolicyStore; readonly store: Store; readonly log: LogFile['log']; readonly health: Health; readonly bus: EventBus; readonly now: () => number;
  readonly onPause: () => void;
  /** Something of it shows in the agent's state. */
  readonly onChange: () => void;
};

export type Standing = {
  readonly pauses: Pauses; readonly notices: Notices; readonly logDetail: LogDetail;
  /** Whose notice the agent's own user reads. */
  readonly account: string;
  /** Why nothing of this owner's may be inspected now. */
  readonly suspended: (owner: Owner) => Suspension | null;
  /** The same for a question that names no connection: of a service only what holds for everybody. */
  readonly suspendedHere: () => Suspension | null;
  close(): void;
};

export function openStanding(parts: StandingParts): Standing {
  const { policy, store, log, now } = parts;
  const settings = openSettingsFile(join(parts.stateFolder, 'settings.json'));
  const audit = (kind: string, detail: Readonly<Record<string, unknown>>): void => {
    store.audit(now(), kind, detail);
    log.info(detail, kind);
  };
  const pauses = createPauses({
    policy: policy.current, device: parts.device, readKeyFile, history: store.loadAudit, audit, now, uptime: () => performance.now(),
    onChange: (pause) => {
      // What is open and idle goes, so that an app that is stuck connects anew.
      if (pause !== null) parts.onPause();
      parts.onChange();
    },
  });
  const notices = createNotices({
    policy: policy.current, records: () => settings.current().notices, audit, now, keep: (records) => {
      settings.change({ notices: records });
      parts.onChange();
    },
  });
  let unsubscribe = (): void => undefined;
  const logDetail = createLogDetail({ log, settings, now, onChange: (until) => {
    unsubscribe();
    unsubscribe = until === null ? () => undefined : parts.bus.subscribe((event) => {
      if (event.kind === 'connection') log.debug({ connection: event.row }, 'connection');
    });
    if (until === null) parts.health.clear('log-detailed', 'log');
    else parts.health.raise('log-detailed', 'log', { until: new Date(until).toTimeString().slice(0, 5) }, now());
    parts.onChange();
  } });

  const account = process.getuid === undefined ? `${process.env['USERDOMAIN'] ?? ''}\\${userInfo().username}` : String(process.getuid());
  const paused = (): Suspension | null => (pauses.isPaused() ? 'paused' : null);
  const suspendedFor = (whose: string | null): Suspension | null => (notices.isPending(whose) ? 'notice-pending' : paused());
  return {
    pauses, notices, logDetail, account,
    suspended: (owner) => suspendedFor(accountOf(owner)),
    suspendedHere: () => (parts.service ? paused() : suspendedFor(account)),
    close: () => {
      pauses.close();
      logDetail.close();
    },
  };
}

function readKeyFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
