// What the route tests share: a raw proxy client, TLS through the proxy, and an app's ordinary traffic that must not notice anything.
import * as net from 'node:net';
import * as tls from 'node:tls';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Sends bytes to a port of 127.0.0.1 and collects the answer until the other side closes; after `patienceMs` the text so far, with `…`. */
export function exchange(port: number, bytes: string | Buffer, patienceMs = 20_000): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    const timer = setTimeout(() => {
      text += '…';
      socket.destroy();
    }, patienceMs);
    socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1'); }).on('error', () => undefined).on('end', () => socket.end()).on('close', () => {
      clearTimeout(timer);
      done(text);
    });
  });
}

/** An open tunnel; rejects with the proxy's answer when it refuses. */
export function tunnel(port: number, target: string): Promise<net.Socket> {
  return new Promise((done, fail) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`));
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', onData).pause();
      if (head.startsWith('HTTP/1.1 200')) return done(socket);
      socket.resume().once('close', () => fail(new Error(head)));
      socket.on('data', (more: Buffer) => { head += more.toString('latin1'); });
    };
    socket.on('data', onData).on('error', fail).once('close', () => fail(new Error(`closed: ${head}`)));
  });
}

export type Seen = { readonly fingerprint: string; readonly authorized: boolean; readonly version: string; readonly text: string; readonly session: Buffer | undefined };

/** One request through the proxy. Whoever answers is looked at, not judged, unless `options` say so. Rejects when no TLS comes about. */
export async function fetchThrough(port: number, target: string, options: tls.ConnectionOptions = {}): Promise<Seen> {
  const socket = await tunnel(port, target);
  const host = target.slice(0, target.lastIndexOf(':'));
  return new Promise((done, fail) => {
    let text = '';
    let seen: Omit<Seen, 'text'> | null = null;
    const secure = tls.connect({ socket, servername: host, rejectUnauthorized: false, ...options }, () => {
      seen = {
        fingerprint: createHash('sha256').update(secure.getPeerCertificate().raw).digest('hex'), authorized: secure.authorized,
        version: secure.getProtocol() ?? '', session: secure.getSession(),
      };
      secure.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    secure.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    secure.on('error', fail);
    secure.once('close', () => (seen === null ? fail(new Error('closed before TLS')) : done({ ...seen, text })));
  });
}

export type Traffic = { readonly served: () => number; readonly failures: () => readonly string[]; readonly slowestMs: () => number; stop(): Promise<void> };

/** An app that trusts our root and asks for the same page again and again, one request after the other. */
export function startTraffic(port: number, target: string, rootFile: string): Traffic {
  let served = 0;
  let slowest = 0;
  const ending = new AbortController();
  const failures: string[] = [];
  const ca = [readFileSync(rootFile, 'utf8')];
  const running = (async () => {
    while (!ending.signal.aborted) {
      const from = performance.now();
      try {
        const { text, authorized } = await fetchThrough(port, target, { ca, rejectUnauthorized: true });
        if (authorized && text.includes('hello from')) served += 1;
        else failures.push(text.slice(0, 100));
      } catch (error) {
        failures.push((error as Error).message);
      }
      slowest = Math.max(slowest, performance.now() - from);
      await wait(20);
    }
  })();
  return {
    served: () => served, failures: () => failures, slowestMs: () => slowest,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}
