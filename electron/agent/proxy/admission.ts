// Whom the proxy serves: a user's own agent its user and root, the service and root's agent everybody.
// Not for captured connections: whose those are, root has chosen. Not for policy, which judges whoever is served.
import type { Decision, Os, Owner } from '../../core/model.ts';

/**
 * The uid that an agent serves alone; null = everybody. So it is on macOS, where steering is a setting of the whole machine (networksetup) that
 * daemons and other people's sessions follow: refused, they would have no network. Windows has no uids.
 */
export function servedUidOf(selfUid: number | null, os: Os, service: boolean): number | null {
  return service || os !== 'linux' || selfUid === 0 ? null : selfUid;
}

/** What tells one user's programs from another's where several are served; null = not known. */
export function accountOf(owner: Owner): string | null {
  if (owner.uid !== null) return String(owner.uid);
  return owner.kind === 'process' ? owner.user : null;
}

/**
 * The block of another user's program, which would go out with this user's account and with the passwords of the organisation's proxy; null =
 * it is served. A client whose uid is not known passes: it has mostly gone already, and `onUnknownApp` judges it like the user's own.
 */
export function whyNotServed(owner: Owner, servedUid: number | null): Decision | null {
  if (servedUid === null || owner.uid === null || owner.uid === servedUid || owner.uid === 0) return null;
  return { disposition: 'block', reason: { code: 'other-user', detail: null }, rule: null };
}
