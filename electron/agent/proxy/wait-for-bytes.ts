// The next bytes of a paused socket, or why there are none. Used before anyone owns the stream: head and peek.
import type { Socket } from 'node:net';

/** `deadline` on the clock of performance.now(). The socket stays paused; what is read is the caller's to put back. */
export function waitForBytes(socket: Socket, deadline: number): Promise<Buffer | 'closed' | 'deadline'> {
  const ready = socket.read() as Buffer | null;
  if (ready !== null) return Promise.resolve(ready);
  if (socket.readableEnded || socket.destroyed) return Promise.resolve('closed');
  return new Promise((done) => {
    const settle = (result: Buffer | 'closed' | 'deadline'): void => {
      clearTimeout(timer);
      socket.off('readable', onReadable).off('end', onGone).off('close', onGone).off('error', onGone);
      done(result);
    };
    const onReadable = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes !== null) settle(bytes);
    };
    const onGone = (): void => settle('closed');
    const timer = setTimeout(() => settle('deadline'), Math.max(0, deadline - performance.now()));
    socket.on('readable', onReadable).once('end', onGone).once('close', onGone).once('error', onGone);
  });
}
