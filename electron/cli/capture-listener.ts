// Who takes captured connections: the agent's port for them as the agent and the kernel say, and who listens there now.
// Not for the rules that bring connections there (native/packet-capture).
import type { CaptureSettings } from '../../native/packet-capture/index.ts';
import { createProcessAttribution } from '../../native/process-attribution/index.ts';
import type { ControlClient } from '../client/control-client.ts';
import { PinlightError } from '../contract/errors.ts';
import type { Owner } from '../core/model.ts';

export type CaptureListener = Pick<CaptureSettings, 'agentUid'> & {
  readonly listenerPort: number;
  readonly failMode: 'open' | 'closed';
  readonly stateFolder: string;
};

/** The port that policy gives to captured connections, and who listens there, as the kernel sees it: it has to be the agent. Throws PinlightError. */
export async function findListener(client: Pick<ControlClient, 'call'>): Promise<CaptureListener> {
  const [{ policy }, { agent }] = await Promise.all([client.call('policy', {}, {}), client.call('status', {}, {})]);
  const { transparentPort } = policy.network;
  if (transparentPort === 0) throw new PinlightError('bad-request', 'The agent has no port for captured connections: set network.transparentPort in the policy (18444, say) and start the agent again.');
  const owner = ownerOf(transparentPort);
  if (owner.kind !== 'process' || owner.pid !== agent.pid || owner.uid === null) throw new PinlightError('bad-request', `The agent does not listen on port ${transparentPort} yet: start it again.`);
  return { listenerPort: transparentPort, agentUid: owner.uid, failMode: policy.defaults.failMode, stateFolder: agent.stateFolder };
}

/** Why captured connections reach no agent, as a sentence; null when they do, or when it cannot be told. */
export function whyUnheard({ listenerPort, agentUid }: CaptureSettings): string | null {
  if (listenerPort === null) return 'No agent was there, and the policy fails closed: these connections are refused.';
  const owner = ownerOf(listenerPort);
  if (owner.kind !== 'process') return owner.why === 'gone' ? `Nobody listens on port ${listenerPort}: these connections are refused.` : null;
  return owner.uid === agentUid ? null : `${owner.path} (process ${owner.pid}) of another user than the agent's listens on port ${listenerPort}, and gets these connections.`;
}

function ownerOf(port: number): Owner {
  const attribution = createProcessAttribution();
  const owner = attribution.listenerOf(port);
  attribution.close();
  return owner;
}
