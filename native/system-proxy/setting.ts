// What steering wants of every setting that can bring programs to the proxy: three verbs and words for what stands there already.
// Types and small helpers only. Not for any one setting.
import type { Change, StepData } from '../undo-journal/index.ts';
import type { Outcome, Refusal } from '../trust-store/trust-store.ts';

/** How programs are to be steered. `version` grows with every change, because browsers read a PAC again only under another address. */
export type Wanted = {
  /** The proxy's port on 127.0.0.1. */
  readonly port: number;
  readonly version: number;
  readonly failMode: 'open' | 'closed';
  /** Command-line tools too, by http(s)_proxy: they read no PAC, and fail while the agent is down. */
  readonly tools: boolean;
  /** Browsers, by name, whose QUIC is to be off. */
  readonly quicOff: readonly string[];
  /** Managed policy brings browsers the PAC; false where a desktop's setting does. */
  readonly browsersByPolicy: boolean;
  /** Names of the settings that were asked for. */
  readonly settings: readonly string[];
  /** The agent sends its own traffic through the proxy that was there before. */
  readonly chained: boolean;
};

/** A proxy that somebody else set. `plain`: an HTTP proxy or a PAC, which the agent could be told to go through. */
export type Found = { readonly plain: boolean; readonly words: string };

/** `steered`: as wanted, or by an older version of it (`current` false). `off`: nobody steers here. `taken`: somebody else does. */
export type SettingReading =
  | { readonly kind: 'read'; readonly state: 'steered' | 'off'; readonly current: boolean; readonly detail: string }
  | { readonly kind: 'taken'; readonly found: Found; readonly detail: string }
  | { readonly kind: 'unreadable'; readonly detail: string };

export type Setting = {
  /** As `--setting NAME` takes it. */
  readonly name: string;
  readonly kind: 'desktop' | 'environment' | 'browser-policy' | 'system';
  readonly path: string | null;
  /** Programs that follow it go nowhere while the agent is down, if policy says so. */
  readonly enforcesClosed: boolean;
  /** Why the caller cannot change it, found without changing anything; null = nothing seems in the way. */
  blocked(): Refusal | null;
  /** Reads only. */
  check(wanted: Wanted | null): Promise<SettingReading>;
  /** Steers, and remembers what was there. Throws what the system says; the caller takes the change back then. */
  install(change: Change, wanted: Wanted): Promise<Outcome>;
  /** Puts back what was there, unless somebody else has changed it since. Throws like `install`. */
  uninstall(change: Change): Promise<Outcome>;
  /** Takes back a journaled step that may or may not have happened. */
  undoStep?(name: string, data: StepData): Promise<void>;
};

/** Where browsers read the PAC. http, because Windows and macOS read no data: or file: address, and every browser measured reads this one. */
export function pacUrl(wanted: Pick<Wanted, 'port' | 'version'>): string {
  return `http://127.0.0.1:${wanted.port}/pinlight.pac?v=${wanted.version}`;
}

/** An address of a PAC of ours, of any port and version. */
export function isOurPac(url: string | null): boolean {
  return url !== null && /^http:\/\/127\.0\.0\.1:\d{1,5}\/pinlight\.pac(?:\?v=\d+)?$/.test(url);
}

/** The reading of a setting that holds this address; null where it is not ours. */
export function readingOf(url: string | null, wanted: Wanted | null, detail: string): SettingReading | null {
  if (!isOurPac(url)) return null;
  return { kind: 'read', state: 'steered', current: wanted === null || url === pacUrl(wanted), detail };
}
