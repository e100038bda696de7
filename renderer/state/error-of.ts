// Any rejection of the bridge as code, message and advice. Errors that crossed Electron's context bridge are plain objects.
import { errorAdvice, errorBody } from '../../electron/contract/errors.ts';
import type { ErrorBody, ErrorCode } from '../../electron/contract/errors.ts';

/** The error in words; what carries no code of ours is a bug and says so. */
export function errorOf(thrown: unknown): ErrorBody {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown && isCode(thrown.code)) {
    return { code: thrown.code, message: String(thrown.message), advice: errorAdvice[thrown.code] };
  }
  return errorBody(thrown);
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorAdvice, value);
}
