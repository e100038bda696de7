// The one address that may leave for a browser: the help page that policy names. The only openExternal in the house.
// Not for anything a page, an app or a link brings along.
import { shell } from 'electron';

/** Opens `url` if it is still the policy's and nothing but https; else does nothing. */
export async function openHelpLink(url: string, allowed: string | null): Promise<void> {
  if (url !== allowed || !isPlainHttps(url)) return;
  await shell.openExternal(url, { activate: true });
}

/** No credentials to mislead the eye, no control characters, and https alone. */
function isPlainHttps(url: string): boolean {
  const read = URL.parse(url);
  return read !== null && read.protocol === 'https:' && read.username === '' && read.password === '' && !/[\p{Cc}\s]/u.test(url);
}
