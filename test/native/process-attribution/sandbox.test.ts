// Containers, Flatpaks and Snaps by their cgroups: names as engines give them, and a real cgroup with a real client in it.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCgroupPaths } from '../../../native/process-attribution/cgroup-paths.ts';
import { createProcessAttribution } from '../../../native/process-attribution/index.ts';
import { sandboxOf } from '../../../native/process-attribution/sandbox.ts';
import { parseCgroupMount } from '../../../native/procfs/parse.ts';
import { bareEnv, openLoopback, startClient, stopClient } from '../support/clients.ts';

const id = '3f2a'.repeat(16);
const app = '/user.slice/user-1000.slice/user@1000.service/app.slice';

test.each([
  ['Docker by systemd', `/system.slice/docker-${id}.scope`, { kind: 'docker', id }],
  ['Docker without systemd', `/docker/${id}`, { kind: 'docker', id }],
  ['a process in a unit inside of a Docker container', `/system.slice/docker-${id}.scope/init.scope`, { kind: 'docker', id }],
  ['Podman of a user', `${app}/../user.slice/libpod-${id}.scope/container`, { kind: 'podman', id }],
  ['Podman without systemd', `/libpod_parent/libpod-${id}`, { kind: 'podman', id }],
  ['Podman\'s helper outside of the container', `/user.slice/libpod-conmon-${id}.scope`, null],
  ['Kubernetes by containerd', `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod7.slice/cri-containerd-${id}.scope`, { kind: 'kubernetes', id }],
  ['Kubernetes by Docker', `/kubepods.slice/kubepods-pod7.slice/docker-${id}.scope`, { kind: 'kubernetes', id }],
  ['Kubernetes without systemd', `/kubepods/burstable/pod7/${id}`, { kind: 'kubernetes', id }],
  ['nerdctl', `/system.slice/nerdctl-${id}.scope`, { kind: 'containerd', id }],
  ['LXC', '/lxc.payload.web/system.slice/nginx.service', { kind: 'lxc', id: 'web' }],
  ['systemd-nspawn', '/machine.slice/systemd-nspawn@test.service/payload', { kind: 'nspawn', id: 'test' }],
  ['a Flatpak', `${app}/app-flatpak-org.mozilla.firefox-4711.scope`, { kind: 'flatpak', id: 'org.mozilla.firefox' }],
  ['a Flatpak with an escaped dash', `${app}/app-flatpak-com.example.my\\x2dapp-4711.scope`, { kind: 'flatpak', id: 'com.example.my-app' }],
  ['a Snap\'s application', `${app}/snap.firefox.firefox-1b4e28ba-2fa1-11d2-883f-0016d3cca427.scope`, { kind: 'snap', id: 'firefox' }],
  ['a Snap\'s service', '/system.slice/snap.lxd.daemon.service', { kind: 'snap', id: 'lxd' }],
  ['an ordinary application', `${app}/app-gnome-org.gnome.Terminal-4711.scope`, null],
  ['a folder named docker without container', '/docker', null],
  ['the root', '/', null],
])('%s', (_name, cgroup, expected) => {
  expect(sandboxOf([cgroup])).toEqual(expected);
});

test('paths are found by inode, new ones after a while, and an unknown one is null', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'cgroups-'));
  const inodeOf = (folder: string): bigint => statSync(path.join(root, folder), { bigint: true }).ino;
  try {
    mkdirSync(path.join(root, 'a/b'), { recursive: true });
    const book = createCgroupPaths(root);
    expect(book.pathOf(inodeOf('a/b'))).toBe('/a/b');
    expect(book.pathOf(inodeOf('.'))).toBe('/');
    mkdirSync(path.join(root, 'a/c'));
    const late = inodeOf('a/c');
    expect(book.pathOf(late)).toBeNull();
    await expect.poll(() => book.pathOf(late), { timeout: 5000 }).toBe('/a/c');
    expect(createCgroupPaths(null).pathOf(1n)).toBeNull();
  } finally {
    rmSync(root, { recursive: true });
  }
});

const mount = process.platform === 'linux' ? parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8')) : null;
const cgroup = mount === null ? null : path.join(mount, `docker-${id}.scope`);
const may = cgroup !== null && process.getuid?.() === 0 && canMake(cgroup);
if (!may) console.log('skipped: a cgroup of the test\'s own needs Linux, root and a writable cgroup version 2 hierarchy');

describe.runIf(may)('a client in a cgroup', () => {
  test('is named with its container by an agent that may look into it, and the container alone by one that may not', async () => {
    mkdirSync(cgroup ?? '');
    const server = await openLoopback();
    const attribution = createProcessAttribution();
    const program = `
      import { createProcessAttribution } from ${JSON.stringify(new URL('../../../native/process-attribution/index.ts', import.meta.url).href)};
      process.on('message', async (c) => { process.send(await createProcessAttribution().ownerOf({ ...c, descriptor: null }, 2000)); });
      process.send('ready');`;
    const stranger = spawn(process.execPath, ['--input-type=module', '-e', program], { uid: 65534, gid: 65534, env: bareEnv, cwd: '/', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const message = (): Promise<unknown> => new Promise((resolve) => stranger.once('message', resolve));
    const ready = message();
    const client = startClient('/bin/bash', ['-c', `echo $$ > ${cgroup}/cgroup.procs; exec cat 3<>/dev/tcp/127.0.0.1/${server.port} <&3`]);
    try {
      const { connection } = await server.next();
      expect(await attribution.ownerOf(connection, 2000)).toMatchObject({ kind: 'process', pid: client.pid, sandbox: { kind: 'docker', id } });
      await ready;
      const answer = message();
      stranger.send(connection);
      expect(await answer).toEqual({ kind: 'unknown', why: 'denied', uid: 0, sandbox: { kind: 'docker', id } });
    } finally {
      attribution.close();
      await Promise.all([stopClient(client), stopClient(stranger), server.close()]);
      await expect.poll(() => removed(cgroup ?? ''), { timeout: 5000 }).toBe(true);
    }
  });
});

function canMake(folder: string): boolean {
  try {
    mkdirSync(folder);
    return removed(folder);
  } catch {
    return false;
  }
}

/** A cgroup is busy until the kernel has seen off its last process. */
function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
