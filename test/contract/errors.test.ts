// Error codes: each has advice and a status, and whatever is thrown becomes a body.
import { describe, expect, test } from 'vitest';
import { errorAdvice, errorBody, errorStatus, PinlightError, type ErrorCode } from '../../electron/contract/errors.ts';

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
