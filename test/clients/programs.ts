// All driven programs, by family. Not for running them (program.ts) and not for what they must be judged (test/lab, test/demo).
import { commandLine } from './command-line.ts';
import { go } from './go.ts';
import { java } from './java.ts';
import { node } from './node.ts';
import { others } from './others.ts';
import type { Program } from './program.ts';
import { python } from './python.ts';

export { chromium, firefox } from './browsers.ts';
export { isPresent, type Place, type Program, type Visit, type VisitResult } from './program.ts';
export { commandLine, go, java, node, others, python };

/** Every program but the browsers. */
export const allPrograms: readonly Program[] = [commandLine, python, node, java, go, others].flatMap((family) => Object.values(family) as Program[]);
