// Puts the agent together and takes it apart again: the only file that knows every part. Not for logic of its own.
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { createAppIdentifier } from '../../native/app-identity/index.ts';
import { dropProgramPages } from '../../native/memory/program-pages.ts';
import { openOriginalDestination } from '../../native/packet-capture/original-destination.ts';
import { openPeerUid } from '../../native/peer-identity/index.ts';
import { createProcessAttribution, type ProcessAttribution } from '../../native/process-attribution/index.ts';
import { createUserNames } from '../../native/procfs/read.ts';
import { homesOutOfSight } from '../../native/trust-store/other-homes.ts';
import { openSecretStore } from '../../native/secret-store/index.ts';
import type { PinlightPaths } from '../contract/paths.ts';
import { PinlightError } from '../contract/errors.ts';
import type { TrustAnswer } from '../contract/routes.ts';
import type { AgentState, Snapshot } from '../contract/snapshot.ts';
import { fileModeOnly } from '../core/ca/secret-store.ts';
import { isOlderThanRoot } from '../core/health/disturbance.ts';
import { exclusionNames } from '../core/policy/host-pattern.ts';
import type { Authority } from './ca/authority.ts';
import { createSystemRoots } from './ca/system-roots.ts';
import { decideUnlearned, nextWords, summariseApp, type SummaryContext } from './control/app-summary.ts';
import { callerOf, contextFor, createRoom } from './control/callers.ts';
import { answers, openControlServer, type Served } from './control/control-server.ts';
import { createHandshakeChecks } from './control/handshake-check.ts';
import { createHandlers, createStreams, type HandlerContext } from './control/handlers.ts';
import { createBundleJobs } from './diagnostics/bundle-jobs.ts';
import { readNetworkFacts } from './network-facts.ts';
import { createConnectionLog } from './events/connection-log.ts';
import { createEventBus } from './events/event-bus.ts';
import { createAlreadyInspected } from './health/already-inspected.ts';
import { createTrustViews, createWhoIs, seenByApp } from './connection-owner.ts';
import { openDeviceRoot, type DeviceRoot } from './device-root.ts';
import { tellClock, tellCrashLoop, tellPolicyProblems, tellPort, tellTrust, warnAboutStore, watchDevice } from './device-warnings.ts';
import { createHealth, type Health } from './health/health.ts';
import { createHandshakeLog } from './events/handshake-log.ts';
import { collectMemory } from './idle-memory.ts';
import { openInspection } from './inspection.ts';
import { openLogFile } from './log-file.ts';
import { createPinningMonitor, type AppRecord, type PinningMonitor } from './pinning/pinning-monitor.ts';
import { openPolicy, policyOrigin } from './open-policy.ts';
import { servedUidOf } from './proxy/admission.ts';
import { clientRoom, createClients } from './proxy/clients.ts';
import type { Resolve } from './proxy/dial.ts';
import { listen } from './proxy/listener.ts';
import { createPlainHttp } from './proxy/plain-http.ts';
import type { LiveConnection, ProxyContext } from './proxy/proxy-context.ts';
import { createRecentTargets } from './proxy/recent-targets.ts';
import { serveCaptured, serveConnection } from './proxy/serve-connection.ts';
import { listenCaptured } from './proxy/transparent.ts';
import { openLogReader } from './store/log-reader.ts';
import { defaultRetention, openStore, type Store } from './store/store.ts';
import { openStanding } from './suspension.ts';
import { os, versions } from './this-system.ts';
import { openWayOut } from './way-out.ts';

export type AgentOptions = {
  readonly paths: PinlightPaths;
  /** `--policy FILE`: only these files are read; none = managed and user files, then the embedded default. */
  readonly policyFiles: readonly string[];
  readonly version: string;
  readonly logLevel: string;
  /** Called once, when a client of the control API asks the agent to end. */
  readonly onStopRequest: () => void;
  /** Clock, ms since the epoch. */
  readonly now?: () => number;
  readonly resolve?: Resolve;
};

export type Agent = { readonly state: () => AgentState; readonly snapshot: () => Snapshot; /** Open connections may go on for `drainMs` at most; the port is closed at once. `asked`: somebody wants it away, which is told to who watches. */ close(drainMs?: number, asked?: boolean): Promise<void> };

/** App summaries change with every connection; people see them this often at most. */
const appEventsEveryMs = 250;
const pruneEveryMs = 3600_000;
/** An intercepted connection that moved nothing for this long is idle, and is closed when an exclusion begins. */
const idleProbeMs = 250;

/** Starts everything and listens. Throws PinlightError with a stable code for what a person can mend; nothing is left behind then. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { paths } = options;
  const now = options.now ?? Date.now;
  const closers: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    // Before the database is touched: two agents must not share one.
    if (paths.runFolder !== null && await answers(paths.controlPath)) {
      throw new PinlightError('agent-already-running', `another Pinlight agent runs with the state folder ${paths.stateFolder}`);
    }
    return await assemble(options, now, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(options: AgentOptions, now: () => number, closers: (() => void | Promise<void>)[], close: () => Promise<void>): Promise<Agent> {
  const { paths } = options;
  const device = hostname();
  const bus = createEventBus();
  const health = createHealth((warnings) => bus.publish({ kind: 'warnings', warnings }));
  const deviceRoot = usableState(() => openDeviceRoot({
    stateFolder: paths.stateFolder, device, health, now,
    ...(paths.service ? { homesOutOfSight } : {}),
    secrets: openSecretStore({ folder: paths.stateFolder, env: process.env, service: paths.service }) ?? fileModeOnly,
    onSwitch: () => {
      log.info({ fingerprint: deviceRoot.current()?.fingerprint }, 'another root is in use');
      disturbances.note('root');
      bus.publish({ kind: 'agent', agent: state() });
    },
    onTrouble: (why) => log.error({ error: why }, 'the next root could not be made or used'),
  }));
  closers.push(() => deviceRoot.close());
  const logFile = usableState(() => openLogFile(join(paths.stateFolder, 'agent.log'), options.logLevel));
  closers.push(() => logFile.close());
  const { log } = logFile;

  const store = openStoreWithHealth(paths.stateFolder, health, now, closers);
  tellCrashLoop(paths.stateFolder, store, health, now);
  const logReader = openLogReader({ path: join(paths.stateFolder, 'pinlight.db'), now, flush: () => store.flush() });
  closers.push(() => logReader.close());
  const policy = openPolicy(options.policyFiles, paths, health, now, closers);

  const live = new Map<number, LiveConnection>();
  const recentTargets = createRecentTargets();
  const connectionLog = createConnectionLog(bus);
  const appEvents = createAppEvents((app) => {
    bus.publish({ kind: 'app', app: summarise(app) });
    warnAboutStore(app, health, now);
  });
  closers.push(appEvents.close);
  const monitor: PinningMonitor = createPinningMonitor({ store, policy: policy.current, now, events: {
    appChanged: appEvents.changed,
    exclusionsChanged: () => bus.publish({ kind: 'exclusions', exclusions: [...monitor.exclusions(), ...policy.current().exclusions] }),
    exclusionAdded: (exclusion) => {
      log.info({ exclusion: exclusion.id, host: exclusion.host, app: exclusion.appName }, 'exclusion added');
      closeIdle(live, (connection) => exclusionNames(exclusion, connection.host) && (exclusion.appId === null || connection.appId === exclusion.appId));
    },
    outcomeAmended: (id) => connectionLog.amend(id, { outcome: { kind: 'unused' } }),
  } });

  const standing = openStanding({
    stateFolder: paths.stateFolder, device, service: paths.service, policy, store, log, health, bus, now,
    onPause: () => closeIdle(live, () => true), onChange: () => bus.publish({ kind: 'agent', agent: state() }),
  });
  const { pauses, notices, logDetail, account } = standing;
  closers.push(standing.close);

  const attribution = createProcessAttribution();
  const identifier = createAppIdentifier(undefined, {
    onLate: ({ id, hash }) => hash !== null && monitor.identified(id, hash), matters: monitor.hasLearned,
  });
  closers.push(() => attribution.close(), () => identifier.close());
  const selfUid = process.getuid?.() ?? null;
  const summaries: SummaryContext = { monitor, policy: policy.current, os, selfUid, now, suspended: standing.suspendedHere };
  const summarise = (app: AppRecord, host?: string): ReturnType<typeof summariseApp> => summariseApp(app, summaries, host);

  const checkClock = (): void => tellClock(deviceRoot.current(), health, now);
  checkClock();
  const disturbances = watchDevice(health, log, () => {
    recentTargets.clear();
    wayOut.dropStale();
    // A ticket of another network would tell servers that it is the same device.
    proxy.inspection?.upstreams().dropSessions();
  }, now, closers, checkClock);
  const systemRoots = createSystemRoots(() => [...policy.current().network.upstreamRoots, ...policy.current().network.upstreamCrls]);
  closers.push(systemRoots.close);
  // The first root disturbs nobody; a later one leaves the apps that were seen before with the old one.
  if (deviceRoot.created && monitor.apps().length > 0) disturbances.note('root');

  let ownPorts: ReadonlySet<number> = new Set();
  const wayOut = openWayOut({ network: () => policy.current().network, ownPorts: () => ownPorts, resolve: options.resolve, health, now, closers });
  const inspection = openInspection(deviceRoot.current, policy, systemRoots, store, health, now);
  const handshakes = createHandshakeLog(() => policy.current().diagnostics.captureHandshakes);
  const proxy: ProxyContext = {
    handshakes,
    os, selfUid, servedUid: servedUidOf(selfUid, os, paths.service), shared: paths.service || selfUid === 0, policy: policy.current, policyGeneration: policy.generation, alreadyInspected: createAlreadyInspected((root, domains) => {
      if (domains === null) health.clear('already-inspected', root.spkiHash);
      else health.raise('already-inspected', root.spkiHash, { root: root.name, domains: domains.join(', ') }, now());
    }), monitor, store, log: connectionLog, live, now,
    recentTargets, disturbances,
    dial: wayOut.dial,
    suspended: standing.suspended,
    whoIs: createWhoIs(attribution, identifier),
    isHeld: (client, dialled) => attribution.isHeld(seenByApp(client, dialled)),
    appLeft: (client) => attribution.released(client.remotePort ?? 0),
    trustViewOf: createTrustViews(deviceRoot.probe),
    circumstances: (who, trust, look) => ({
      rootAgeMs: Math.max(0, now() - (deviceRoot.current()?.createdAt ?? now())),
      olderThanRoot: isOlderThanRoot(who.owner, trust, deviceRoot.current()?.createdAt ?? 0),
      disturbance: look ? disturbances.last() : disturbances.noted(),
    }),
    get inspection() { return deviceRoot.current() === null ? null : inspection; },
    onBug: (error) => log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a connection failed by a fault of ours'),
  };
  const plainHttp = createPlainHttp(proxy);
  const room = clientRoom();
  const clients = createClients(room, (full) => {
    if (full) health.raise('clients-turned-away', 'proxy', { room }, now());
    else health.clear('clients-turned-away', 'proxy');
  });
  const listening = await listen(policy.current().network.port, (client) => {
    if (clients.admit(client)) void serveConnection(client, proxy, plainHttp);
  });
  if (listening.kind === 'failed') throw portTaken(listening.code, policy.current().network.port, attribution);
  const { listener } = listening;
  const firstPort = policy.current().network.port;
  const listeners = [listener];
  closers.push(async () => {
    const closed = Promise.all(listeners.map((one) => one.close()));
    clients.destroy();
    await closed;
  });
  const { transparentPort } = policy.current().network;
  const destinationOf = transparentPort === 0 ? null : openOriginalDestination();
  if (destinationOf !== null) {
    const capturing = await listenCaptured(transparentPort, destinationOf, (client, target) => {
      if (clients.admit(client)) void serveCaptured(client, target, proxy);
    });
    if (capturing.kind === 'failed') throw portTaken(capturing.code, transparentPort, attribution);
    listeners.push(capturing.listener);
  }
  ownPorts = new Set(listeners.map(({ port }) => port));

  const startedAt = now();
  let stopping = false;
  const state = (): AgentState => ({
    version: options.version, pid: process.pid, startedAt, device, os, proxy: listener.addresses, controlPath: paths.controlPath, stateFolder: paths.stateFolder,
    root: rootState(deviceRoot.current(), paths.stateFolder),
    policy: { generation: policy.generation(), origin: policyOrigin(policy), rules: policy.current().rules.length, files: policy.files(), managedBy: policy.current().managedBy },
    pause: pauses.view(), noticePending: !paths.service && notices.isPending(account), stopping, logDetailUntil: logDetail.until(),
  });
  logDetail.resume();
  const snapshot = (): Snapshot => ({
    sequence: bus.sequence(), agent: state(), counts: connectionLog.counts(), apps: monitor.apps().sort((a, b) => b.lastSeen - a.lastSeen).map((app) => summarise(app)),
    exclusions: [...monitor.exclusions(), ...policy.current().exclusions], warnings: health.visible(), recent: connectionLog.recent(),
  });
  policy.onChange(() => {
    pauses.policyChanged();
    tellPolicyProblems(policy, health, now);
    tellPort(policy, firstPort, listener.port, health, now);
    // What is wrong with its revocation lists is told now, not at the next connection.
    proxy.inspection?.upstreams();
    log.info({ generation: policy.generation(), problems: policy.problems().length }, 'policy changed');
    bus.publish({ kind: 'agent', agent: state() });
  });

  const bundles = createBundleJobs((id) => {
    log.info({ bundle: id }, 'bundle made');
    store.audit(now(), 'bundle-made', { bundle: id });
  }, (error) => log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a bundle failed by a fault of ours'), { giveBack: collectMemory, dropProgramPages });
  closers.push(bundles.close);
  const context: HandlerContext = {
    store, log: logReader, monitor, policy, bus, snapshot, summarise, decideUnlearned: (app, host) => decideUnlearned(app, host, summaries), nextWords: (app, host) => nextWords(app, host, summaries), now, homes: [homedir()], versions: () => versions(options.version), logTail: logFile.tail,
    network: () => readNetworkFacts({ service: paths.service, home: homedir(), env: process.env, stateFolder: paths.stateFolder }),
    trust: oneAtATime(async () => {
      const answer = await trustAnswer(deviceRoot, paths.stateFolder);
      tellTrust(answer, health, now);
      return answer;
    }), stop: options.onStopRequest, administrator: true,
    rootFor: (which) => (which === 'next' ? deviceRoot.next() : deviceRoot.current()), handshakeChecks: createHandshakeChecks(),
    pauses, notices, account, logDetail, bundles, handshakes,
  };
  const control = await openControlServer({
    path: paths.controlPath, runFolder: paths.runFolder, runFolderShared: paths.runFolderShared,
    everybody: paths.service, servedTo: createCallers(context, paths, selfUid),
    onBug: (error) => log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a control request failed by a fault of ours'),
  });
  closers.push(() => control.close());
  const pruning = setInterval(() => store.prune(now(), defaultRetention), pruneEveryMs);
  closers.push(() => clearInterval(pruning));
  store.prune(now(), defaultRetention);
  // Reading the system's roots takes some 100 ms: now, not in the first connection.
  setImmediate(() => proxy.inspection?.upstreams());
  void deviceRoot.look();
  log.info({ version: options.version, proxy: listener.addresses, created: deviceRoot.created }, 'agent started');
  return {
    state, snapshot,
    close: async (drainMs = 0, asked = false) => {
      if (asked) {
        stopping = true;
        bus.publish({ kind: 'agent', agent: state() });
      }
      for (const one of listeners) void one.close();
      // Before anything else ends: to a new agent this one still runs, so that the two never share root and store.
      await clients.drain(drainMs);
      await close();
    },
  };
}

/** Administrators share one set of handlers; a user of the service gets one that sees their own alone. */
function createCallers(context: HandlerContext, paths: PinlightPaths, selfUid: number | null): (socket: Socket) => Served | null {
  const uidOf = openPeerUid();
  const names = createUserNames();
  const serve = (seen: HandlerContext): Served => ({ handlers: createHandlers(seen), streams: createStreams(seen) });
  const everything = serve(context);
  const room = createRoom();
  return (socket) => {
    const caller = callerOf(uidOf(socket), { service: paths.service, uid: selfUid, nameOf: (uid) => names.of(uid)?.name ?? null });
    if (caller.kind === 'stranger') return null;
    if (caller.kind === 'administrator') return everything;
    return room.admit(caller.uid, socket) ? serve(contextFor(context, caller)) : null;
  };
}

/** Who asks while it is at work gets that answer: looking into every store starts programs. */
function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => (running ??= work().finally(() => { running = null; }));
}

/** Whatever the state folder's disk refuses becomes one worded error. */
function usableState<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof PinlightError) throw error;
    throw new PinlightError('state-unusable', (error as Error).message);
  }
}

function openStoreWithHealth(folder: string, health: Health, now: () => number, closers: (() => void)[]): Store {
  const { store, quarantined } = usableState(() => openStore(join(folder, 'pinlight.db'), now(), ({ message, dropped }) => {
    if (message === null) health.clear('store-unwritable', 'store');
    else health.raise('store-unwritable', 'store', { message, dropped, folder }, now());
  }));
  closers.push(() => store.close());
  if (quarantined !== null) {
    health.raise('store-corrupt', 'store', { file: quarantined }, now());
    store.audit(now(), 'store-quarantined', { file: quarantined });
  }
  return store;
}

function portTaken(code: string, port: number, attribution: ProcessAttribution): PinlightError {
  if (code !== 'EADDRINUSE') return new PinlightError('port-taken', `the proxy cannot listen on port ${port} (${code})`);
  const owner = attribution.listenerOf(port);
  const who = owner.kind === 'process' ? `${owner.path} (pid ${owner.pid})` : 'another program';
  return new PinlightError('port-taken', `port ${port} is held by ${who}`);
}

/** Collects changes of an app and tells them together; 4,000 connections a second must not mean 4,000 summaries. */
function createAppEvents(publish: (app: AppRecord) => void): { changed(app: AppRecord): void; close(): void } {
  const waiting = new Set<AppRecord>();
  let timer: NodeJS.Timeout | null = null;
  return {
    changed: (app) => {
      waiting.add(app);
      timer ??= setTimeout(() => {
        timer = null;
        for (const changed of waiting) publish(changed);
        waiting.clear();
      }, appEventsEveryMs);
    },
    close: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function closeIdle(live: Map<number, LiveConnection>, concerned: (connection: LiveConnection) => boolean): void {
  const before = [...live.values()].filter(concerned).map((connection) => ({ connection, moved: connection.moved() }));
  if (before.length === 0) return;
  setTimeout(() => {
    for (const { connection, moved } of before) if (connection.moved() === moved) connection.close();
  }, idleProbeMs).unref();
}

function rootState(authority: Authority | null, folder: string): AgentState['root'] {
  if (authority === null) {
    return { certificatePath: join(folder, 'root.pem'), fingerprint: '', subject: '', notBefore: 0, notAfter: 0, keyProtection: 'not usable' };
  }
  const { certificatePath, fingerprint, subject, notBefore, notAfter, keyProtection } = authority;
  return { certificatePath, fingerprint, subject, notBefore, notAfter, keyProtection };
}

/** Asked by who has just changed stores, too: a next root that is in all of them is used from here on. */
async function trustAnswer(root: DeviceRoot, folder: string): Promise<TrustAnswer> {
  await root.look();
  const [current, next] = [root.current(), root.next()];
  return {
    root: { ...rootState(current, folder), pem: current?.certificatePem ?? '' },
    next: next === null ? null : { ...rootState(next, folder), pem: next.certificatePem },
    stores: await root.probe()?.stores() ?? [],
  };
}
