// Pinlight as a service of this system: which manager, and a journal of the caller's own. Run by a person's command, never by the agent.
// Not for what the service does.
import path from 'node:path';
import { createToolRunner } from '../trust-store/run-tool.ts';
import type { ToolRunner } from '../trust-store/run-tool.ts';
import { recoverAfterTools } from '../undo-journal/after-tools.ts';
import { openJournal } from '../undo-journal/index.ts';
import { launchdService } from './launchd.ts';
import { changeService } from './service.ts';
import type { ServiceManager, ServiceOutcome, ServiceProgram, ServiceState } from './service.ts';
import { systemdService } from './systemd.ts';
import { windowsService } from './windows.ts';

export type { ServiceOutcome, ServiceProgram, ServiceState } from './service.ts';
export { unitReleasesCapture } from './systemd.ts';

export type Service = {
  readonly name: string;
  readonly unit: string;
  /** What an interrupted predecessor left and could not be put right, in words. */
  readonly left: readonly string[];
  status(): Promise<ServiceState>;
  install(): Promise<ServiceOutcome>;
  remove(): Promise<ServiceOutcome>;
  /** Takes away what `remove` keeps for a later installation; answers what is left, in words. */
  forget(): Promise<readonly string[]>;
  close(): void;
};

export type ServiceResult = { readonly kind: 'service'; readonly service: Service } | { readonly kind: 'in-use' | 'unusable'; readonly why: string };

export type ServiceOptions = {
  /** The caller's own state folder: the journal stands in it. */
  readonly stateFolder: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** What it runs for the machine, and for one user. */
  readonly programs: { readonly machine: ServiceProgram; readonly user: ServiceProgram };
  readonly now: () => number;
};

/** systemctl, useradd and the like that outlived a killed predecessor: stopping a service may take as long as its open connections. */
const outlivedMs = 60_000;

/** The machine's service for root and administrators, else the caller's own. First puts right what an interrupted predecessor left. */
export async function openService(options: ServiceOptions): Promise<ServiceResult> {
  const folder = path.join(options.stateFolder, 'undo');
  const opened = openJournal(folder, 'service', options.now, 5_000);
  if (opened.kind === 'in-use') return { kind: 'in-use', why: 'another `pinlight service` is at work' };
  if (opened.kind === 'unusable') return opened;
  const { journal } = opened;
  const tools = toolsOf(options);
  const manager = serviceManager(options, tools);
  const recovered = await recoverAfterTools(journal, tools, (_subject, _verb, name, data) => manager.undoStep(name, data), outlivedMs);
  if (recovered === null) {
    journal.close();
    return { kind: 'in-use', why: `a tool that an interrupted command started is still at work (process ${tools.outlived().join(', ')})` };
  }
  const left = recovered.flatMap((one) => one.left);
  return { kind: 'service', service: {
    name: manager.name, unit: manager.unit, left,
    status: () => manager.check(),
    install: () => changeService(journal, manager, 'install'),
    async remove() {
      const outcome = await changeService(journal, manager, 'remove');
      if (outcome.kind === 'done' && !journal.hasUnfinished()) journal.forget();
      return outcome;
    },
    forget: () => manager.forget(),
    close: () => journal.close(),
  } };
}

/** How the service stands, for a reader that changes nothing and puts nothing right. */
export function serviceState(options: Omit<ServiceOptions, 'now'>): Promise<ServiceState> {
  return serviceManager(options, toolsOf(options)).check();
}

function toolsOf({ stateFolder, env }: Pick<ServiceOptions, 'stateFolder' | 'env'>): ToolRunner {
  return createToolRunner(env, `${path.join(stateFolder, 'undo')} service`);
}

function serviceManager({ home, env, programs }: Omit<ServiceOptions, 'now'>, tools: ToolRunner): ServiceManager {
  const machine = process.geteuid?.() === 0;
  const program = machine || process.platform === 'win32' ? programs.machine : programs.user;
  switch (process.platform) {
    case 'win32': return windowsService({ env, tools, program });
    case 'darwin': return launchdService({ machine, home, uid: process.getuid?.() ?? 0, tools, program });
    default: return systemdService({ machine, home, env, tools, program });
  }
}
