// Where the entry lies that brings the icon up at a user's login on Linux: the shell writes it, `pinlight uninstall` takes it away.

/** Path of the entry (freedesktop.org, Desktop Application Autostart Specification). A relative XDG_CONFIG_HOME counts as none. */
export function autostartFile(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const config = env['XDG_CONFIG_HOME'] ?? '';
  return `${config.startsWith('/') ? config : `${home}/.config`}/autostart/pinlight.desktop`;
}
