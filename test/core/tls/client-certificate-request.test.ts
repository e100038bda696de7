// Sizes of our last flight, as measured at OpenSSL s_server, nginx, GnuTLS, Go and Node, and what they say.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientCertificateRequest, type ClientCertificateRequest } from '../../../electron/core/tls/client-certificate-request.ts';

describe('the size of our last flight', () => {
  test.each<[string, 'TLSv1.2' | 'TLSv1.3', number, ClientCertificateRequest]>([
    ['TLS 1.3, SHA-256, not asked', 'TLSv1.3', 64, 'not-asked'],
    ['TLS 1.3, SHA-256, asked', 'TLSv1.3', 94, 'asked'],
    ['TLS 1.3, SHA-384, not asked', 'TLSv1.3', 80, 'not-asked'],
    ['TLS 1.3, SHA-384, asked', 'TLSv1.3', 110, 'asked'],
    ['TLS 1.3, SHA-256, after a HelloRetryRequest, not asked', 'TLSv1.3', 58, 'not-asked'],
    ['TLS 1.3, SHA-256, after a HelloRetryRequest, asked', 'TLSv1.3', 88, 'asked'],
    ['TLS 1.3, SHA-384, after a HelloRetryRequest, not asked', 'TLSv1.3', 74, 'not-asked'],
    ['TLS 1.3, SHA-384, after a HelloRetryRequest, asked', 'TLSv1.3', 104, 'asked'],
    ['TLS 1.2, AES-GCM, X25519, not asked', 'TLSv1.2', 93, 'not-asked'],
    ['TLS 1.2, AES-GCM, X25519, asked', 'TLSv1.2', 105, 'asked'],
    ['TLS 1.2, AES-GCM, P-256, not asked', 'TLSv1.2', 126, 'not-asked'],
    ['TLS 1.2, AES-GCM, P-256, asked', 'TLSv1.2', 138, 'asked'],
    ['TLS 1.2, AES-GCM, P-384, not asked', 'TLSv1.2', 158, 'not-asked'],
    ['TLS 1.2, AES-GCM, P-384, asked', 'TLSv1.2', 170, 'asked'],
    ['TLS 1.2, AES-GCM, P-521, not asked', 'TLSv1.2', 194, 'not-asked'],
    ['TLS 1.2, AES-GCM, P-521, asked', 'TLSv1.2', 206, 'asked'],
    ['TLS 1.2, ChaCha20, X25519, not asked', 'TLSv1.2', 85, 'not-asked'],
    ['TLS 1.2, ChaCha20, X25519, asked', 'TLSv1.2', 97, 'asked'],
    ['TLS 1.2, ChaCha20, P-521, not asked', 'TLSv1.2', 186, 'not-asked'],
    ['TLS 1.2, ChaCha20, P-521, asked', 'TLSv1.2', 198, 'asked'],
    ['TLS 1.2, resumed', 'TLSv1.2', 51, 'unknown'],
    ['nothing written', 'TLSv1.2', 0, 'unknown'],
    ['nothing written in TLS 1.3', 'TLSv1.3', 0, 'unknown'],
    ['an alert of ours instead', 'TLSv1.2', 7, 'unknown'],
    ['a KeyUpdate behind Finished', 'TLSv1.3', 86, 'unknown'],
  ])('%s', (_, version, bytes, expected) => {
    expect(clientCertificateRequest(version, bytes)).toBe(expected);
  });

  test('every size has one answer, and asked is exactly one empty Certificate more', () => {
    fc.assert(fc.property(fc.constantFrom('TLSv1.2' as const, 'TLSv1.3' as const), fc.integer({ min: 0, max: 300 }), (version, bytes) => {
      const more = bytes + (version === 'TLSv1.3' ? 30 : 12);
      if (clientCertificateRequest(version, bytes) === 'not-asked') expect(clientCertificateRequest(version, more)).toBe('asked');
      if (clientCertificateRequest(version, more) === 'asked') expect(clientCertificateRequest(version, bytes)).toBe('not-asked');
    }), { numRuns: 2_000 });
  });
});
