// Says no in words: a short plain-text HTTP answer before a tunnel exists, a TLS alert or a plain close after.
// Not for deciding that. Texts hold no raw input beyond host names that passed the strict head reader (E6).
import type { Socket } from 'node:net';

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request', 403: 'Forbidden', 405: 'Method Not Allowed', 408: 'Request Timeout', 431: 'Request Header Fields Too Large', 502: 'Bad Gateway',
  503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported',
};

/** Answers a request head with a status, a stable code and a sentence, and closes. `code` goes into `proxy-status` (RFC 9209). */
export function refuseRequest(socket: Socket, status: number, code: string, sentence: string): void {
  if (socket.destroyed) return;
  const body = `Pinlight: ${sentence}\n`;
  socket.end([
    `HTTP/1.1 ${status} ${phrases[status] ?? 'Error'}`,
    `proxy-status: pinlight; error=${code}`,
    'content-type: text/plain; charset=utf-8',
    "content-security-policy: default-src 'none'",
    'x-content-type-options: nosniff',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close', '', body,
  ].join('\r\n'));
  lingerThenDestroy(socket);
}

/** Ends a tunnel whose client has begun TLS: fatal alert 49 access_denied in plain, as the ClientHello was never answered (B12). */
export function refuseTls(socket: Socket): void {
  if (socket.destroyed) return;
  socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 49]));
  lingerThenDestroy(socket);
}

/** Unread input would turn our close into a reset that eats the answer (RFC 9112 section 9.6): read on for a moment, at most 1 s. */
export function lingerThenDestroy(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), 1_000);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroySoon());
}
