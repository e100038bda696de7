// How each runtime refuses a root it does not know: the table that lets a trust-store sign count, or contradicts it.
// Not for pins: what an app's own check does can have any form (rows of test/core/tls/clients.matrix.json).
import type { RefusalSign, Runtime } from '../model.ts';

type Form = { readonly sign: RefusalSign; readonly alert?: number };

/** Every measured form of "root not trusted" per runtime, both TLS versions. */
const storeForms: Readonly<Record<Runtime, readonly Form[]>> = {
  node: [{ sign: 'silent-early' }, { sign: 'silent-late' }],
  deno: [{ sign: 'alert', alert: 48 }],
  electron: [{ sign: 'silent-early' }, { sign: 'silent-late' }, { sign: 'alert', alert: 46 }],
  python: [{ sign: 'alert', alert: 48 }, { sign: 'silent-early' }],
  java: [{ sign: 'alert', alert: 46 }, { sign: 'silent-early' }],
  go: [{ sign: 'alert', alert: 42 }],
  chromium: [{ sign: 'alert', alert: 46 }],
  firefox: [{ sign: 'alert', alert: 48 }],
  openssl: [{ sign: 'alert', alert: 48 }, { sign: 'silent-early' }],
  gnutls: [{ sign: 'alert', alert: 42 }, { sign: 'silent-early' }, { sign: 'silent-late' }],
  nss: [{ sign: 'alert', alert: 48 }],
};

/** Can this runtime's refusal of an unknown root look like this? */
export function fitsStoreRefusal(runtime: Runtime, sign: RefusalSign, alert: number | null): boolean {
  return storeForms[runtime].some((form) => form.sign === sign && (form.alert === undefined || form.alert === alert));
}
