// Reading a policy file of the user's own, or one named on the command line: whether it is a file at all, and of bearable size.
// Not for managed files, whose owner matters (native/managed-policy), nor for what a file says (core/policy/parse).
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { policyLimits } from '../../core/policy/keys.ts';
import type { PolicyContent } from '../../core/policy/sources.ts';

/** The file's text; null = there is none. */
export function readPolicyFile(file: string): PolicyContent | null {
  let descriptor: number | null = null;
  try {
    // Non-blocking: a named pipe in this place would hold the agent for good. Windows knows neither pipes here nor the flag.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { kind: 'refused', why: 'this is not a regular file' };
    if (stats.size > policyLimits.fileBytes) return { kind: 'refused', why: `the file is larger than ${policyLimits.fileBytes} bytes` };
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(descriptor)) };
  } catch (error) {
    if (error instanceof TypeError) return { kind: 'refused', why: 'the file is not UTF-8 text' };
    const code = errorCode(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : { kind: 'refused', why: `the file cannot be read (${code})` };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}
