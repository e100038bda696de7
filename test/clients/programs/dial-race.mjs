// Dials twice at once, as programs do that race addresses; asks over the connection that is ready first and closes the other unused.
// Arguments: proxy port, host. Trusts NODE_EXTRA_CA_CERTS.
import https from 'node:https';
import tls from 'node:tls';
import { connect } from './tunnel.mjs';

const [proxyPort, host] = process.argv.slice(2);
const dial = async () => {
  const socket = await connect(proxyPort, host);
  return new Promise((done, fail) => {
    const secure = tls.connect({ socket, servername: host }, () => done(secure));
    secure.once('error', fail);
  });
};
const dialled = [dial(), dial()];
const winner = await Promise.race(dialled);
for (const dialling of dialled) {
  dialling.then((secure) => secure === winner || secure.destroy(), (error) => console.error(error.message));
}
https.get({ host, path: '/', createConnection: () => winner }, (response) => response.pipe(process.stdout)).on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
