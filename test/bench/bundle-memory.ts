// By hand: memory of the agent while it makes a bundle out of a store with 1,000,000 connections (Linux).
//   npm run build && node_modules/.bin/node test/bench/bundle-memory.ts [ROWS]
// Prints one JSON document: resident memory in MB before, at its peak (VmHWM, reset before) and after; exits 1 above 150 MB.
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository, startTestAgent } from '../support/agent.ts';
import { fillStore } from './log-store.ts';

const mostMb = 150;
const rows = Number(process.argv[2] ?? 1_000_000);
const home = mkdtempSync(join(tmpdir(), 'pinlight-bundle-memory-'));
try {
  console.error(`${rows} rows …`);
  fillStore(join(home, 'pinlight.db'), rows, Date.now());
  // As it ships: plain JavaScript.
  const agent = await startTestAgent({}, { home, main: join(repository, 'build', 'out', 'agent', 'main.mjs') });
  try {
    await agent.client.call('status', {}, {});
    const before = memoryMb(agent.pid, 'VmRSS');
    writeFileSync(`/proc/${agent.pid}/clear_refs`, '5');
    const begun = performance.now();
    const file = join(home, 'bundle.zip');
    await agent.client.downloadBundle(createWriteStream(file));
    const ms = Math.round(performance.now() - begun);
    const peak = memoryMb(agent.pid, 'VmHWM');
    console.log(JSON.stringify({ rows, beforeMb: before, peakMb: peak, afterMb: memoryMb(agent.pid, 'VmRSS'), ms, bundleBytes: statSync(file).size, mostMb, ok: peak <= mostMb }));
    process.exitCode = peak <= mostMb ? 0 : 1;
  } finally {
    await agent.stop();
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}

function memoryMb(pid: number, key: 'VmRSS' | 'VmHWM'): number {
  return Math.round(Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}
