// Where agent and clients meet: state folder and control path for each system. Strings in, strings out.
// Not for creating folders or checking their modes (agent/control, client/state-folder).

/** `Host` of every request on the control path; anything else is refused before routing, which ends DNS rebinding. */
export const controlHost = 'pinlight';

export type PathInputs = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As Node names it: `linux`, `darwin`, `win32`; others are treated like Linux. */
  readonly platform: string;
  readonly homedir: string;
  readonly tmpdir: string;
  readonly cwd: string;
  /** True for the machine-wide service; PINLIGHT_HOME and the user's folders are then left alone. */
  readonly service: boolean;
  /** Lower-case hex digest of a text, at least 16 digits; agent and client must use the same one (SHA-256). */
  readonly hash: (text: string) => string;
};

export type PinlightPaths = {
  /** Of the machine-wide service, not of a user's own agent. */
  readonly service: boolean;
  readonly stateFolder: string;
  /** The folder that holds the control socket; null for a named pipe. */
  readonly runFolder: string | null;
  readonly controlPath: string;
  /** The run folder lies where every user may create names, so its owner has to be checked before it is used. */
  readonly runFolderShared: boolean;
};

/** The folders and the control path for these inputs; relative PINLIGHT_HOME counts from `cwd`. */
export function resolvePaths(inputs: PathInputs): PinlightPaths {
  const stateFolder = inputs.service ? serviceStateFolder(inputs) : userStateFolder(inputs);
  if (inputs.platform === 'win32') {
    // Pipe names know no folders and no case; the state folder tells users (and PINLIGHT_HOMEs) apart.
    const name = inputs.service ? 'service' : inputs.hash(stateFolder.toLowerCase()).slice(0, 16);
    return { service: inputs.service, stateFolder, runFolder: null, controlPath: `\\\\.\\pipe\\pinlight-${name}`, runFolderShared: false };
  }
  const inFolder = (runFolder: string, runFolderShared: boolean): PinlightPaths => ({
    service: inputs.service, stateFolder, runFolder, controlPath: `${runFolder}/control.sock`, runFolderShared,
  });
  if (inputs.service) return inFolder(inputs.platform === 'darwin' ? '/var/run/pinlight' : '/run/pinlight', false);
  for (const candidate of runFolders(inputs, stateFolder)) {
    if (utf8Length(`${candidate.folder}/control.sock`) <= longestSocketPath) return inFolder(candidate.folder, candidate.shared);
  }
  return inFolder(`/tmp/${fallbackName(inputs, stateFolder)}`, true);
}

// sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included.
const longestSocketPath = 100;

function runFolders(inputs: PathInputs, stateFolder: string): readonly { folder: string; shared: boolean }[] {
  const name = fallbackName(inputs, stateFolder);
  const runtime = inputs.env['XDG_RUNTIME_DIR'];
  return [
    { folder: `${stateFolder}/run`, shared: false },
    ...(isAbsolutePosix(runtime) ? [{ folder: `${normalisePosix(runtime)}/${name}`, shared: false }] : []),
    { folder: `${normalisePosix(inputs.tmpdir)}/${name}`, shared: true },
  ];
}

function fallbackName(inputs: PathInputs, stateFolder: string): string {
  return `pinlight-${inputs.hash(stateFolder).slice(0, 8)}`;
}

function serviceStateFolder(inputs: PathInputs): string {
  switch (inputs.platform) {
    case 'darwin': return '/Library/Application Support/Pinlight';
    case 'win32': return `${normaliseWindows(inputs.env['ProgramData'] ?? 'C:\\ProgramData')}\\Pinlight`;
    default: return '/var/lib/pinlight';
  }
}

function userStateFolder(inputs: PathInputs): string {
  const chosen = inputs.env['PINLIGHT_HOME'];
  const windows = inputs.platform === 'win32';
  if (chosen !== undefined && chosen !== '') {
    if (windows) return normaliseWindows(absoluteWindows(chosen, inputs.cwd));
    return normalisePosix(chosen.startsWith('/') ? chosen : `${inputs.cwd}/${chosen}`);
  }
  if (windows) return `${normaliseWindows(inputs.env['LOCALAPPDATA'] ?? `${inputs.homedir}\\AppData\\Local`)}\\Pinlight`;
  const home = normalisePosix(inputs.homedir);
  if (inputs.platform === 'darwin') return `${home}/Library/Application Support/Pinlight`;
  // The XDG base directory specification has relative values ignored.
  const xdg = inputs.env['XDG_STATE_HOME'];
  return isAbsolutePosix(xdg) ? `${normalisePosix(xdg)}/pinlight` : `${home === '/' ? '' : home}/.local/state/pinlight`;
}

function isAbsolutePosix(path: string | undefined): path is string {
  return path !== undefined && path.startsWith('/');
}

function normalisePosix(path: string): string {
  return `/${segments(path.split('/')).join('/')}`;
}

function absoluteWindows(path: string, cwd: string): string {
  if (/^[\\/]{2}|^[A-Za-z]:[\\/]/.test(path)) return path;
  return /^[\\/]/.test(path) ? `${cwd.slice(0, 2)}${path}` : `${cwd}\\${path}`;
}

function normaliseWindows(path: string): string {
  const share = /^[\\/]{2}[^\\/]/.test(path);
  const parts = segments(path.split(/[\\/]/));
  return share ? `\\\\${parts.join('\\')}` : parts.join('\\');
}

function segments(parts: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part === '..') kept.pop();
    else kept.push(part);
  }
  return kept;
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
