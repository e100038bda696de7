// Who takes captured connections: the agent's port for them as the agent and the kernel say, who listens there now, and what brings them back.
// Not for the rules that bring connections there (native/packet-capture).
import type { CaptureSettings } from '../../native/packet-capture/index.ts';
import { createProcessAttribution } from '../../native/process-attribution/index.ts';
import { unitReleasesCapture } from '../../native/service/index.ts';
import { createControlClient } from '../client/control-client.ts';
import type { ControlClient } from '../client/control-client.ts';
import { pathsOfThisProcess } from '../client/state-folder.ts';
import { PinlightError } from '../contract/errors.ts';
import type { Owner } from '../core/model.ts';

export type CaptureListener = Pick<CaptureSettings, 'agentUid'> & {
  readonly listenerPort: number;
  readonly failMode: 'open' | 'closed';
  /** The machine's service looks after its captured connections while it is away. */
  readonly guarded: boolean;
};

/** The service's agent, not one that HOME or PINLIGHT_HOME could name. */
export function serviceClient(): ControlClient {
  return createControlClient({ controlPath: pathsOfThisProcess(true).controlPath });
}

/**
 * The port that policy gives to captured connections, and who listens there, as the kernel sees it: it has to be the agent. Throws
 * PinlightError: `bad-policy` where there is none, which no waiting changes, `bad-request` where the agent does not listen there.
 */
export async function findListener(client: Pick<ControlClient, 'call'>): Promise<CaptureListener> {
  const [{ policy }, { agent }] = await Promise.all([client.call('policy', {}, {}), client.call('status', {}, {})]);
  const { transparentPort } = policy.network;
  if (transparentPort === 0) throw new PinlightError('bad-policy', 'The agent has no port for captured connections: set network.transparentPort in the policy (18444, say) and start the agent again.');
  const owner = ownerOf(transparentPort);
  if (owner.kind !== 'process' || owner.pid !== agent.pid || owner.uid === null) throw new PinlightError('bad-request', `The agent does not listen on port ${transparentPort} yet: start it again.`);
  const guarded = agent.stateFolder === pathsOfThisProcess(true).stateFolder && unitReleasesCapture();
  return { listenerPort: transparentPort, agentUid: owner.uid, failMode: policy.defaults.failMode, guarded };
}

/** What brings back the rules that are asked for and away, in sentences. `waits`: they come by themselves as soon as the service's agent is there. */
export async function whatResumes(): Promise<{ readonly waits: boolean; readonly words: string }> {
  if (!unitReleasesCapture()) return { waits: false, words: 'No service looks after it any more: as root, `pinlight capture off` forgets it, and `pinlight capture on` asks anew.' };
  try {
    await findListener(serviceClient());
    return { waits: false, words: 'The service\'s agent listens, but the rules came not with it: `sudo systemctl restart pinlight` puts them in.' };
  } catch (thrown) {
    if (!(thrown instanceof PinlightError)) throw thrown;
    if (thrown.code === 'bad-request' || thrown.code === 'bad-policy') return { waits: false, words: `${thrown.message} For the service: \`sudo systemctl restart pinlight\`.` };
    return { waits: true, words: 'It begins again with the service\'s agent: `pinlight service status`.' };
  }
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
