// How connections leave this device: policy's and the environment's proxies put together with the warnings about them.
// Not for a connection of its own (proxy/dial.ts).
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createPacFile } from './proxy/pac.ts';
import { dialTarget, type Resolve } from './proxy/dial.ts';
import type { ProxyContext } from './proxy/proxy-context.ts';
import { createUpstreamProxies, type ProxyTrouble } from './proxy/upstream-proxy.ts';
import type { Health } from './health/health.ts';
import type { PolicyNetwork } from '../core/policy/policy.ts';

export type WayOut = {
  readonly dial: ProxyContext['dial'];
  /** Closes what leaves from an address that this device no longer has: nothing comes back there, and the app's own socket would not notice. */
  dropStale(): void;
};

/** Dials by the policy of the moment; raises a warning while the organisation's proxy cannot be used. */
export function openWayOut(options: {
  readonly network: () => PolicyNetwork;
  readonly ownPorts: () => ReadonlySet<number>;
  readonly resolve: Resolve | undefined;
  readonly health: Health;
  readonly now: () => number;
  readonly closers: (() => void)[];
}): WayOut {
  const { network, ownPorts, health, now } = options;
  const pac = createPacFile();
  options.closers.push(() => pac.close());
  const proxies = createUpstreamProxies({ network, ownPorts, env: process.env, pac, onTrouble: (trouble) => warn(trouble, health, now()) });
  const open = new Set<Socket>();
  return {
    dial: async (target, use) => {
      const dialled = await dialTarget(target, network(), ownPorts(), options.resolve, proxies, use);
      if (dialled.kind === 'connected') {
        const { socket } = dialled;
        open.add(socket);
        socket.once('close', () => open.delete(socket));
      }
      return dialled;
    },
    dropStale: () => {
      const ours = new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
      for (const socket of open) if (socket.localAddress !== undefined && !ours.has(socket.localAddress)) socket.destroy();
    },
  };
}

const codes = ['upstream-proxy-sign-in', 'upstream-proxy-password', 'upstream-proxy-unusable'] as const;

function warn(trouble: ProxyTrouble | null, health: Health, at: number): void {
  const raised = trouble === null ? null : trouble.failure === 'ERR_PROXY_SIGN_IN' ? codes[0] : trouble.failure === 'ERR_PROXY_PASSWORD' ? codes[1] : codes[2];
  for (const code of codes) if (code !== raised) health.clear(code, 'proxy');
  if (trouble === null || raised === null) return;
  const detail = trouble.detail === '' ? trouble.failure : trouble.detail;
  health.raise(raised, 'proxy', { proxy: trouble.proxy, schemes: trouble.schemes.join(', '), detail }, at);
}
