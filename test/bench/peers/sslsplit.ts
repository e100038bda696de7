// sslsplit beside Pinlight: fixed target, so clients reach it as if it were the origin (no CONNECT).
// It runs its `ssl` mode, which copies plaintext unread: `https` adds "Connection: close" to every request and has no keep-alive.
import type { Certificates } from '../certificates.ts';
import { findCommand } from '../../support/find-command.ts';
import { freePort, waitForPort, type Started, type Workspace } from '../workspace.ts';

/** Starts sslsplit in front of the origin's port. */
export async function startSslsplit(space: Workspace, certificates: Certificates, originPort: number): Promise<Started> {
  const sslsplit = findCommand('sslsplit');
  if (sslsplit === null) return { kind: 'missing', name: 'sslsplit', why: 'sslsplit is not installed (Debian: sslsplit)' };
  const port = await freePort();
  const program = space.start('sslsplit', sslsplit, [
    '-k', certificates.interceptorKey, '-c', certificates.interceptorRoot, '-K', certificates.leafKey,
    'ssl', '127.0.0.1', String(port), '127.0.0.1', String(originPort),
  ], { measured: true });
  const trouble = await waitForPort(program, port);
  if (trouble !== null) return { kind: 'missing', name: 'sslsplit', why: `sslsplit: ${trouble}` };
  return { kind: 'started', way: { name: 'sslsplit', port, rootFile: certificates.interceptorRoot, authority: null }, pid: program.pid };
}
