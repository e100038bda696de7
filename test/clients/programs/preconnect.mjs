// Opens a TLS connection through the proxy and never uses it, as browsers do to be quick later; closes after a while.
// Arguments: proxy port, host, milliseconds to stay.
import tls from 'node:tls';
import { connect } from './tunnel.mjs';

const [proxyPort, host, stay] = process.argv.slice(2);
const secure = tls.connect({ socket: await connect(proxyPort, host), servername: host }, () => {
  console.log('connected');
  setTimeout(() => secure.end(), Number(stay));
});
secure.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
