// Chromium as the judge of certificates: one process, roots in its own store, each host led to a port on loopback. Not a product part.
import * as http from 'node:http';
import { portOf } from '../support/port-of.ts';
import { until } from '../support/tunnel.ts';
import { openSteeredBrowser } from './steered-browser.ts';

export type BrowserVerdict = { readonly accepted: boolean; /** `ERR_CERT_…`; '' when accepted. */ readonly error: string };
export type Browser = { judge(host: string): Promise<BrowserVerdict>; close(): Promise<void> };

/** `roots`: PEM. `ports`: host to port. Throws where chromium or certutil is missing. */
export async function openBrowser(folder: string, roots: readonly string[], ports: ReadonlyMap<string, number>): Promise<Browser> {
  const browser = await openSteeredBrowser({ folder, roots, args: [`--host-resolver-rules=${[...ports].map(([host, port]) => `MAP ${host}:443 127.0.0.1:${port}`).join(',')}`] });
  // One page asks for everything: visits would end in error pages, each with a life of its own. It stands on loopback like the servers, so that
  // the browser's Local Network Access rules have nothing to say.
  const base = http.createServer((_request, response) => response.end('<!doctype html>'));
  await new Promise<void>((done) => base.listen(0, '127.0.0.1', done));
  const page = await browser.newPage();
  const failures = new Map<string, string>();
  page.on('requestfailed', (request) => failures.set(new URL(request.url()).host, request.failure()?.errorText ?? 'failed'));
  await page.goto(`http://127.0.0.1:${portOf(base)}/`);
  return {
    judge: async (host) => {
      failures.delete(host);
      const accepted = await page.evaluate((url) => fetch(url, { mode: 'no-cors', cache: 'no-store' }).then(() => true, () => false), `https://${host}/`);
      const error = accepted ? '' : await until(`a reason for ${host}`, () => failures.get(host));
      return { accepted, error: error.replace('net::', '') };
    },
    close: async () => {
      await browser.close();
      base.close();
    },
  };
}
