// What goes into a package: the shell in app.asar, and beside it the agent with a Node of its own. Unpacked folders only, so far:
// installers, signing and updates are not set up here.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Arch } from 'electron-builder';
import type { Configuration } from 'electron-builder';

const root = join(import.meta.dirname, '..');

/** Top-level packages the agent needs at run time, as the lockfile says and as far as this system has them. */
function runtimePackages(): readonly string[] {
  const lock: { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path.startsWith('node_modules/') && entry.dev !== true && existsSync(join(root, path)))
    .map(([path]) => path.slice('node_modules/'.length))
    // Node itself goes to a place of its own, once.
    .filter((name) => !name.includes('/node_modules/') && !/^node-(?:linux|darwin|win)-/.test(name));
}

// By ending only: some packages run from their `src` folder. What goes is documentation, typings and native sources; licences stay.
const pruned = ['!**/*.{md,map,d.ts,d.mts,d.cts,c,cc,cpp,h,hpp,gyp,gypi,py,S,asm}', '**/LICEN[CS]E*'];

/** The wrapper of the Windows service: the release of WinSW 3 for the package's processor, under this name. Not in the repository. */
const windowsWrapper = 'resources/service/pinlight-service.exe';

/** Of `resources`, what the agent's side reads; the shell has icons of its own, and pictures are for readers of the repository. */
const agentResources = readdirSync(join(root, 'resources')).filter((name) => !['icons', 'pictures', 'service'].includes(name));

/**
 * Needed in the archive and beside it: by the shell, and by the agent and `pinlight open`. Whatever electron-builder copies as an extra resource it
 * leaves out of the archive, so these are copied when it has packed.
 */
const inBoth = ['package.json', 'build/out/renderer'];

/** Why a package for this system and processor cannot be made, as a sentence; null = nothing is missing. `folder`: the repository. */
export function missingForPackage(system: string, arch: string, folder: string): string | null {
  const unbuilt = ['agent', 'renderer', 'main', 'preload'].map((part) => `build/out/${part}`).filter((part) => !existsSync(join(folder, part)));
  if (unbuilt.length > 0) return `${unbuilt.join(', ')} ${unbuilt.length === 1 ? 'is' : 'are'} missing: \`npm run package\` builds first.`;
  const node = `node_modules/node-${system === 'win32' ? 'win' : system}-${arch}/bin/${system === 'win32' ? 'node.exe' : 'node'}`;
  if (!existsSync(join(folder, node))) return `${node} is missing, which the agent runs on: the registry has no Node 24 for ${system} ${arch}, or this is another system. Put it there.`;
  if (system !== 'win32' || existsSync(join(folder, windowsWrapper))) return null;
  return `${windowsWrapper} is missing, without which \`pinlight service install\` is refused on Windows: put WinSW 3 (WinSW-x64.exe, or the one for the package's processor) there under that name.`;
}

const config: Configuration = {
  appId: 'org.pinlight.desktop',
  productName: 'Pinlight',
  directories: { output: 'build/out/packages', buildResources: 'resources/icons' },
  // Sources, tests and packages stay out: the main process is one bundled file, and the agent's parts are extra resources.
  files: [
    'package.json', 'build/out/main/**', 'build/out/preload/**', 'build/out/renderer/**', 'resources/icons/**', '!**/*.map', '!node_modules/**',
  ],
  asar: true,
  beforePack: ({ arch, electronPlatformName, packager }) => {
    const missing = missingForPackage(electronPlatformName, Arch[arch], packager.projectDir);
    if (missing !== null) throw new Error(missing);
  },
  afterPack: ({ appOutDir, packager }) => {
    for (const part of inBoth) cpSync(join(packager.projectDir, part), join(packager.getResourcesDir(appOutDir), 'agent', part), { recursive: true });
  },
  // Links show something and never do anything (contract/deep-link).
  protocols: { name: 'Pinlight', schemes: ['pinlight'] },
  // Where `npm start` is told that Electron lies; else electron-builder downloads it.
  ...(process.env['ELECTRON_OVERRIDE_DIST_PATH'] === undefined ? {} : { electronDist: process.env['ELECTRON_OVERRIDE_DIST_PATH'] }),
  // The shell has no native module, and the agent's are built for plain Node.
  npmRebuild: false,
  // Outside app.asar: files inside it are not real files for another program (Electron 44 and later). The sources are for the commands; watchdog and
  // agent run bundled.
  extraResources: [
    { from: 'electron', to: 'agent/electron', filter: ['{agent,watchdog,core,contract,client,cli}/**', '!**/tsconfig.json'] },
    { from: 'native', to: 'agent/native' },
    { from: 'build/out/agent', to: 'agent/build/out/agent' },
    { from: 'resources', to: 'agent/resources', filter: agentResources },
    ...runtimePackages().map((name) => ({ from: `node_modules/${name}`, to: `agent/node_modules/${name}`, filter: ['**', ...pruned] })),
  ],
  linux: {
    target: 'dir', category: 'System;Security;', icon: 'resources/icons/app.png', synopsis: 'Which apps are inspected, which are let through, and why',
    // The launcher's entry: the tray is never the only door (GNOME shows no icon without an extension).
    desktop: { entry: { Name: 'Pinlight', 'Comment[de]': 'Welche Apps geprüft, welche durchgelassen werden, und warum', SingleMainWindow: 'true', StartupWMClass: 'Pinlight' } },
    extraResources: [{ from: 'node_modules/node-linux-${arch}/bin/node', to: 'node/node' }, { from: 'build/launcher/pinlight', to: 'pinlight' }],
  },
  mac: {
    target: 'dir', category: 'public.app-category.utilities', icon: 'resources/icons/app.png',
    // Tray apps live in the menu bar; the Dock icon would suggest that quitting it ends protection.
    extendInfo: { LSUIElement: true },
    extraResources: [{ from: 'node_modules/node-darwin-${arch}/bin/node', to: 'node/node' }, { from: 'build/launcher/pinlight', to: 'pinlight' }],
  },
  win: {
    target: 'dir', icon: 'resources/icons/app.ico',
    extraResources: [{ from: 'node_modules/node-win-${arch}/bin/node.exe', to: 'node/node.exe' }, { from: 'build/launcher/pinlight.cmd', to: 'pinlight.cmd' }, { from: windowsWrapper, to: `agent/${windowsWrapper}` }],
  },
  electronFuses: {
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
  },
};

export default config;
