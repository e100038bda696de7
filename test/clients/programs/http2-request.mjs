// One request with node:http2, which offers h2 and nothing else. Arguments: proxy port, host, CA file or - for Node's own list and NODE_EXTRA_CA_CERTS.
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import tls from 'node:tls';
import { connect } from './tunnel.mjs';

const [proxyPort, host, caFile] = process.argv.slice(2);
const socket = await connect(proxyPort, host);
const session = http2.connect(`https://${host}`, {
  createConnection: () => tls.connect({ socket, servername: host, ALPNProtocols: ['h2'], ...(caFile === '-' ? {} : { ca: readFileSync(caFile) }) }),
});
session.once('error', fail);
const stream = session.request({ ':path': '/' });
stream.once('error', fail);
stream.pipe(process.stdout, { end: false });
stream.once('end', () => session.close());

function fail(error) {
  console.error(error.message);
  process.exitCode = 1;
}
