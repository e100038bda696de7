// `pinlight open`: the window in a browser. Serves the built renderer and the Bridge contract on one loopback port, for one person.
// Not for the agent: it opens no TCP port but the proxy; this process is a client of its control API and dies with the terminal.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PinlightError, errorBody, errorStatus } from '../../contract/errors.ts';
import { asTyped } from '../../contract/own-command.ts';
import type { OwnCommand } from '../../contract/own-command.ts';
import type { ControlClient } from '../../client/control-client.ts';
import type { DoctorReport } from '../../core/diagnostics/doctor-report.ts';
import { serveBridge } from './serve-bridge.ts';
import { answerError, answerPage } from './answers.ts';
import { countWindows } from './count-windows.ts';
import { readRendererFiles } from './renderer-files.ts';
import type { RendererFile } from './renderer-files.ts';
import { peerUid } from './peer-uid.ts';
import { createWindowSession } from './session.ts';
import type { WindowSession } from './session.ts';

export type WindowServerOptions = {
  readonly client: ControlClient;
  /** The built renderer. */
  readonly folder: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Users whose programs may connect, besides root; null = every user (systems that do not tell who connects). */
  readonly uids: readonly number[] | null;
  /** ms without any open window after which `idle` aborts. */
  readonly idleMs: number;
  /** How `pinlight` is typed, for the page's texts. */
  readonly command: OwnCommand;
  /** Looks at this device, for a bundle and when the person asks; absent = both say that it was not done. */
  readonly examine?: (() => Promise<DoctorReport>) | undefined;
};

export type WindowServer = {
  /** With the one-time token: for the person's browser only. */
  readonly url: string;
  readonly port: number;
  /** Aborts when no window has been open for `idleMs`, and at close. */
  readonly idle: AbortSignal;
  close(): Promise<void>;
};

/** Starts the server on 127.0.0.1 and a free port. PinlightError `window-not-built` without a built renderer. */
export async function serveWindow({ client, folder, now, uids, idleMs, command, examine }: WindowServerOptions): Promise<WindowServer> {
  const files = withCommand(await readRendererFiles(folder), command);
  const session = createWindowSession(now());
  const windows = countWindows(idleMs);
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = addressOf(server.address());
  const host = `127.0.0.1:${port}`;
  server.on('request', (request, response) => {
    setSafetyHeaders(response);
    serve(request, response).catch((thrown: unknown) => {
      const found = errorBody(thrown);
      const body = { ...found, message: asTyped(found.message, command) };
      if (response.headersSent) response.destroy();
      else if ((request.headers.accept ?? '').includes('text/html')) answerPage(response, errorStatus(body.code), body.message.replaceAll('`', ''));
      else answerError(response, errorStatus(body.code), body);
    });
  });
  // Looked up while the connection is fresh: the kernel shows root as the owner of a socket that its program has closed.
  const strangers = new WeakSet<Socket>();
  server.on('connection', (socket) => {
    if (isStranger(socket, port, uids)) strangers.add(socket);
  });
  // A page can open a WebSocket to any address; nothing here speaks it, and nothing is routed for it.
  server.on('upgrade', (_request, socket) => socket.destroy());

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (strangers.has(request.socket)) throw new PinlightError('not-permitted', 'This window belongs to another user of this machine.');
    refuseForeigners(request, host);
    // Absolute-form and `*` targets are for proxies; everything else starts with a slash.
    const target = new URL((request.url ?? '').startsWith('/') ? `http://${host}${request.url ?? ''}` : `http://${host}/\0`);
    if (target.pathname.startsWith('/bridge/')) {
      if (!session.isBearer(request.headers.authorization)) throw new PinlightError('not-permitted', 'This window has no session. Run `pinlight open` again.');
      await serveBridge({ client, request, response, path: target.pathname, job: target.searchParams.get('job'), windows, examine });
    } else servePage({ request, response, target, session, files, now: now(), cookieName: `pinlight-${port}` });
  };

  return {
    url: `http://${host}/?token=${session.token}`,
    port,
    idle: windows.idle,
    close: async () => {
      windows.close();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('A TCP server has an address with a port.');
  return address;
}

function isStranger(socket: Socket, port: number, uids: readonly number[] | null): boolean {
  if (uids === null) return false;
  // All of 127.0.0.0/8 reaches us, and only 127.0.0.1 is looked up: whoever comes from elsewhere, or cannot be told, is a stranger.
  if (socket.remotePort === undefined || !/^(::ffff:)?127\.0\.0\.1$/.test(socket.remoteAddress ?? '')) return true;
  const uid = peerUid(socket.remotePort, port);
  return uid === null || (uid !== 0 && !uids.includes(uid));
}

/** Before any routing: a name that was rebound to 127.0.0.1 shows in Host, another page in Origin or Sec-Fetch-Site. */
function refuseForeigners(request: IncomingMessage, host: string): void {
  const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (request.headers.host !== host || hosts.length !== 1) throw new PinlightError('foreign-origin', 'This server answers to its own address only.');
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) throw new PinlightError('foreign-origin', 'This server does not answer other pages.');
  const site = request.headers['sec-fetch-site'];
  // `none`: typed, or opened by a program. Sub-resources and fetches of our own page say `same-origin`.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new PinlightError('foreign-origin', 'This server does not answer other pages.');
}

function setSafetyHeaders(response: ServerResponse): void {
  response.setHeader('content-security-policy', "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cache-control', 'no-store');
}

type PageRequest = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: URL;
  readonly session: WindowSession;
  readonly files: ReadonlyMap<string, RendererFile>;
  readonly now: number;
  /** With the port in it, or two windows would take each other's cookie: cookies know no ports. */
  readonly cookieName: string;
};

function servePage({ request, response, target, session, files, now, cookieName }: PageRequest): void {
  if (request.method !== 'GET') {
    response.setHeader('allow', 'GET');
    answerError(response, 405, new PinlightError('bad-request', 'Pages are read with GET.').toBody());
    return;
  }
  const path = target.pathname === '/' ? '/index.html' : target.pathname;
  const file = files.get(path);
  const token = target.searchParams.get('token');
  if (path === '/index.html' && file !== undefined && token !== null && session.redeem(token, now)) {
    response.setHeader('set-cookie', `${cookieName}=${session.assetCookie}; HttpOnly; SameSite=Strict; Path=/`);
    answerFile(response, { ...file, body: withMeta(file.body, 'pinlight-session', session.bearer) });
    return;
  }
  if (!session.isAssetCookie(readCookie(request.headers.cookie, cookieName))) {
    throw new PinlightError('not-permitted', token === null ? 'This address needs a link. Run `pinlight open` and follow the one it prints.' : 'This link was used already, or is older than two minutes. Run `pinlight open` again.');
  }
  if (file === undefined) throw new PinlightError('not-found', 'There is no such page.');
  answerFile(response, file);
}

function answerFile(response: ServerResponse, file: RendererFile): void {
  response.writeHead(200, { 'content-type': file.type, 'content-length': file.body.length });
  response.end(file.body);
}

/** The page knows how commands are typed, whether it comes by the link or by a reload. */
function withCommand(files: ReadonlyMap<string, RendererFile>, command: OwnCommand): ReadonlyMap<string, RendererFile> {
  return new Map([...files].map(([path, file]) => [path, path === '/index.html' ? { ...file, body: withMeta(file.body, 'pinlight-command', command) } : file]));
}

/** The page with one more meta element. The session moves from there to sessionStorage, which belongs to this port and this tab. */
function withMeta(html: Buffer, name: string, content: string): Buffer {
  const text = html.toString('utf8');
  const meta = `<meta name="${name}" content="${content}">`;
  const head = /<head[^>]*>/i.exec(text);
  if (head === null) throw new PinlightError('window-not-built', 'The built index.html has no head element.');
  const at = head.index + head[0].length;
  return Buffer.from(text.slice(0, at) + meta + text.slice(at), 'utf8');
}

function readCookie(header: string | undefined, name: string): string | undefined {
  const found = (header ?? '').split(';').map((pair) => pair.trim()).find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}
