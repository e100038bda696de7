import { describe, expect, test } from 'vitest';
import { interpreterOf } from '../../../native/app-identity/interpreters.ts';
import { interpreterOptions, scriptOf } from '../../../native/app-identity/script-of.ts';
import type { Script } from '../../../native/app-identity/script-of.ts';

const file = (path: string): Script => ({ kind: 'file', path });
const inline: Script = { kind: 'inline' };

describe('scriptOf', () => {
  test.each([
    ['Python: a script after flags', 'python', 'python3 -u -W default sync.py --now', file('sync.py')],
    ['Python: a module', 'python', 'python3 -m pip install x', { kind: 'module', name: 'pip' }],
    ['Python: a module at the end of a cluster', 'python', 'python3 -um http.server', { kind: 'module', name: 'http.server' }],
    ['Python: a module glued to its letter', 'python', 'python3 -mpip', { kind: 'module', name: 'pip' }],
    ['Python: code on the command line', 'python', 'python3 -c print(1)', inline],
    ['Python: code at the end of a cluster', 'python', 'python3 -Sc print(1)', inline],
    ['Python: a value glued to its letter', 'python', 'python3 -Wignore -X dev a.py', file('a.py')],
    ['Python: standard input', 'python', 'python3 -', inline],
    ['Python: nothing named means standard input', 'python', 'python3', inline],
    ['Node: a script after flags', 'node', 'node --enable-source-maps --max-old-space-size=4096 server.js --port 1', file('server.js')],
    ['Node: a flag that takes the next word', 'node', 'node -r ./hook.cjs --import tsx app.ts', file('app.ts')],
    ['Node: code on the command line', 'node', 'node -e fetch(1)', inline],
    ['Node: code after an equals sign', 'node', 'node --eval=1', inline],
    ['Node: printed code', 'node', 'node -p 1', inline],
    ['Node: two dashes end the flags', 'node', 'node -- -odd.js', file('-odd.js')],
    ['Node: the debugger', 'node', 'node inspect app.js', file('app.js')],
    ['Java: a jar', 'java', 'java -Xmx1g -jar /opt/a/app.jar -x', file('/opt/a/app.jar')],
    ['Java: a main class with class path', 'java', 'java -cp lib/a.jar:lib/b.jar com.example.Main arg', { kind: 'class', name: 'com.example.Main', classPath: ['lib/a.jar', 'lib/b.jar'] }],
    ['Java: a main class without class path', 'java', 'java -Da=b Main', { kind: 'class', name: 'Main', classPath: ['.'] }],
    ['Java: a class path after an equals sign', 'java', 'java --class-path=x.jar Main', { kind: 'class', name: 'Main', classPath: ['x.jar'] }],
    ['Java: a source file', 'java', 'java Client.java', file('Client.java')],
    ['Java: a module', 'java', 'java -p mods -m a.b/a.b.Main', { kind: 'module', name: 'a.b/a.b.Main' }],
    ['Java: only options', 'java', 'java -version', { kind: 'none' }],
    ['Perl: a script after -I', 'perl', 'perl -I lib -w get.pl', file('get.pl')],
    ['Perl: a module with an e in its name is no code', 'perl', 'perl -MTime::Piece get.pl', file('get.pl')],
    ['Perl: code on the command line', 'perl', 'perl -wE say(1)', inline],
    ['Ruby: a script after -r', 'ruby', 'ruby -r json a.rb', file('a.rb')],
    ['Ruby: code on the command line', 'ruby', 'ruby -rjson -e 1', inline],
    ['PHP: code', 'php', 'php -r echo(1);', inline],
    ['PHP: a named file', 'php', 'php -d a=b -f x.php', file('x.php')],
    ['shell: a script', 'shell', 'bash -x ./run.sh a', file('./run.sh')],
    ['shell: code', 'shell', 'bash -c curl', inline],
    ['Deno: the run command', 'deno', 'deno run -A --config d.json main.ts', file('main.ts')],
    ['Deno: inline code', 'deno', 'deno eval 1', inline],
    ['Bun: the run command', 'bun', 'bun run index.ts', file('index.ts')],
    ['Electron: the app folder', 'electron', 'electron --no-sandbox /srv/app', file('/srv/app')],
  ] as const)('%s', (_name, interpreter, line, expected) => {
    expect(scriptOf(interpreter, line.split(' '))).toEqual(expected);
  });

  test.each([
    ['a rewritten title leaves its first word', ['npm install left-pad'], { kind: 'title', name: 'npm' }],
    ['no arguments at all', [], inline],
    ['an option without its value', ['node', '-r'], inline],
  ])('%s', (_name, argv, expected) => {
    expect(scriptOf('node', argv)).toEqual(expected);
  });
});

test.each([
  ['Node\'s own flags end at the script', 'node', 'node --use-system-ca -r x app.js --use-openssl-ca', ['--use-system-ca', '-r', 'x']],
  ['Java\'s properties end at the jar', 'java', 'java -Da=1 -jar app.jar -Da=2', ['-Da=1', '-jar']],
] as const)('%s', (_name, interpreter, line, expected) => {
  expect(interpreterOptions(interpreter, line.split(' '))).toEqual(expected);
});

test.each([
  ['/usr/bin/python3.11', 'python'], ['/usr/bin/nodejs', 'node'], ['/usr/lib/jvm/x/bin/java', 'java'], ['/usr/bin/perl5.36', 'perl'],
  ['/usr/bin/dash', 'shell'], ['/usr/bin/curl', null], ['/usr/bin/pythonista', null], ['/usr/bin/javac', null],
])('%s is run by %s', (path, expected) => {
  expect(interpreterOf(path)).toBe(expected);
});
