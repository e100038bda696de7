// Tells from record headers alone whether a tunnel we cannot read carries application data both ways.
// Not a TLS parser: it sees types and lengths, never content.

const cipherChangeType = 20;
const handshakeType = 22;
const applicationType = 23;
/**
 * Only TLS 1.2 sends a handshake record after the app's ChangeCipherSpec that is this short: its encrypted Finished, 32 to 96 bytes.
 * In TLS 1.3 that place holds type-23 records or, after a HelloRetryRequest, a second ClientHello, which is longer.
 */
const tls12FinishedLimit = 128;
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

/**
 * A scan for one tunnel; keeps a few numbers, never bytes beyond a record header.
 *
 * What lengths cannot tell in TLS 1.3: session tickets that answer a flight of Finished and request in one count as the server's
 * data, before the real answer or instead of one; so do tickets after a client certificate, whose records look like a request. The
 * app has accepted the server by then and the server the app, which is what the scan is asked for. Taking tickets out by size would
 * lose the single-record answers of servers that send none.
 */
export function createTunnelScan(): TunnelScan {
  let changedCipher = false;
  let tls12 = false;
  let serverEncrypted = false;
  let appFinished = false;
  let appData = false;
  let bothWays = false;
  const app = createHeaderWalk((type, length) => {
    if (type === cipherChangeType) changedCipher = true;
    if (type === handshakeType && changedCipher && length < tls12FinishedLimit) tls12 = true;
    if (type !== applicationType) return;
    // TLS 1.2: every type-23 record is application data, whoever speaks first (IMAP and POP servers do).
    if (tls12) appData = true;
    // TLS 1.3: before the server's flight it is early data, which the server may throw away; the first long one then is Finished.
    else if (!serverEncrypted) return;
    else if (!appFinished) appFinished = length >= smallestFinished;
    else if (!alertSizes.has(length)) appData = true;
  });
  const server = createHeaderWalk((type, length) => {
    if (type !== applicationType) return;
    if (appData && (tls12 || !alertSizes.has(length))) bothWays = true;
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
