// Servers that stall, half close, reset, stop reading or never begin: the app's connection ends in order or goes on, and nothing stays behind.
import * as net from 'node:net';
import * as tls from 'node:tls';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import type { Fault } from './fault.ts';
import { tunnel } from '../routes/stage.ts';
import { open, startOrigin } from '../support/origins.ts';
import { after, baseline, makeHome, measure, mostMegabytes, probeMs, soundAfter, start, until, within, type Running } from './stage.ts';

type Bad = {
  readonly name: string;
  /** The server's side of one connection. */
  readonly serve: (socket: net.Socket) => void;
  /** `ends`: the app's connection is over at once. `hangs`: the app hangs as it would without us, until it leaves by itself. */
  readonly how: 'ends' | 'hangs';
};
/** Our handshake with a server may take 15 s; then the app gets the server's own bytes. An app with more patience than that. */
const patienceMs = 18_000;
const bads: readonly Bad[] = [
  { name: 'accepts and says nothing', serve: (socket) => socket.resume(), how: 'hangs' },
  { name: 'resets at the ClientHello', serve: (socket) => socket.once('data', () => socket.resetAndDestroy()), how: 'ends' },
  { name: 'closes its half at once and goes on listening', serve: (socket) => { socket.end(); socket.resume(); }, how: 'hangs' },
  { name: 'sends half a ServerHello', serve: (socket) => { socket.once('data', () => socket.write(Buffer.from('160303007a0200007603', 'hex'))); socket.resume(); }, how: 'hangs' },
  { name: 'sends nonsense', serve: (socket) => { socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')); }, how: 'ends' },
];

const badServers: Fault = {
  name: 'stalled and broken servers', times: { quick: 10, full: 100 },
  run: async ({ n, origins, trial }) => {
    const servers = await Promise.all(bads.map(async (bad, index) => ({ bad, host: `bad-${index}.test`, origin: await open(net.createServer({ allowHalfOpen: true }, bad.serve), `bad-${index}.test`) })));
    const home = await makeHome(origins, { targets: Object.fromEntries(servers.map(({ host, origin }) => [`${host}:443`, `127.0.0.1:${origin.port}`])) });
    const running = await start(home);
    const before = await baseline(running);
    // All at once: the slow ones take 15 s each.
    await Promise.all(Array.from({ length: n }, (_, round) => {
      const { bad, host } = servers[round % servers.length] as (typeof servers)[number];
      return trial(bad.name, async () => {
        const socket = await tunnel(home.port, `${host}:443`);
        const over = new Promise<void>((done) => {
          const secure = tls.connect({ socket, servername: host, rejectUnauthorized: false });
          secure.on('error', () => undefined).once('close', () => done()).once('end', () => secure.destroy());
        });
        if (bad.how === 'ends') return within(probeMs, over, 'the app was left waiting');
        await after(patienceMs);
        socket.destroy();
      });
    }));
    for (const { bad, host } of servers) {
      // A row stands when its connection is over: at a server that hangs, a minute after the app has left (agent/proxy/relay.ts).
      await until(`a row of ${host}`, async () => (await rowsOf(running, host)).length > 0, 75_000);
      const wrong = (await rowsOf(running, host)).find(({ outcome }) => outcome?.kind === 'refused' || outcome?.kind === 'agent-fault');
      if (wrong !== undefined) throw new Error(`a server that ${bad.name} was held against the app: ${JSON.stringify(wrong)}`);
    }
    await soundAfter(running, before, 'inspected');
    await running.stop();
    for (const { origin } of servers) await origin.close();
    home.remove();
  },
};

const noReader: Fault = {
  name: 'server that stops reading', times: { quick: 3, full: 20 },
  run: async ({ n, origins, trial }) => {
    const host = 'deaf.test';
    const origin = await startOrigin(origins.authority, host, { onConnection: (socket) => {
      socket.pause().on('error', () => socket.destroy());
    } });
    const home = await makeHome(origins, { targets: { [`${host}:443`]: `127.0.0.1:${origin.port}` } });
    const running = await start(home);
    const before = await baseline(running);
    const uploads = await Promise.all(Array.from({ length: n }, () => upload(running, host)));
    await after(3_000);
    for (const [index, secure] of uploads.entries()) {
      await trial(`upload ${index}`, async () => {
        const { megabytes } = measure(running.pid);
        // 1 MB a session at most, beside what the process itself may grow by.
        if (megabytes > mostMegabytes(before) + n) throw new Error(`memory went from ${Math.round(before.megabytes)} to ${Math.round(megabytes)} MB`);
        secure.destroy();
        await Promise.resolve();
      });
    }
    // The server stays deaf: that the apps have left is found out by asking, 25 to 50 s after the last byte (agent/proxy/relay.ts).
    await until('all uploads are over', async () => (await rowsOf(running, host)).filter(({ durationMs }) => durationMs !== null).length === n, 75_000);
    await soundAfter(running, before, 'inspected');
    await running.stop();
    await origin.close();
    home.remove();
  },
};

async function rowsOf(running: Running, host: string): Promise<readonly ConnectionRow[]> {
  return (await running.client.call('connections', { filter: `host == ${host}`, limit: '200' }, {})).rows;
}

/** An app that has 100 MB to say, as fast as it is taken. */
async function upload(running: Running, host: string): Promise<tls.TLSSocket> {
  const socket = await tunnel(running.home.port, `${host}:443`);
  const secure = tls.connect({ socket, servername: host, rejectUnauthorized: false });
  secure.on('error', () => undefined);
  await new Promise((done) => secure.once('secureConnect', done));
  let left = 100;
  const piece = Buffer.alloc(1_000_000, 65);
  const more = (): void => {
    while (left > 0 && secure.writable) {
      left -= 1;
      if (!secure.write(piece)) break;
    }
  };
  secure.on('drain', more);
  more();
  return secure;
}

export const upstreamFaults: readonly Fault[] = [badServers, noReader];
