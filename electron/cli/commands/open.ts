// `pinlight open`: the window in a browser, until Ctrl-C or ten minutes after the last window has gone.
// Not for the desktop app's own window (electron/main).
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';

export function addOpenCommand(program: Command, context: CliContext): void {
  program.command('open')
    .description('the window, in a browser')
    .option('--no-browser', 'only print the link')
    .option('--assets <folder>', 'serve another build of the window')
    .addHelpText('after', '\nExamples:\n  $ pinlight open\n  $ pinlight open --no-browser\n\nThe link works once and for two minutes. The command runs until Ctrl-C, or 10 minutes after the last window was closed.\n')
    .action(async (options: { browser: boolean; assets?: string }) => {
      const [{ serveWindow }, { builtRenderer }, { openBrowser }, { runDoctor }] = await Promise.all([
        import('../window/serve-window.ts'), import('../window/renderer-files.ts'), import('../window/open-browser.ts'), import('../doctor/run-doctor.ts'),
      ]);
      const signal = context.interruption();
      const { client, now, command } = context;
      const server = await serveWindow({
        client, folder: options.assets ?? builtRenderer, now, uids: ownUids(process.env), idleMs: 600_000, command, examine: () => runDoctor({ client, now, probe: null }),
      });
      context.output.data({ url: server.url });
      const opened = options.browser && (await openBrowser(server.url, process.env));
      context.output.line(opened ? 'The window opens in your browser. If it does not, follow this link within two minutes:' : 'Follow this link within two minutes:');
      context.output.line(`  ${server.url}`);
      context.output.note('It works once. Ctrl-C closes the window.');
      await aborted(AbortSignal.any([server.idle, signal]));
      await server.close();
    });
}

/** This user, and under sudo the one who typed it: that one's browser opens the link. Null on systems without uids. */
function ownUids(env: NodeJS.ProcessEnv): readonly number[] | null {
  const own = process.getuid?.();
  if (own === undefined) return null;
  const asked = Number(env['SUDO_UID'] ?? '');
  return own === 0 && Number.isInteger(asked) ? [own, asked] : [own];
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
