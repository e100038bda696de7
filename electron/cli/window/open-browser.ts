// Asks the desktop to show a URL. Not for choosing a browser or for waiting for one.
import { spawn } from 'node:child_process';

/** True when an opener was started; false where there is no desktop or no opener (the person then follows the printed link). */
export async function openBrowser(url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const opener = openerFor(process.platform, url);
  if (process.platform === 'linux' && env['DISPLAY'] === undefined && env['WAYLAND_DISPLAY'] === undefined) return false;
  return new Promise((resolve) => {
    const child = spawn(opener.command, opener.args, { stdio: 'ignore', detached: true });
    child.on('error', () => resolve(false));
    child.on('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

function openerFor(platform: NodeJS.Platform, url: string): { readonly command: string; readonly args: readonly string[] } {
  switch (platform) {
    case 'darwin': return { command: 'open', args: [url] };
    // Not `cmd /c start`: no shell reads the link.
    case 'win32': return { command: 'rundll32', args: ['url.dll,FileProtocolHandler', url] };
    default: return { command: 'xdg-open', args: [url] };
  }
}
