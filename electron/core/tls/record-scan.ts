// Tells from record headers alone whether a tunnel we cannot read carries application data both ways.
// Not a TLS parser: it sees types and lengths, never content (clients.md sections 6 and 8).

const applicationType = 23;
/** TLS 1.3 alerts are 19 bytes, 35 with JSSE's padding: such a record says nothing. */
const alertSizes = new Set([19, 35]);
/** Smallest TLS 1.3 Finished is 53 bytes (SHA-256); an empty client certificate before it is 25 or 41. */
const smallestFinished = 53;

export type TunnelScan = {
  /** Feed every byte the app sends, ClientHello included. */
  fromApp(bytes: Uint8Array): void;
  /** Feed every byte the server sends. */
  fromServer(bytes: Uint8Array): void;
  /** Application data was seen from the app, and from the server after it. */
  dataBothWays(): boolean;
  /** Nothing more can be learned: data was seen, or this is no TLS. The caller may stop feeding. */
  done(): boolean;
};

/** A scan for one tunnel; keeps a few numbers, never bytes beyond a record header. */
export function createTunnelScan(): TunnelScan {
  let serverEncrypted = false;
  let appFinished = false;
  let appData = false;
  let bothWays = false;
  const app = createHeaderWalk((type, length) => {
    if (type !== applicationType) return;
    // A server that has sent type-23 records before the app did speaks TLS 1.3: the app's first long one is its Finished.
    // Otherwise this is TLS 1.2, where every type-23 record is application data.
    if (serverEncrypted && !appFinished) appFinished = length >= smallestFinished;
    else if (!serverEncrypted || !alertSizes.has(length)) appData = true;
  });
  const server = createHeaderWalk((type, length) => {
    if (type !== applicationType) return;
    if (appData && !alertSizes.has(length)) bothWays = true;
    serverEncrypted = true;
  });
  return {
    fromApp: app.feed,
    fromServer: server.feed,
    dataBothWays: () => bothWays,
    done: () => bothWays || app.broken() || server.broken(),
  };
}

/** Walks over record headers in a stream of arbitrary cuts. Stops for good at bytes that are no TLS record. */
function createHeaderWalk(onRecord: (type: number, length: number) => void): { feed(bytes: Uint8Array): void; broken(): boolean } {
  let skip = 0;
  let header: number[] = [];
  let broken = false;
  const feed = (bytes: Uint8Array): void => {
    let at = 0;
    while (!broken && at < bytes.length) {
      if (skip > 0) {
        const step = Math.min(skip, bytes.length - at);
        skip -= step;
        at += step;
        continue;
      }
      header.push(bytes[at] as number);
      at += 1;
      if (header.length < 5) continue;
      const [type = 0, major = 0, , high = 0, low = 0] = header;
      broken = type < 20 || type > 24 || major !== 3;
      skip = (high << 8) | low;
      header = [];
      if (!broken) onRecord(type, skip);
    }
  };
  return { feed, broken: () => broken };
}
