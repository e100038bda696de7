// Answers with the PAC on the proxy's own port, which is where browsers are told to look. Not for what it says (core/steering/pac).
// Anybody on this device may read it. A web page may not: pages that got here by a name of their own (DNS rebinding) are refused by Host, and as a
// script or a fetch the answer is kept from other origins.
import type { Socket } from 'node:net';
import { pacText } from '../../core/steering/pac.ts';
import type { PacPolicy } from '../../core/steering/pac.ts';
import { lingerThenDestroy, refuseRequest } from './refuse.ts';

/** Answers one request and closes. `host`: the request's Host header in lower case. */
export function servePac(client: Socket, host: string, policy: PacPolicy): void {
  const port = client.localPort ?? 0;
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) return refuseRequest(client, 403, 'http_request_denied', 'the PAC is for programs of this device.');
  const body = pacText(policy, port);
  client.end([
    'HTTP/1.1 200 OK',
    'content-type: application/x-ns-proxy-autoconfig',
    'x-content-type-options: nosniff',
    'cross-origin-resource-policy: same-origin',
    'cache-control: no-store',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close', '', body,
  ].join('\r\n'));
  lingerThenDestroy(client);
}
