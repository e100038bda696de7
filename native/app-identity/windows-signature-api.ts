// The calls of Windows about signatures, packages and versions, as koffi gives them; what reads files runs on a thread of its own.
// Not for judging the answers (windows-provenance.ts). Not yet run on Windows itself.
import koffi from 'koffi';

export type WindowsSignatureApi = {
  /** WinVerifyTrust of a file, without a window and without asking for revocations; 0 = trusted. 450 ms for a large file. */
  verify(file: string): Promise<number>;
  /** Name of the certificate that signed the file; null when there is none. Says nothing about trust. */
  signerOf(file: string): Promise<string | null>;
  /** Package family name of a process; null when it runs in none or is gone. */
  packageFamilyOf(pid: number): string | null;
  /** The version resource of a file; null when it has none. */
  versionBlock(file: string): Buffer | null;
};

/** WINTRUST_ACTION_GENERIC_VERIFY_V2, {00AAC56B-CD44-11D0-8CC2-00C04FC295EE}. */
const genericVerify = Buffer.from('6bc5aa0044cdd0118cc200c04fc295ee', 'hex');
const nameRoom = 512;

/** Loads the libraries. Throws where there are none: on every system but Windows. */
export function loadWindowsSignatureApi(): WindowsSignatureApi {
  const fileInfo = koffi.struct({ size: 'uint32_t', path: 'str16', handle: 'void *', subject: 'void *' });
  const trustData = koffi.struct({
    size: 'uint32_t', policy: 'void *', sip: 'void *', ui: 'uint32_t', revocation: 'uint32_t', choice: 'uint32_t', file: koffi.pointer(fileInfo),
    action: 'uint32_t', state: 'void *', url: 'str16', flags: 'uint32_t', context: 'uint32_t',
  });
  const trust = koffi.load('wintrust.dll').func('WinVerifyTrust', 'long', ['intptr_t', 'void *', koffi.pointer(trustData)]);
  const crypt32 = koffi.load('crypt32.dll');
  const query = crypt32.func('int __stdcall CryptQueryObject(uint32_t kind, str16 file, uint32_t content, uint32_t format, uint32_t flags, void *encoding, void *contentType, void *formatType, _Out_ intptr_t *store, _Out_ intptr_t *message, void *context)');
  const parameter = crypt32.func('int __stdcall CryptMsgGetParam(intptr_t message, uint32_t what, uint32_t index, void *answer, _Inout_ uint32_t *size)');
  const find = crypt32.func('intptr_t __stdcall CertFindCertificateInStore(intptr_t store, uint32_t encoding, uint32_t flags, uint32_t by, void *wanted, void *previous)');
  const nameOf = crypt32.func('uint32_t __stdcall CertGetNameStringW(intptr_t certificate, uint32_t type, uint32_t flags, void *argument, void *name, uint32_t size)');
  const freeCertificate = crypt32.func('int __stdcall CertFreeCertificateContext(intptr_t certificate)');
  const closeMessage = crypt32.func('int __stdcall CryptMsgClose(intptr_t message)');
  const closeStore = crypt32.func('int __stdcall CertCloseStore(intptr_t store, uint32_t flags)');
  const kernel32 = koffi.load('kernel32.dll');
  const openProcess = kernel32.func('intptr_t __stdcall OpenProcess(uint32_t access, int inherit, uint32_t pid)');
  const closeHandle = kernel32.func('int __stdcall CloseHandle(intptr_t handle)');
  const family = kernel32.func('long __stdcall GetPackageFamilyName(intptr_t process, _Inout_ uint32_t *size, void *name)');
  const version = koffi.load('version.dll');
  const versionSize = version.func('uint32_t __stdcall GetFileVersionInfoSizeW(str16 file, void *unused)');
  const versionRead = version.func('int __stdcall GetFileVersionInfoW(str16 file, uint32_t unused, uint32_t size, void *answer)');

  return {
    verify: (file) => onThread(trust, -1, genericVerify, {
      size: koffi.sizeof(trustData), policy: null, sip: null, ui: 2, revocation: 0, choice: 1,
      file: { size: koffi.sizeof(fileInfo), path: file, handle: null, subject: null }, action: 0, state: null, url: null, flags: 0, context: 0,
    }),
    async signerOf(file) {
      const [store, message]: [[number | bigint], [number | bigint]] = [[0], [0]];
      // A file, signed within, binary.
      if (await onThread(query, 1, file, 0x400, 2, 0, null, null, null, store, message, null) === 0) return null;
      try {
        return signerIn(store[0], message[0]);
      } finally {
        closeMessage(message[0]);
        closeStore(store[0], 0);
      }
    },
    packageFamilyOf(pid) {
      const process: unknown = openProcess(0x1000, 0, pid);
      if (Number(process) === 0) return null;
      const name = Buffer.alloc(nameRoom * 2);
      const size: [number] = [nameRoom];
      const answer = Number(family(process, size, name));
      closeHandle(process);
      return answer === 0 ? name.toString('utf16le', 0, Math.max(0, size[0] - 1) * 2) : null;
    },
    versionBlock(file) {
      const block = Buffer.alloc(Number(versionSize(file, null)));
      return block.length > 0 && Number(versionRead(file, 0, block.length, block)) !== 0 ? block : null;
    },
  };

  /** CMSG_SIGNER_CERT_INFO_PARAM names issuer and number, by which CERT_FIND_SUBJECT_CERT finds the certificate in the file's own store. */
  function signerIn(store: number | bigint, message: number | bigint): string | null {
    const size: [number] = [0];
    if (Number(parameter(message, 7, 0, null, size)) === 0) return null;
    const wanted = Buffer.alloc(size[0]);
    if (Number(parameter(message, 7, 0, wanted, size)) === 0) return null;
    const certificate: unknown = find(store, 0x10001, 0, 0xb0000, wanted, null);
    if (Number(certificate) === 0) return null;
    const name = Buffer.alloc(nameRoom * 2);
    const length = Number(nameOf(certificate, 4, 0, null, name, nameRoom));
    freeCertificate(certificate);
    return length <= 1 ? null : name.toString('utf16le', 0, (length - 1) * 2);
  }
}

function onThread(call: { readonly async: (...args: unknown[]) => unknown }, ...args: readonly unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: unknown, answer: unknown) => (error === null || error === undefined ? resolve(Number(answer)) : reject(error)));
  });
}
