// Asks programs themselves: each visits a server under this device's root, as it is started by its user, and then one of a stranger's, which it must refuse.
// Not for which programs there are (handshake-programs.ts) and not for the servers, which are the agent's.
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { programsOf } from './handshake-programs.ts';
import type { Program } from './handshake-programs.ts';
import { trouble } from './run-tool.ts';
import type { ToolResult } from './run-tool.ts';
import type { Caller, TrustStore } from './trust-store.ts';

/** What a program made of the root; `version` where it says one, `why` where it was not asked. */
export type Handshake = {
  readonly store: string;
  readonly program: string;
  readonly version: string | null;
  /** `trusts-anybody`: it accepts the stranger too, so it verifies nothing. */
  readonly answer: 'trusts' | 'refuses' | 'trusts-anybody' | 'not-asked';
  readonly why: string | null;
};

/** What one server met. `asked`: what the program says of itself in its request; null = none came. `failed`: why the handshake ended, null = it did not. */
export type Met = { readonly connected: boolean; readonly asked: string | null; readonly failed: string | null };

/** A server for one visit, as `https://localhost:PORT/PATH`. */
export type Door = {
  readonly port: number;
  /** Begins with a slash; nobody else knows it. */
  readonly path: string;
  /** Resolves when a request came, or the program's own word that it refuses. */
  readonly decided: Promise<void>;
  /** Everything that was met until now. */
  met(): Promise<Met>;
};
export type Doors = { readonly own: Door; readonly stranger: Door };

export type AskOptions = {
  readonly caller: Caller;
  /** The stores to ask about, and whether they hold the root. */
  readonly stores: readonly { readonly store: TrustStore; readonly trusted: boolean }[];
  /** Opens as many pairs of servers. */
  readonly open: (pairs: number) => Promise<readonly Doors[]>;
  readonly say: (text: string) => void;
  /** Ends programs that run; no other one is started. */
  readonly signal: AbortSignal;
};

/** Programs at a time: a browser uses a core for seconds. */
const atOnce = 3;
/** A JVM or an AWS CLI takes a second or two on a busy machine. */
const toolMs = 20_000;
/** A browser with a new profile. */
const browserMs = 60_000;

/** One row for each program found. Rejects only where no server could be opened. */
export async function askPrograms({ caller, stores, open, say, signal }: AskOptions): Promise<readonly Handshake[]> {
  const programs = stores.flatMap(({ store, trusted }) => programsOf(store, caller, trusted));
  const able = programs.filter((program) => program.missing === null);
  const doors = able.length === 0 ? [] : await open(able.length);
  if (able.length > 0) say(`asking ${able.length} program${able.length === 1 ? '' : 's'} by real handshakes`);
  const answers = new Map<Program, Handshake | null>();
  const waiting = able.map((program, index) => ({ program, doors: doors[index] }));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      if (next.doors === undefined) throw new Error('fewer servers than programs');
      answers.set(next.program, await ask(caller, next.program, next.doors, signal));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return programs.flatMap((program) => {
    if (program.missing !== null) return [{ store: program.store, program: program.name, version: null, answer: 'not-asked' as const, why: program.missing }];
    return answers.get(program) ?? [];
  });
}

/** Null: it turned out that there is no such program. */
async function ask(caller: Caller, program: Program, { own, stranger }: Doors, signal: AbortSignal): Promise<Handshake | null> {
  const base = { store: program.store, program: program.name };
  const first = await visit(caller, program, own, signal);
  if (first.kind === 'absent') return null;
  if (first.kind !== 'accepted') return { ...base, version: null, answer: first.kind === 'refused' ? 'refuses' : 'not-asked', why: first.why };
  const second = await visit(caller, program, stranger, signal);
  const version = versionIn(first.agent, program.token);
  return { ...base, version, answer: second.kind === 'accepted' ? 'trusts-anybody' : 'trusts', why: null };
}

type Visited =
  | { readonly kind: 'accepted'; readonly agent: string }
  | { readonly kind: 'refused' | 'unasked'; readonly why: string }
  | { readonly kind: 'absent' };

/** Everything the program writes goes to a folder of its own, which is gone afterwards. */
async function visit(caller: Caller, program: Program, door: Door, signal: AbortSignal): Promise<Visited> {
  const folder = mkdtempSync(path.join(caller.scratch, 'handshake-'));
  try {
    program.prepare?.(folder);
    const url = new URL(`https://localhost:${door.port}${door.path}`);
    const stop = new AbortController();
    void door.decided.then(() => stop.abort());
    const [tool, args] = bounded(caller, program, program.args(url, folder));
    const result = await caller.tools.run(tool, args, {
      timeoutMs: program.browser ? browserMs : toolMs, signal: AbortSignal.any([stop.signal, signal]), env: program.env(folder), ...(program.input === undefined ? {} : { input: program.input(url) }),
    });
    return judge(program, result, await door.met());
  } finally {
    // A browser's helpers end a moment after it.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** A browser ends even where this process was killed in the meantime. */
function bounded(caller: Caller, { browser, tool }: Program, args: readonly string[]): readonly [string, readonly string[]] {
  const limiter = browser && process.platform === 'linux' ? caller.tools.find('timeout') : null;
  return limiter === null ? [tool, args] : [limiter, ['-s', 'KILL', String(browserMs / 1000), tool, ...args]];
}

/** Who sent a request had finished the handshake; who came and sent none had not. Pure. */
export function judge(program: Pick<Program, 'name' | 'tool' | 'absentCode'>, result: ToolResult, met: Met): Visited {
  if (met.asked !== null) return { kind: 'accepted', agent: met.asked };
  if (result.kind === 'absent' || (result.kind === 'ended' && result.code === program.absentCode)) return { kind: 'absent' };
  const why = trouble(program.name, result);
  if (!met.connected) return { kind: 'unasked', why: why ?? `${program.name} did not connect` };
  if (/NO_SHARED|UNSUPPORTED_PROTOCOL|VERSION_TOO/.test(met.failed ?? '')) return { kind: 'unasked', why: `${program.name} has no TLS in common with the check` };
  if (result.kind !== 'ended' && met.failed === null) return { kind: 'unasked', why: why ?? `${program.name} did not answer` };
  return { kind: 'refused', why: alertWords(met.failed ?? '') ?? 'it ended the connection' };
}

/** `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA` as `unknown ca`; null where the client said nothing. */
function alertWords(code: string): string | null {
  const words = /_ALERT_(\w+)$/.exec(code)?.[1];
  return words === undefined ? null : words.toLowerCase().replaceAll('_', ' ');
}

/** The version behind `token/` in what a program says of itself; null = none. Pure. */
export function versionIn(agent: string, token: string): string | null {
  const at = agent.toLowerCase().indexOf(`${token.toLowerCase()}/`);
  return at < 0 ? null : /^[\w.]+/.exec(agent.slice(at + token.length + 1))?.[0] ?? null;
}
