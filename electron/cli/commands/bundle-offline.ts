// Has the agent's own program make a bundle although no agent runs: it reads what is left on disk and ends. Not for what it reads (agent/offline-bundle).
import { spawn } from 'node:child_process';
import { locateAgent, pathsOfThisProcess } from '../../client/state-folder.ts';
import { PinlightError } from '../../contract/errors.ts';
import type { BundleJob, ExaminedBundleRequest } from '../../contract/jobs.ts';
import { largestBundle } from '../../core/diagnostics/read-bundle.ts';
import { agentScript } from '../own-program.ts';

/** The job that is ready, and the whole bundle. Rejects with PinlightError, and with an AbortError when `signal` aborts. */
export async function makeOfflineBundle(request: ExaminedBundleRequest, signal: AbortSignal): Promise<{ readonly job: BundleJob; readonly bytes: Buffer }> {
  const service = locateAgent().stateFolder === pathsOfThisProcess(true).stateFolder;
  const child = spawn(process.execPath, [agentScript(), '--offline-bundle', ...(service ? ['--service'] : [])], { stdio: ['pipe', 'pipe', 'pipe'], signal });
  const ended = new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { said = (said + chunk).slice(-2_000); });
  // One that has ended already says why on its other channels.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  const chunks: Buffer[] = [];
  let length = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > largestBundle) child.kill();
    else chunks.push(chunk);
  });
  const code = await ended;
  const all = Buffer.concat(chunks);
  const head = all.indexOf(10);
  if (code !== 0 || head < 0) throw new PinlightError('bug', `The agent's program ended (${code ?? 'killed'}) before the bundle was whole: ${said.trim()}`);
  const job = JSON.parse(all.subarray(0, head).toString()) as BundleJob;
  if (job.error !== null) throw new PinlightError(job.error.code, job.error.message);
  return { job, bytes: all.subarray(head + 1) };
}
