// Turns Node's TLS errors into numbers and short codes. Names change between OpenSSL versions, alert numbers do not.
// Not a classifier: core/tls/handshake-outcome says what a number means.

/** The alert number an error reports, by the message's ending, else by the hex code (0x…: reason − 1000); null when none. */
export function alertOf(error: Error): number | null {
  const named = /SSL alert number (\d+)/.exec(error.message);
  if (named !== null) return Number(named[1]);
  const hex = /error:([0-9A-Fa-f]{8}):/.exec(error.message);
  if (hex === null) return null;
  const number = (Number.parseInt(hex[1] as string, 16) & 0xfff) - 1000;
  return number >= 0 && number <= 255 ? number : null;
}

/** The alert our own side sent, for the errors of ours that OpenSSL reports without a number; null when the error is not ours. */
export function ownAlertOf(error: NodeJS.ErrnoException): number | null {
  switch (error.code) {
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL': case 'ERR_SSL_VERSION_TOO_LOW': return 70;
    case 'ERR_SSL_NO_SHARED_CIPHER': case 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM': case 'ERR_SSL_NO_SUITABLE_KEY_SHARE':
    case 'ERR_SSL_NO_SHARED_GROUP': return 40;
    case 'ERR_SSL_NO_APPLICATION_PROTOCOL': return 120;
    case 'ERR_SSL_INAPPROPRIATE_FALLBACK': return 86;
    case 'ERR_SSL_DECODE_ERROR': case 'ERR_SSL_LENGTH_MISMATCH': case 'ERR_SSL_BAD_EXTENSION': return 50;
    default: return null;
  }
}

/** A short stable code for people and logs: Node's `code`, else the message's last words. At most 80 characters. */
export function codeOf(error: NodeJS.ErrnoException): string {
  return (error.code ?? error.message).slice(0, 80);
}
