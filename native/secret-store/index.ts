// The best place this system offers for the root key at rest: systemd's credentials for the service on Linux and the session's keyring for a user's
// own agent, a keychain on macOS, DPAPI on Windows, else nothing better than file modes. Not for the key's file itself: electron/agent/ca.
import { spawnSync } from 'node:child_process';
import type { SecretStore } from '../../electron/core/ca/secret-store.ts';
import { keychainStore } from './macos.ts';
import type { RunNow } from './macos.ts';
import { systemdStore } from './linux.ts';
import { secretServiceStore } from './secret-service.ts';
import { dpapiStore, loadDpapi } from './windows.ts';

/** Null: nothing better than file modes. `folder`: the state folder, which tells two agents of one account apart. `service`: the machine's agent. */
export function openSecretStore(options: { readonly folder: string; readonly env: NodeJS.ProcessEnv; readonly service: boolean }): SecretStore | null {
  switch (process.platform) {
    case 'win32': return dpapiStore(loadDpapi());
    case 'darwin': return keychainStore(runNow, { folder: options.folder, service: process.geteuid?.() === 0, home: options.env['HOME'] ?? '' });
    case 'linux': return systemdStore(options.env['CREDENTIALS_DIRECTORY']) ?? (options.service ? null : secretServiceStore({ ...options, uid: process.geteuid?.() ?? -1 }));
    default: return null;
  }
}

/** A locked keychain asks the person in a dialogue; without an answer the agent starts and lets traffic through uninspected. */
const toolMs = 20_000;

const runNow: RunNow = (tool, args, input) => {
  const ran = spawnSync(tool, [...args], { input, encoding: 'utf8', timeout: toolMs, env: { PATH: '/usr/bin:/bin', HOME: process.env['HOME'] ?? '' } });
  return { code: ran.status ?? -1, output: ran.stdout ?? '', errors: ran.stderr ?? '' };
};
