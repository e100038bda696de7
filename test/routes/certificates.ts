// Certificates that our own mint will not make: without SAN, self-signed, weak, of the wrong kind. Made by the openssl program. Not a product part.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Pair = { readonly key: string; readonly cert: string; readonly certFile: string; readonly keyFile: string };
export type Wanted = {
  readonly subject: string;
  readonly extensions?: readonly string[];
  /** Absent = self-signed. */
  readonly issuer?: Pair;
  readonly newKey?: readonly string[];
  readonly digest?: string;
};

const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
export const caExtensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

let made = 0;

/** One certificate with its key, valid for ten days, in `folder`. */
export function makeCertificate(folder: string, wanted: Wanted): Pair {
  made += 1;
  const keyFile = join(folder, `made-${made}.key`);
  const certFile = join(folder, `made-${made}.pem`);
  execFileSync('openssl', [
    'req', '-x509', ...(wanted.newKey ?? p256), '-nodes', '-subj', wanted.subject, '-days', '10', `-${wanted.digest ?? 'sha256'}`, '-keyout', keyFile, '-out', certFile,
    // Without a configuration of its own, `req -x509` adds CA:TRUE.
    '-config', emptyConfiguration(folder),
    ...(wanted.issuer === undefined ? [] : ['-CA', wanted.issuer.certFile, '-CAkey', wanted.issuer.keyFile]),
    ...(wanted.extensions ?? []).flatMap((extension) => ['-addext', extension]),
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), certFile, keyFile };
}

function emptyConfiguration(folder: string): string {
  const file = join(folder, 'empty.cnf');
  execFileSync('sh', ['-c', 'printf "[req]\\ndistinguished_name=dn\\n[dn]\\n" > "$1"', 'sh', file]);
  return file;
}
