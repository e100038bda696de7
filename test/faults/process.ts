// What happens to the process: two at once, stopped and woken, a start that fails again and again, an orderly end under load.
import type * as http from 'node:http';
import * as tls from 'node:tls';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Fault } from './fault.ts';
import { tunnel } from '../routes/stage.ts';
import { startOrigin } from '../support/origins.ts';
import { after, baseline, failedStart, makeHome, probe, refused, soundAfter, start, until, within } from './stage.ts';

const two: Fault = {
  name: 'two instances', times: { quick: 2, full: 20 },
  run: async ({ n, origins, trial }) => {
    const home = await makeHome(origins);
    const running = await start(home);
    const before = await baseline(running);
    for (let round = 0; round < n; round += 1) {
      await trial(`round ${round}`, async () => {
        const { code } = await failedStart(home);
        if (code !== 0) throw new Error(`the second ended with ${String(code)}`);
        await soundAfter(running, before, 'inspected');
      });
    }
    await running.stop();
    home.remove();
  },
};

const stopped: Fault = {
  name: 'SIGSTOP and SIGCONT', times: { quick: 1, full: 10 },
  run: async ({ n, origins, trial }) => {
    const home = await makeHome(origins);
    const running = await start(home);
    const before = await baseline(running);
    for (let round = 0; round < n; round += 1) {
      await trial(`round ${round}`, async () => {
        process.kill(running.pid, 'SIGSTOP');
        const waiting = probe(running).catch(() => null);
        await after(3_000);
        process.kill(running.pid, 'SIGCONT');
        await waiting;
        await soundAfter(running, before, 'inspected');
      });
    }
    await running.stop();
    home.remove();
  },
};

const cannotStart: Fault = {
  name: 'a start that fails, five times', times: { quick: 1, full: 5 },
  run: async ({ n, origins, trial }) => {
    for (let round = 0; round < n; round += 1) {
      const home = await makeHome(origins);
      await trial(`round ${round}`, async () => {
        const first = await start(home);
        const { fingerprint } = first;
        await first.stop();
        const database = readFileSync(`${home.folder}/pinlight.db`);
        // A store of a newer Pinlight: nothing to be mended by trying again.
        const newer = Buffer.from(database);
        newer.writeUInt32BE(999, 60);
        writeFileSync(`${home.folder}/pinlight.db`, newer);
        for (let attempt = 0; attempt < 5; attempt += 1) {
          const { code, errors } = await failedStart(home);
          if (code !== 1) throw new Error(`ended with ${String(code)}: ${errors}`);
          await refused(home);
        }
        if (!readFileSync(`${home.folder}/pinlight.db`).equals(newer)) throw new Error('the newer store was changed');
        writeFileSync(`${home.folder}/pinlight.db`, database);
        const again = await start(home);
        if (again.fingerprint !== fingerprint || await probe(again) !== 'inspected') throw new Error('it is not as before');
        await again.stop();
      });
      home.remove();
    }
  },
};

const sessions = 100;
/** An upgrade drains for 30 s at most. */
const drainMs = 30_000;

const upgrade: Fault = {
  name: 'upgrade under load', times: { quick: 1, full: 5 },
  run: async ({ n, origins, trial }) => {
    const slow = 'slow.pinlight.test';
    // An answer of a line every 200 ms, for two seconds.
    let answering = 0;
    const origin = await startOrigin(origins.authority, slow, { onRequest: (_request, response: http.ServerResponse) => {
      answering += 1;
      let lines = 0;
      const timer = setInterval(() => {
        lines += 1;
        response.write(`line ${lines}\n`);
        if (lines < 10) return;
        clearInterval(timer);
        response.end('whole\n');
      }, 200);
      response.once('close', () => clearInterval(timer));
    } });
    for (let round = 0; round < n; round += 1) {
      const home = await makeHome(origins, { targets: { [`${slow}:443`]: `127.0.0.1:${origin.port}` } });
      await trial(`round ${round}`, async () => {
        const old = await start(home);
        const answers = Array.from({ length: sessions }, () => download(home.port, slow));
        await until('all sessions are at work', () => answering >= sessions * (round + 1));
        const from = performance.now();
        const ended = old.stop('SIGTERM');
        // It may fail before it is looked at.
        ended.catch(() => undefined);
        await refusedSoon(home);
        const whole = (await Promise.all(answers)).filter((text) => text.includes('whole')).length;
        const code = await within(drainMs, ended, 'the old agent did not end');
        if (code !== 0) throw new Error(`the old agent ended with ${String(code)} after ${Math.round(performance.now() - from)} ms`);
        if (whole < sessions) throw new Error(`${sessions - whole} of ${sessions} answers were cut`);
        const next = await start(home);
        try {
          if (next.fingerprint !== old.fingerprint || await probe(next) !== 'inspected') throw new Error('the new agent is not as the old one');
        } finally {
          await next.stop();
        }
      });
      home.remove();
    }
    await origin.close();
  },
};

/** New connections are refused at once while the old ones end. */
function refusedSoon(home: Parameters<typeof refused>[0]): Promise<void> {
  return until('the port closes', () => refused(home).then(() => true, () => false), 2_000);
}

/** What came of an answer; nothing where none began. */
async function download(port: number, host: string): Promise<string> {
  const socket = await tunnel(port, `${host}:443`).catch(() => null);
  if (socket === null) return '';
  const secure = tls.connect({ socket, servername: host, rejectUnauthorized: false }, () => secure.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
  let text = '';
  return new Promise((done) => {
    secure.on('data', (chunk: Buffer) => { text += chunk.toString(); }).on('error', () => undefined).once('close', () => done(text));
  });
}

export const processFaults: readonly Fault[] = [two, stopped, cannotStart, upgrade];
