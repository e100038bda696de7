// A CONNECT through the proxy, for what brings no proxy of its own. Copied beside each script.
import http from 'node:http';

/** Answers the open socket; rejects when the proxy says anything but 200. */
export function connect(proxyPort, host) {
  return new Promise((done, fail) => {
    const request = http.request({ host: '127.0.0.1', port: Number(proxyPort), method: 'CONNECT', path: `${host}:443` });
    request.once('connect', (response, socket) => (response.statusCode === 200 ? done(socket) : fail(new Error(`the proxy answered ${response.statusCode}`))));
    request.once('error', fail);
    request.end();
  });
}
