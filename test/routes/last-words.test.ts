// How a real agent goes, for who watches it: asked to, it says so before it is gone; killed, it says nothing. The shell starts only the latter again.
import { expect, test } from 'vitest';
import type { BridgeSignal } from '../../electron/contract/bridge.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';

test.each<readonly [name: string, end: (agent: TestAgent) => unknown, said: readonly boolean[]]>([
  ['asked over the control API', (agent) => agent.client.call('stop', {}, {}), [true]], ['ended by a service manager', (agent) => agent.process.kill('SIGTERM'), [true]],
  ['ended by Ctrl-C', (agent) => agent.process.kill('SIGINT'), [true]], ['killed', (agent) => agent.process.kill('SIGKILL'), []],
])('%s', async (_name, end, said) => {
  const agent = await startTestAgent({ rules: [] });
  const seen: BridgeSignal[] = [];
  const closing = new AbortController();
  const watched = agent.client.watch((signal) => seen.push(signal), { signal: closing.signal });
  try {
    await expect.poll(() => seen.map(({ kind }) => kind), { timeout: 10_000 }).toContain('snapshot');
    await end(agent);
    await expect.poll(() => seen.map(({ kind }) => kind), { timeout: 10_000 }).toContain('disconnected');
    expect(seen.flatMap((signal) => (signal.kind === 'agent' ? [signal.agent.stopping] : []))).toEqual(said);
  } finally {
    closing.abort();
    await watched;
    await agent.stop();
  }
});
