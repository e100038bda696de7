// Every setting of this device that can bring programs to the proxy, by system. Not for what is done with them (steering.ts).
import { existsSync } from 'node:fs';
import path from 'node:path';
import { configFolder } from '../config-folder.ts';
import { createToolRunner } from '../trust-store/run-tool.ts';
import type { ToolRunner } from '../trust-store/run-tool.ts';
import { browserPolicySettings, managedBrowsers } from './browser-network-policy.ts';
import { environmentSetting } from './environment.ts';
import { gnomeStore } from './gnome.ts';
import { kdeSetting } from './kde.ts';
import { macosStores } from './macos.ts';
import { macosPolicySetting, registryPolicyStore } from './policy-elsewhere.ts';
import type { Setting } from './setting.ts';
import { valueSetting } from './value-setting.ts';
import { winhttpStore } from './winhttp.ts';
import { loadWininet, wininetStore } from './wininet.ts';
import type { Wininet } from './wininet.ts';

/** Whose settings, and what may be used to change them. */
export type Caller = {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** The caller changes the machine's settings, not a person's. */
  readonly machine: boolean;
  /** Folder of ours in which what was there before is kept. */
  readonly folder: string;
  readonly tools: ToolRunner;
  readonly wininet: () => Wininet;
};

/** The caller as this process is. `folder`: as above. */
export function callerOf({ home, env, folder }: Pick<Caller, 'home' | 'env' | 'folder'>): Caller {
  return { home, env, folder, machine: process.geteuid?.() === 0, tools: createToolRunner(env, folder), wininet: loadWininet };
}

/** In the order in which they are to be changed: what protects browsers before what brings them. */
export async function settingsOf(caller: Caller, platform: NodeJS.Platform = process.platform): Promise<readonly Setting[]> {
  const { run, find } = caller.tools;
  switch (platform) {
    case 'darwin': return [
      ...managedBrowsers.filter(({ name }) => existsSync(`/Applications/${applications[name] ?? ''}`)).map(macosPolicySetting),
      ...(await macosStores(run)).map((store) => valueSetting(store, caller.folder)),
    ];
    case 'win32': return [
      ...managedBrowsers.map((browser) => registryPolicyStore(browser, run)), wininetStore(caller.wininet), winhttpStore(run),
    ].map((store) => valueSetting(store, caller.folder));
    default: {
      const session = sessionEnvironment(caller.env);
      const kioslaverc = path.join(configFolder(caller.env, caller.home), 'kioslaverc');
      const kde = existsSync(kioslaverc) || /\bKDE\b/i.test(caller.env['XDG_CURRENT_DESKTOP'] ?? '');
      // Root changes no desktop, and a question alone leaves a cache of dconf's in its home.
      const gnome = !caller.machine && find('gsettings') !== null && (await run('gsettings', ['writable', 'org.gnome.system.proxy', 'mode'], { env: session }).then((found) => found.kind === 'ended' && found.code === 0));
      return [
        ...browserPolicySettings(),
        ...(gnome ? [valueSetting(gnomeStore(run, session), caller.folder)] : []),
        ...(caller.machine || !kde ? [] : [kdeSetting(kioslaverc, caller.folder, run, session)]),
        environmentSetting(caller),
      ];
    }
  }
}

const applications: Readonly<Record<string, string>> = { chromium: 'Chromium.app', chrome: 'Google Chrome.app', edge: 'Microsoft Edge.app', brave: 'Brave Browser.app' };

/** What gsettings needs to find the session it is to change; a tool gets nothing of the environment otherwise. */
function sessionEnvironment(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const names = ['DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_DIRS', 'GSETTINGS_BACKEND', 'DCONF_PROFILE'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
