#!/usr/bin/env node
// The `pinlight` command: plain JavaScript that any Node reads, which sees to it that the rest runs on Node 24.
// Not for commands (main.ts and commands/): this file only finds the right Node.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Below 24 Node does not run TypeScript sources without a flag, and links another OpenSSL than the one the agent is tested with.
const wanted = 24;
const here = fileURLToPath(import.meta.url);
const args = process.argv.slice(2);

if (majorOf(process.version) >= wanted) {
  const { runCli } = await import('./main.ts');
  process.exitCode = await runCli(args);
} else {
  const node = findNode(dirname(here));
  if (node === null) sayNodeIsTooOld();
  else runOn(node);
}

/** The command again on another Node, with this one's terminal, signals and exit code. */
function runOn(node) {
  const child = spawn(node, [here, ...args], { stdio: 'inherit' });
  // Ctrl-C reaches the whole foreground group, so the child has it already; this process only has to outlive it.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', sayNodeIsTooOld);
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 70;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

/** Path of a Node 24 installed beside Pinlight or in a folder above it; null when there is none. */
function findNode(start) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = start; ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules');
    const packaged = join(modules, `node-${platform}-${process.arch}`);
    if (existsSync(join(packaged, 'bin', file)) && majorOf(versionIn(join(packaged, 'package.json'))) >= wanted) return join(packaged, 'bin', file);
    const linked = join(modules, '.bin', file);
    if (existsSync(linked) && majorOf(spawnSync(linked, ['--version'], { encoding: 'utf8' }).stdout ?? '') >= wanted) return linked;
    if (dirname(folder) === folder) return null;
  }
}

function versionIn(packageFile) {
  try {
    return String(JSON.parse(readFileSync(packageFile, 'utf8')).version);
  } catch {
    return '';
  }
}

function majorOf(version) {
  const major = /^v?(\d+)\./.exec(version.trim());
  return major === null ? 0 : Number(major[1]);
}

function sayNodeIsTooOld() {
  const message = `Pinlight needs Node ${wanted}; this is ${process.version}, and no Node ${wanted} is installed beside Pinlight.`;
  const advice = 'Run `npm install` in the Pinlight folder, which brings one along, or install Node 24.';
  // The same envelope as every other failure of `--json`; contract/errors.ts cannot be imported by this Node.
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ ok: false, error: { code: 'node-too-old', message, advice } })}\n`);
  else process.stderr.write(`pinlight: ${message}\n  ${advice}\n`);
  process.exitCode = 1;
}
