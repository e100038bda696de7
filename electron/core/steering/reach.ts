// Which programs a policy may inspect, asked before any connection: steering switches a browser's QUIC off only where it matters.
// Not for deciding a connection (policy/decide).
import { compileGlob } from '../policy/host-pattern.ts';
import type { Policy } from '../policy/policy.ts';

/** A program as the system knows it before it runs. */
export type Program = { readonly path: string; readonly package: string };

/** True when some connection of this program could be inspected; conditions on hosts, ports, users and signers are taken as met. */
export function mayInspect(policy: Pick<Policy, 'rules'> & { readonly defaults: Pick<Policy['defaults'], 'noMatch'> }, program: Program): boolean {
  return policy.defaults.noMatch === 'inspect' || policy.rules.some(({ do: disposition, when: { app } }) => disposition === 'inspect'
    && (app?.path === undefined || compileGlob(app.path)(program.path)) && (app?.package === undefined || compileGlob(app.package)(program.package)));
}
