// An agent for tests and the demo: a real process with a state folder and a policy of its own. Not a product part.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentNodeArguments } from '../../electron/contract/agent-arguments.ts';
import { createControlClient, type ControlClient } from '../../electron/client/control-client.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export type TestAgent = {
  readonly home: string;
  readonly pid: number;
  /** `127.0.0.1:PORT` */
  readonly proxy: string;
  readonly proxyPort: number;
  readonly rootFile: string;
  readonly controlPath: string;
  readonly client: ControlClient;
  readonly process: ChildProcess;
  /** Rewrites the policy file; the agent reloads it by itself. */
  writePolicy(policy: unknown): void;
  stop(): Promise<void>;
};

/** Starts `electron/agent/main.ts` and waits until it is ready. `policy` is the file's content without `version`; `before`: a program that starts it. */
export async function startTestAgent(policy: Record<string, unknown>, options: { home?: string; env?: Record<string, string>; main?: string; before?: readonly string[] } = {}): Promise<TestAgent> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'pinlight-home-'));
  const policyFile = join(home, 'test-policy.json');
  const writePolicy = (value: unknown): void => writeFileSync(policyFile, JSON.stringify(value, null, 2));
  const network = { port: 0, ...(policy.network as object | undefined) };
  writePolicy({ version: 1, ...policy, network });
  const [command, ...args] = [...options.before ?? [], process.execPath, ...agentNodeArguments(repository), options.main ?? join(repository, 'electron/agent/main.ts'), '--policy', policyFile, '--ready-json'];
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env, PINLIGHT_HOME: home, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ready = await firstLine(child);
  const proxy = ready.proxy[0] as string;
  return {
    home, pid: ready.pid, proxy, proxyPort: Number(proxy.slice(proxy.lastIndexOf(':') + 1)), rootFile: ready.root, controlPath: ready.control,
    client: createControlClient({ controlPath: ready.control }), process: child, writePolicy,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((done) => child.once('exit', done));
        child.kill('SIGTERM');
        await gone;
      }
      if (options.home === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
}

type Ready = { proxy: string[]; root: string; control: string; pid: number };

function firstLine(child: ChildProcess): Promise<Ready> {
  return new Promise((done, fail) => {
    let out = '';
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const end = out.indexOf('\n');
      if (end !== -1) done(JSON.parse(out.slice(0, end)) as Ready);
    });
    child.once('exit', (code) => fail(new Error(`the agent ended with ${code}: ${err}`)));
  });
}
