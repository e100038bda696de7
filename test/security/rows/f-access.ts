// F1 to F5: who may speak to the control API and to the window server at all: not other users, not web pages, by no disguise.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Page } from '@playwright/test';
import { createControlClient } from '../../../electron/client/control-client.ts';
import { builtRenderer } from '../../../electron/cli/window/renderer-files.ts';
import { serveWindow, type WindowServer } from '../../../electron/cli/window/serve-window.ts';
import { routePaths, streamPaths } from '../../../electron/contract/routes.ts';
import { startTestAgent, type TestAgent } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { open } from '../../support/origins.ts';
import { createTally, type Tally } from '../legs.ts';
import { skip, type Row, type RowResult } from '../registry.ts';
import { asStranger, noSecondUser, strangerUid } from '../second-user.ts';
import { openSteeredBrowser } from '../steered-browser.ts';

export const rows: readonly Row[] = [
  { id: 'F1', title: 'other users cannot speak to it', source: 'Tailscale CVE-2022-41924', run: otherUsers },
  { id: 'F2', title: 'Host, Origin, Referer and session on every route', source: 'Tailscale localapi', run: httpDiscipline },
  { id: 'F3', title: 'no DNS rebinding', source: 'CVE-2018-14505 CVE-2021-22884 CVE-2022-32212', run: rebinding },
  { id: 'F4', title: 'no page changes anything, seen or unseen', source: 'Zoom CVE-2019-13450', run: crossSite },
  { id: 'F5', title: 'no CORS answer anywhere', source: 'LNA', run: noCors },
];

type Surfaces = { readonly agent: TestAgent; readonly window: WindowServer };

/** An agent, and the window server of `pinlight open` before it. */
async function withSurfaces(work: (surfaces: Surfaces) => Promise<void>, uids: readonly number[] | null = null): Promise<void> {
  const agent = await startTestAgent({ rules: [] });
  const window = await serveWindow({ client: createControlClient({ controlPath: agent.controlPath }), folder: builtRenderer, now: Date.now, uids, idleMs: 600_000, command: 'pinlight' });
  try {
    await work({ agent, window });
  } finally {
    await window.close();
    await agent.stop();
  }
}

const exclusionsOf = async ({ client }: TestAgent): Promise<number> => (await client.call('exclusions', {}, {})).exclusions.filter(({ kind }) => kind === 'user').length;

async function otherUsers(): Promise<RowResult> {
  const why = noSecondUser();
  if (why !== null) return skip(why);
  const tally = createTally();
  await withSurfaces(async ({ agent, window }) => {
    const listening = [...execFileSync('ss', ['-Htlnp'], { encoding: 'utf8' }).matchAll(/LISTEN +\d+ +\d+ +(\S+) .*?pid=(\d+)/g)].filter((match) => Number(match[2]) === agent.pid).map((match) => match[1]);
    tally.check('the agent\'s only ports are the proxy\'s', listening.length > 0 && listening.every((address) => address?.endsWith(`:${agent.proxyPort}`) === true), listening.join());
    const say = 'const s=require("net").connect(process.argv[1]);s.on("error",(e)=>{console.log(e.code);process.exit(1)}).on("connect",()=>s.write("GET /v1/status HTTP/1.1\\r\\nHost: pinlight\\r\\n\\r\\n")).on("data",(d)=>{console.log("ANSWER"+d)}).on("close",()=>process.exit(0));setTimeout(()=>process.exit(2),3000)';
    for (const [title, prepare] of [
      ['as it is', () => undefined], ['with its folders open', () => [agent.home, dirname(agent.controlPath)].forEach((folder) => chmodSync(folder, 0o755))],
      // Somebody has opened it by mistake: the peer's uid still decides.
      ['with the socket itself open', () => chmodSync(agent.controlPath, 0o666)],
    ] as const) {
      prepare();
      const { text } = await asStranger([process.execPath, '-e', say, agent.controlPath]);
      tally.check(`the control socket ${title} answers no other user`, !text.includes('ANSWER'), text);
    }
    for (const path of ['/', '/?token=x', '/bridge/watch', window.url.slice(window.url.indexOf('/?'))]) {
      const { text } = await asStranger(['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', `http://127.0.0.1:${window.port}${path}`]);
      tally.check('the window server refuses another user, the right link included', text.trim() === '403', text);
    }
    tally.check('the link is not used up by it', (await ask({ port: window.port, path: window.url.slice(window.url.indexOf('/?')), headers: { host: `127.0.0.1:${window.port}` } })).status === 200);
  }, [0]);
  return tally.result(`uid ${strangerUid} against the socket in three states and the window server`);
}

type Asked = { readonly port?: number; readonly socketPath?: string; readonly method?: string; readonly path: string; readonly headers: http.OutgoingHttpHeaders; readonly body?: string };
type Answered = { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly text: string };

function ask({ body, ...options }: Asked): Promise<Answered> {
  return new Promise((done, fail) => {
    const outgoing = http.request({ host: '127.0.0.1', agent: false, setHost: false, ...options }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        // A stream would never end.
        if (text.length > 100_000 || options.path.includes('events') || options.path.includes('watch')) response.destroy();
      });
      response.once('close', () => done({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? done({ status: 0, headers: {}, text: '' }) : fail(error)));
    outgoing.end(body);
  });
}

const foreignHeaders: readonly (readonly [string, http.OutgoingHttpHeaders])[] = [
  ['an Origin', { origin: 'https://evil.test' }], ['the Origin null', { origin: 'null' }], ['a Referer', { referer: 'https://evil.test/' }], ['another Host', { host: 'evil.test' }], ['localhost', { host: 'localhost' }], ['an empty Host', { host: '' }],
  ['a Host that ends like ours', { host: 'evil.pinlight' }], ['a Host that begins like ours', { host: 'pinlight.evil.test' }], ['an address as Host', { host: '127.0.0.1' }], ['an Origin that looks like ours', { origin: 'http://pinlight' }],
];

async function httpDiscipline(): Promise<RowResult> {
  const tally = createTally();
  await withSurfaces(async ({ agent, window }) => {
    const before = await exclusionsOf(agent);
    const routes = [...Object.values(routePaths), ...Object.values(streamPaths).map((path) => ({ method: 'GET', path })), { method: 'OPTIONS', path: '/v1/status' }, { method: 'GET', path: '/nothing' }];
    for (const [title, headers] of foreignHeaders) {
      for (const { method, path } of routes) {
        const body = method === 'POST' ? JSON.stringify({ host: 'forged.test', reason: 'x', version: 'x', as: 'accepted' }) : undefined;
        const { status } = await ask({ socketPath: agent.controlPath, method, path, headers: { host: 'pinlight', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body }) });
        tally.check(`control API, ${title}: ${method} ${path} is refused`, status === 403, status);
      }
    }
    const own = `127.0.0.1:${window.port}`;
    const page = await ask({ port: window.port, path: window.url.slice(window.url.indexOf('/?')), headers: { host: own } });
    const bearer = /<meta name="pinlight-session" content="([\w-]{43})">/.exec(page.text)?.[1] ?? '';
    const cookie = page.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const call = (headers: http.OutgoingHttpHeaders, body: unknown = { route: 'addExclusion', query: {}, body: { host: 'forged.test', reason: 'x' } }): Promise<Answered> => ask({ port: window.port, method: 'POST', path: '/bridge/call', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
    const sessions: readonly (readonly [string, http.OutgoingHttpHeaders])[] = [
      ['no session', {}], ['the cookie alone', { cookie }], ['the link\'s token', { authorization: `Bearer ${window.url.split('=')[1]}` }], ['another\'s session', { authorization: `Bearer ${'A'.repeat(43)}` }], ['an empty session', { authorization: 'Bearer ' }], ['the session as Basic', { authorization: `Basic ${bearer}` }], ['the session without its last letter', { authorization: `Bearer ${bearer.slice(0, -1)}` }], ['the session as cookie', { cookie: `pinlight-${window.port}=${bearer}` }],
    ];
    for (const [title, headers] of sessions) tally.check(`window, ${title}: nothing`, (await call({ host: own, ...headers })).status === 403);
    for (const [title, headers] of [...foreignHeaders.filter(([, set]) => !('referer' in set)), ['another site by its own words', { 'sec-fetch-site': 'cross-site' }], ['another port of this host', { 'sec-fetch-site': 'same-site' }], ['an Origin of another port', { origin: 'http://127.0.0.1:1' }]] as const) {
      tally.check(`window, ${title}, with a good session: refused`, [400, 403].includes((await call({ host: own, authorization: `Bearer ${bearer}`, ...headers })).status));
    }
    tally.check('the link works once', (await ask({ port: window.port, path: window.url.slice(window.url.indexOf('/?')), headers: { host: own } })).status === 403);
    for (const route of ['stop', 'nothing', '__proto__', 'constructor']) tally.check(`window: the route ${route} is no window's`, (await call({ host: own, authorization: `Bearer ${bearer}` }, { route })).status === 403);
    tally.check('nothing was changed by all this', await exclusionsOf(agent) === before);
    tally.check('the page may do it, so the check can tell', (await call({ host: own, authorization: `Bearer ${bearer}`, origin: `http://${own}`, 'sec-fetch-site': 'same-origin' })).status === 200 && await exclusionsOf(agent) === before + 1);
  });
  return tally.result('every route of the control API with every foreign header; the window server with every wrong session; secrets are compared by timingSafeEqual over digests');
}

async function rebinding(): Promise<RowResult> {
  if (findCommand('chromium') === null) return skip('needs chromium');
  const tally = createTally();
  await withSurfaces(async ({ agent, window }) => {
    await inBrowser(['--host-resolver-rules=MAP evil.test 127.0.0.1, MAP *.evil.test 127.0.0.1'], async (page) => {
      for (const [title, port] of [['window server', window.port], ['proxy', agent.proxyPort]] as const) {
        for (const path of ['/', '/bridge/watch', '/bridge/bundle', '/bridge/call', '/index.html', window.url.slice(window.url.indexOf('/?')), '/v1/status']) {
          const answer = await page.goto(`http://evil.test:${port}${path}`, { timeout: 10_000 }).catch(() => null);
          const text = answer === null ? '' : await page.content();
          tally.check(`${title}: ${path.slice(0, 20)} under a name that was rebound`, (answer === null || [400, 403, 404, 405].includes(answer.status())) && !text.includes('pinlight-session'), answer?.status() ?? 0);
        }
        // The page itself came from that name before it was rebound: it is of one origin with the server, to the browser.
        const same = await page.evaluate(() => Promise.all([['GET', '/bridge/watch'], ['POST', '/bridge/call'], ['DELETE', '/bridge/call'], ['OPTIONS', '/']].map(([method = '', path = '']) => fetch(path, { method, ...(method === 'POST' ? { body: '{"route":"status"}', headers: { 'content-type': 'application/json', authorization: `Bearer ${'x'.repeat(43)}` } } : {}) }).then(({ status }) => status, () => 0)))).catch(() => [] as number[]);
        for (const status of same) tally.check(`${title}: a call of one origin, as the browser sees it`, [0, 400, 403, 404, 405].includes(status), status);
      }
    });
    tally.check('the link was not used up', (await ask({ port: window.port, path: window.url.slice(window.url.indexOf('/?')), headers: { host: `127.0.0.1:${window.port}` } })).status === 200);
  });
  return tally.result('Chromium with evil.test mapped to 127.0.0.1, visiting the window server and the proxy and calling them from pages of that origin');
}

/** One tab of Chromium without any proxy. */
async function inBrowser(args: readonly string[], work: (page: Page) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-pages-'));
  const browser = await openSteeredBrowser({ folder, args });
  try {
    await work(await browser.newPage());
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** As text: what runs in a page has a browser's types, not Node's. */
const attack = readFileSync(new URL('../inside/attack-page.js', import.meta.url), 'utf8');

async function crossSite(): Promise<RowResult> {
  if (findCommand('chromium') === null) return skip('needs chromium');
  const tally = createTally();
  // A page on loopback too, so that nothing but our own discipline is in the way.
  const site = await open(http.createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title><body>')), 'evil');
  try {
    await withSurfaces(async ({ agent, window }) => {
      const before = await exclusionsOf(agent);
      await inBrowser([], async (page) => {
        await page.goto(`http://127.0.0.1:${site.port}/`);
        await page.evaluate(attack);
        for (const [title, port] of [['window server', window.port], ['proxy', agent.proxyPort]] as const) {
          const results = await page.evaluate<Record<string, string>>(`attack(${port})`);
          for (const [what, result] of Object.entries(results)) tally.check(`${title}: ${what} learns nothing`, result === 'nothing', result);
        }
        const token = window.url.slice(window.url.indexOf('/?'));
        const framed = await page.evaluate<string>(`new Promise((done) => {
          const frame = document.createElement('iframe');
          frame.onload = () => { try { done(frame.contentDocument?.title ?? 'nothing'); } catch { done('nothing'); } };
          frame.src = ${JSON.stringify(`http://127.0.0.1:${window.port}${token}`)};
          document.body.append(frame);
          setTimeout(() => done('nothing'), 3_000);
        })`);
        tally.check('the window cannot be framed, link known or not', framed === 'nothing', framed);
      });
      tally.check('no exclusion came of it', await exclusionsOf(agent) === before);
      tally.check('the agent was not stopped', agent.process.exitCode === null);
      tally.check('the link is still good', (await ask({ port: window.port, path: window.url.slice(window.url.indexOf('/?')), headers: { host: `127.0.0.1:${window.port}` } })).status === 200);
    });
  } finally {
    await site.close();
  }
  return tally.result('from a page of another port in Chromium: fetch with and without CORS, image, script, style, form, beacon, WebSocket, EventSource, frame, XHR; against the window server and the proxy');
}

async function noCors(): Promise<RowResult> {
  const tally = createTally();
  await withSurfaces(async ({ agent, window }) => {
    const preflight = { origin: 'https://evil.test', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type, authorization', 'access-control-request-private-network': 'true', 'access-control-request-local-network': 'true' };
    const check = (what: string, { headers }: Answered): void => tally.check(`${what}: no access-control header`, !Object.keys(headers).some((name) => name.startsWith('access-control')), Object.keys(headers));
    for (const method of ['OPTIONS', 'GET', 'POST', 'HEAD']) {
      for (const path of [...Object.values(routePaths).map((route) => route.path), ...Object.values(streamPaths)]) check(`control API ${method} ${path}`, await ask({ socketPath: agent.controlPath, method, path, headers: { host: 'pinlight', ...preflight } }));
      for (const path of ['/', '/bridge/call', '/bridge/watch', '/bridge/bundle', '/assets/x.js']) check(`window ${method} ${path}`, await ask({ port: window.port, method, path, headers: { host: `127.0.0.1:${window.port}`, ...preflight } }));
      if (method !== 'HEAD') check(`proxy ${method}`, await ask({ port: agent.proxyPort, method, path: '/', headers: { host: `127.0.0.1:${agent.proxyPort}`, ...preflight } }));
    }
    await webSockets(tally, agent, window);
  });
  return tally.result('preflights with private-network and local-network requests, and plain requests, on every route of the control API, the window server and the proxy');
}

async function webSockets(tally: Tally, agent: TestAgent, window: WindowServer): Promise<void> {
  const upgrade = (host: string, path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://evil.test\r\n\r\n`;
  for (const [title, to, text] of [
    ['control API', { path: agent.controlPath }, upgrade('pinlight', '/v1/events')], ['window', { port: window.port, host: '127.0.0.1' }, upgrade(`127.0.0.1:${window.port}`, '/bridge/watch')], ['proxy', { port: agent.proxyPort, host: '127.0.0.1' }, upgrade(`127.0.0.1:${agent.proxyPort}`, '/')],
  ] as const) {
    const answer = await new Promise<string>((done) => {
      let all = '';
      const socket = net.connect(to, () => socket.write(text));
      socket.setTimeout(2_000, () => socket.destroy()).on('data', (chunk: Buffer) => { all += chunk.toString(); }).on('error', () => undefined).once('close', () => done(all));
    });
    tally.check(`${title}: a WebSocket from another page is not opened`, !answer.includes(' 101 ') && !answer.startsWith('HTTP/1.1 200'), answer.slice(0, 80));
  }
}
