// When a root of this device alone means another inspector (D5).
import { beforeEach, expect, test } from 'vitest';
import { createAlreadyInspected } from '../../../electron/agent/health/already-inspected.ts';

const theirs = { spkiHash: 'aa', name: 'CN=Other product' };
let told: (readonly string[] | null)[];
let watch: ReturnType<typeof createAlreadyInspected>;
beforeEach(() => {
  told = [];
  watch = createAlreadyInspected((_root, domains) => told.push(domains));
});

test('three unrelated public names under one such root', () => {
  for (const host of ['www.a.com', 'b.org', 'cdn.c.net', 'd.io']) watch.seen(host, theirs);
  expect(told).toEqual([['a.com', 'b.org', 'c.net']]);
});
test('names of one domain count once', () => {
  for (const host of ['a.corp.com', 'b.corp.com', 'c.corp.com', 'd.corp.com']) watch.seen(host, theirs);
  expect(told).toEqual([]);
});
test('names that are not public, and addresses, do not count', () => {
  for (const host of ['a.test', 'intranet', 'b.local', '10.0.0.1', 'printer.lan']) watch.seen(host, theirs);
  expect(told).toEqual([]);
});
test('a public root for one of the names again takes it back', () => {
  for (const host of ['a.com', 'b.org', 'c.net']) watch.seen(host, theirs);
  watch.seen('www.b.org', null);
  expect(told).toEqual([['a.com', 'b.org', 'c.net'], null]);
});
test('public roots alone say nothing', () => {
  for (const host of ['a.com', 'b.org', 'c.net']) watch.seen(host, null);
  expect(told).toEqual([]);
});
