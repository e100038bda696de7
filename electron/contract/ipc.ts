// The wire between window and Electron's main process: every channel with its arguments and answer, and the checks on both.
// Not for Electron itself (main/ipc, preload/bridge) or for what screens see (contract/bridge).
import { bridgeRoutes } from './bridge.ts';
import type { BridgeRoute, BridgeSignal } from './bridge.ts';
import { PinlightError } from './errors.ts';
import { readKinds } from './notification-kinds.ts';
import type { NotificationKind } from './notification-kinds.ts';
import type { Envelope } from './routes.ts';

/** Asked by the window, answered once. Errors travel as envelopes: an Error that crosses IPC keeps its message only. */
export type IpcCalls = {
  'pinlight:call': { readonly args: readonly [route: BridgeRoute, query: IpcFields, body: IpcFields]; readonly answer: Envelope<unknown> };
  'pinlight:watch-start': { readonly args: readonly [watch: number]; readonly answer: Envelope<null> };
  'pinlight:watch-stop': { readonly args: readonly [watch: number]; readonly answer: Envelope<null> };
  'pinlight:save-bundle': { readonly args: readonly [job: string]; readonly answer: Envelope<string | null> };
  /** Silences these kinds for this person; null only asks. Answers those that are silenced. */
  'pinlight:notifications': { readonly args: readonly [silenced: readonly NotificationKind[] | null]; readonly answer: Envelope<readonly NotificationKind[]> };
};

/** Query or body of a call once it has been checked: the fields of its route, no others. */
export type IpcFields = Readonly<Record<string, string | number | undefined>>;

/** Sent by main to one window. */
export type IpcPushes = {
  'pinlight:signal': readonly [watch: number, signal: BridgeSignal];
};

export type IpcChannel = keyof IpcCalls;
export type IpcArgs<C extends IpcChannel> = IpcCalls[C]['args'];
export type IpcAnswer<C extends IpcChannel> = IpcCalls[C]['answer'];

export const signalChannel = 'pinlight:signal' satisfies keyof IpcPushes;

/** The name under which the preload script exposes the Bridge on `window`. */
export const bridgeKey = 'pinlight';

/** Checks arguments that came over a channel; answers them typed, or throws `bad-request`. */
export const ipcValidators: { readonly [C in IpcChannel]: (args: readonly unknown[]) => IpcArgs<C> } = {
  'pinlight:call': (args) => {
    const [route, query, body] = exactly(args, 3);
    if (!isBridgeRoute(route)) throw bad('the window may not ask for this route');
    return [route, checked(query, queryFields[route], 'query'), checked(body, bodyFields[route], 'body')];
  },
  'pinlight:watch-start': (args) => [watchNumber(exactly(args, 1)[0])],
  'pinlight:watch-stop': (args) => [watchNumber(exactly(args, 1)[0])],
  'pinlight:save-bundle': (args) => {
    const [job] = exactly(args, 1);
    if (typeof job !== 'string' || !/^[\w-]{1,64}$/.test(job)) throw bad('the job is no id');
    return [job];
  },
  'pinlight:notifications': (args) => {
    const [silenced] = exactly(args, 1);
    const kinds = readKinds(silenced);
    if (silenced !== null && (!Array.isArray(silenced) || silenced.length !== kinds.length)) throw bad('these are no kinds of notifications');
    return [silenced === null ? null : kinds];
  },
};

export const ipcChannels = [
  'pinlight:call', 'pinlight:watch-start', 'pinlight:watch-stop', 'pinlight:save-bundle', 'pinlight:notifications',
] as const satisfies readonly IpcChannel[];

type Fields = Readonly<Record<string, 'string' | 'number'>>;

const queryFields: { readonly [N in BridgeRoute]: Fields } = {
  status: {}, apps: {}, exclusions: {}, addExclusion: {}, policy: {}, trust: {},
  connections: { filter: 'string', limit: 'string', before: 'string', after: 'string' },
  logStatistics: { hours: 'string', filter: 'string', app: 'string' },
  logValues: { field: 'string', part: 'string' },
  explain: { app: 'string', host: 'string' },
  removeExclusion: { id: 'string' },
  startTest: {},
  cancelTest: { app: 'string', host: 'string' },
  startBundle: {}, bundleJob: { id: 'string' }, cancelBundle: { id: 'string' },
  reloadPolicy: {}, pause: {}, resume: {}, pauseTicket: {}, notice: {}, acceptNotice: {}, logLevel: {},
};

const bodyFields: { readonly [N in BridgeRoute]: Fields } = {
  status: {}, apps: {}, exclusions: {}, policy: {}, trust: {}, connections: {}, logStatistics: {}, logValues: {}, explain: {}, removeExclusion: {}, cancelTest: {},
  startTest: { app: 'string', host: 'string' },
  addExclusion: { host: 'string', app: 'string', reason: 'string', hours: 'number' },
  startBundle: { note: 'string', from: 'number', to: 'number', names: 'string', capture: 'string' }, bundleJob: {}, cancelBundle: {},
  reloadPolicy: {}, resume: {}, pauseTicket: {}, notice: {},
  pause: { minutes: 'number', reason: 'string', code: 'string' },
  acceptNotice: { version: 'string', as: 'string' },
  logLevel: { level: 'string' },
};

// The control API takes requests of 64 KiB; a single field never needs more than a long path or filter.
const longestString = 4096;
// Watches are numbered from 1 as a page opens them; a page that has opened this many is broken.
const largestWatch = 1_000_000;

function checked(value: unknown, fields: Fields, what: string): IpcFields {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw bad(`${what} is not an object`);
  const entries: [string, string | number][] = [];
  const given: readonly [string, unknown][] = Object.entries(value);
  for (const [name, field] of given) {
    if (field === undefined) continue;
    if (!Object.hasOwn(fields, name)) throw bad(`${what} has no field "${name.slice(0, 40)}"`);
    if (typeof field !== 'string' && typeof field !== 'number') throw bad(`${what}.${name} is neither text nor a number`);
    if (typeof field !== fields[name]) throw bad(`${what}.${name} is not a ${fields[name]}`);
    if (typeof field === 'string' && field.length > longestString) throw bad(`${what}.${name} is longer than ${longestString} characters`);
    if (typeof field === 'number' && !Number.isFinite(field)) throw bad(`${what}.${name} is not a finite number`);
    entries.push([name, field]);
  }
  return Object.fromEntries(entries);
}

function exactly(args: readonly unknown[], count: number): readonly unknown[] {
  if (args.length !== count) throw bad(`${args.length} arguments instead of ${count}`);
  return args;
}

function watchNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > largestWatch) {
    throw bad('the watch is not a number from 1');
  }
  return value;
}

function isBridgeRoute(value: unknown): value is BridgeRoute {
  return bridgeRoutes.some((route) => route === value);
}

function bad(message: string): PinlightError {
  return new PinlightError('bad-request', message);
}
