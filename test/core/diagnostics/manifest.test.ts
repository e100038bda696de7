// The manifest's words and sums, the spoken id and the file's name.
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { buildManifest, bundleFileName, spokenId } from '../../../electron/core/diagnostics/manifest.ts';

const now = Date.UTC(2026, 10, 20, 10, 30, 5, 123);

it('names every file, sums what was removed and says what is never collected', () => {
  const manifest = buildManifest({
    id: 'PL-0000-0000', createdAt: now, device: 'LAPTOP-42', version: '0.1.0', note: null, recording: null, names: { kind: 'shown' }, notCollected: [{ name: 'agent.log', because: 'it failed: x' }],
    files: [
      { name: 'a.json', bytes: 3, sha256: 'aa', redactions: { home: 2 } },
      { name: 'b.json', bytes: 4, sha256: 'bb', redactions: { home: 1, token: 4 } },
    ],
  });
  expect(manifest).toMatchObject({ format: 1, createdAt: '2026-11-20T10:30:05.123Z', redactionCounts: { home: 3, token: 4 } });
  expect(manifest.files.map((file) => file.name)).toEqual(['a.json', 'b.json']);
  expect(manifest.neverCollected.join()).toContain('private keys');
  expect(manifest.kept).toContain('User names, device names');
});

describe('spokenId', () => {
  test.each([
    ['nothing but zeros', [0, 0, 0, 0, 0], 'PL-0000-0000'],
    ['nothing but ones', [255, 255, 255, 255, 255], 'PL-ZZZZ-ZZZZ'],
    ['the first bit', [128, 0, 0, 0, 0], 'PL-G000-0000'],
    ['more bytes than needed', [0, 0, 0, 0, 31, 9, 9], 'PL-0000-000Z'],
  ])('%s', (_name, bytes, id) => {
    expect(spokenId(Uint8Array.from(bytes))).toBe(id);
  });

  it('has no letter that is misheard, and differs whenever the bytes differ', () => {
    const seen = new Map<string, string>();
    fc.assert(fc.property(fc.uint8Array({ minLength: 5, maxLength: 5 }), (bytes) => {
      const id = spokenId(bytes);
      expect(id).toMatch(/^PL-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
      expect(seen.get(id) ?? bytes.join()).toBe(bytes.join());
      seen.set(id, bytes.join());
    }));
  });

  it('wants five bytes', () => {
    expect(() => spokenId(new Uint8Array(4))).toThrow(RangeError);
  });
});

describe('bundleFileName', () => {
  test.each([
    ['an ordinary device', 'LAPTOP-42', 'pinlight-diag-LAPTOP-42-20261120T103005Z-PL-7K3M-Q2XA.zip'],
    ['a name with a path in it', '../../etc/x', 'pinlight-diag-etc-x-20261120T103005Z-PL-7K3M-Q2XA.zip'],
    ['a name without a usable letter', '…', 'pinlight-diag-device-20261120T103005Z-PL-7K3M-Q2XA.zip'],
    ['a long name', 'a'.repeat(300), `pinlight-diag-${'a'.repeat(40)}-20261120T103005Z-PL-7K3M-Q2XA.zip`],
  ])('%s', (_name, device, file) => {
    expect(bundleFileName(device, now, 'PL-7K3M-Q2XA')).toBe(file);
  });
});
