// How legs are graded, and two quick rows about TLS in full. The whole group is the command's business.
import { expect, test } from 'vitest';
import { findCommand } from '../support/find-command.ts';
import { gradeLeg } from './grade.ts';
import { asTable, loadRows, runRows } from './registry.ts';

const modern = ['TLS_AES_128_GCM_SHA256', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'];

test.each<[string, readonly string[], readonly number[], string]>([
  ['a browser\'s offer', modern, [0x0304, 0x0303], 'A'],
  ['TLS 1.1 beside it', modern, [0x0304, 0x0303, 0x0302], 'B'],
  ['SSL 3.0 beside it', modern, [0x0303, 0x0300], 'C'],
  ['no forward secrecy preferred', ['AES128-GCM-SHA256', ...modern], [0x0303], 'B'],
  ['no forward secrecy at the end', [...modern, 'AES128-SHA'], [0x0303], 'A'],
  ['RC4 at the end', [...modern, 'RC4-SHA'], [0x0303], 'C'],
  ['ARIA at the end', [...modern, 'ECDHE-ECDSA-ARIA128-GCM-SHA256'], [0x0303], 'C'],
  ['an anonymous suite at the end', [...modern, 'ADH-AES128-GCM-SHA256'], [0x0303], 'F'],
  ['DES at the end', [...modern, 'DES-CBC-SHA'], [0x0303], 'F'],
  ['a suite nobody knows', [...modern, 'unknown fafa'], [0x0303], 'C'],
  ['nothing', [], [0x0303], 'F'],
])('%s', (_, suites, versions, grade) => {
  expect(gradeLeg(suites, versions)).toBe(grade);
});

test('our hellos are graded A, and large hellos may come in any pieces', { timeout: 60_000 }, async (context) => {
  if (findCommand('openssl') === null) {
    console.log('skipped: needs openssl, for the names of suites');
    return context.skip();
  }
  const report = await runRows((await loadRows()).filter(({ id }) => id === 'B1' || id === 'B13'), () => undefined);
  expect(report.rows.filter(({ pass }) => !pass)).toEqual([]);
  expect(report.rows.map(({ id, tried }) => [id, tried >= 40])).toEqual([['B1', true], ['B13', true]]);
  expect(report.grade).toEqual({ upstream: 'A', downstream: null });
  expect(asTable(report)).toContain('grade: upstream A, downstream not measured');
});
