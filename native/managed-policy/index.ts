// The policy that administrators gave this device, from where each system keeps it. Reading only.
// Not for what it says or which part of it counts (electron/core/policy, electron/agent/policy).
import { userInfo } from 'node:os';
import type { ManagedPolicy } from '../../electron/core/policy/sources.ts';
import { linuxManagedPolicy, linuxPolicyFolder } from './linux.ts';
import { macosManagedPolicy, macosPolicyFolder, runSystemCommand } from './macos.ts';
import { loadAdvapi32 } from './registry.ts';
import { windowsManagedPolicy } from './windows.ts';

/** This system's managed policy. `service`: the machine's level counts alone, as there is no user. `maxBytes`: the largest file or value. */
export function openManagedPolicy({ service, maxBytes }: { readonly service: boolean; readonly maxBytes: number }): ManagedPolicy {
  if (process.platform === 'win32') return windowsManagedPolicy(loadAdvapi32(), maxBytes);
  if (process.platform === 'darwin') {
    return macosManagedPolicy({ folder: macosPolicyFolder, owner: 0, user: service ? null : userInfo().username, maxBytes, run: runSystemCommand });
  }
  return linuxManagedPolicy({ folder: linuxPolicyFolder, owner: 0, maxBytes });
}
