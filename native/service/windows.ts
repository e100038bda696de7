// Pinlight as a Windows service: node.exe answers no service control, so WinSW stands around it: resources/service/pinlight-service.exe, which
// whoever builds a package puts there (build/electron-builder.config.ts).
// The machine's only, as LocalSystem; a person's own agent is started by the tray at login. Not run on Windows yet.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { trouble } from '../trust-store/run-tool.ts';
import type { ToolResult, ToolRunner } from '../trust-store/run-tool.ts';
import { writeBlocked } from '../trust-store/trust-store.ts';
import type { ServiceManager, ServiceProgram } from './service.ts';

const serviceName = 'pinlight';

export type WindowsServiceOptions = { readonly env: NodeJS.ProcessEnv; readonly tools: ToolRunner; readonly program: ServiceProgram };

export function windowsService({ env, tools, program }: WindowsServiceOptions): ServiceManager {
  const wrapper = path.win32.join(program.folder, 'resources', 'service', 'pinlight-service.exe');
  const unit = path.win32.join(env['ProgramData'] ?? 'C:\\ProgramData', 'Pinlight', 'service', 'pinlight-service.xml');
  const sc = path.win32.join(env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'sc.exe');
  const winsw = (verb: string): Promise<ToolResult> => tools.run(wrapper, [verb, unit]);

  return {
    name: 'Windows services', unit,
    blocked() {
      if (!existsSync(wrapper)) return { why: `${wrapper} is missing, the service wrapper that comes with a package (WinSW 3): this copy of Pinlight was not packaged for Windows`, rights: false };
      return writeBlocked(unit);
    },
    async check() {
      const state = parseQuery(await tools.run(sc, ['query', serviceName]));
      return { installed: state !== 'absent', running: state === 'RUNNING', detail: state === 'absent' ? 'not installed' : state.toLowerCase() };
    },
    async install(change) {
      change.step('register', {});
      change.write(unit, Buffer.from(wrapperConfig(program)));
      if (parseQuery(await tools.run(sc, ['query', serviceName])) === 'absent') must(await winsw('install'));
      must(await winsw('restart'));
    },
    async remove(change) {
      change.step('unregister', {});
      await winsw('stop');
      must(await winsw('uninstall'));
      change.write(unit, null);
    },
    async undoStep(name) {
      const known = parseQuery(await tools.run(sc, ['query', serviceName])) !== 'absent';
      if (name === 'register' && known && !existsSync(unit)) must(await tools.run(sc, ['delete', serviceName]), 'sc.exe');
      if (name === 'unregister') {
        if (!known) must(await winsw('install'));
        must(await winsw('start'));
      }
    },
    forget: () => Promise.resolve([]),
  };
}

/** The state's name of what `sc.exe query` prints, whatever the language; `absent` for error 1060. Pure. */
export function parseQuery(result: ToolResult): string {
  if (result.kind !== 'ended' || result.code === 1060) return 'absent';
  return /:\s*\d\s+(STOPPED|START_PENDING|STOP_PENDING|RUNNING|CONTINUE_PENDING|PAUSE_PENDING|PAUSED)\b/.exec(result.output)?.[1] ?? 'absent';
}

/** WinSW 3's description of the service. It spares no exit code but 0, so a watchdog that gives up has to end with that (contract/agent-arguments.ts). Pure. */
export function wrapperConfig(program: ServiceProgram): string {
  const text = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  // A backslash before a closing quote would escape it (CommandLineToArgvW).
  const word = (value: string): string => (/[\s"]/.test(value) ? `"${value.replaceAll('"', '\\"').replace(/\\$/, '\\\\')}"` : value);
  return `<!-- Written by \`pinlight service install\`; \`pinlight service remove\` takes it away. -->
<service>
  <id>${serviceName}</id>
  <name>Pinlight</name>
  <description>Inspects TLS as this device's policy says.</description>
  <executable>${text(program.file)}</executable>
  <arguments>${text(program.args.map(word).join(' '))}</arguments>
  <workingdirectory>${text(program.folder)}</workingdirectory>
  <env name="PINLIGHT_CRASH_LOOP_EXIT" value="0"/>
  <startmode>Automatic</startmode>
  <onfailure action="restart" delay="2 sec"/>
  <resetfailure>1 hour</resetfailure>
  <stoptimeout>20 sec</stoptimeout>
  <log mode="none"/>
</service>
`;
}

function must(result: ToolResult, tool = 'pinlight-service.exe'): void {
  const why = trouble(tool, result);
  if (why !== null) throw new Error(why);
}
