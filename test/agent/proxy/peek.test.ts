// A ClientHello that comes in pieces is read all the same, and every byte is put back. Real sockets.
import * as net from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { peekClientHello } from '../../../electron/agent/proxy/peek.ts';
import { hello } from '../../core/tls/hello-builder.ts';
import { portOf } from '../../support/port-of.ts';

const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((one) => one.close()));

/** Two ends of one connection; the second is paused, as the proxy has it. */
async function pair(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const accepted = new Promise<net.Socket>((done) => server.once('connection', done));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const sender = net.connect({ port: portOf(server), host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const receiver = await accepted;
  open.push({ close: () => { sender.destroy(); receiver.destroy(); server.close(); } });
  return [sender, receiver];
}

/** Waits until the socket has read so many bytes in all. */
async function arrived(socket: net.Socket, bytes: number): Promise<void> {
  while (socket.bytesRead < bytes) await setImmediate();
}

test.each<[string, number]>([['byte by byte', 1], ['in pieces of 100 bytes', 100], ['in one piece', 65_536]])('a hello that comes %s is read, and all of it put back', async (_, size) => {
  const [sender, receiver] = await pair();
  const { bytes } = hello('curl');
  const peeking = peekClientHello(receiver, null);
  for (let at = 0; at < bytes.length; at += size) {
    sender.write(bytes.subarray(at, at + size));
    await arrived(receiver, Math.min(bytes.length, at + size));
  }
  expect(await peeking).toMatchObject({ kind: 'client-hello', hello: { serverName: 'www.example.com' } });
  expect(receiver.read()).toEqual(bytes);
});

test('a hello that is cut off is unreadable, and no error', async () => {
  const [sender, receiver] = await pair();
  const { bytes } = hello('curl');
  const peeking = peekClientHello(receiver, null);
  sender.write(bytes.subarray(0, 3));
  await arrived(receiver, 3);
  sender.end(bytes.subarray(3, 200));
  expect(await peeking).toMatchObject({ kind: 'unreadable-tls' });
  expect(receiver.errored).toBeNull();
});

test('what is no TLS is known by its first byte', async () => {
  const [sender, receiver] = await pair();
  sender.write('G');
  expect(await peekClientHello(receiver, null)).toMatchObject({ kind: 'not-tls' });
  expect(String(receiver.read())).toBe('G');
});
