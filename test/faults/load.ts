// More clients than the agent has room for: out of descriptors, and a thousand that speak one byte at a time.
import * as net from 'node:net';
import type { Fault } from './fault.ts';
import { after, baseline, makeHome, measure, openFiles, probe, probeMs, shop, soundAfter, start, until, within, type Home } from './stage.ts';

const filesLimit = 256;
const clients = 2_000;
/** Slow connections may cost 100 MB, and healthy handshakes go on. */
const slowMegabytes = 100;

const descriptors: Fault = {
  name: 'out of descriptors', times: { quick: 1, full: 5 },
  run: async ({ n, origins, trial }) => {
    for (let round = 0; round < n; round += 1) {
      const home = await makeHome(origins);
      await trial(`round ${round}`, async () => {
        const running = await start(home, { files: filesLimit });
        try {
          const before = await baseline(running);
          const sockets = crowd(home, clients, `CONNECT ${shop}:443 HTTP/1.1\r\nHost: ${shop}:443\r\n\r\n`);
          await after(2_000);
          // Clients wait or are turned away; the agent keeps what it needs to be asked, and to write its store.
          for (let look = 0; look < 5; look += 1) {
            await within(2_000, running.client.call('status', {}, {}), 'the control API says nothing');
            await within(2_000, running.client.call('connections', { limit: '10' }, {}), 'the log cannot be read');
            if (openFiles(running.pid) >= filesLimit) throw new Error('not one descriptor is kept in reserve');
            await after(200);
          }
          for (const socket of sockets) socket.destroy();
          // The agent may still be counting those that have just left.
          await until('an app gets through again', () => probe(running).then(() => true, () => false), probeMs);
          await soundAfter(running, before, 'inspected');
        } finally {
          await running.stop();
        }
      });
      home.remove();
    }
  },
};

const slowDrip: Fault = {
  name: '1,000 slow clients', times: { quick: 1, full: 3 },
  run: async ({ n, origins, trial }) => {
    for (let round = 0; round < n; round += 1) {
      const home = await makeHome(origins);
      await trial(`round ${round}`, async () => {
        const running = await start(home);
        const before = await baseline(running);
        const text = `CONNECT ${shop}:443 HTTP/1.1\r\nHost: ${shop}:443\r\n`;
        const sockets = crowd(home, 1_000, text.slice(0, 1));
        let letter = 1;
        const drip = setInterval(() => {
          for (const socket of sockets) if (socket.writable) socket.write(text.charAt(letter % text.length));
          letter += 1;
        }, 500);
        try {
          // Where the last come late, those that came first are turned away meanwhile.
          await until('all are there', () => openFiles(running.pid) >= before.files + 950, 60_000);
          const times: number[] = [];
          for (let visit = 0; visit < 100; visit += 1) {
            const from = performance.now();
            await probe(running);
            times.push(performance.now() - from);
          }
          const slowest = times.toSorted((a, b) => a - b)[98] ?? 0;
          if (slowest > 1_000) throw new Error(`a healthy visit takes ${Math.round(slowest)} ms`);
          const { megabytes } = measure(running.pid);
          if (megabytes > before.megabytes + slowMegabytes) throw new Error(`memory went from ${Math.round(before.megabytes)} to ${Math.round(megabytes)} MB`);
          // 16 s are given to a head; then they are gone by themselves.
          await until('the slow ones are turned away', () => openFiles(running.pid) <= before.files + 5, 30_000);
        } finally {
          clearInterval(drip);
          for (const socket of sockets) socket.destroy();
        }
        await soundAfter(running, before, 'inspected');
        await running.stop();
      });
      home.remove();
    }
  },
};

/** Clients that have connected, or been turned away, and have said `text`. */
function crowd(home: Home, count: number, text: string): net.Socket[] {
  return Array.from({ length: count }, () => {
    const socket = net.connect(home.port, '127.0.0.1', () => socket.write(text));
    return socket.on('error', () => undefined);
  });
}

export const loadFaults: readonly Fault[] = [descriptors, slowDrip];
