// What the agent's Node is started with, whoever starts it. Not for the agent's own options (agent/main.ts).

/** Arguments before the agent's script. `install`: the folder that holds `resources`. */
export function agentNodeArguments(install: string): string[] {
  return [`--openssl-config=${install.replace(/[\\/]$/, '')}/resources/openssl.cnf`];
}
