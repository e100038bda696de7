// One request with node:https, pinned where told to: in checkServerIdentity (inside the handshake) or on secureConnect (after it).
// Arguments: proxy port, host, CA file or - for Node's own list and NODE_EXTRA_CA_CERTS, SHA-256 of the expected certificate (hex) or -, where to check.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import tls from 'node:tls';
import { connect } from './tunnel.mjs';

const [proxyPort, host, caFile, pin, where] = process.argv.slice(2);
const matches = (certificate) => pin === '-' || certificate.fingerprint256.replaceAll(':', '').toLowerCase() === pin;
const wrong = () => new Error('pin does not match');
const socket = await connect(proxyPort, host);
const secure = tls.connect({
  socket, servername: host,
  ...(caFile === '-' ? {} : { ca: readFileSync(caFile) }),
  checkServerIdentity: (name, certificate) => tls.checkServerIdentity(name, certificate) ?? (where === 'identity' && !matches(certificate) ? wrong() : undefined),
});
secure.once('secureConnect', () => {
  if (where === 'connected' && !matches(secure.getPeerCertificate())) secure.destroy(wrong());
  else https.get({ host, path: '/', createConnection: () => secure, timeout: 20_000 }, (response) => response.pipe(process.stdout)).on('error', fail);
});
secure.once('error', fail);

function fail(error) {
  console.error(error.message);
  process.exitCode = 1;
}
