// TLS alert numbers and their registered names (IANA TLS Alerts; RFC 8446 section 6, RFC 5246 section 7.2).
// Not for reading an alert out of a library's error (agent/proxy/tls-error).

const names: Readonly<Record<number, string>> = {
  0: 'close_notify', 10: 'unexpected_message', 20: 'bad_record_mac', 21: 'decryption_failed', 22: 'record_overflow',
  30: 'decompression_failure', 40: 'handshake_failure', 41: 'no_certificate', 42: 'bad_certificate', 43: 'unsupported_certificate',
  44: 'certificate_revoked', 45: 'certificate_expired', 46: 'certificate_unknown', 47: 'illegal_parameter', 48: 'unknown_ca',
  49: 'access_denied', 50: 'decode_error', 51: 'decrypt_error', 60: 'export_restriction', 70: 'protocol_version',
  71: 'insufficient_security', 80: 'internal_error', 86: 'inappropriate_fallback', 90: 'user_canceled', 100: 'no_renegotiation',
  109: 'missing_extension', 110: 'unsupported_extension', 111: 'certificate_unobtainable', 112: 'unrecognized_name',
  113: 'bad_certificate_status_response', 114: 'bad_certificate_hash_value', 115: 'unknown_psk_identity', 116: 'certificate_required',
  120: 'no_application_protocol', 121: 'ech_required',
};

/** The registered name, `alert_N` for a number without one. */
export function alertName(alert: number): string {
  return names[alert] ?? `alert_${alert}`;
}

/** `UnknownCA`, `BadCertificate`: the spelling that Palo Alto's logs use for the `error` field. */
export function alertCamelName(alert: number): string {
  return alertName(alert).split('_').map((word) => (word === 'ca' ? 'CA' : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}

/** The number for a registered or CamelCase name in any case; null for anything else. */
export function alertByName(name: string): number | null {
  const plain = name.toLowerCase().replaceAll('_', '');
  for (const [number, registered] of Object.entries(names)) {
    if (registered.replaceAll('_', '') === plain) return Number(number);
  }
  return null;
}
