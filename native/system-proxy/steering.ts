// Steering: brings this device's programs to the proxy and puts back what was there. Each setting journaled, read back, taken back when it did
// not work; a run that was cut off is taken back (on) or completed (off) by the next one. Run by a person's command or by the watchdog.
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { recoverAfterTools } from '../undo-journal/after-tools.ts';
import { openJournal } from '../undo-journal/index.ts';
import type { Change, Journal, Undone } from '../undo-journal/index.ts';
import { refusalOf } from '../trust-store/trust-store.ts';
import type { Outcome, Refusal } from '../trust-store/trust-store.ts';
import { callerOf, settingsOf } from './settings-of.ts';
import type { Caller } from './settings-of.ts';
import type { Found, Setting, SettingReading, Wanted } from './setting.ts';

export type SteerRow = {
  readonly setting: string;
  readonly kind: Setting['kind'];
  readonly path: string | null;
  /** `outdated`: steered by an earlier port or version. `taken`: somebody else steers there. */
  readonly state: 'steered' | 'outdated' | 'off' | 'taken' | 'unreadable';
  /** `refused` and `failed` leave the setting as it was, with the reason in `detail`. */
  readonly done: 'nothing' | 'steered' | 'restored' | 'refused' | 'failed';
  /** The same by a caller with more rights would work. */
  readonly needsRights: boolean;
  /** Programs that follow it go nowhere while the agent is down, if policy says so. */
  readonly enforcesClosed: boolean;
  readonly detail: string;
};

/** What is asked for; version and settings are counted here. */
export type SteerRequest = Omit<Wanted, 'version' | 'settings'>;

export type OnResult =
  | { readonly kind: 'on'; readonly rows: readonly SteerRow[] }
  /** Nothing was changed: somebody else's proxy is there, and going past it could cut the device off. `plain`: the agent could go through it. */
  | { readonly kind: 'stood-down'; readonly plain: boolean; readonly found: readonly { readonly setting: string; readonly words: string }[]; readonly rows: readonly SteerRow[] };

export type Steering = {
  /** What a crashed predecessor left, and what could not be put right. */
  readonly recovered: readonly Undone[];
  /** What was asked for last and not ended; null = steering is off. */
  wanted(): Wanted | null;
  status(): Promise<readonly SteerRow[]>;
  on(request: SteerRequest): Promise<OnResult>;
  off(): Promise<readonly SteerRow[]>;
  /** Puts everything back and remembers what was asked for, until `resume` or `off`. */
  suspend(): Promise<readonly SteerRow[]>;
  /** Asked for and ended, or the proxy is back: steers again under a new address, which ends browsers' list of bad proxies. Null = not asked for. */
  resume(port: number): Promise<readonly SteerRow[] | null>;
  /** Lets the next one in. */
  close(): void;
};

export type SteeringOptions = {
  /** The caller's own state folder: the journal and what was there before stand in it. */
  readonly stateFolder: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Names or kinds of settings; empty = all. */
  readonly only: readonly string[];
  /** ms since the epoch. */
  readonly now: () => number;
  /** Another command is waited for this long, blocking. */
  readonly waitMs?: number;
  /** For tests of other systems. */
  readonly caller?: Caller;
  readonly platform?: NodeJS.Platform;
};

export type SteeringResult =
  | { readonly kind: 'steering'; readonly steering: Steering }
  | { readonly kind: 'in-use' | 'unusable' | 'no-such-setting'; readonly why: string };

/** True when something was ever asked for in this state folder: then a start has to look. */
export function wasSteered(stateFolder: string): boolean {
  return existsSync(path.join(stateFolder, 'undo', 'steer.jsonl'));
}

/** What was asked for last in this state folder and not ended; reads one file. */
export function readWanted(stateFolder: string): Wanted | null {
  try {
    const value: unknown = JSON.parse(readFileSync(wantedFile(stateFolder), 'utf8'));
    return isWanted(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * True when everything that brings programs to the proxy was put back to wait for its agent, as policy that fails open wants it. Chained, what
 * stands there then is the proxy that stood there before.
 */
export function isPutBack(wanted: Pick<Wanted, 'failMode' | 'settings' | 'chained'>, rows: readonly Pick<SteerRow, 'setting' | 'kind' | 'state'>[]): boolean {
  const bringing = rows.filter((row) => row.kind !== 'browser-policy' && wanted.settings.includes(row.setting));
  return wanted.failMode === 'open' && bringing.every(({ state }) => state === 'off' || (state === 'taken' && wanted.chained));
}

/** Network interfaces of a VPN that are up now, by name. */
export function vpnInterfaces(): readonly string[] {
  return Object.entries(networkInterfaces()).filter(([name, list]) => /^(?:tun|tap|wg|ppp|utun|ipsec|nordlynx|proton|tailscale|zt)/.test(name)
    && (list ?? []).some((one) => one.family === 'IPv4' && !one.internal)).map(([name]) => name);
}

/** A tool that outlived a killed predecessor is waited for this long; one that asks a dead session takes 25 s to give up. */
const outlivedMs = 30_000;

/** Opens the journal, first puts right what a crashed predecessor left, and answers with the steering. */
export async function openSteering(options: SteeringOptions): Promise<SteeringResult> {
  const opened = openJournal(path.join(options.stateFolder, 'undo'), 'steer', options.now, options.waitMs ?? 0);
  if (opened.kind === 'in-use') return { kind: 'in-use', why: 'another `pinlight steer` is at work' };
  if (opened.kind === 'unusable') return opened;
  const { journal } = opened;
  try {
    const caller = options.caller ?? callerOf({ home: options.home, env: options.env, folder: path.join(options.stateFolder, 'steer') });
    const all = await settingsOf(caller, options.platform);
    const unknown = options.only.find((name) => !all.some((setting) => matches(setting, name)));
    if (unknown !== undefined) {
      journal.close();
      return { kind: 'no-such-setting', why: `there is no setting "${unknown}" here; there are: ${all.map((setting) => setting.name).join(', ')}` };
    }
    const chosen = options.only.length === 0 ? all : all.filter((setting) => options.only.some((name) => matches(setting, name)));
    const run = createRun(journal, all, options.stateFolder);
    const recovered = await recoverAfterTools(journal, caller.tools, run.undoStep, outlivedMs);
    if (recovered === null) {
      journal.close();
      return { kind: 'in-use', why: `a tool that an interrupted command started is still at work (process ${caller.tools.outlived().join(', ')})` };
    }
    return { kind: 'steering', steering: createSteering(run, chosen, journal, recovered) };
  } catch (error) {
    journal.close();
    throw error;
  }
}

type Run = ReturnType<typeof createRun>;

function createSteering(run: Run, chosen: readonly Setting[], journal: Journal, recovered: readonly Undone[]): Steering {
  return {
    recovered,
    wanted: run.wanted,
    status: () => each(chosen, async (setting) => rowOf(setting, await setting.check(run.wanted()))),
    async on(request) {
      const found = await each(chosen, async (setting) => ({ setting, reading: await setting.check(null) }));
      const taken = found.flatMap(({ setting, reading }) => (reading.kind === 'taken' ? [{ setting: setting.name, ...reading.found }] : []));
      const plain = taken.every((one) => one.plain);
      if (taken.some((one) => !mayReplace(one, request))) {
        return { kind: 'stood-down', plain, found: taken.map(({ setting, words }) => ({ setting, words })), rows: found.map(({ setting, reading }) => rowOf(setting, reading)) };
      }
      const before = run.wanted();
      const settings = [...new Set([...before?.settings ?? [], ...chosen.map(({ name }) => name)])];
      return { kind: 'on', rows: await run.turnOn({ ...request, version: (before?.version ?? 0) + 1, settings }, chosen) };
    },
    off: async () => {
      const rows = await run.turnOff(chosen, 'off');
      if (await run.isClean()) journal.forget();
      return rows;
    },
    suspend: () => run.turnOff(chosen, 'suspend'),
    async resume(port) {
      const before = run.wanted();
      return before === null ? null : await run.turnOn({ ...before, port, version: before.version + 1 }, chosen.filter(({ name }) => before.settings.includes(name)));
    },
    close: () => journal.close(),
  };
}

/** The changes themselves, which recovery needs as well. */
function createRun(journal: Journal, all: readonly Setting[], stateFolder: string) {
  const file = wantedFile(stateFolder);
  const wanted = (): Wanted | null => readWanted(stateFolder);
  return { wanted, turnOn, turnOff, isClean, undoStep };

  /** One change around all: cut off within it, the settings already done are put back as well. */
  async function turnOn(to: Wanted, settings: readonly Setting[]): Promise<readonly SteerRow[]> {
    const steered = (await each(settings, async (setting) => ((await isSteered(setting)) ? [setting.name] : []))).flat();
    const whole = journal.begin(allSettings, 'on');
    whole.step('settings', { before: JSON.stringify(wanted()), names: JSON.stringify(settings.map((setting) => setting.name)), steered: JSON.stringify(steered) });
    whole.write(file, Buffer.from(`${JSON.stringify(to)}\n`), 0o600);
    const rows = await each(settings, (setting) => steer(setting, to));
    // Nothing could be steered: nothing is asked for either.
    if (rows.some((row) => row.state === 'steered')) whole.done();
    else await whole.undo(() => Promise.resolve());
    return rows;
  }

  async function turnOff(settings: readonly Setting[], verb: 'off' | 'suspend'): Promise<readonly SteerRow[]> {
    const whole = journal.begin(allSettings, verb);
    whole.step('settings', { names: JSON.stringify(settings.map((setting) => setting.name)) });
    const rows = await each(settings, restore);
    // With `--setting`, the others stay asked for; a browser's policy alone steers nobody.
    const others = all.filter((setting) => !settings.includes(setting) && setting.kind !== 'browser-policy');
    if (verb === 'off' && !(await each(others, isSteered)).includes(true)) whole.write(file, null);
    whole.done();
    return rows;
  }

  /** Nothing on this device is ours any more, as far as this caller could change it. */
  async function isClean(): Promise<boolean> {
    const left = await each(all.filter((setting) => setting.blocked() === null), isSteered);
    return wanted() === null && !left.includes(true) && !journal.hasUnfinished();
  }

  /** `on` is taken back to what was before it, `off` and `suspend` are completed. */
  async function undoStep(subject: string, verb: string, name: string, data: Readonly<Record<string, unknown>>): Promise<void> {
    if (subject !== allSettings) {
      const setting = all.find((one) => one.name === subject);
      if (setting === undefined) throw new Error(`the setting ${subject} is not to be found any more`);
      await setting.undoStep?.(name, data as Readonly<Record<string, string>>);
      return;
    }
    const [settings, steered] = [named(data['names']), named(data['steered'])];
    const before: unknown = typeof data['before'] === 'string' ? JSON.parse(data['before']) : null;
    const rows = [
      ...await turnOff(settings.filter((setting) => !steered.includes(setting)), verb === 'suspend' || isWanted(before) ? 'suspend' : 'off'),
      ...(isWanted(before) && steered.length > 0 ? await turnOn(before, steered) : []),
    ];
    const failed = rows.filter((row) => row.done === 'failed' || (row.done === 'refused' && !row.needsRights));
    if (failed.length > 0) throw new Error(failed.map((row) => `${row.setting}: ${row.detail}`).join('; '));
  }

  function named(text: unknown): readonly Setting[] {
    const names: unknown = typeof text === 'string' ? JSON.parse(text) : [];
    return all.filter((setting) => Array.isArray(names) && names.includes(setting.name));
  }

  async function steer(setting: Setting, to: Wanted): Promise<SteerRow> {
    const before = await setting.check(to);
    if (before.kind === 'read' && before.state === 'steered' && before.current) return rowOf(setting, before);
    const blocked = inTheWay(before, to) ?? setting.blocked();
    if (blocked !== null) return { ...rowOf(setting, before), done: 'refused', needsRights: blocked.rights, detail: blocked.why };
    return change(setting, to, 'on', (begun) => setting.install(begun, to), (after) => after.state === 'steered' && after.current);
  }

  async function restore(setting: Setting): Promise<SteerRow> {
    const before = await setting.check(null);
    if (before.kind !== 'read' || before.state !== 'steered') return rowOf(setting, before);
    const blocked = setting.blocked();
    if (blocked !== null) return { ...rowOf(setting, before), done: 'refused', needsRights: blocked.rights, detail: blocked.why };
    return change(setting, null, 'off', (begun) => setting.uninstall(begun), (after) => after.state === 'off');
  }

  async function change(
    setting: Setting, to: Wanted | null, verb: 'on' | 'off', act: (begun: Change) => Promise<Outcome>, isWantedNow: (after: SettingReading & { kind: 'read' }) => boolean,
  ): Promise<SteerRow> {
    const begun = journal.begin(setting.name, verb);
    const outcome = await act(begun).catch(asRefusal(setting));
    const after = await setting.check(to);
    // Put back, a setting may be somebody else's again.
    const asked = after.kind === 'read' ? isWantedNow(after) : verb === 'off' && after.kind === 'taken';
    if (outcome.kind === 'changed' && asked) {
      begun.done();
      return { ...rowOf(setting, after), done: verb === 'on' ? 'steered' : 'restored' };
    }
    const undone = await begun.undo((_subject, _verb, name, data) => setting.undoStep?.(name, data) ?? Promise.resolve());
    const why = outcome.kind === 'refused' ? outcome.why : 'reading it back did not show what was written, so it was put back';
    const row = rowOf(setting, await setting.check(to));
    return { ...row, done: outcome.kind === 'refused' ? 'refused' : 'failed', needsRights: outcome.kind === 'refused' && outcome.rights, detail: [why, ...undone.left].join('; ') };
  }
}

/** Subject of the change around all settings of one command. */
const allSettings = 'steering';

/** One after the other: some tools share a file. */
async function each<T, R>(list: readonly T[], ask: (one: T) => Promise<R>): Promise<readonly R[]> {
  const answers: R[] = [];
  for (const one of list) answers.push(await ask(one));
  return answers;
}

async function isSteered(setting: Setting): Promise<boolean> {
  const reading = await setting.check(null);
  return reading.kind === 'read' && reading.state === 'steered';
}

/** Somebody else's proxy is replaced only where the agent goes through it. */
function mayReplace(found: Found, { chained }: Pick<Wanted, 'chained'>): boolean {
  return found.plain && chained;
}

function inTheWay(reading: SettingReading, to: Wanted): Refusal | null {
  if (reading.kind === 'unreadable') return { kind: 'refused', why: reading.detail, rights: false };
  // Set since steering was asked for, while the agent was away.
  return reading.kind === 'taken' && !mayReplace(reading.found, to) ? { kind: 'refused', why: `another proxy is set here: ${reading.found.words}`, rights: false } : null;
}

function rowOf(setting: Setting, reading: SettingReading): SteerRow {
  const base = { setting: setting.name, kind: setting.kind, path: setting.path, done: 'nothing' as const, needsRights: false, enforcesClosed: setting.enforcesClosed };
  switch (reading.kind) {
    case 'unreadable': return { ...base, state: 'unreadable', detail: reading.detail };
    case 'taken': return { ...base, state: 'taken', detail: reading.found.words };
    case 'read': return { ...base, state: reading.state === 'steered' && !reading.current ? 'outdated' : reading.state, detail: reading.detail };
  }
}

/** A tool's complaint is a plain Error with its words; an error of the system names what it was about. */
function asRefusal(setting: Setting): (error: unknown) => Refusal {
  return (error) => {
    if (error instanceof Error && !('code' in error) && error.constructor === Error) {
      return { kind: 'refused', why: error.message, rights: /denied|requires admin|must run this|locked by the administrator|elevat/i.test(error.message) };
    }
    return refusalOf(error, setting.path ?? setting.name);
  };
}

function matches(setting: Setting, name: string): boolean {
  return setting.name === name || setting.kind === name;
}

function wantedFile(stateFolder: string): string {
  return path.join(stateFolder, 'steer', 'wanted.json');
}

function isWanted(value: unknown): value is Wanted {
  return typeof value === 'object' && value !== null && 'port' in value && typeof value.port === 'number' && 'version' in value && typeof value.version === 'number'
    && 'failMode' in value && 'quicOff' in value && Array.isArray(value.quicOff) && 'settings' in value && Array.isArray(value.settings);
}
