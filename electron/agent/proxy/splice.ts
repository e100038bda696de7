// Bypass: the app's own bytes to the server and the server's to the app, unchanged. Watches record headers until data was seen both ways.
// Not for deciding, and it keeps nothing of what it copies.
import type { Socket } from 'node:net';
import { createTunnelScan } from '../../core/tls/record-scan.ts';
import { relay, type RelayEnd, type RelayOptions } from './relay.ts';

export type SpliceResult = RelayEnd & {
  /** Application data was seen both ways (TLS), or any byte both ways (other protocols). */
  readonly data: boolean;
};

/** `onData` is called once, as soon as data was seen both ways. */
export async function splice(app: Socket, server: Socket, isTls: boolean, options: RelayOptions, onData: () => void): Promise<SpliceResult> {
  const scan = createTunnelScan();
  let seen = false;
  const look = (): void => {
    const both = isTls ? scan.dataBothWays() : app.bytesRead > 0 && server.bytesRead > 0;
    if (!both || seen) return;
    seen = true;
    onData();
    stop();
  };
  const fromApp = (bytes: Buffer): void => {
    scan.fromApp(bytes);
    look();
    if (scan.done()) stop();
  };
  const fromServer = (bytes: Buffer): void => {
    scan.fromServer(bytes);
    look();
    if (scan.done()) stop();
  };
  const stop = (): void => {
    app.off('data', fromApp);
    server.off('data', fromServer);
  };
  const end = relay(app, server, options);
  app.on('data', fromApp);
  server.on('data', fromServer);
  const result = await end;
  return { ...result, data: seen };
}
