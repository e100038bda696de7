// Every store of this device that the caller can be asked about, by system. Not for what is done with them (doctor.ts).
import { policyStores } from './browser-policy.ts';
import { containerStore, environmentStore } from './environment-store.ts';
import { jdkFolders } from './holds-root.ts';
import { javaStores } from './java-keystore.ts';
import { macosStore } from './macos-store.ts';
import { firefoxStores, nssStores } from './nss-stores.ts';
import { systemStore } from './system-store.ts';
import type { Caller, TrustStore } from './trust-store.ts';
import { windowsStore } from './windows-store.ts';

/** In the order in which they are to be changed: the system's first, because its tool fills others. */
export function storesOf(caller: Caller, platform = process.platform): readonly TrustStore[] {
  switch (platform) {
    case 'darwin': return [macosStore(caller), ...javaStores(caller, jdkFolders('/Library/Java/JavaVirtualMachines').map((folder) => `${folder}/Contents/Home`)), ...firefoxStores(caller)];
    case 'win32': return [windowsStore(caller), ...javaStores(caller, jdkFolders('C:\\Program Files\\Java')), ...firefoxStores(caller)];
    default: {
      const system = systemStore(caller);
      const containers = containerStore(caller);
      return [
        ...(system === null ? [] : [system]), ...javaStores(caller), ...nssStores(caller), ...firefoxStores(caller),
        ...(caller.machine ? policyStores(caller, system) : []), environmentStore(caller), ...(containers === null ? [] : [containers]),
      ];
    }
  }
}
