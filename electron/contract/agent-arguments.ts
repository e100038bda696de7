// What the agent's Node is started with, how long a start may take, and what its watchdog leaves behind, whoever starts them. Not for the agent's own options (agent/main.ts).

/**
 * Arguments before the agent's script. `install`: the folder that holds `resources`. Node's code on large pages, where the system has them: a connection
 * that comes alone runs through all of it once, and is 2 to 5 % quicker (`npm run bench`) for 12 MB.
 */
export function agentNodeArguments(install: string): string[] {
  return [`--openssl-config=${install.replace(/[\\/]$/, '')}/resources/openssl.cnf`, '--use-largepages=silent'];
}

/** ms until the first answer: reading a large store and making a root take seconds at most; an agent that has not answered by now never will. */
export const agentStartMs = 60_000;

/** Exit code of a watchdog that gave up: a service manager must not start it again (EX_UNAVAILABLE of sysexits.h). */
export const crashLoopExitCode = 69;

/** `0` in the environment of a watchdog whose service manager spares no exit code but 0 (native/service/launchd.ts and windows.ts set it). */
export const crashLoopExitVariable = 'PINLIGHT_CRASH_LOOP_EXIT';

/** In the state folder: when the watchdog last gave up (`{"at": ms since the epoch}`), for the agent's next start to tell. */
export const crashLoopFile = 'crash-loop.json';
