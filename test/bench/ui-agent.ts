// The agent as it ships, on a store that is there already; its notice read, so that the window opens on its screens.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createControlClient, type ControlClient } from '../../electron/client/control-client.ts';
import { agentNodeArguments } from '../../electron/contract/agent-arguments.ts';
import { repository } from '../support/agent.ts';

export type BuiltAgent = { readonly pid: number; readonly client: ControlClient; stop(): Promise<void> };

/** Starts `build/out/agent/main.mjs` in `home` and waits until it is ready. Throws where it ends before. */
export async function startBuiltAgent(home: string): Promise<BuiltAgent> {
  const policy = join(home, 'policy.json');
  writeFileSync(policy, JSON.stringify({ version: 1, network: { port: 0 } }));
  const child = spawn(process.execPath, [...agentNodeArguments(repository), join(repository, 'build/out/agent/main.mjs'), '--policy', policy, '--ready-json'], {
    env: { ...process.env, PINLIGHT_HOME: home }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { pid, control } = JSON.parse(line) as { pid: number; control: string };
    const client = createControlClient({ controlPath: control });
    const { version } = await client.call('notice', {}, {});
    await client.call('acceptNotice', {}, { version, as: 'accepted' });
    return { pid, client, stop: () => new Promise((done) => {
      child.once('exit', () => done());
      child.kill('SIGTERM');
    }) };
  }
  throw new Error('the agent ended before it was ready');
}
