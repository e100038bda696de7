// Opens a TLS connection through the proxy and never uses it, as browsers do to be quick later; closes after a while.
// Arguments: proxy port, host, port, milliseconds to stay.
import http from 'node:http';
import tls from 'node:tls';

const [proxyPort, host, port, stay] = process.argv.slice(2);
const request = http.request({ host: '127.0.0.1', port: Number(proxyPort), method: 'CONNECT', path: `${host}:${port}` });
request.on('connect', (_response, tunnel) => {
  const secure = tls.connect({ socket: tunnel, servername: host }, () => {
    console.log('connected');
    setTimeout(() => secure.end(), Number(stay));
  });
  secure.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
});
request.end();
