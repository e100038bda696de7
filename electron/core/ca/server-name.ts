// Does a certificate name the host? As a browser judges it, which is stricter than Node: SAN required, whole-label wildcards only.
// Not a chain check. Sources: RFC 9525 section 6.3, CA/B BR 3.2.2.6, criterion A3 (SECURITY.md).
import type { CertificateName } from './certificate.ts';

export type NameCheck = { readonly kind: 'match' } | { readonly kind: 'mismatch'; readonly why: string };

/**
 * `host`: normalised like Target.host. `ip`: the host as `ipText` writes it when it is an IP literal, else null.
 * `isPublicSuffix`: true for names under which the public registers (`co.uk`); a wildcard right under one matches nothing.
 */
export function checkServerName(
  host: string, ip: string | null, names: readonly CertificateName[] | null, isPublicSuffix: (name: string) => boolean,
): NameCheck {
  if (names === null || names.length === 0) return { kind: 'mismatch', why: 'the certificate has no subjectAltName' };
  if (ip !== null) {
    return names.some((name) => name.kind === 'ip' && name.address === ip)
      ? { kind: 'match' } : { kind: 'mismatch', why: `the certificate does not name the address ${host}` };
  }
  return names.some((name) => name.kind === 'dns' && dnsMatches(host, name.name, isPublicSuffix))
    ? { kind: 'match' } : { kind: 'mismatch', why: `the certificate does not name ${host}` };
}

function dnsMatches(host: string, pattern: string, isPublicSuffix: (name: string) => boolean): boolean {
  const name = pattern.endsWith('.') ? pattern.slice(0, -1) : pattern;
  if (name === host) return !name.includes('*');
  if (!name.startsWith('*.')) return false;
  const suffix = name.slice(2);
  const dot = host.indexOf('.');
  return dot > 0 && !suffix.includes('*') && suffix.includes('.') && host.slice(dot + 1) === suffix && !isPublicSuffix(suffix);
}
