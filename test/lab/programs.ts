// Programs that only the lab drives: clients our own leg cannot answer, and one that races two connections.
// Not for the usual ones (test/clients).
import { bothRoots, ownCopy, request, runCommand, type Program } from '../clients/program.ts';
import { opensslArguments } from '../clients/command-line.ts';

/** TLS 1.3 with one group that our leg does not have: seen in its hello, so it is let through before anybody answers. */
export const opensslForeignGroup = openssl('openssl s_client with X448 only', ['-groups', 'X448']);
/** Names ECDHE-ECDSA and ECDHE-RSA suites, but not the curve of our leaf's key: fine with an RSA server, not with us. */
export const opensslWithoutOurCurve = openssl('openssl s_client without P-256', ['-tls1_2', '-curves', 'X25519']);

export const nodeRacing: Program = {
  title: 'Node that races two connections', trust: 'root', pins: 'none', does: 'request', debian: 'nodejs', needs: ['node'],
  visit: (place, visit) => runCommand(process.execPath, [
    ownCopy(place, 'dial-race.mjs', 'Node that races two connections'), String(place.proxyPort), visit.host,
  ], { env: { NODE_EXTRA_CA_CERTS: bothRoots(place) } }),
};

function openssl(title: string, flags: readonly string[]): Program {
  return {
    title, trust: 'root', pins: 'none', does: 'request', debian: 'openssl', needs: ['openssl'],
    visit: (place, visit) => runCommand('openssl', [...opensslArguments(place, visit, 'root'), ...flags, '-quiet', '-ign_eof'], { input: request(visit) }),
  };
}
