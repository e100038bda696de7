// The calls of Windows that attribution makes, as koffi gives them; handles are plain numbers. Not for what the answers mean.
// Not yet run on Windows itself.
import koffi from 'koffi';

export type WindowsApi = {
  /** 0 = done, 122 = the buffer is too small and `size` says how much is needed. */
  GetExtendedTcpTable(table: Buffer, size: [number], order: number, family: number, tableClass: number, reserved: number): number;
  /** 0 = refused or gone. */
  OpenProcess(access: number, inherit: number, pid: number): number;
  CloseHandle(handle: number): number;
  /** `size` in characters. */
  QueryFullProcessImageNameW(process: number, flags: number, name: Buffer, size: [number]): number;
  GetProcessTimes(process: number, created: Buffer, exited: Buffer, kernel: Buffer, user: Buffer): number;
  /** 0 or more = done. */
  NtQueryInformationProcess(process: number, what: number, answer: Buffer, size: number, written: [number]): number;
  OpenProcessToken(process: number, access: number, token: [number]): number;
  GetTokenInformation(token: number, what: number, answer: Buffer, size: number, written: [number]): number;
  /** `nameSize` and `domainSize` in characters. */
  LookupAccountSidW(system: null, sid: Buffer, name: Buffer, nameSize: [number], domain: Buffer, domainSize: [number], use: [number]): number;
};

/** Loads the four libraries. Throws where there are none: on every system but Windows. */
export function loadWindowsApi(): WindowsApi {
  const iphlpapi = koffi.load('iphlpapi.dll');
  const kernel32 = koffi.load('kernel32.dll');
  const ntdll = koffi.load('ntdll.dll');
  const advapi32 = koffi.load('advapi32.dll');
  const table = iphlpapi.func('uint32_t __stdcall GetExtendedTcpTable(void *table, _Inout_ uint32_t *size, int order, uint32_t family, int tableClass, uint32_t reserved)');
  const open = kernel32.func('intptr_t __stdcall OpenProcess(uint32_t access, int inherit, uint32_t pid)');
  const close = kernel32.func('int __stdcall CloseHandle(intptr_t handle)');
  const image = kernel32.func('int __stdcall QueryFullProcessImageNameW(intptr_t process, uint32_t flags, void *name, _Inout_ uint32_t *size)');
  const times = kernel32.func('int __stdcall GetProcessTimes(intptr_t process, void *created, void *exited, void *kernel, void *user)');
  const query = ntdll.func('long __stdcall NtQueryInformationProcess(intptr_t process, int what, void *answer, uint32_t size, _Out_ uint32_t *written)');
  const openToken = advapi32.func('int __stdcall OpenProcessToken(intptr_t process, uint32_t access, _Out_ intptr_t *token)');
  const tokenInformation = advapi32.func('int __stdcall GetTokenInformation(intptr_t token, int what, void *answer, uint32_t size, _Out_ uint32_t *written)');
  const lookupSid = advapi32.func('int __stdcall LookupAccountSidW(void *system, void *sid, void *name, _Inout_ uint32_t *nameSize, void *domain, _Inout_ uint32_t *domainSize, _Out_ int *use)');
  return {
    GetExtendedTcpTable: (...args) => Number(table(...args)),
    OpenProcess: (...args) => Number(open(...args)),
    CloseHandle: (handle) => Number(close(handle)),
    QueryFullProcessImageNameW: (...args) => Number(image(...args)),
    GetProcessTimes: (...args) => Number(times(...args)),
    NtQueryInformationProcess: (...args) => Number(query(...args)),
    OpenProcessToken: (...args) => Number(openToken(...args)),
    GetTokenInformation: (...args) => Number(tokenInformation(...args)),
    LookupAccountSidW: (...args) => Number(lookupSid(...args)),
  };
}
