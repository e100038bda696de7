// How each interpreter's command line names what it runs. One row per interpreter; script-of.ts walks the rows. Pure data.

/** Interpreters whose command line names the program that people mean. */
export type Interpreter = 'node' | 'python' | 'java' | 'perl' | 'ruby' | 'php' | 'shell' | 'deno' | 'bun' | 'electron';

export type Grammar = {
  /** Long options (or Java's single-dash ones) that take the next argument. `--x=value` needs no row. */
  readonly valued: ReadonlySet<string>;
  /** Options after which the program is text on the command line. */
  readonly inline: ReadonlySet<string>;
  /** Letters of a cluster (`-Sc`) that mean inline code. */
  readonly inlineLetters: string;
  /** Letters of a cluster that take a value: the rest of the cluster or the next argument. */
  readonly valuedLetters: string;
  /** Letter or option before a module's name. */
  readonly module: ReadonlySet<string>;
  /** Words before the script that are the interpreter's own commands. */
  readonly commands: ReadonlySet<string>;
  /** Commands that run inline code. */
  readonly inlineCommands: ReadonlySet<string>;
  /** Without operand the program comes from standard input. */
  readonly readsStdin: boolean;
};

const none: ReadonlySet<string> = new Set();

/** Interpreter by the file name of the executable (`python3.11`, `nodejs`); null for native programs. */
export function interpreterOf(executable: string): Interpreter | null {
  const name = programName(executable);
  for (const [pattern, interpreter] of names) if (pattern.test(name)) return interpreter;
  return null;
}

/** File name of an executable, on Windows without `.exe` and in lower case. */
export function programName(executable: string): string {
  const file = executable.slice(Math.max(executable.lastIndexOf('/'), executable.lastIndexOf('\\')) + 1);
  return /\.exe$/i.test(file) ? file.slice(0, -'.exe'.length).toLowerCase() : file;
}

const names: readonly (readonly [RegExp, Interpreter])[] = [
  [/^node(js)?(-?\d+)?$/, 'node'],
  [/^([Pp]ython|pypy)[\d.]*[tmdw]?$/, 'python'],
  [/^javaw?$/, 'java'],
  [/^perl[\d.]*$/, 'perl'],
  [/^ruby[\d.]*$/, 'ruby'],
  [/^php(-cgi|-fpm)?[\d.]*$/, 'php'],
  [/^(ba|da|z|k)?sh$/, 'shell'],
  [/^deno$/, 'deno'],
  [/^bun$/, 'bun'],
  [/^electron\d*$/, 'electron'],
];

/** Grammar of each interpreter's command line, from its manual page or `--help`. */
export const grammars: Readonly<Record<Interpreter, Grammar>> = {
  node: {
    valued: new Set([
      '-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--env-file', '--env-file-if-exists',
      '--input-type', '--icu-data-dir', '--openssl-config', '--title', '--dns-result-order', '--max-http-header-size', '--diagnostic-dir',
      '--redirect-warnings', '--report-dir', '--report-directory', '--report-filename', '--unhandled-rejections', '--watch-path',
      '--stack-trace-limit', '--trace-event-categories', '--tls-cipher-list', '--tls-keylog', '--disable-warning', '--test-reporter',
      '--test-name-pattern', '--inspect-port', '--secure-heap', '--localstorage-file', '--cpu-prof-dir', '--heap-prof-dir',
    ]),
    inline: new Set(['-e', '--eval', '-p', '--print', '-pe', '-i', '--interactive']),
    inlineLetters: '', valuedLetters: '', module: none, commands: new Set(['inspect']), inlineCommands: none, readsStdin: true,
  },
  python: {
    valued: new Set(['--check-hash-based-pycs']),
    inline: none, inlineLetters: 'c', valuedLetters: 'WXQ', module: new Set(['m']), commands: none, inlineCommands: none, readsStdin: true,
  },
  java: {
    valued: new Set([
      '-cp', '-classpath', '--class-path', '-p', '--module-path', '--upgrade-module-path', '--add-modules', '--add-reads', '--add-exports',
      '--add-opens', '--enable-native-access', '--limit-modules', '--patch-module', '--source', '-d', '--describe-module',
    ]),
    inline: none, inlineLetters: '', valuedLetters: '', module: new Set(['-m', '--module']), commands: none, inlineCommands: none, readsStdin: false,
  },
  perl: {
    valued: none, inline: none, inlineLetters: 'eE', valuedLetters: 'I', module: none, commands: none, inlineCommands: none, readsStdin: true,
  },
  ruby: {
    valued: new Set(['--encoding', '--external-encoding', '--internal-encoding', '--enable', '--disable']),
    inline: none, inlineLetters: 'e', valuedLetters: 'IrCE', module: none, commands: none, inlineCommands: none, readsStdin: true,
  },
  php: {
    valued: new Set(['--define', '--php-ini', '--docroot', '--server', '--zend-extension']),
    inline: new Set(['--run', '--process-begin', '--process-code', '--process-end']),
    inlineLetters: 'rRB', valuedLetters: 'cdtzS', module: none, commands: none, inlineCommands: none, readsStdin: true,
  },
  shell: {
    valued: new Set(['--rcfile', '--init-file']),
    inline: none, inlineLetters: 'cs', valuedLetters: 'oO', module: none, commands: none, inlineCommands: none, readsStdin: true,
  },
  deno: {
    valued: new Set(['-c', '--config', '--import-map', '--cert', '--location', '-L', '--log-level', '--seed', '--env-file', '--preload']),
    inline: none, inlineLetters: '', valuedLetters: '', module: none,
    commands: new Set(['run', 'serve', 'test', 'bench', 'x']), inlineCommands: new Set(['eval', 'repl']), readsStdin: true,
  },
  bun: {
    valued: new Set(['--cwd', '-r', '--preload', '-c', '--config', '--env-file', '--define', '-d', '--loader', '-l', '--port']),
    inline: new Set(['-e', '--eval', '-p', '--print']),
    inlineLetters: '', valuedLetters: '', module: none, commands: new Set(['run', 'test', 'x']), inlineCommands: new Set(['repl']), readsStdin: true,
  },
  electron: {
    valued: new Set(['-r', '--require']),
    inline: new Set(['-e', '--eval', '-i', '--interactive']),
    inlineLetters: '', valuedLetters: '', module: none, commands: none, inlineCommands: none, readsStdin: false,
  },
};
