// The preflight of every npm script: says in words what is missing, installs from the lockfile, then runs the task on Node 24.
// Plain JavaScript of the year 2020 on purpose: it must run, and complain, on an old Node. Everything it says goes to stderr.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const [task, ...rest] = process.argv.slice(2);

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(`Node.js ${process.versions.node} is too old: Pinlight needs Node.js 20 or newer to set itself up (it then brings its own Node 24).`);
}
install();
const node = findNode24();

/** Tasks as command lines for Node 24; `vite`, `vitest` … are the locked ones. */
const tasks = {
  start: () => [buildShell, () => run('build/start.ts', rest)],
  demo: () => [() => run('test/demo/demo.ts', rest)],
  lab: () => [() => run('test/lab/lab.ts', rest)],
  'check:security': () => [buildRenderer, () => run('test/security/check.ts', rest)],
  'check:device': () => [() => run('test/device/check.ts', rest)],
  fuzz: () => [() => run('test/fuzz/fuzz.ts', rest)],
  faults: () => [buildAgent, () => run('test/faults/faults.ts', rest)],
  e2e: () => [() => buildAll(false), () => run('test/e2e/e2e.ts', rest)],
  'bench:ui': () => [() => buildAll(false), () => run('test/bench/ui.ts', rest)],
  bench: () => [buildAgent, () => run('test/bench/bench.ts', rest)],
  pinlight: () => [buildRenderer, () => run('electron/cli/pinlight.mjs', rest)],
  build: () => [() => buildAll(true)],
  package: () => [() => buildAll(true), () => bin('electron-builder', ['--dir', '--config', 'build/electron-builder.config.ts', ...rest])],
  test: () => [() => buildAll(false), () => run('test/run-tests.ts', rest)],
  'policy-templates': () => [() => run('build/policy-templates.ts', rest)],
  lint: () => [() => bin('oxlint', ['--type-aware', ...rest])],
  types: () => ['electron/core/tsconfig.json', 'tsconfig.json', 'renderer/tsconfig.json'].map((project) => () => bin('typescript', ['-p', project], 'tsc')),
};
if (tasks[task] === undefined) fail(`there is no task "${task ?? ''}"; there are: ${Object.keys(tasks).join(', ')}`, 2);
for (const step of tasks[task]()) {
  const code = step();
  if (code !== 0) process.exit(code);
}

/** `npm ci` when node_modules is not what the lockfile says. Install scripts stay off: nothing Pinlight uses needs one. */
function install() {
  const stamp = join(modules, '.pinlight-lockfile');
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing what the lockfile names (once, about a minute) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const done = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32',
  });
  if (done.error !== undefined) fail(`npm could not be started (${done.error.message}). Install npm 9 or newer beside Node.js.`);
  if (done.status !== 0) fail('npm ci failed; its message stands above. A network or a registry mirror is needed for the first run.');
  writeFileSync(stamp, wanted);
}

/** The locked Node 24 of this platform, else the running one if it is new enough. */
function findNode24() {
  const names = [`node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`];
  for (const name of names) {
    const file = join(modules, name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(file)) return file;
  }
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 15)) return process.execPath;
  return fail(`there is no Node 24 for ${process.platform} ${process.arch} among the packages. Install Node.js 24.15 or newer and run this again.`);
}

function run(script, args) {
  // node_modules/.bin first, so that whatever a task starts by name is the locked one.
  const environment = { ...process.env, PATH: `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${join(modules, '.bin')}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}` };
  // Throw-away agents leave nothing in the keyring of whoever runs them.
  if (script.startsWith('test/')) environment.DBUS_SESSION_BUS_ADDRESS = 'disabled:';
  const done = spawnSync(node, [join(root, script), ...args], { cwd: process.env.INIT_CWD ?? root, stdio: 'inherit', env: environment });
  return done.status ?? (done.signal === 'SIGINT' ? 0 : 1);
}

/** A tool of node_modules by its package's own bin entry, on Node 24. */
function bin(name, args, command = name) {
  const manifest = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
  const file = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[command];
  return spawnSync(node, [join(modules, name, file), ...args], { cwd: root, stdio: ['ignore', task === 'lint' || task === 'types' ? 'inherit' : 2, 2] }).status ?? 1;
}

function buildRenderer() {
  return buildPart('renderer', 'renderer/vite.config.ts', ['renderer', 'electron/core', 'electron/contract'], false);
}

function buildShell() {
  return buildAll(false);
}

function buildAgent() {
  return buildPart('agent', 'build/vite.agent.config.ts', ['electron', 'native'], false);
}

function buildAll(always) {
  return buildPart('agent', 'build/vite.agent.config.ts', ['electron', 'native'], always)
    || buildPart('renderer', 'renderer/vite.config.ts', ['renderer', 'electron/core', 'electron/contract'], always)
    || buildPart('main', 'build/vite.main.config.ts', ['electron'], always)
    || buildPart('preload', 'build/vite.preload.config.ts', ['electron'], always);
}

/** Builds a part whose sources are newer than its output. */
function buildPart(name, config, sources, always) {
  const stamp = join(root, 'build', 'out', `.${name}-built`);
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  if (!always && built > Math.max(...[...sources, config, 'package-lock.json'].map((path) => newest(join(root, path))))) return 0;
  const code = bin('vite', ['build', '--config', config, '--logLevel', 'warn']);
  if (code === 0) {
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, '');
  }
  return code;
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function say(text) {
  process.stderr.write(`pinlight: ${text}\n`);
}

function fail(text, code = 1) {
  say(text);
  process.exit(code);
}
