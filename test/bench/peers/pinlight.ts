// Pinlight's own agent as a process, as it ships: policy file, state folder of its own, HTTP CONNECT on a free port.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { agentNodeArguments } from '../../../electron/contract/agent-arguments.ts';
import { originName, type Certificates } from '../certificates.ts';
import { lastWords, type Program, type Started, type Workspace } from '../workspace.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
/** A first start makes the root key and the database; well below this many ms. */
const readyMs = 30_000;

/** Starts the agent with one rule (inspect port 443) and the origin's root as an extra upstream root. */
export async function startPinlight(space: Workspace, certificates: Certificates, originPort: number): Promise<Started> {
  const entry = join(repository, 'build/out/agent/main.mjs');
  if (!existsSync(entry)) return missing('build/out/agent/main.mjs is not there; `npm run build` makes it');
  const folder = space.subfolder('pinlight');
  const policyFile = join(folder, 'policy.json');
  writeFileSync(policyFile, JSON.stringify({
    version: 1,
    rules: [{ id: 'all', when: { port: [443] }, do: 'inspect' }],
    network: { port: 0, localTargets: { [`${originName}:443`]: `127.0.0.1:${originPort}` }, upstreamRoots: [certificates.originRoot] },
  }));
  const ownNode = join(repository, 'node_modules/.bin/node');
  const program = space.start('pinlight', existsSync(ownNode) ? ownNode : process.execPath, [...agentNodeArguments(repository), entry, '--policy', policyFile, '--ready-json'], {
    env: { ...process.env, PINLIGHT_HOME: join(folder, 'home') }, readsOutput: true, measured: true,
  });
  const ready = await readReadyLine(program);
  if (typeof ready === 'string') return missing(`the agent did not get ready: ${ready}`);
  const way = { name: 'pinlight', port: ready.port, rootFile: ready.root, authority: `${originName}:443` } as const;
  return { kind: 'started', way, pid: ready.pid };
}

function missing(why: string): Started {
  return { kind: 'missing', name: 'pinlight', why };
}

/** Resident memory of a process in MB (10^6 bytes); null where /proc does not tell. */
export function residentMB(pid: number): number | null {
  try {
    const kiB = /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kiB === undefined ? null : (Number(kiB) * 1024) / 1e6;
  } catch {
    return null;
  }
}

type Ready = { readonly port: number; readonly root: string; readonly pid: number };

async function readReadyLine(program: Program): Promise<Ready | string> {
  const { stdout } = program.child;
  if (stdout === null) return 'it has no standard output';
  const timer = setTimeout(() => { stdout.destroy(); }, readyMs);
  try {
    for await (const line of createInterface({ input: stdout })) {
      const ready = parseReady(line);
      if (ready !== null) return ready;
    }
    return lastWords(program);
  } finally {
    clearTimeout(timer);
    // What it prints later has no reader here; a full pipe would stop the agent.
    stdout.resume();
  }
}

function parseReady(line: string): Ready | null {
  if (!line.startsWith('{')) return null;
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null || !('ready' in value) || value.ready !== true) return null;
  if (!('proxy' in value && 'root' in value && 'pid' in value) || !Array.isArray(value.proxy)) return null;
  const ipv4 = value.proxy.map(String).find((address) => address.startsWith('127.0.0.1:'));
  if (ipv4 === undefined || typeof value.root !== 'string' || typeof value.pid !== 'number') return null;
  return { port: Number(ipv4.slice(ipv4.lastIndexOf(':') + 1)), root: value.root, pid: value.pid };
}
