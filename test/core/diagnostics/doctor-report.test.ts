// What of a doctor's report may travel: nothing that contradicts itself, and never more than a request to the agent holds.
import { describe, expect, it } from 'vitest';
import { boundedDoctorReport, readDoctorReport, type DoctorCheck, type DoctorReport } from '../../../electron/core/diagnostics/doctor-report.ts';

const check = (name: string, state: DoctorCheck['state'] = 'ok', text = 'So it is.', fix: string | null = null): DoctorCheck => ({ name, state, text, fix, ms: 1 });
const many = (count: number, state: DoctorCheck['state'], text?: string, fix?: string): DoctorCheck[] => Array.from({ length: count }, (_, n) => check(`${state}-${n}`, state, text, fix));
/** The agent's limit of a request (electron/agent/control). */
const requestBytes = 64 * 1024;

describe('reading', () => {
  it.each<[string, DoctorReport, boolean]>([
    ['nothing was looked at', { ok: true, checks: [] }, true],
    ['all is well, and says so', { ok: true, checks: [check('agent'), check('internet', 'unknown')] }, true],
    ['something is wrong, and says so', { ok: false, checks: [check('agent'), check('stores', 'wrong')] }, true],
    ['something is wrong, and it says that nothing is', { ok: true, checks: [check('agent'), check('stores', 'wrong')] }, false],
    ['nothing is wrong, and it says that something is', { ok: false, checks: [check('agent'), check('internet', 'unknown')] }, false],
  ])('%s', (_name, report, taken) => {
    expect(readDoctorReport(report)).toEqual(taken ? report : null);
  });
});

describe('bounding', () => {
  it('says itself whether something is wrong', () => {
    expect(boundedDoctorReport({ ok: true, checks: [check('stores', 'wrong')] }).ok).toBe(false);
  });

  it('keeps what is wrong, then what is not known, when there is more than 64 of all', () => {
    const { ok, checks } = boundedDoctorReport({ ok: false, checks: [...many(60, 'ok'), ...many(3, 'unknown'), ...many(10, 'wrong')] });
    expect(ok).toBe(false);
    expect(checks).toHaveLength(64);
    expect(checks.slice(0, 14).map(({ name }) => name)).toEqual([...many(10, 'wrong'), ...many(3, 'unknown'), check('ok-0')].map(({ name }) => name));
  });

  it.each([
    ['what fits as it is', 'x'.repeat(500), 'x'.repeat(500)],
    ['one character too many', 'x'.repeat(501), `${'x'.repeat(499)}…`],
    ['a character of two units where it is cut: none of it', `${'x'.repeat(498)}😀yy`, `${'x'.repeat(498)}…`],
    ['a character of two units just before: the whole of it', `${'x'.repeat(497)}😀yy`, `${'x'.repeat(497)}😀…`],
  ])('cuts %s', (_name, text, cut) => {
    expect(boundedDoctorReport({ ok: true, checks: [check('agent', 'ok', text)] }).checks[0]?.text).toBe(cut);
  });

  it.each([
    ['ASCII', 'x'], ['two bytes each', 'ü'], ['three bytes each', '店'], ['four bytes each', '😀'], ['six bytes each in JSON', '\u0001'], ['half a character', '\ud800'],
  ])('leaves room for a note in a request when every text is as long as it may be: %s', (_name, letter) => {
    const report = boundedDoctorReport({ ok: false, checks: many(64, 'wrong', letter.repeat(600), letter.repeat(400)) });
    expect(Buffer.byteLength(JSON.stringify({ note: '\u0001'.repeat(1_000), doctor: report }))).toBeLessThan(requestBytes);
    expect(readDoctorReport(report)).toEqual(report);
    expect(report.checks).toHaveLength(64);
  });
});
