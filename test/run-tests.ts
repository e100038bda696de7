// `npm test [-- vitest arguments]`: says which client programs are here, runs everything, prints what was skipped and one closing line.
// Not the tests themselves. PINLIGHT_REQUIRE_CLIENTS=1 (CI) makes a missing program a failure.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackages } from './clients/program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const required = process.env['PINLIGHT_REQUIRE_CLIENTS'] === '1';
const report = join(root, 'test', 'out', 'vitest.json');

const missing = debianPackages().filter((one) => !one.present).map((one) => one.name);
console.log(missing.length === 0 ? 'All client programs are here.' : `Debian packages of client programs not on this machine: ${missing.join(' ')}`);

mkdirSync(join(root, 'test', 'out'), { recursive: true });
rmSync(report, { force: true });
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const run = spawnSync(process.execPath, [
  vitest, 'run', '--config', 'test/vitest.config.ts', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2),
], { cwd: root, stdio: 'inherit' });

type Report = { numPassedTests: number; numFailedTests: number; numPendingTests: number; success: boolean };
const counts = readReport();
const absent = required ? missing.length : 0;
if (absent > 0) console.log(`Missing client programs count as failures here: ${missing.join(' ')}`);
const failed = counts.numFailedTests + absent + (counts.success || counts.numFailedTests > 0 ? 0 : 1);
console.log(`${counts.numPassedTests} passed, ${failed} failed, ${counts.numPendingTests} skipped`);
process.exitCode = failed === 0 && run.status === 0 ? 0 : 1;

function readReport(): Report {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as Report;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, success: false };
  }
}
