// Managed policy of this system with a real agent, in the store room's copy of /etc: every level counts with its origin, and a broken file keeps the last good version.
// Not a test.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { agentNodeArguments } from '../../electron/contract/agent-arguments.ts';
import type { PolicyAnswer } from '../../electron/contract/routes.ts';
import type { StoreRoom } from '../native/support/store-room.ts';
import { repository } from '../support/agent.ts';
import { until } from '../support/tunnel.ts';

export type PolicyRow = {
  /** Values in force by who set them. */
  readonly origins: Readonly<Record<string, number>>;
  /** Of the broken files, those whose good version stayed in force. */
  readonly broken: number;
  readonly keptLastGood: number;
  /** From writing a file until it is in force, ms. */
  readonly reloadMs: number;
  readonly ok: boolean;
};

const levels = '/etc/pinlight/policies';
const rules = (id: string): string => `[{"id":"${id}","when":{"host":"${id}.example"},"do":"bypass"}]`;
/** Each breaks the file in another way. */
const broken = ['{', '{"version":1,"rules":7}', '{"version":1,"rules":[{"id":"x","when":{"host":"(a+)+$"},"do":"inspect"}]}', '{"version":2}', 'not even JSON'];

export async function measurePolicy(room: StoreRoom): Promise<PolicyRow> {
  const state = path.join(room.folder, 'policy-state');
  const env = { PINLIGHT_HOME: state };
  mkdirSync(state, { mode: 0o700 });
  mkdirSync(path.join(room.home, '.config/pinlight'), { recursive: true });
  writeFileSync(path.join(room.home, '.config/pinlight/policy.json'), `{"version":1,"rules":${rules('user')}}`);
  const write = async (file: string, text: string): Promise<void> => {
    const child = room.start(['sh', '-c', `mkdir -p ${path.dirname(file)} && cat > ${file}.new && mv ${file}.new ${file}`]);
    child.stdin.end(text);
    await once(child, 'close');
  };
  const managed = `${levels}/managed/10-team.json`;
  const good = `{"version":1,"rules":${rules('managed')},"network":{"port":0}}`;
  await write(managed, good);
  await write(`${levels}/recommended/10-advice.json`, '{"version":1,"defaults":{"onPinned":"block"}}');

  const agent = room.start([process.execPath, ...agentNodeArguments(repository), path.join(repository, 'electron/agent/main.ts'), '--ready-json'], env);
  const show = async (): Promise<PolicyAnswer> => (JSON.parse((await room.run([process.execPath, path.join(repository, 'electron/cli/pinlight.mjs'), 'policy', 'show', '--json'], env)).stdout) as { readonly data: PolicyAnswer }).data;
  try {
    await once(agent.stdout, 'data');
    const { policy } = await show();
    const origins: Record<string, number> = {};
    for (const { origin } of Object.values(policy.origins)) origins[origin] = (origins[origin] ?? 0) + 1;

    let keptLastGood = 0;
    for (const text of broken) {
      await write(managed, text);
      const answer = await until('a problem', async () => {
        const found = await show();
        return found.problems.length > 0 ? found : null;
      });
      if (answer.policy.rules.some((rule) => rule.id === 'managed')) keptLastGood += 1;
      await write(managed, good);
      await until('the good file again', async () => (await show()).problems.length === 0);
    }
    const start = performance.now();
    await write(managed, good.replaceAll('managed', 'changed'));
    await until('the changed file', async () => (await show()).policy.rules.some((rule) => rule.id === 'changed'));
    const reloadMs = Math.round(performance.now() - start);
    const ok = keptLastGood === broken.length && ['managed', 'recommended', 'user'].every((origin) => (origins[origin] ?? 0) > 0);
    return { origins, broken: broken.length, keptLastGood, reloadMs, ok };
  } finally {
    const gone = once(agent, 'close');
    agent.kill('SIGKILL');
    await gone;
  }
}
