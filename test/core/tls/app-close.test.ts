// Whether an app said goodbye behind its Finished: sizes as measured.
import { expect, test } from 'vitest';
import { saidGoodbye } from '../../../electron/core/tls/app-close.ts';

test.each<[string, 'TLSv1.2' | 'TLSv1.3', number, number, boolean]>([
  ['TLS 1.3, ChangeCipherSpec and Finished alone', 'TLSv1.3', 64, 0, false],
  ['TLS 1.3, SHA-384', 'TLSv1.3', 80, 0, false],
  ['TLS 1.3, without ChangeCipherSpec', 'TLSv1.3', 58, 0, false],
  ['TLS 1.3, JSSE with its padding', 'TLSv1.3', 96, 0, false],
  ['TLS 1.3, close_notify in its own piece', 'TLSv1.3', 88, 24, true],
  ['TLS 1.3, close_notify in one piece with Finished', 'TLSv1.3', 88, 0, true],
  ['TLS 1.3, the same with SHA-384', 'TLSv1.3', 104, 0, true],
  ['TLS 1.3, JSSE: user_canceled and close_notify', 'TLSv1.3', 160, 0, true],
  ['TLS 1.2, close_notify', 'TLSv1.2', 124, 31, true],
  ['TLS 1.2, a bare close', 'TLSv1.2', 93, 0, false],
])('%s', (_, version, afterLeaf, afterFinished, expected) => {
  expect(saidGoodbye(version, afterLeaf, afterFinished)).toBe(expected);
});
