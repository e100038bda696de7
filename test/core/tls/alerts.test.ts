// Alert numbers and names, both ways and in both spellings.
import { describe, expect, test } from 'vitest';
import { alertByName, alertCamelName, alertName } from '../../../electron/core/tls/alerts.ts';

describe('alerts', () => {
  test.each([
    [0, 'close_notify', 'CloseNotify'], [40, 'handshake_failure', 'HandshakeFailure'], [42, 'bad_certificate', 'BadCertificate'],
    [46, 'certificate_unknown', 'CertificateUnknown'], [48, 'unknown_ca', 'UnknownCA'], [80, 'internal_error', 'InternalError'],
    [90, 'user_canceled', 'UserCanceled'], [116, 'certificate_required', 'CertificateRequired'], [121, 'ech_required', 'EchRequired'],
  ])('%i is %s, or %s', (number, name, camel) => {
    expect(alertName(number)).toBe(name);
    expect(alertCamelName(number)).toBe(camel);
    expect(alertByName(name)).toBe(number);
    expect(alertByName(camel)).toBe(number);
    expect(alertByName(camel.toUpperCase())).toBe(number);
  });

  test('every number has a name, and every registered name leads back', () => {
    let registered = 0;
    for (let number = 0; number < 256; number += 1) {
      const name = alertName(number);
      if (name === `alert_${number}`) {
        expect(alertByName(name)).toBeNull();
        continue;
      }
      registered += 1;
      expect(alertByName(name)).toBe(number);
      expect(alertByName(alertCamelName(number))).toBe(number);
    }
    expect(registered).toBeGreaterThan(30);
  });

  test.each(['', 'constructor', 'unknown', '48', 'NoAlert'])('%j is no alert', (name) => {
    expect(alertByName(name)).toBeNull();
  });
});
