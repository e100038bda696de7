// The agent's memory, in which the root key lies open: neither another account nor its own can read it or take its core. Real agent, real uids.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentNodeArguments } from '../../../electron/contract/agent-arguments.ts';
import { repository } from '../../support/agent.ts';

const [account, stranger] = [65534, 65533];
const possible = process.platform === 'linux' && process.geteuid?.() === 0;
if (!possible) console.log('skipped: reading an agent\'s memory from other accounts needs root on Linux');

describe.runIf(possible)('an agent of an ordinary account', () => {
  let home: string;
  let agent: ChildProcess;
  let open: ChildProcess;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'pinlight-memory-'));
    writeFileSync(join(home, 'policy.json'), '{"version":1,"network":{"port":0}}');
    for (const path of [home, join(home, 'policy.json')]) chownSync(path, account, account);
    chmodSync(home, 0o700);
    const as = { uid: account, gid: account, cwd: home, env: { PATH: process.env['PATH'], HOME: home, PINLIGHT_HOME: home } };
    agent = spawn(process.execPath, [...agentNodeArguments(repository), join(repository, 'electron/agent/main.ts'), '--policy', join(home, 'policy.json'), '--ready-json'], { ...as, stdio: ['ignore', 'pipe', 'inherit'] });
    if (agent.stdout !== null) await once(agent.stdout, 'data');
    // The same Node, with its memory as the system gives it: the control.
    open = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => 0, 1e6)'], { ...as, stdio: ['ignore', 'pipe', 'inherit'] });
    if (open.stdout !== null) await once(open.stdout, 'data');
  }, 60_000);
  afterAll(async () => {
    for (const child of [agent, open]) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(home, { recursive: true, force: true });
  });

  /** What an account gets when it opens the memory, the environment and the open files of a process. */
  const looks = (uid: number, child: ChildProcess): readonly string[] => {
    const script = 'for (const name of ["mem", "environ", "maps", "fd"]) { let said = "open"; try { const fs = require("node:fs"); if (name === "fd") fs.readdirSync(`/proc/${process.argv[1]}/fd`); else fs.closeSync(fs.openSync(`/proc/${process.argv[1]}/${name}`)); } catch (error) { said = error.code; } console.log(`${name} ${said}`); }';
    const ran = spawnSync('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, '-e', script, String(child.pid)], { encoding: 'utf8' });
    return ran.stdout.trim().split('\n');
  };

  test('its memory, environment and files are closed to its own account, as to any other', () => {
    const own = looks(account, agent);
    expect(own.filter((line) => line.endsWith('open') && !line.startsWith('maps'))).toEqual([]);
    expect(looks(stranger, agent).filter((line) => line.endsWith('open') && !line.startsWith('maps'))).toEqual([]);
  });
  test('without that protection its own account could read it: the look is a real one', () => {
    const control = looks(account, open);
    expect(control).toContain('environ open');
    expect(control).toContain('fd open');
  });
  test('its key file is closed to another account', () => {
    const ran = spawnSync('setpriv', [`--reuid=${stranger}`, '--clear-groups', 'cat', join(home, 'root.key')], { encoding: 'utf8' });
    expect(ran.status).not.toBe(0);
    expect(ran.stdout).toBe('');
  });
  test('it still reads its own /proc, and answers', () => {
    const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8');
    expect(status).toContain(`Uid:\t${account}`);
    const ran = spawnSync('setpriv', [`--reuid=${account}`, `--regid=${account}`, '--clear-groups', process.execPath, join(repository, 'electron/cli/pinlight.mjs'), 'status', '--json'], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: home, PINLIGHT_HOME: home } });
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true });
  });
});
