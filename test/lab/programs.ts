// Programs that only the lab drives: clients our own leg cannot answer, and one that races two connections.
// Not for the usual ones (test/clients).
import { bothRoots, ownCopy, request, runCommand, type Program } from '../clients/program.ts';
import { curl, gnutlsCli, opensslArguments } from '../clients/command-line.ts';

// What these offer is seen in the hello to have no answer, so they are let through before anybody answers.
export const opensslForeignGroup = openssl('openssl s_client with X448 only', ['-groups', 'X448']);
export const opensslOldSuites = openssl('openssl s_client with CBC suites only', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA']);
export const opensslStaticRsa = openssl('openssl s_client without forward secrecy', ['-tls1_2', '-cipher', 'AES128-GCM-SHA256']);
export const opensslOnly13 = openssl('openssl s_client with TLS 1.3 only', ['-tls1_3']);
export const curlOldSuites = curl('curl with CBC suites only', 'root', ['--tls-max', '1.2', '--ciphers', 'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA']);
export const gnutlsOldSuites = gnutlsCli('gnutls-cli with CBC suites only', 'root', ['--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC']);

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
