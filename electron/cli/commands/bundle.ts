// `pinlight bundle`: saves the diagnostic bundle that the agent collects and redacts.
// Not for what goes into it (agent/diagnostics).
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { countBytes } from '../../client/control-client.ts';
import { locateAgent } from '../../client/state-folder.ts';
import { PinlightError } from '../../contract/errors.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { sizeWords } from '../phrases.ts';

export function addBundleCommand(program: Command, context: CliContext): void {
  program.command('bundle')
    .description('save one zip file for support: state, history, policy, logs, redacted; nothing is sent anywhere')
    .option('-o, --output <file>', 'where to; a folder gets a dated name, `-` is standard output')
    .option('--force', 'replace a file that is there already')
    .addHelpText('after', '\nExamples:\n  $ pinlight bundle\n  $ pinlight bundle -o /tmp/pinlight.zip\n  $ pinlight bundle -o - | ssh helpdesk "cat > bundle.zip"\n')
    .action(async (options: { output?: string; force?: boolean }) => {
      if (options.output === '-' && context.output.json) throw new PinlightError('bad-request', 'Standard output cannot carry both the bundle and --json.');
      if (options.output !== undefined && options.force !== true) await refuseExisting(options.output);
      const signal = context.interruption();
      context.output.progress('Collecting …');
      try {
        const { body, fileName, length } = await context.client.openBundle({ signal });
        const progress = createProgress(length, (text) => context.output.progress(text));
        const counted = countBytes(progress.update);
        if (options.output === '-') {
          await pipeline(body, counted, process.stdout, { signal });
          context.output.progress(null);
          return;
        }
        const file = await placeFor(options.output, fileName);
        await writeWhole((target) => pipeline(body, counted, target, { signal }), file);
        context.output.progress(null);
        context.output.data({ file, bytes: progress.bytes() });
        context.output.line(`Saved ${file} (${sizeWords(progress.bytes())}).`);
        context.output.line('Open report.html in it first. Private keys, contents, cookies and query strings are never collected.', 'dim');
      } catch (thrown) {
        context.output.progress(null);
        if (!signal.aborted) throw withoutAgent(thrown);
        context.output.note('Interrupted; nothing was saved.');
        context.finish(exitCodes.interrupted);
      }
    });
}

function createProgress(length: number | null, show: (text: string) => void): { update: (bytes: number) => void; bytes: () => number } {
  let soFar = 0;
  let shownAt = 0;
  return {
    bytes: () => soFar,
    update(bytes) {
      soFar = bytes;
      // A terminal redraw per 100 kB is smooth enough and costs nothing.
      if (bytes - shownAt < 100_000) return;
      shownAt = bytes;
      show(`Saving … ${sizeWords(bytes)}${length === null ? '' : ` of ${sizeWords(length)}`}`);
    },
  };
}

async function refuseExisting(output: string): Promise<void> {
  const found = await stat(resolve(output)).catch(() => null);
  if (found?.isFile() === true) throw new PinlightError('bundle-unwritable', `${output} exists already; --force replaces it.`);
}

/** Support then has to do with what the agent left behind. */
function withoutAgent(thrown: unknown): unknown {
  if (!(thrown instanceof PinlightError) || thrown.code !== 'agent-not-running') return thrown;
  const { stateFolder } = locateAgent();
  const left = ['agent.log', 'pinlight.db'].map((name) => join(stateFolder, name)).filter((file) => existsSync(file));
  return new PinlightError('agent-not-running', left.length === 0
    ? `No agent runs, so nothing can be collected, and none has left anything in ${stateFolder}.`
    : `No agent runs, so nothing can be collected. What the last one left: ${left.join(' and ')} (not redacted).`);
}

async function placeFor(output: string | undefined, name: string): Promise<string> {
  const path = resolve(output ?? '.');
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() === true ? join(path, name) : path;
}

/** Under its name only when complete; `wx` never follows a link that somebody left under the temporary name. */
async function writeWhole(copyTo: (target: Writable) => Promise<void>, file: string): Promise<void> {
  const part = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  try {
    await copyTo(createWriteStream(part, { flags: 'wx', mode: 0o600 }));
    await rename(part, file);
  } catch (thrown) {
    if (!isFileError(thrown)) {
      await rm(part, { force: true });
      throw thrown;
    }
    if (thrown.code !== 'EEXIST') await rm(part, { force: true }).catch(() => undefined);
    throw new PinlightError('bundle-unwritable', `${file} cannot be written (${thrown.code}).`);
  }
}

function isFileError(thrown: unknown): thrown is { readonly code: string; readonly path: string } {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && ('path' in thrown || thrown.code === 'ENOSPC');
}
