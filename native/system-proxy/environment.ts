// Variables in a drop-in that is ours: the PAC for browsers without a desktop's setting, and where asked the proxy itself for command-line tools.
// Never over a variable that somebody set. Not the variables of trust (trust-store/environment-store.ts).
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { configFolder } from '../config-folder.ts';
import { sessionLine, shellLine } from '../trust-store/environment-store.ts';
import { removeOwned, writeBlocked } from '../trust-store/trust-store.ts';
import { pacUrl } from './setting.ts';
import type { Found, Setting, Wanted } from './setting.ts';

const header = '# Written by Pinlight (`pinlight steer off` takes it away): sends this session\'s programs through the inspecting proxy of this device.';

export type EnvironmentPlace = { readonly home: string; readonly env: NodeJS.ProcessEnv; readonly machine: boolean };

/** The setting made of variables: for the caller's sessions, or for the machine's when the caller changes the machine. */
export function environmentSetting({ home, env, machine }: EnvironmentPlace): Setting {
  const sessions = machine ? '/etc/environment.d' : path.join(configFolder(env, home), 'environment.d');
  const sessionFile = path.join(sessions, '61-pinlight-proxy.conf');
  const dropIns = [{ file: sessionFile, line: sessionLine }, ...(machine ? [{ file: '/etc/profile.d/pinlight-proxy.sh', line: shellLine }] : [])];
  const textOf = (wanted: Wanted, line: typeof sessionLine): string => `${[header, ...variables(wanted).map(([name, value]) => line(name, value))].join('\n')}\n`;
  const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

  return {
    name: 'environment', kind: 'environment', path: sessionFile,
    // A fixed proxy does not answer while the agent is down, and no tool goes round it.
    enforcesClosed: true,
    blocked: () => dropIns.map(({ file }) => writeBlocked(file)).find((one) => one !== null) ?? null,
    check(wanted) {
      const is = read(sessionFile);
      const detail = `${is.includes('https_proxy=') ? 'browsers without a desktop setting, and command-line tools' : 'browsers without a desktop setting'}; read at the next login`;
      if (is.startsWith(header)) {
        return Promise.resolve({ kind: 'read', state: 'steered', current: wanted === null || dropIns.every(({ file, line }) => read(file) === textOf(wanted, line)), detail });
      }
      const found = foundIn(env);
      return Promise.resolve(found === null ? { kind: 'read', state: 'off', current: true, detail } : { kind: 'taken', found, detail });
    },
    install(change, wanted) {
      const foreign = dropIns.find(({ file }) => existsSync(file) && !read(file).startsWith(header));
      if (foreign !== undefined) return Promise.resolve({ kind: 'refused', why: `${foreign.file} is there and was not written by Pinlight: it is left as it is`, rights: false });
      for (const { file, line } of dropIns) change.write(file, Buffer.from(textOf(wanted, line)));
      return Promise.resolve({ kind: 'changed' });
    },
    uninstall(change) {
      for (const { file } of dropIns) if (read(file).startsWith(header)) removeOwned(change, file);
      return Promise.resolve({ kind: 'changed' });
    },
  };
}

/**
 * auto_proxy is what Chromium reads where no desktop has a setting, before the others; it fails open as every PAC does. The others name the
 * proxy itself, which fails closed: so only where asked, or where policy says closed. curl reads http_proxy in lower case alone; Node wants NODE_USE_ENV_PROXY.
 */
function variables(wanted: Wanted): readonly (readonly [string, string])[] {
  const proxy = `http://127.0.0.1:${wanted.port}`;
  const tools = ['http_proxy', 'https_proxy', 'HTTPS_PROXY'].map((name) => [name, proxy] as const);
  const direct = ['no_proxy', 'NO_PROXY'].map((name) => [name, 'localhost,127.0.0.0/8,::1'] as const);
  return [...(wanted.failMode === 'open' ? [['auto_proxy', pacUrl(wanted)] as const] : []), ...(wanted.tools ? [...tools, ...direct, ['NODE_USE_ENV_PROXY', '1'] as const] : [])];
}

/** A proxy that the caller's own environment names and that is not ours. */
function foundIn(env: NodeJS.ProcessEnv): Found | null {
  for (const name of ['auto_proxy', 'https_proxy', 'HTTPS_PROXY', 'http_proxy', 'all_proxy', 'ALL_PROXY']) {
    const value = env[name] ?? '';
    if (value === '' || /^http:\/\/127\.0\.0\.1:\d+(?:\/?$|\/pinlight\.pac)/.test(value)) continue;
    return { plain: name === 'auto_proxy' || /^(?:https?:\/\/)?[\w.-]+(?::\d+)?\/?$/.test(value), words: `${name}=${value.replace(/\/\/[^@/]*@/, '//…@')}` };
  }
  return null;
}
