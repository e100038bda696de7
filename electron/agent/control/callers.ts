// Who speaks at the control socket, and what that lets them see and do: by the peer's uid, before any byte is read.
// And how many connections of theirs are served at once. Not for how the uid is found (native/peer-identity) and not for HTTP (control-server.ts).
import type { Socket } from 'node:net';
import type { AgentEvent, Snapshot } from '../../contract/snapshot.ts';
import type { WarningCode } from '../../core/health/warnings.ts';
import type { HandlerContext } from './handlers.ts';
import { PinlightError } from '../../contract/errors.ts';

/** Warnings whose words name hosts that anybody on the device has visited. */
const namesHosts: ReadonlySet<string> = new Set<WarningCode>(['already-inspected']);

export type Caller =
  /** Root, or whoever the agent runs as: everything. */
  | { readonly kind: 'administrator' }
  /** Somebody of this device at the service's socket: what concerns their own programs; changes only where policy lets everybody. */
  | { readonly kind: 'user'; readonly uid: number; readonly name: string | null }
  | { readonly kind: 'stranger' };

/** `uid` null: the system does not tell; then the mode of the socket has decided, which is nobody's in a service. */
export function callerOf(uid: number | null, agent: { readonly service: boolean; readonly uid: number | null; readonly nameOf: (uid: number) => string | null }): Caller {
  if (uid === null) return agent.service ? { kind: 'stranger' } : { kind: 'administrator' };
  if (uid === 0 || uid === agent.uid) return { kind: 'administrator' };
  return agent.service ? { kind: 'user', uid, name: agent.nameOf(uid) } : { kind: 'stranger' };
}

/** Connections to the control socket; a window, a tray and some commands need ten. */
const roomForUser = 16;
/** All users together: below what clients.ts keeps back for the agent's own descriptors. */
const roomForUsers = 64;

/** Counts the service's users; administrators and the watchdog are let in whatever others do. `admit` answers false where there is no room. */
export function createRoom(): { admit(uid: number, socket: Pick<Socket, 'once'>): boolean } {
  const open = new Map<number, number>();
  let all = 0;
  return {
    admit: (uid, socket) => {
      const own = open.get(uid) ?? 0;
      if (own >= roomForUser || all >= roomForUsers) return false;
      open.set(uid, own + 1);
      all += 1;
      socket.once('close', () => {
        const left = (open.get(uid) ?? 1) - 1;
        if (left === 0) open.delete(uid);
        else open.set(uid, left);
        all -= 1;
      });
      return true;
    },
  };
}

/** The agent as this user may see it: rows, apps, exclusions and events of their own programs, nobody's log. */
export function contextFor(whole: HandlerContext, user: Extract<Caller, { kind: 'user' }>): HandlerContext {
  const own = (name: string | null): boolean => name !== null && name === user.name;
  const ownApps = (): ReturnType<HandlerContext['monitor']['apps']> => whole.monitor.apps().filter((app) => own(app.user));
  const ownAppIds = (): ReadonlySet<string> => new Set(ownApps().map(({ identity }) => identity.id));
  const ownExclusions = <T extends { readonly appId: string | null }>(all: readonly T[]): T[] => {
    const ids = ownAppIds();
    return all.filter(({ appId }) => appId === null || ids.has(appId));
  };
  const warnings = (all: Snapshot['warnings']): Snapshot['warnings'] => {
    const ids = ownAppIds();
    return all.filter(({ code, key }) => (code === 'private-trust-store' ? ids.has(key) : !namesHosts.has(code)));
  };
  const agent = (all: Snapshot['agent']): Snapshot['agent'] => ({ ...all, noticePending: whole.notices.isPending(String(user.uid)) });
  const { store, monitor, bus } = whole;
  return {
    ...whole, administrator: false, account: String(user.uid),
    logTail: () => Promise.reject(new PinlightError('not-permitted', 'the log is for administrators')),
    snapshot: () => {
      const all = whole.snapshot();
      return {
        ...all, agent: agent(all.agent), apps: all.apps.filter((app) => own(app.user)), recent: all.recent.filter((row) => own(row.user)),
        exclusions: ownExclusions(all.exclusions), warnings: warnings(all.warnings),
      };
    },
    log: whole.log.ofUser(user.uid),
    store: { ...store, connections: { ...store.connections,
      page: (where, params, limit, before) => store.connections.page(`(${where === '' ? '1' : where}) AND uid = ?`, [...params, user.uid], limit, before) } },
    monitor: { ...monitor, apps: ownApps, exclusions: () => ownExclusions(monitor.exclusions()),
      // One for all apps concerns everybody: it is an administrator's, like one of another user's app.
      removeExclusion: (id, why) => (ownExclusions(monitor.exclusions()).some((one) => one.id === id && one.appId !== null) ? monitor.removeExclusion(id, why) : null) },
    bus: { ...bus, subscribe: (listener) => {
      // Numbered anew, or every event that is left out would look like a lost one.
      let sequence = bus.sequence();
      return bus.subscribe((event) => {
        const seen = eventFor(event);
        if (seen === null) return;
        sequence += 1;
        listener({ ...seen, sequence });
      });
    } },
  };

  function eventFor(event: AgentEvent): AgentEvent | null {
    switch (event.kind) {
      case 'connection': return own(event.row.user) ? event : null;
      case 'app': return own(event.app.user) ? event : null;
      case 'exclusions': return { ...event, exclusions: ownExclusions(event.exclusions) };
      case 'warnings': return { ...event, warnings: warnings(event.warnings) };
      case 'agent': return { ...event, agent: agent(event.agent) };
    }
  }
}
