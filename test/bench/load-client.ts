// The bench's load client in Node, for machines where load-client.c cannot be built: same arguments, same output, one thread.
// The C program's head explains both. Not for judging results.
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';

type Target = { readonly label: string; readonly port: number; readonly context: SecureContext; readonly authority: string; readonly host: string };
type Counters = { count: number; bytes: number; errors: number; firstError: string; protocol: string; samplesMs: number[] };
type Link = { readonly socket: TLSSocket; get(onBytes: (bytes: number) => boolean): Promise<boolean>; close(): void };

/** Samples of one way in a row, as in the C program: with one at a time the other ways push its code out of the core's caches. */
const turn = 10;
/** Rest before each sample: what a way still does after its last answer is not part of the next connection. */
const restMs = 3;
/** A way that stands still this long has failed; the slowest answer measured here takes a few milliseconds. */
const timeoutMs = 10_000;

const [mode = '', amountText = '', connectionsText = '', path = '', name = '', ...wayTexts] = process.argv.slice(2);
const amount = Number(amountText);
const connections = Number(connectionsText);
if (!(amount > 0) || !(connections > 0) || wayTexts.length === 0) {
  console.error('usage: load-client MODE AMOUNT CONNECTIONS PATH NAME WAY...');
  process.exit(2);
}
const targets = wayTexts.map(parseTarget);
if (mode === 'latency') await measureLatency();
else for (const target of targets) await measureRate(target);

async function measureRate(target: Target): Promise<void> {
  const counters = newCounters();
  const links = await Promise.all(Array.from({ length: connections }, async () => (mode === 'connect' ? null : tryOpen(target, counters))));
  const deadline = performance.now() + amount * 1000;
  await Promise.all(links.map((link) => work(target, counters, link, deadline)));
  print(target, counters, amount);
}

async function work(target: Target, counters: Counters, first: Link | null, deadline: number): Promise<void> {
  let link = first;
  while (performance.now() < deadline) {
    link ??= await tryOpen(target, counters);
    if (link === null) continue;
    let bytes = 0;
    const whole = await tryGet(link, counters, (more) => {
      if (mode === 'download' && performance.now() > deadline) return false;
      bytes += more;
      return true;
    });
    if (mode === 'download' || (whole && performance.now() <= deadline)) {
      counters.bytes += bytes;
      counters.count += whole ? 1 : 0;
    }
    if (mode === 'connect' || !whole) {
      link.close();
      link = null;
    }
  }
  link?.close();
}

async function measureLatency(): Promise<void> {
  const rows = targets.map((target) => ({ target, counters: newCounters() }));
  const order = [...rows];
  let seed = 1;
  for (let sample = 0; sample < amount; sample += turn) {
    // Shuffled as in the C program: what one way still does after its answer must not always hit the same next one.
    for (let last = order.length - 1; last > 0; last--) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      const other = (seed >>> 16) % (last + 1);
      const [a, b] = [order[last], order[other]];
      if (a !== undefined && b !== undefined) [order[last], order[other]] = [b, a];
    }
    for (const { target, counters } of order.flatMap((row) => Array.from({ length: Math.min(turn, amount - sample) }, () => row))) {
      await new Promise((done) => setTimeout(done, restMs));
      const start = performance.now();
      const link = await tryOpen(target, counters);
      if (link === null) continue;
      if (await tryGet(link, counters, () => true)) counters.samplesMs.push(performance.now() - start);
      link.close();
    }
  }
  for (const { target, counters } of rows) print(target, { ...counters, count: counters.samplesMs.length }, 0);
}

async function tryOpen(target: Target, counters: Counters): Promise<Link | null> {
  try {
    const link = await open(target);
    counters.protocol ||= link.socket.getProtocol() ?? '';
    return link;
  } catch (error) {
    count(counters, error);
    return null;
  }
}

async function tryGet(link: Link, counters: Counters, onBytes: (bytes: number) => boolean): Promise<boolean> {
  try {
    return await link.get(onBytes);
  } catch (error) {
    count(counters, error);
    return false;
  }
}

function count(counters: Counters, error: unknown): void {
  counters.errors++;
  counters.firstError ||= error instanceof Error ? error.message : String(error);
}

async function open(target: Target): Promise<Link> {
  const tcp = connectTcp({ port: target.port, host: '127.0.0.1', noDelay: true });
  try {
    await once(tcp, 'connect');
    if (target.authority !== '-') await tellConnect(tcp, target.authority);
    const socket = connectTls({
      socket: tcp, servername: name, secureContext: target.context, minVersion: 'TLSv1.3', ALPNProtocols: ['http/1.1'], ecdhCurve: 'P-256',
    });
    await once(socket, 'secureConnect');
    return newLink(socket, tcp, target.host);
  } catch (error) {
    tcp.destroy();
    throw error;
  }
}

async function tellConnect(tcp: Socket, authority: string): Promise<void> {
  tcp.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  let head = '';
  while (!head.includes('\r\n\r\n')) {
    const chunk: unknown = tcp.read();
    if (chunk instanceof Buffer) head += chunk.toString('latin1');
    else await once(tcp, 'readable');
  }
  if (!/^HTTP\/1\.\d 200/u.test(head)) throw new Error('CONNECT answered other than 200');
}

function newLink(socket: TLSSocket, tcp: Socket, host: string): Link {
  type Asked = { resolve(whole: boolean): void; reject(error: Error): void; onBytes(bytes: number): boolean; left: number | null; head: string };
  let asked: Asked | null = null;
  const fail = (why: string) => { asked?.reject(new Error(why)); asked = null; };
  const finish = (whole: boolean) => { asked?.resolve(whole); asked = null; };
  socket.setTimeout(timeoutMs, () => fail('timed out'));
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('connection closed'));
  socket.on('data', (chunk: Buffer) => {
    if (asked === null) return;
    let bytes = chunk.length;
    if (asked.left === null) {
      asked.head += chunk.toString('latin1');
      const end = asked.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /\r\ncontent-length: *(\d+)/iu.exec(asked.head.slice(0, end))?.[1];
      if (!/^HTTP\/1\.\d 200/u.test(asked.head) || length === undefined) { fail('answer other than 200 with a Content-Length'); return; }
      asked.left = Number(length);
      bytes = asked.head.length - end - 4;
    }
    asked.left -= bytes;
    if (!asked.onBytes(bytes)) finish(false);
    else if (asked.left <= 0) finish(true);
  });
  return {
    socket,
    get: (onBytes) => new Promise((resolve, reject) => {
      asked = { resolve, reject, onBytes, left: null, head: '' };
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`);
    }),
    close: () => {
      // close_notify goes out, then the connection is dropped, unread rest included, as in the C program.
      socket.end(() => tcp.destroy());
    },
  };
}

function once(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      clearTimeout(timer);
      socket.off(event, onEvent).off('error', onError).off('close', onClose);
      settle();
    };
    const onEvent = () => done(resolve);
    const onError = (error: Error) => done(() => reject(error));
    const onClose = () => done(() => reject(new Error(`closed before ${event}`)));
    const timer = setTimeout(() => done(() => reject(new Error(`no ${event} in ${timeoutMs / 1000} s`))), timeoutMs);
    socket.on(event, onEvent).on('error', onError).on('close', onClose);
  });
}

function parseTarget(text: string): Target {
  const [, label, port, root, authority] = /^([^=]+)=(\d+),([^,]+),(.+)$/u.exec(text) ?? [];
  if (label === undefined || root === undefined || authority === undefined) throw new Error(`bad way ${text}`);
  // As browsers do: Host carries a port that is not 443. Squid refuses a request whose Host is not what CONNECT asked for.
  const host = authority === '-' || authority.endsWith(':443') ? name : authority;
  const context = createSecureContext({ ca: readFileSync(root), minVersion: 'TLSv1.3', ecdhCurve: 'P-256' });
  return { label, port: Number(port), context, authority, host };
}

function newCounters(): Counters {
  return { count: 0, bytes: 0, errors: 0, firstError: '', protocol: '', samplesMs: [] };
}

function print(target: Target, counters: Counters, seconds: number): void {
  console.log(JSON.stringify({ way: target.label, ...counters, seconds }));
}
