// Windows: DPAPI under the account that runs the agent (LocalSystem for the service). Not machine-wide, where every user could open what they can read.
// The round trip runs under Wine, where it protects nothing; not yet run on Windows itself.
import koffi from 'koffi';
import type { SealResult, SecretStore } from '../../electron/core/ca/secret-store.ts';

/** CryptProtectData and its opposite; null = refused. */
export type Dpapi = { readonly protect: (bytes: Uint8Array) => Buffer | null; readonly unprotect: (bytes: Uint8Array) => Buffer | null };

/** CRYPTPROTECT_UI_FORBIDDEN: nobody is there to answer. */
const noDialogue = 1;

export function dpapiStore(dpapi: Dpapi): SecretStore {
  return {
    form: 'dpapi',
    words: 'sealed by Windows for the account that runs the agent (DPAPI)',
    seal: (secret) => asResult(dpapi.protect(secret), 'Windows did not seal the key'),
    open: (sealed) => asResult(dpapi.unprotect(sealed), 'Windows does not open the key for this account: it was sealed by another account or on another device'),
    forget: () => null,
  };
}

/** Loads the libraries. Throws where there are none: on every system but Windows. */
export function loadDpapi(): Dpapi {
  const blob = koffi.struct({ size: 'uint32_t', data: 'void *' });
  const crypt32 = koffi.load('crypt32.dll');
  const free = koffi.load('kernel32.dll').func('intptr_t __stdcall LocalFree(void *block)');
  const types = [koffi.pointer(blob), 'void *', 'void *', 'void *', 'void *', 'uint32_t', koffi.out(koffi.pointer(blob))] as const;
  const [protect, unprotect] = ['CryptProtectData', 'CryptUnprotectData'].map((name) => crypt32.func('__stdcall', name, 'int', [...types]));
  return { protect: call(protect), unprotect: call(unprotect) };

  function call(made: ((...args: unknown[]) => unknown) | undefined): Dpapi['protect'] {
    return (bytes) => {
      const answer: { size?: number; data?: unknown } = {};
      if (Number(made?.({ size: bytes.length, data: Buffer.from(bytes) }, null, null, null, null, noDialogue, answer)) === 0) return null;
      const decoded: unknown = koffi.decode(answer.data, koffi.array('uint8_t', answer.size ?? 0));
      free(answer.data);
      return Buffer.from(decoded as Uint8Array);
    };
  }
}

function asResult(bytes: Buffer | null, why: string): SealResult {
  return bytes === null ? { kind: 'unavailable', why } : { kind: 'done', bytes };
}
