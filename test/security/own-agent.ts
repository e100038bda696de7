// An agent inside this process, whose name look-ups and clock are the row's: what a hostile name server or a wrong clock can say. Elsewhere rows
// start a real process.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgent, type Agent } from '../../electron/agent/start-agent.ts';
import type { Resolve } from '../../electron/agent/proxy/dial.ts';

export type OwnAgent = { readonly proxyPort: number; readonly rootFile: string; readonly snapshot: Agent['snapshot']; close(): Promise<void> };

/** `policy`: a policy file's content without `version`. `prepare`: what the state folder shall hold. */
export async function startOwnAgent(
  policy: { network?: object; [key: string]: unknown }, { prepare, ...own }: { resolve?: Resolve; now?: () => number; prepare?: (home: string) => void },
): Promise<OwnAgent> {
  const home = mkdtempSync(join(tmpdir(), 'pinlight-own-agent-'));
  prepare?.(home);
  const file = join(home, 'policy.json');
  writeFileSync(file, JSON.stringify({ version: 1, ...policy, network: { port: 0, ...policy.network } }));
  const agent = await startAgent({
    paths: { service: false, stateFolder: home, runFolder: join(home, 'run'), controlPath: join(home, 'run', 'control.sock'), runFolderShared: false },
    policyFiles: [file], version: 'check', logLevel: 'error', onStopRequest: () => undefined, ...own,
  });
  const { proxy, root } = agent.state();
  return {
    proxyPort: Number((proxy[0] ?? '').split(':').at(-1)), rootFile: root.certificatePath, snapshot: agent.snapshot,
    close: async () => {
      await agent.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
