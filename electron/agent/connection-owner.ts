// Whose a connection is, as the proxy asks: process, app, and which stores that process trusts. Not for finding out (native/).
import type { Socket } from 'node:net';
import type { AppIdentifier } from '../../native/app-identity/index.ts';
import { connectionOf, type Connection, type ProcessAttribution } from '../../native/process-attribution/index.ts';
import type { TrustProbe } from '../../native/trust-store/index.ts';
import type { Owner, Target, TrustView } from '../core/model.ts';
import type { ProxyContext, Who } from './proxy/proxy-context.ts';

/** An owner look-up may hold a connection back for this long; then it is `late` and policy says what happens. */
const ownerDeadlineMs = 250;

/** Values at once where caches answer, so that a busy app's connections wait for nothing. */
export function createWhoIs(attribution: ProcessAttribution, identifier: AppIdentifier): ProxyContext['whoIs'] {
  const name = (owner: Owner): Who | Promise<Who> => {
    if (owner.kind === 'unknown') return { owner, app: null };
    const app = identifier.identify(owner);
    return app instanceof Promise ? app.then((identity) => ({ owner, app: identity })) : { owner, app };
  };
  return (client, dialled) => {
    const owner = attribution.ownerOf(seenByApp(client, dialled), ownerDeadlineMs);
    return owner instanceof Promise ? owner.then(name) : name(owner);
  };
}

/** The app's end of a redirected socket leads to where it dialled; only ours shows the listener. */
export function seenByApp(client: Socket, dialled: Target | null): Connection {
  const connection = connectionOf(client);
  return dialled === null ? connection : { ...connection, serverAddress: dialled.host, serverPort: dialled.port };
}

/** Looking into stores costs system calls; a process's view is asked for again after this time. */
const trustViewAgeMs = 10_000;

/** The trust view of a process, remembered for a while: a busy app makes hundreds of connections a second. */
export function createTrustViews(probeNow: () => TrustProbe | null): ProxyContext['trustViewOf'] {
  const known = new Map<string, { at: number; probe: TrustProbe; view: Promise<TrustView | null> }>();
  return ({ owner, app }) => {
    const probe = probeNow();
    if (probe === null || owner.kind !== 'process' || app === null) return Promise.resolve(null);
    const key = `${owner.pid} ${owner.startedAt} ${app.id}`;
    const found = known.get(key);
    if (found !== undefined && found.probe === probe && performance.now() - found.at < trustViewAgeMs) return found.view;
    const view = Promise.resolve(probe.viewOf(owner, app));
    known.delete(key);
    known.set(key, { at: performance.now(), probe, view });
    if (known.size > 512) known.delete(known.keys().next().value as string);
    return view;
  };
}
