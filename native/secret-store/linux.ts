// Linux: the service's wrapping key comes from systemd as a credential, sealed on disk under the machine's key and its TPM where it has one.
// Not for making that credential: native/service does when the service is installed. Not for a user's own agent: secret-service.ts.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { SecretStore } from '../../electron/core/ca/secret-store.ts';
import { keyOfHex, unwrap, wrap } from './wrapping.ts';

/** Name of the credential in the unit; its content: the wrapping key in hex. */
export const credentialName = 'pinlight-root';

/** Null where systemd hands no credential over. `folder`: $CREDENTIALS_DIRECTORY. */
export function systemdStore(folder: string | undefined): SecretStore | null {
  const key = folder === undefined || !path.isAbsolute(folder) ? null : readKey(path.join(folder, credentialName));
  if (key === null) return null;
  return {
    form: 'systemd',
    words: 'sealed under a credential that systemd hands to the service alone (bound to this machine, and to its TPM where there is one)',
    seal: (secret) => wrap(key, secret),
    open: (sealed) => unwrap(key, sealed),
    // The credential goes with the service.
    forget: () => null,
  };
}

function readKey(file: string): Buffer | null {
  try {
    return keyOfHex(readFileSync(file, 'latin1'));
  } catch {
    return null;
  }
}
