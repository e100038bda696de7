// What `app://pinlight/` serves: the window's built files and nothing else, each with the security headers. Pure.
// Not for reading the files or registering the scheme (window.ts).

export const appScheme = 'app';
export const appOrigin = 'app://pinlight';
export const appIndex = `${appOrigin}/index.html`;

/** No inline code, nothing remote, no network: the window talks over the bridge alone. */
export const contentSecurityPolicy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
  "connect-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ');

/** The file behind an address, relative to the renderer's folder with `/` between parts; null when there is none to serve. */
export function assetOf(address: string): { readonly path: string; readonly headers: Readonly<Record<string, string>> } | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || url.protocol !== `${appScheme}:` || url.host !== 'pinlight' || url.username !== '' || url.port !== '') return null;
  const path = url.pathname === '/' ? 'index.html' : url.pathname.slice(1);
  // Built file names are plain; anything encoded, dotted or doubled is somebody else's idea.
  if (!/^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$/.test(path)) return null;
  const type = contentTypes[path.slice(path.lastIndexOf('.') + 1)];
  if (type === undefined) return null;
  return {
    path,
    headers: {
      'content-type': type,
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    },
  };
}

/** True for the address of our own page, whatever its query and fragment. */
export function isOwnPage(address: string): boolean {
  const asset = assetOf(address);
  return asset !== null && asset.path === 'index.html';
}

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
};
