// An authority kept by OpenSSL's own commands, for real certificates and revocation lists. Not a product part.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KeyAndCertificate = { readonly key: string; readonly cert: string };

/** All paths are files of `folder`. */
export type OpensslAuthority = {
  readonly folder: string;
  readonly rootFile: string;
  /** A server's certificate for one name. */
  leaf(name: string): KeyAndCertificate;
  revoke(leaf: KeyAndCertificate): void;
  /** `openssl ca -gencrl`: the list as of now, in PEM. Days in which it is in force, counted from now. */
  list(file: string, days?: readonly [from: number, to: number]): string;
  /** `openssl crl ARGS` on a list: another form of it. */
  rewritten(list: string, file: string, ...args: readonly string[]): string;
  /** What `openssl verify -crl_check` says. */
  verdict(leaf: KeyAndCertificate, list: string): string;
  close(): void;
};

const day = 24 * 3600_000;

/** `signing`: kind of the authority's key, and of its signatures. Throws where openssl is not installed. */
export function createOpensslAuthority(signing: 'ec' | 'rsa' | 'rsa-pss' = 'ec'): OpensslAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-authority-'));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const newKey = signing === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['-newkey', 'rsa:2048'];
  const padding = signing === 'rsa-pss' ? ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'] : [];
  mkdirSync(at('certificates'));
  writeFileSync(at('index.txt'), '');
  for (const counter of ['serial', 'crlnumber']) writeFileSync(at(counter), '1000\n');
  writeFileSync(at('ca.cnf'), `[ca]\ndefault_ca = main\n[main]\ndatabase = ${at('index.txt')}\nnew_certs_dir = ${at('certificates')}\nserial = ${at('serial')}
crlnumber = ${at('crlnumber')}\ncertificate = ${at('root.pem')}\nprivate_key = ${at('root.key')}\ndefault_md = sha256\ndefault_days = 30\npolicy = any\ncopy_extensions = copy
crl_extensions = list\n[any]\ncommonName = supplied\n[list]\nauthorityKeyIdentifier = keyid:always\n[req]\ndistinguished_name = name\n[name]\n`);
  openssl('req', '-x509', '-config', at('ca.cnf'), ...newKey, '-nodes', '-keyout', at('root.key'), '-out', at('root.pem'), '-days', '60', '-subj', `/CN=Authority by OpenSSL (${signing})`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-addext', 'subjectKeyIdentifier=hash');
  return {
    folder, rootFile: at('root.pem'),
    leaf: (name) => {
      const leaf = { key: at(`${name}.key`), cert: at(`${name}.pem`) };
      openssl('req', '-new', '-config', at('ca.cnf'), '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', leaf.key, '-out', at('request.pem'), '-subj', `/CN=${name}`,
        '-addext', `subjectAltName=DNS:${name}`, '-addext', 'keyUsage=critical,digitalSignature', '-addext', 'extendedKeyUsage=serverAuth');
      openssl('ca', '-batch', '-notext', '-config', at('ca.cnf'), ...padding, '-in', at('request.pem'), '-out', leaf.cert);
      return leaf;
    },
    revoke: ({ cert }) => void openssl('ca', '-batch', '-config', at('ca.cnf'), '-revoke', cert, '-crl_reason', 'keyCompromise'),
    list: (file, [from, to] = [-1, 7]) => {
      openssl('ca', '-gencrl', '-config', at('ca.cnf'), ...padding, '-crl_lastupdate', when(from), '-crl_nextupdate', when(to), '-out', at(file));
      return at(file);
    },
    rewritten: (list, file, ...args) => {
      openssl('crl', '-in', list, '-out', at(file), ...args);
      return at(file);
    },
    verdict: ({ cert }, list) => {
      try {
        return openssl('verify', '-crl_check', '-CAfile', at('root.pem'), '-CRLfile', list, cert);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function when(days: number): string {
  return new Date(Date.now() + days * day).toISOString().replace(/[-:T]/g, '').replace(/\.\d+Z/, 'Z');
}
