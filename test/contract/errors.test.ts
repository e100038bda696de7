// Error codes: each has advice and a status, and whatever is thrown becomes a body.
import { describe, expect, test } from 'vitest';
import { adviceHere, errorAdvice, errorBody, errorStatus, PinlightError, type ErrorCode } from '../../electron/contract/errors.ts';
import { ownCommands } from '../../electron/contract/own-command.ts';

const codes = Object.keys(errorAdvice).filter((code): code is ErrorCode => code in errorAdvice);

describe('error codes', () => {
  test.each(codes)('%s has a line of advice and a status', (code) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(errorAdvice[code]).toMatch(/^[A-Z][^\n]*\.$/);
    expect(errorStatus(code)).toBeGreaterThanOrEqual(400);
    expect(errorStatus(code)).toBeLessThan(600);
    const error = new PinlightError(code, 'what happened');
    expect(error).toBeInstanceOf(Error);
    expect(error.toBody()).toEqual({ code, message: 'what happened', advice: errorAdvice[code] });
    expect(error.advice).toBe(errorAdvice[code]);
    expect(errorBody(error)).toEqual(error.toBody());
  });

  test.each<[ErrorCode, number]>([
    ['not-permitted', 403], ['foreign-origin', 403], ['not-found', 404], ['no-such-app', 404], ['no-such-exclusion', 404], ['bad-request', 400], ['bad-filter', 400],
    ['bad-policy', 400], ['agent-already-running', 409], ['port-taken', 409], ['agent-timeout', 504], ['agent-not-running', 503], ['bug', 500], ['store-corrupt', 500],
  ])('%s is HTTP %i', (code, status) => {
    expect(errorStatus(code)).toBe(status);
  });

  test.each<[string, unknown, string]>([
    ['an Error', new TypeError('x is not a function'), 'x is not a function'], ['a text', 'oops', 'oops'], ['nothing', undefined, 'undefined'], ['null', null, 'null'],
    ['an object without a prototype that can be a text', { a: 1 }, '[object Object]'],
  ])('%s thrown is a bug', (_, thrown, message) => {
    expect(errorBody(thrown)).toEqual({ code: 'bug', message, advice: errorAdvice.bug });
  });
});

describe('advice', () => {
  const lost = new PinlightError('agent-not-running', 'No agent answers.');
  test('of an installed copy never names npm', () => {
    for (const advice of Object.values(errorAdvice)) expect(advice).not.toMatch(/\bnpm\b/u);
    expect(adviceHere(lost, ownCommands.packaged)).toBe('Open Pinlight, which starts it; where it is a service, `pinlight service status` says how it stands.');
  });
  test('in a source tree is what works there, commands as they are typed there', () => {
    expect(adviceHere(lost, ownCommands.source)).toBe('Start it with `npm start` and try again.');
    expect(adviceHere(new PinlightError('no-such-app', ''), ownCommands.source)).toBe('List the apps Pinlight has seen with `npx --no-install pinlight apps`.');
  });
});
