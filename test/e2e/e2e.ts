// `npm run e2e [--json]`: the window in a real Chromium on a real agent, with real programs failing through it. Pictures lie in test/out/shots.
// Not the tests themselves (beside this file); `npm test` runs them as well.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../support/agent.ts';
import { chromiumPath } from '../support/open-window.ts';

const usage = `Usage: npm run e2e -- [--json]

Drives the window in ${chromiumPath} (PINLIGHT_CHROMIUM names another): an employee's path, a helpdesk's, an administrator's, every screen
in light and dark, at full width, 720 and 320 pixels. Exit code 0 when all passed.
  --json   one document: {"tests":[{"file","name","ok"}],"shots":[…],"ok"}
`;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (!existsSync(chromiumPath)) {
  console.error(`There is no ${chromiumPath}, so nothing can be driven (Debian: chromium).`);
  process.exit(1);
}

const out = join(repository, 'test', 'out');
const report = join(out, 'e2e.json');
mkdirSync(out, { recursive: true });
const run = spawnSync(process.execPath, [
  join(repository, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'test/vitest.config.ts', 'test/e2e', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`,
], { cwd: repository, stdio: ['ignore', values.json ? 2 : 'inherit', 'inherit'] });

type Report = { readonly testResults: readonly { readonly name: string; readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[] }[] };
const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
const tests = testResults.flatMap(({ name, assertionResults }) => assertionResults.map((one) => ({ file: name.split('/').at(-1), name: one.fullName, ok: one.status === 'passed' })));
const shots = readdirSync(join(out, 'shots')).filter((file) => file.endsWith('.png'));
if (values.json) console.log(JSON.stringify({ tests, shots, ok: run.status === 0 }));
else console.log(`${tests.filter(({ ok }) => ok).length} of ${tests.length} passed; ${shots.length} pictures in test/out/shots`);
process.exitCode = run.status === 0 ? 0 : 1;
