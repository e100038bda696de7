// Where a trust store keeps its certificates, as data: which files together are one store, and where systems put them.
// Pure. Not for reading any of them: holds-root.ts does that.

/**
 * One part of a store. Parts add up: the root is trusted when any of them holds it.
 * `firstOf`: only the first file or folder that exists counts.
 * Forms: `pem` bundle; `hash-dir` folder in which OpenSSL sees only names like `1a2b3c4d.0`; `text-dir` folder whose files all count
 * (Go, GnuTLS, Chromium's policy files); `keystore` JKS or PKCS12; `nss` database; `firefox-policy` policies.json.
 */
export type Place = {
  readonly form: 'pem' | 'hash-dir' | 'text-dir' | 'keystore' | 'nss' | 'firefox-policy';
  readonly firstOf: readonly string[];
  /** Password of a keystore that is not Java's default. */
  readonly password?: string;
};

/** System bundles: Debian, Arch, Gentoo; Fedora, RHEL; openSUSE; Alpine. */
export const systemBundles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem',
];

const systemFolders: readonly string[] = ['/etc/ssl/certs', '/etc/pki/tls/certs'];

/** The system's store as GnuTLS reads it: the bundle alone. */
export const systemBundle: Place = { form: 'pem', firstOf: systemBundles };

/**
 * OpenSSL's default store: file and folder are chosen one by one, so naming another file leaves the folder in force
 * (s_client, curl, Python; the same order in Go, which takes every file of the folder).
 */
export function openSslPlaces(file: string | undefined, folder: string | undefined, form: 'hash-dir' | 'text-dir' = 'hash-dir'): readonly Place[] {
  const folders = folder === undefined ? null : folder.split(':').filter((one) => one !== '');
  return [
    file === undefined ? systemBundle : { form: 'pem', firstOf: [file] },
    ...(folders === null ? [{ form, firstOf: systemFolders }] : folders.map((one) => ({ form, firstOf: [one] }))),
  ];
}
