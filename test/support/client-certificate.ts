// A certificate that a client shows to a server (mutual TLS). RSA, because node-forge signs nothing else. Not a product part.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';

export type ClientCertificate = { readonly certFile: string; readonly keyFile: string; /** Self-signed: what a server puts into its `ca`. */ readonly pem: string };

/** Writes certificate and key into `folder`; valid for 30 days. */
export function makeClientCertificate(folder: string): ClientCertificate {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: 'spki', format: 'pem' }) as string);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 24 * 3600_000);
  certificate.validity.notAfter = new Date(Date.now() + 30 * 24 * 3600_000);
  const name = [{ name: 'commonName', value: 'Test client' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([{ name: 'keyUsage', digitalSignature: true }, { name: 'extKeyUsage', clientAuth: true }]);
  certificate.sign(forge.pki.privateKeyFromPem(keyPem), forge.md.sha256.create());
  const pem = forge.pki.certificateToPem(certificate);
  const certFile = join(folder, 'client.pem');
  const keyFile = join(folder, 'client.key');
  writeFileSync(certFile, pem);
  writeFileSync(keyFile, keyPem, { mode: 0o600 });
  return { certFile, keyFile, pem };
}
