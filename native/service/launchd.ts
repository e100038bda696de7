// Pinlight as a launchd job: a daemon for root (before login), else an agent of the person's session.
// Written from launchd.plist(5) and launchctl(1); not run on a Mac yet.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { trouble } from '../trust-store/run-tool.ts';
import type { ToolResult, ToolRunner } from '../trust-store/run-tool.ts';
import { writeBlocked } from '../trust-store/trust-store.ts';
import { unsafeProgram } from './program-safety.ts';
import type { ServiceManager, ServiceProgram } from './service.ts';

const label = 'dev.pinlight.agent';
/** launchctl: no such job in the domain. */
const notLoaded = 113;

export type LaunchdOptions = { readonly machine: boolean; readonly home: string; readonly uid: number; readonly tools: ToolRunner; readonly program: ServiceProgram };

export function launchdService({ machine, home, uid, tools, program }: LaunchdOptions): ServiceManager {
  const unit = machine ? `/Library/LaunchDaemons/${label}.plist` : path.join(home, 'Library/LaunchAgents', `${label}.plist`);
  const domain = machine ? 'system' : `gui/${uid}`;
  const job = `${domain}/${label}`;
  const launchctl = (...args: readonly string[]): Promise<ToolResult> => tools.run('/bin/launchctl', args);

  return {
    name: 'launchd', unit,
    blocked() {
      const unsafe = machine ? unsafeProgram([program.file, ...program.args.filter((one) => path.isAbsolute(one))]) : null;
      return unsafe === null ? writeBlocked(unit) : { why: unsafe, rights: false };
    },
    async check() {
      if (!existsSync(unit)) return { installed: false, running: false, detail: 'not installed' };
      const shown = await launchctl('print', job);
      const state = shown.kind === 'ended' && shown.code === 0 ? jobState(shown.output) : 'not loaded';
      return { installed: true, running: state === 'running', detail: `${state}, ${unit}` };
    },
    async install(change) {
      await bootOut();
      change.step('load', {});
      change.write(unit, Buffer.from(plist(program)));
      must(await launchctl('bootstrap', domain, unit));
      must(await launchctl('kickstart', job));
    },
    async remove(change) {
      change.step('unload', {});
      await bootOut();
      change.write(unit, null);
    },
    async undoStep(name) {
      await bootOut();
      // The file is as it was before by now.
      if (name === 'unload' || existsSync(unit)) must(await launchctl('bootstrap', domain, unit));
    },
    forget: () => Promise.resolve([]),
  };

  async function bootOut(): Promise<void> {
    const gone = await launchctl('bootout', job);
    if (gone.kind === 'ended' && (gone.code === notLoaded || gone.code === 3)) return;
    must(gone);
  }
}

/** `state = …` of what `launchctl print` shows of a job. Pure. */
export function jobState(text: string): string {
  return /^\s*state = (.+)$/m.exec(text)?.[1] ?? 'unknown';
}

/**
 * The job's description. Restarted when it fails, not when it was told to end; launchd can be told of no other exit code to spare than 0, so a
 * watchdog that gives up has to end with that (contract/agent-arguments.ts). Files for its account alone (63 is 0077); no core. Pure.
 */
export function plist(program: ServiceProgram): string {
  const text = (value: string): string => `<string>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</string>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by \`pinlight service install\`; \`pinlight service remove\` takes it away. -->
<plist version="1.0">
<dict>
  <key>Label</key>${text(label)}
  <key>ProgramArguments</key>
  <array>
${[program.file, ...program.args].map((one) => `    ${text(one)}`).join('\n')}
  </array>
  <key>WorkingDirectory</key>${text(program.folder)}
  <key>EnvironmentVariables</key><dict><key>PINLIGHT_CRASH_LOOP_EXIT</key><string>0</string></dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>ExitTimeOut</key><integer>20</integer>
  <key>ProcessType</key>${text('Interactive')}
  <key>Umask</key><integer>63</integer>
  <key>HardResourceLimits</key><dict><key>Core</key><integer>0</integer></dict>
</dict>
</plist>
`;
}

function must(result: ToolResult): void {
  const why = trouble('launchctl', result);
  if (why !== null) throw new Error(why);
}
