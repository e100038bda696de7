// What identifying a program needs of the operating system, chosen for this one; tests pass their own.
// Not for what is made of it: index.ts.
import type { Owner } from '../../electron/core/model.ts';
import { loadMacosApi } from '../process-attribution/macos-api.ts';
import { readWorkingFolder } from '../process-attribution/macos-tables.ts';
import { readLink, readProcText } from '../procfs/read.ts';
import { createToolRunner } from '../trust-store/run-tool.ts';
import { createLinuxProvenance } from './linux-provenance.ts';
import { createMacosProvenance } from './macos-provenance.ts';
import { createPackageBook } from './package-of.ts';
import { unvouched } from './provenance.ts';
import type { ProvenanceBook } from './provenance.ts';
import { createWindowsProvenance } from './windows-provenance.ts';
import { loadWindowsSignatureApi } from './windows-signature-api.ts';

export type ProcessOwner = Extract<Owner, { kind: 'process' }>;

export type AppSystem = {
  readonly provenance: ProvenanceBook;
  /** Where the file that a process runs can be read even when its name is gone. */
  exeOf(owner: ProcessOwner): string;
  /** Working directory; null when it cannot be told. */
  cwdOf(pid: number): string | null;
  /** What stands before the paths of a process that sees other files than we do; empty for all others. */
  rootOf(pid: number): string;
  /** Text of /proc/PID/maps; null where there is none. */
  mapsOf(pid: number): string | null;
};

/** The system we run on; where its libraries cannot be loaded nothing is vouched for. */
export function systemHere(): AppSystem {
  if (process.platform === 'linux') return linux();
  const elsewhere = { exeOf: ({ path }: ProcessOwner) => path, cwdOf: () => null, rootOf: () => '', mapsOf: () => null };
  try {
    if (process.platform === 'win32') return { ...elsewhere, provenance: createWindowsProvenance(loadWindowsSignatureApi()) };
    if (process.platform === 'darwin') return { ...elsewhere, provenance: createMacosProvenance(createToolRunner(process.env, 'identity').run), cwdOf: macosFolders() };
  } catch {
    // A system library that lacks one of the calls.
  }
  return { ...elsewhere, provenance: { of: () => Promise.resolve(unvouched) } };
}

function linux(): AppSystem {
  const ownFiles = readLink('/proc/self/ns/mnt');
  return {
    provenance: createLinuxProvenance(createPackageBook()),
    exeOf: ({ pid }) => `/proc/${pid}/exe`,
    cwdOf: (pid) => readLink(`/proc/${pid}/cwd`),
    rootOf: (pid) => {
      const files = readLink(`/proc/${pid}/ns/mnt`);
      const root = readLink(`/proc/${pid}/root`);
      return (files === null || files === ownFiles) && (root === null || root === '/') ? '' : `/proc/${pid}/root`;
    },
    mapsOf: (pid) => {
      const maps = readProcText(`/proc/${pid}/maps`);
      return typeof maps === 'string' ? null : maps.text;
    },
  };
}

/** PROC_PIDVNODEPATHINFO: two of 1176 bytes, working directory and root. */
function macosFolders(): (pid: number) => string | null {
  const api = loadMacosApi();
  return (pid) => {
    const answer = Buffer.alloc(2352);
    return api.proc_pidinfo(pid, 9, 0, answer, answer.length) <= 0 ? null : readWorkingFolder(answer);
  };
}
