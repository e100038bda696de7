// Container, Flatpak or Snap by the path of a process's cgroup. Pure.
// A hint and no proof: a user's own programs may make cgroups of any name below their own.
import type { Sandbox } from '../../electron/core/model.ts';

/** Sandbox that one of the cgroup paths names, the innermost first; null for ordinary processes. */
export function sandboxOf(paths: readonly string[]): Sandbox | null {
  for (const path of paths) {
    for (const part of path.split('/').toReversed()) {
      for (const [kind, form] of forms) {
        const id = form.exec(part)?.[1];
        if (id !== undefined) return { kind: kind === 'docker' && path.includes('/kubepods') ? 'kubernetes' : kind, id: unescaped(id) };
      }
    }
    // Engines without systemd: /docker/ID, /kubepods/…/ID, /lxc/NAME.
    const plain = /\/(docker|kubepods|lxc|libpod_parent)\/(?:.*\/)?([^/]+)$/.exec(path);
    if (plain !== null) return { kind: folders[plain[1] ?? ''] ?? 'docker', id: (plain[2] ?? '').replace(/^libpod-/, '') };
  }
  return null;
}

/** Names that systemd units and engines give their cgroups. `conmon` is Podman's helper outside of the container. */
const forms: readonly (readonly [Sandbox['kind'], RegExp])[] = [
  ['flatpak', /^app-flatpak-(.+)-\d+\.scope$/],
  ['snap', /^snap\.([a-z0-9-]+(?:_[a-z0-9]+)?)\..+\.(?:scope|service)$/],
  ['docker', /^docker-([0-9a-f]{64})\.scope$/],
  ['podman', /^libpod-([0-9a-f]{64})(?:\.scope)?$/],
  ['kubernetes', /^(?:cri-containerd|crio)-([0-9a-f]{64})\.scope$/],
  ['containerd', /^nerdctl-([0-9a-f]{64})\.scope$/],
  ['lxc', /^lxc\.payload\.(.+)$/],
  ['nspawn', /^(?:systemd-nspawn@(.+)\.service)$/],
];

const folders: Readonly<Record<string, Sandbox['kind']>> = { docker: 'docker', kubepods: 'kubernetes', lxc: 'lxc', libpod_parent: 'podman' };

/** systemd writes `-` in a name as `\x2d`. */
function unescaped(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
