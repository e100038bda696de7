// Whether the desktop shows icons, asked of a stand-in for systemd's bus tool.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hasTrayHost } from '../../electron/main/tray-host.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinlight-bus-'));
  vi.stubEnv('PATH', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['somebody shows icons', 'echo "b true"', true], ['nobody does', 'echo "b false"', false], ['there is no bus: nobody is bothered', 'exit 1', true],
])('%s', async (_name, script, shown) => {
  writeFileSync(join(folder, 'busctl'), `#!/bin/sh\n[ "$8" = org.kde.StatusNotifierWatcher ] || exit 2\n${script}\n`);
  chmodSync(join(folder, 'busctl'), 0o755);
  expect(await hasTrayHost('linux')).toBe(shown);
});

test('without the tool nobody is bothered', async () => expect(await hasTrayHost('linux')).toBe(true));
test.each(['darwin', 'win32'] as const)('%s always shows them', async (platform) => expect(await hasTrayHost(platform)).toBe(true));
