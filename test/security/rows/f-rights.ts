// F6, F7, F8: rights per user and verb in the service, nothing left behind, nothing written through somebody's links.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repository, startTestAgent } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { openStoreRoom } from '../../native/support/store-room.ts';
import { createTally, run } from '../legs.ts';
import { skip, type CheckRun, type Row, type RowResult } from '../registry.ts';
import { noSecondUser, strangerUid } from '../second-user.ts';
import { canConnect } from '../situation-servers.ts';

export const rows: readonly Row[] = [
  { id: 'F6', title: 'rights per verb: own rows to read, administrators write', source: 'Tailscale', run: rights },
  { id: 'F7', title: 'nothing is left after uninstall', source: 'Zoom', slow: true, run: nothingLeft },
  { id: 'F8', title: 'no write follows somebody\'s link', source: 'CVE-2021-44226 CVE-2020-11492', slow: true, run: noLinks },
];

async function rights(): Promise<RowResult> {
  const why = noSecondUser();
  if (why !== null || findCommand('unshare') === null) return skip(why ?? 'a service of its own needs unshare');
  const tally = createTally();
  const script = fileURLToPath(new URL('../inside/service-agent.ts', import.meta.url));
  const { code, text } = await run(['unshare', '--mount', '--net', 'sh', '-ec', 'mount -t tmpfs -o mode=755 none /run; mount -t tmpfs -o mode=755 none /var/lib; exec "$0" "$1"', process.execPath, script], { timeoutMs: 120_000 });
  const line = text.split('\n').find((one) => one.startsWith('[{"what"'));
  if (code !== 0 || line === undefined) throw new Error(text.slice(-800));
  for (const { what, held, seen } of JSON.parse(line) as { what: string; held: boolean; seen: string }[]) tally.check(what, held, seen);
  return tally.result('an agent as the service with a uid of its own and CAP_SYS_PTRACE; two users and root at its socket, under two policies');
}

async function nothingLeft(): Promise<RowResult> {
  if (!existsSync(join(repository, 'electron/cli/commands/uninstall.ts'))) return skip('there is no pinlight uninstall yet');
  const room = await openStoreRoom();
  if (room === null) return skip('changing stores for real needs root and a mount namespace');
  const tally = createTally();
  try {
    const agent = await startTestAgent({ rules: [] }, { home: room.state });
    try {
      await room.pinlight(['trust', 'install']);
      const files = (): Promise<string> => room.run(['sh', '-c', `grep -rlE 'Pinlight|pinlight' /etc /usr/local/share '${room.home}' 2>/dev/null | sort; find '${room.state}' -type f -not -name test-policy.json | sort`]).then(({ stdout }) => stdout.trim());
      tally.check('it is there before, so the check can tell', (await files()).includes('root.key'));
      const { code, stdout, stderr } = await room.pinlight(['uninstall', '--yes']);
      tally.check('uninstall ends well', code === 0, stdout + stderr);
      const left = await files();
      tally.check('no file of ours and no mention of us is left', left === '', left);
      tally.check('the port is closed', !(await canConnect(agent.proxyPort)));
      tally.check('the socket is gone', !existsSync(agent.controlPath));
    } finally {
      await agent.stop();
    }
  } finally {
    room.close();
  }
  return tally.result('pinlight uninstall on copies of this machine\'s stores, with the agent running');
}

async function noLinks({ quick }: CheckRun): Promise<RowResult> {
  const why = noSecondUser();
  if (why !== null) return skip(why);
  const tally = createTally();
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-links-'));
  const precious = join(folder, 'precious');
  const agent = await startTestAgent({ rules: [] });
  const pinlight = (args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | null; text: string }> => run([process.execPath, join(repository, 'electron/cli/pinlight.mjs'), ...args], { env: { PINLIGHT_HOME: agent.home, ...env } });
  const untouched = (what: string): void => tally.check(`${what}: what the link names is untouched`, readFileSync(precious, 'utf8') === 'precious');
  try {
    writeFileSync(precious, 'precious');
    // A folder of another user's: they put links in the way of what root writes.
    const theirs = join(folder, 'theirs');
    mkdirSync(theirs, { mode: 0o777 });
    chownSync(theirs, strangerUid, strangerUid);
    for (let round = 0; round < (quick ? 2 : 6); round += 1) {
      const file = join(theirs, `bundle-${round}.zip`);
      symlinkSync(precious, file);
      for (let n = 1; n < 40; n += 1) symlinkSync(precious, join(theirs, `.bundle-${round}.zip.${process.pid + n}.part`));
      await pinlight(['bundle', '-o', file]);
      untouched('bundle -o at a link');
      await pinlight(['bundle', '-o', file, '--force']);
      untouched('bundle -o --force at a link');
    }
    // The link is swapped in while the bundle is being written.
    const raced = join(theirs, 'raced.zip');
    const swap = run(['setpriv', `--reuid=${strangerUid}`, `--regid=${strangerUid}`, '--clear-groups', 'sh', '-c', `i=0; while [ $i -lt ${quick ? 400 : 2_000} ]; do for f in "$1" "$2"/.raced.zip.*.part; do [ -e "$f" ] && { rm -f "$f"; ln -s "$3" "$f"; }; done; ln -sf "$3" "$1"; i=$((i+1)); done 2>/dev/null`, 'sh', raced, theirs, precious], { timeoutMs: 60_000 });
    for (let n = 0; n < (quick ? 2 : 6); n += 1) await pinlight(['bundle', '-o', raced, '--force']);
    await swap;
    untouched('a link swapped in during bundle -o');

    // A run folder that somebody else has made beforehand, where the path of the state folder is too long for a socket.
    const long = join(folder, 'x'.repeat(90));
    mkdirSync(long, { mode: 0o700 });
    const shared = await plantedRunFolder(long, folder, precious);
    tally.check('a run folder of somebody else\'s is refused', shared.refused, shared.text);
    untouched('a planted run folder');

    // Links inside the state folder lead the owner's agent nowhere it did not make.
    const home = join(folder, 'home');
    mkdirSync(home, { mode: 0o700 });
    for (const name of ['root.pem.new', 'root.key.new']) symlinkSync(precious, join(home, name));
    const linked = await startTestAgent({ rules: [] }, { home }).catch(() => null);
    await linked?.stop();
    untouched('links at the temporary names of root and key');
    if (linked !== null) tally.check('the key became a file of its own', lstatSync(join(home, 'root.key')).isFile());
    tally.check('nothing of ours is left in the other user\'s folder', readdirSync(theirs).every((name) => !name.endsWith('.part') || lstatSync(join(theirs, name)).isSymbolicLink()));
  } finally {
    await agent.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result('bundles of root\'s into another user\'s folder with planted and swapped links, a planted run folder, links at temporary names');
}

/** XDG_RUNTIME_DIR is left out, so that the folder in the shared temporary folder is next. */
async function plantedRunFolder(home: string, shared: string, precious: string): Promise<{ refused: boolean; text: string }> {

  const place = join(shared, `pinlight-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`);
  mkdirSync(place, { mode: 0o777 });
  chownSync(place, strangerUid, strangerUid);
  symlinkSync(precious, join(place, 'control.sock'));
  const env = { ...process.env, PINLIGHT_HOME: home, TMPDIR: shared, NODE_OPTIONS: '' };
  delete (env as Record<string, string | undefined>)['XDG_RUNTIME_DIR'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(repository, 'electron/agent/main.ts'), '--policy', join(repository, 'test/core/policy/valid-policy.json'), '--ready-json'], { env, encoding: 'utf8', timeout: 20_000 });
  return { refused: status !== 0 && /belongs to somebody else/.test(stderr), text: `${status} ${stdout}${stderr}` };
}
