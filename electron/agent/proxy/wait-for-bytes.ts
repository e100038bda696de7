// The next bytes of a paused socket, or why there are none. Used before anyone owns the stream: head and peek.
import type { Socket } from 'node:net';

/** A client of TLS has sent its hello by then; only a client that waits for the server (SSH, SMTP) is still silent. */
const serverFirstMs = 50;

/**
 * `deadline` on the clock of performance.now(). The socket stays paused; what is read is the caller's to put back.
 * `server`: answers `server-first` when that socket has something to read before the client has said a word.
 */
export function waitForBytes(socket: Socket, deadline: number): Promise<Buffer | 'closed' | 'deadline'>;
export function waitForBytes(socket: Socket, deadline: number, server: Socket): Promise<Buffer | 'closed' | 'deadline' | 'server-first'>;
export function waitForBytes(socket: Socket, deadline: number, server?: Socket): Promise<Buffer | 'closed' | 'deadline' | 'server-first'> {
  const ready = socket.read() as Buffer | null;
  if (ready !== null) return Promise.resolve(ready);
  if (socket.readableEnded || socket.destroyed) return Promise.resolve('closed');
  return new Promise((done) => {
    const settle = (result: Buffer | 'closed' | 'deadline' | 'server-first'): void => {
      clearTimeout(timer);
      clearTimeout(serverTimer);
      socket.off('readable', onReadable).off('end', onGone).off('close', onGone).off('error', onGone);
      server?.off('readable', onServer);
      done(result);
    };
    const onReadable = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes !== null) settle(bytes);
    };
    const onGone = (): void => settle('closed');
    const onServer = (): void => {
      if (server !== undefined && server.readableLength > 0) settle('server-first');
    };
    const timer = setTimeout(() => settle('deadline'), Math.max(0, deadline - performance.now()));
    // Watching the server begins late: nearly every client speaks first, and watching costs system calls.
    const serverTimer = server === undefined ? undefined : setTimeout(() => {
      server.on('readable', onServer);
      onServer();
    }, serverFirstMs);
    socket.on('readable', onReadable).once('end', onGone).once('close', onGone).once('error', onGone);
  });
}
