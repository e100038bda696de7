// What an interpreter was told to run, from its arguments alone: script, module, jar, class or inline code. Pure.
// Not for touching the file system: script-file.ts resolves what is found here.
import { grammars, interpreterOf } from './interpreters.ts';
import type { Grammar, Interpreter } from './interpreters.ts';

export type Script =
  /** A script or jar; relative paths are against the working directory. */
  | { readonly kind: 'file'; readonly path: string }
  /** Python's `-m`, Java's `--module`. */
  | { readonly kind: 'module'; readonly name: string }
  /** Java's main class with its class path entries (`.` when none is named). */
  | { readonly kind: 'class'; readonly name: string; readonly classPath: readonly string[] }
  /** Code on the command line or from standard input: another program at each call. */
  | { readonly kind: 'inline' }
  /** The process wrote a title of its own over its arguments (npm does); only its first word is left. */
  | { readonly kind: 'title'; readonly name: string }
  | { readonly kind: 'none' };

/** Reads the command line of an interpreter; never throws. Wrong at worst for options that are unknown here and take the next argument. */
export function scriptOf(interpreter: Interpreter, argv: readonly string[]): Script {
  const title = titleOf(interpreter, argv);
  if (title !== null) return { kind: 'title', name: title };
  if (interpreter === 'java') return javaProgram(argv.slice(1));
  return walk(grammars[interpreter], argv.slice(1), interpreter);
}

/** Arguments that the interpreter itself reads, before the program: where options about trust stand. */
export function interpreterOptions(interpreter: Interpreter, argv: readonly string[]): readonly string[] {
  const grammar = grammars[interpreter];
  const options: string[] = [];
  for (let at = 1; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    if (!argument.startsWith('-') && !grammar.commands.has(argument)) break;
    options.push(argument);
    if (takesNext(grammar, argument)) {
      at += 1;
      options.push(argv[at] ?? '');
    }
    if (argument === '-jar' || argument === '--') break;
  }
  return options;
}

function walk(grammar: Grammar, args: readonly string[], interpreter: Interpreter): Script {
  let commandSeen = false;
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (argument === '-') return { kind: 'inline' };
    if (argument === '--') {
      const path = args[at + 1];
      return path === undefined ? whenNothingNamed(grammar) : { kind: 'file', path };
    }
    if (!argument.startsWith('-')) {
      if (!commandSeen && grammar.inlineCommands.has(argument)) return { kind: 'inline' };
      if (!commandSeen && grammar.commands.has(argument)) {
        commandSeen = true;
        continue;
      }
      return { kind: 'file', path: argument };
    }
    if (grammar.inline.has(argument) || [...grammar.inline].some((option) => option.startsWith('--') && argument.startsWith(`${option}=`))) {
      return { kind: 'inline' };
    }
    if (interpreter === 'php' && (argument === '-f' || argument === '--file')) return { kind: 'file', path: args[at + 1] ?? '' };
    if (grammar.valued.has(argument)) {
      at += 1;
      continue;
    }
    if (argument.startsWith('--') || (grammar.inlineLetters === '' && grammar.valuedLetters === '')) continue;
    const cluster = readCluster(grammar, argument, args[at + 1]);
    if (cluster.kind === 'program') return cluster.script;
    if (cluster.usesNext) at += 1;
  }
  return whenNothingNamed(grammar);
}

function whenNothingNamed(grammar: Grammar): Script {
  return { kind: grammar.readsStdin ? 'inline' : 'none' };
}

type Cluster = { readonly kind: 'options'; readonly usesNext: boolean } | { readonly kind: 'program'; readonly script: Script };

// `-Sc code`, `-um pip`, `-Wdefault`, `-W default`: letters up to the first that takes a value or ends the options.
function readCluster(grammar: Grammar, argument: string, next: string | undefined): Cluster {
  for (let at = 1; at < argument.length; at += 1) {
    const letter = argument.charAt(at);
    const rest = argument.slice(at + 1);
    if (grammar.inlineLetters.includes(letter)) return { kind: 'program', script: { kind: 'inline' } };
    if (grammar.module.has(letter)) return { kind: 'program', script: { kind: 'module', name: rest === '' ? next ?? '' : rest } };
    if (grammar.valuedLetters.includes(letter)) return { kind: 'options', usesNext: rest === '' };
    // Perl's and Ruby's -M, -m, -i, -x, -0, -l, -F and -D carry their value in the same word: nothing after them is a letter of its own.
    if ('MixlFD0'.includes(letter) && !grammar.module.has('m')) return { kind: 'options', usesNext: false };
  }
  return { kind: 'options', usesNext: false };
}

function javaProgram(args: readonly string[]): Script {
  const grammar = grammars.java;
  let classPath: readonly string[] = ['.'];
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (argument === '-jar') return { kind: 'file', path: args[at + 1] ?? '' };
    if (grammar.module.has(argument)) return { kind: 'module', name: args[at + 1] ?? '' };
    if (argument.startsWith('--module=')) return { kind: 'module', name: argument.slice('--module='.length) };
    if (argument.startsWith('--class-path=')) classPath = splitClassPath(argument.slice('--class-path='.length));
    if (grammar.valued.has(argument)) {
      if (['-cp', '-classpath', '--class-path'].includes(argument)) classPath = splitClassPath(args[at + 1] ?? '');
      at += 1;
      continue;
    }
    if (argument.startsWith('-') || argument.startsWith('@')) continue;
    // Source-file mode: `java Client.java`.
    return argument.endsWith('.java') ? { kind: 'file', path: argument } : { kind: 'class', name: argument, classPath };
  }
  return { kind: 'none' };
}

function splitClassPath(text: string): readonly string[] {
  const entries = text.split(':').filter((entry) => entry !== '');
  return entries.length === 0 ? ['.'] : entries;
}

function takesNext(grammar: Grammar, argument: string): boolean {
  if (grammar.valued.has(argument)) return true;
  return !argument.startsWith('--') && argument.length === 2 && grammar.valuedLetters.includes(argument.charAt(1));
}

/** One argument that names no such interpreter is a title: `npm install`, `worker 3`, `sidekiq`. A changing rest is left out. */
function titleOf(interpreter: Interpreter, argv: readonly string[]): string | null {
  const first = argv[0] ?? '';
  // A login shell is started as `-bash`.
  if (argv.length !== 1 || first.startsWith('/') || first === '' || interpreterOf(first.replace(/^-/, '')) === interpreter) return null;
  return first.split(' ')[0] ?? null;
}
