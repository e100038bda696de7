// Throwaway certificates for one bench run, made by the openssl program: the origin's root and leaf, the interceptors' root.
// Not for Pinlight, which makes its own root. All keys are ECDSA P-256, so that no way pays for RSA.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workspace } from './workspace.ts';

export const originName = 'origin.bench.test';

/** PEM files by role; `interceptor` signs what sslsplit and squid show, with `leafKey` as sslsplit's leaf key. */
export type Certificates = {
  readonly originRoot: string;
  readonly originCertificate: string;
  readonly originKey: string;
  readonly interceptorRoot: string;
  readonly interceptorKey: string;
  readonly leafKey: string;
};

/** Makes all certificates in the workspace; throws with openssl's own words when it fails. */
export async function makeCertificates(space: Workspace, openssl: string): Promise<Certificates> {
  const folder = space.subfolder('certificates');
  const file = (name: string) => join(folder, name);
  const call = async (...args: string[]) => {
    const { code, stderr } = await space.run(openssl, args, 20_000);
    if (code !== 0) throw new Error(`openssl ${args[0] ?? ''} failed: ${stderr.trim()}`);
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const root = (name: string, subject: string) => call(
    'req', '-x509', ...newKey, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), '-days', '2', '-subj', subject,
    '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
  );
  await root('origin-root', '/CN=Bench origin root');
  await root('interceptor', '/CN=Bench interceptor root');
  writeFileSync(file('origin.ext'), [
    `subjectAltName=DNS:${originName}`, 'basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth', 'subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid', '',
  ].join('\n'));
  await call('req', ...newKey, '-keyout', file('origin.key'), '-out', file('origin.csr'), '-subj', `/CN=${originName}`);
  await call(
    'x509', '-req', '-in', file('origin.csr'), '-CA', file('origin-root.pem'), '-CAkey', file('origin-root.key'),
    '-CAcreateserial', '-days', '2', '-extfile', file('origin.ext'), '-out', file('origin.pem'),
  );
  await call('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file('leaf.key'));
  return {
    originRoot: file('origin-root.pem'), originCertificate: file('origin.pem'), originKey: file('origin.key'),
    interceptorRoot: file('interceptor.pem'), interceptorKey: file('interceptor.key'), leafKey: file('leaf.key'),
  };
}
