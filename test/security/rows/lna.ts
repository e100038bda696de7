// LNA: web pages and services of this device. A browser behind any proxy on loopback takes every page for a local one and lets it call them
// (measured); the policy that Pinlight writes and the proxy itself together prevent it. Real Chromium throughout.
import { lookup } from 'node:dns';
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import type { Page } from '@playwright/test';
import { browserNetworkPolicy } from '../../../native/system-proxy/browser-network-policy.ts';
import { findCommand } from '../../support/find-command.ts';
import { open, type Origin } from '../../support/origins.ts';
import { createTally, inspectAll, withLegs, type Legs, type Tally } from '../legs.ts';
import { startOwnAgent, type OwnAgent } from '../own-agent.ts';
import { skip, type Row, type RowResult } from '../registry.ts';
import { openSteeredBrowser } from '../steered-browser.ts';

export const rows: readonly Row[] = [
  { id: 'LNA1', title: 'no web page reaches a service of this device through us', source: 'LNA', run: eightRuns },
];

const page = 'site.lna.test';
const rebound = 'rebound.lna.test';

async function eightRuns(): Promise<RowResult> {
  if (process.getuid?.() !== 0 || findCommand('chromium') === null || findCommand('unshare') === null) return skip('a browser policy of its own needs chromium, root and unshare');
  const tally = createTally();
  await withLegs(async (legs) => {
    const reached = new Set<string>();
    const victim = await open(http.createServer((request, response) => {
      reached.add(new URL(request.url ?? '/', 'http://x').searchParams.get('run') ?? '');
      response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-private-network', 'true').end('inner');
    }), 'victim');
    const site = await open(http.createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>site</title>')), 'site');
    await legs.origin(page, { onRequest: (_request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>site</title>') });
    const agent = await startOwnAgent({
      defaults: { onUnknownApp: 'inspect' }, rules: inspectAll,
      network: { upstreamRoots: [legs.authority.rootFile], localTargets: { [`${page}:80`]: `127.0.0.1:${site.port}`, [`${page}:443`]: `127.0.0.1:${legs.targets.get(page)}` } },
    }, { resolve: (host, done) => (host === rebound ? done(null, [{ address: '127.0.0.1', family: 4 }]) : lookup(host, { all: true }, done)) });
    const naive = await open(naiveProxy(site.port, legs.targets.get(page) as number, victim.port), 'naive');
    try {
      await withBrowsers(tally, legs, agent, naive, victim.port, reached);
    } finally {
      await Promise.all([agent.close(), naive.close(), victim.close(), site.close()]);
    }
  });
  return tally.result('Chromium behind the agent with the managed policy that steering writes: an http and an https page call 127.0.0.1, [::1], localhost and a name that resolves to 127.0.0.1. Beside it, to show that the check can tell: a proxy that opens everything, without the policy, lets 3 of 3 through. A desktop browser asks the person where the headless one blocks. The name needs the proxy: no policy stops it');
}

type Victim = readonly [title: string, url: (port: number) => string];
const victims: readonly Victim[] = [
  ['127.0.0.1', (port) => `http://127.0.0.1:${port}/`], ['[::1]', (port) => `http://[::1]:${port}/`], ['localhost', (port) => `http://localhost:${port}/`], ['a name for 127.0.0.1', (port) => `http://${rebound}:${port}/`],
];

async function withBrowsers(tally: Tally, legs: Legs, agent: OwnAgent, naive: Origin, victim: number, reached: ReadonlySet<string>): Promise<void> {
  const roots = [legs.authority.rootPem, readFileSync(agent.rootFile, 'utf8')];
  const call = async (tab: Page, run: string, url: string): Promise<boolean> => {
    await tab.evaluate((to) => Promise.race([fetch(to, { mode: 'no-cors', cache: 'no-store' }).then(() => 'answered', String), new Promise((done) => { setTimeout(() => done('waits'), 4_000); })]), `${url}?run=${encodeURIComponent(run)}`);
    return reached.has(run);
  };
  const without = await openSteeredBrowser({ folder: legs.authority.folder, proxy: `http://127.0.0.1:${naive.port}`, roots });
  try {
    for (const [scheme, title, url] of [['http', 'D', victims[0]?.[1](victim)], ['https', 'E2', victims[0]?.[1](victim)], ['http', 'C', victims[3]?.[1](victim)]] as const) {
      const tab = await without.newPage();
      await tab.goto(`${scheme}://${page}/`);
      tally.check(`control: behind a naive proxy without policy, ${title} is reached`, await call(tab, `control ${title}`, url ?? ''));
    }
  } finally {
    await without.close();
  }
  // Without the policy the name is stopped all the same: by the proxy, after resolution. With it no policy could.
  const unsteered = await openSteeredBrowser({ folder: legs.authority.folder, proxy: `http://127.0.0.1:${agent.proxyPort}`, roots });
  try {
    const tab = await unsteered.newPage();
    await tab.goto(`http://${page}/`);
    tally.check('behind the agent, without the policy, the name is not reached', !(await call(tab, 'unsteered', victims[3]?.[1](victim) ?? '')));
  } finally {
    await unsteered.close();
  }
  const steered = await openSteeredBrowser({
    folder: legs.authority.folder, proxy: `http://127.0.0.1:${agent.proxyPort}`, roots,
    policy: browserNetworkPolicy({ port: agent.proxyPort, version: 1, failMode: 'open', quicOff: [], browsersByPolicy: false }, 'chromium'),
  });
  try {
    for (const scheme of ['http', 'https']) {
      for (const [title, url] of victims) {
        const tab = await steered.newPage();
        await tab.goto(`${scheme}://${page}/`);
        const run = `${scheme} page calls ${title}`;
        tally.check(`${run}: not reached`, !(await call(tab, run, url(victim))));
        await tab.close();
      }
    }
  } finally {
    await steered.close();
  }
}

/** What an ordinary proxy on loopback does: everything that it is asked for. */
function naiveProxy(site: number, secure: number, victim: number): http.Server {
  const server = http.createServer((request, response) => {
    const url = URL.parse(request.url ?? '');
    const port = url?.hostname === page ? site : victim;
    const onward = http.request({ host: '127.0.0.1', port, path: `${url?.pathname}${url?.search}`, method: request.method ?? 'GET' }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy()).end();
  });
  server.on('connect', (_request, client: net.Socket) => {
    const onward = net.connect(secure, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(onward).pipe(client);
    });
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
  });
  return server;
}
