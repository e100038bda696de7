// Runs a system's own tools (update-ca-certificates, certutil, keytool, security) with a limit in time and bytes, never with a terminal.
// Not for what their output means.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { mayStart } from '../procfs/foreign-file.ts';

/** `output`: standard output; `errors`: standard error; both at most the limit. `code`: -1 when a signal ended it. */
export type ToolResult =
  | { readonly kind: 'ended'; readonly code: number; readonly output: string; readonly errors: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'too-much' };

export type RunOptions = { readonly timeoutMs?: number; readonly input?: string; readonly env?: Readonly<Record<string, string>>; /** Ends the tool, which counts as ended by a signal. */ readonly signal?: AbortSignal };

/** `tool`: a name to look for, or an absolute path. Never rejects. */
export type RunTool = (tool: string, args: readonly string[], options?: RunOptions) => Promise<ToolResult>;

export type ToolRunner = {
  readonly run: RunTool;
  /** Absolute path of a tool that may be started; null when there is none. */
  find(tool: string): string | null;
  /** Process ids of tools that a runner with the same mark started and that outlived it. Linux; elsewhere none is found. */
  outlived(): readonly number[];
};

/** update-ca-certificates with Java's hook took 3 s here; a slow disk and a hundred keystores are allowed for. */
const defaultTimeoutMs = 60_000;
/** certutil without a terminal once printed 9.6 GB of the same line. */
const outputLimit = 4 * 1024 * 1024;
const markName = 'PINLIGHT_CHANGE';

/** A runner whose tools carry `mark` in their environment, so that a successor finds those that outlived a kill. */
export function createToolRunner(env: NodeJS.ProcessEnv, mark: string): ToolRunner {
  return { run, find, outlived };

  function find(tool: string): string | null {
    const name = process.platform === 'win32' && path.extname(tool) === '' ? `${tool}.exe` : tool;
    const folders = path.isAbsolute(name) ? [''] : [...(env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder)), ...systemFolders];
    // Windows has no modes to read; its folders of programs are an administrator's.
    return folders.map((folder) => path.join(folder, name)).find(process.platform === 'win32' ? existsSync : mayStart) ?? null;
  }

  function run(tool: string, args: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
    const file = find(tool);
    if (file === null) return Promise.resolve({ kind: 'absent' });
    return new Promise((resolve) => {
      const child = spawn(file, [...args], {
        cwd: '/', stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true,
        // A group of its own: Ctrl-C at a terminal must not end a tool in the middle of a store.
        detached: process.platform !== 'win32',
        env: { ...inherited(env), ...options.env, LANG: 'C', LC_ALL: 'C', [markName]: mark },
      });
      const texts = { output: '', errors: '' };
      const finish = (result: ToolResult): void => {
        clearTimeout(timer);
        resolve(result);
      };
      const stop = (result: ToolResult): void => {
        killGroup(child.pid);
        finish(result);
      };
      const timer = setTimeout(() => stop({ kind: 'timeout' }), options.timeoutMs ?? defaultTimeoutMs);
      for (const [name, stream] of [['output', child.stdout], ['errors', child.stderr]] as const) {
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          texts[name] += chunk;
          if (texts.output.length + texts.errors.length > outputLimit) stop({ kind: 'too-much' });
        });
      }
      const end = (): void => killGroup(child.pid);
      if (options.signal?.aborted === true) end();
      options.signal?.addEventListener('abort', end, { once: true });
      child.on('error', () => finish({ kind: 'absent' }));
      child.on('close', (code) => {
        options.signal?.removeEventListener('abort', end);
        finish({ kind: 'ended', code: code ?? -1, ...texts });
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(options.input ?? '');
    });
  }

  function outlived(): readonly number[] {
    if (process.platform !== 'linux') return [];
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${markName}=${mark}`);
      } catch {
        return false;
      }
    });
  }
}

/** What went wrong in one line, for people; null when the tool ended well. */
export function trouble(tool: string, result: ToolResult): string | null {
  switch (result.kind) {
    case 'absent': return `${tool} is not installed`;
    case 'timeout': return `${tool} did not end in time and was stopped`;
    case 'too-much': return `${tool} printed without end and was stopped`;
    case 'ended': {
      if (result.code === 0) return null;
      const line = `${result.errors}\n${result.output}`.split('\n').map((one) => one.trim()).find((one) => one !== '');
      return `${tool} ended with ${result.code}${line === undefined ? '' : `: ${line.slice(0, 200)}`}`;
    }
  }
}

const systemFolders = process.platform === 'win32' ? [] : ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

// JAVA_TOOL_OPTIONS makes keytool print more and load what it names; SSL_CERT_* would make a check look at another store.
function inherited(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = ['PATH', 'HOME', 'USER', 'TMPDIR', 'SystemRoot', 'USERPROFILE', 'TEMP'];
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
