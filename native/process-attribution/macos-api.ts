// The calls of macOS that attribution makes, as koffi gives them. Not for what the answers mean (macos-tables.ts).
// Not yet run on macOS itself.
import koffi from 'koffi';

export type MacosApi = {
  /** Bytes written; 0 or less = nothing. */
  proc_listpids(type: number, value: number, pids: Buffer, size: number): number;
  proc_pidinfo(pid: number, flavor: number, argument: number, answer: Buffer, size: number): number;
  proc_pidfdinfo(pid: number, descriptor: number, flavor: number, answer: Buffer, size: number): number;
  /** Length of the path; 0 or less = none. */
  proc_pidpath(pid: number, path: Buffer, size: number): number;
  /** 0 = done. `size`: room before, bytes after. A null answer asks for the size alone. */
  sysctlbyname(name: string, answer: Buffer | null, size: [number], value: null, valueSize: number): number;
  sysctl(name: Int32Array, count: number, answer: Buffer, size: [number], value: null, valueSize: number): number;
  /** Login name of a uid; null when the system knows none. */
  userName(uid: number): string | null;
};

/** Loads the system library. Throws where there is none: on every system but macOS. */
export function loadMacosApi(): MacosApi {
  const system = koffi.load('/usr/lib/libSystem.B.dylib');
  const listPids = system.func('int proc_listpids(uint32_t type, uint32_t value, void *pids, int size)');
  const pidInfo = system.func('int proc_pidinfo(int pid, int flavor, uint64_t argument, void *answer, int size)');
  const pidFdInfo = system.func('int proc_pidfdinfo(int pid, int descriptor, int flavor, void *answer, int size)');
  const pidPath = system.func('int proc_pidpath(int pid, void *path, uint32_t size)');
  const byName = system.func('int sysctlbyname(const char *name, void *answer, _Inout_ size_t *size, void *value, size_t valueSize)');
  const byNumbers = system.func('int sysctl(int *name, uint32_t count, void *answer, _Inout_ size_t *size, void *value, size_t valueSize)');
  // struct passwd begins with the name.
  const passwordEntry = koffi.struct({ pw_name: 'const char *' });
  const userById = system.func('getpwuid', koffi.pointer(passwordEntry), ['uint32_t']);
  return {
    proc_listpids: (...args) => Number(listPids(...args)),
    proc_pidinfo: (...args) => Number(pidInfo(...args)),
    proc_pidfdinfo: (...args) => Number(pidFdInfo(...args)),
    proc_pidpath: (...args) => Number(pidPath(...args)),
    sysctlbyname: (...args) => Number(byName(...args)),
    sysctl: (...args) => Number(byNumbers(...args)),
    userName(uid) {
      const entry: unknown = userById(uid);
      const name: unknown = entry === null ? null : Reflect.get(Object(koffi.decode(entry, passwordEntry)), 'pw_name');
      return typeof name === 'string' ? name : null;
    },
  };
}
