// Which programs a policy may inspect before anything was asked.
import { expect, test } from 'vitest';
import { mayInspect } from '../../../electron/core/steering/reach.ts';

const chromium = { path: '/usr/lib/chromium/chromium', package: 'chromium' };
const rule = { id: 'r', when: {}, do: 'inspect', mustInspect: false, reason: null } as const;
const noMatch = { noMatch: 'bypass' } as const;

test.each<[string, Parameters<typeof mayInspect>[0], boolean]>([
  ['nothing is inspected without a rule', { rules: [], defaults: noMatch }, false],
  ['inspecting what no rule matches is inspecting the browser', { rules: [], defaults: { noMatch: 'inspect' } }, true],
  ['a rule for every program counts, whatever its hosts', { rules: [{ ...rule, when: { host: 'a.example', port: 443, user: 'self' } }], defaults: noMatch }, true],
  ['a rule that lets through does not', { rules: [{ ...rule, do: 'bypass' }], defaults: noMatch }, false],
  ['a rule for another program does not', { rules: [{ ...rule, when: { app: { path: '/usr/bin/curl' } } }], defaults: noMatch }, false],
  ['a rule for its path does', { rules: [{ ...rule, when: { app: { path: '/usr/lib/chromium/*' } } }], defaults: noMatch }, true],
  ['a rule for its package does', { rules: [{ ...rule, when: { app: { package: 'chrom*' } } }], defaults: noMatch }, true],
])('%s', (_name, policy, answer) => {
  expect(mayInspect(policy, chromium)).toBe(answer);
});
