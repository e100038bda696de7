// An identity survives what leaves the program as it is, and ends with what does not: real files, real processes. Linux only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, copyFileSync, linkSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AppIdentity } from '../../../electron/core/model.ts';
import { createAppIdentifier } from '../../../native/app-identity/index.ts';
import type { AppIdentifier } from '../../../native/app-identity/index.ts';
import { createFileBook, markOf } from '../../../native/app-identity/file-facts.ts';
import { unvouched } from '../../../native/app-identity/provenance.ts';
import { createProcessAttribution } from '../../../native/process-attribution/index.ts';
import type { ProcessAttribution } from '../../../native/process-attribution/index.ts';
import { openLoopback, startClient, stopClient } from '../support/clients.ts';
import type { Loopback } from '../support/clients.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: tampering with running programs is tested on Linux only');
const mayMount = linux && spawnSync('unshare', ['-m', 'true'], { stdio: 'ignore' }).status === 0;
if (!mayMount) console.log('skipped: another view of the files needs the right to unshare mounts');

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe.runIf(linux)('a program', () => {
  let folder: string;
  let tool: string;
  let server: Loopback;
  let attribution: ProcessAttribution;
  let identifier: AppIdentifier;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'tampering-'));
    tool = path.join(folder, 'tool');
    copyFileSync('/bin/bash', tool);
    chmodSync(tool, 0o755);
    server = await openLoopback();
    attribution = createProcessAttribution();
    identifier = createAppIdentifier();
  });
  afterEach(async () => {
    attribution.close();
    identifier.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const lines = (before = ''): string => `${before} exec 3<>/dev/tcp/127.0.0.1/${server.port}; read <&3`;

  /** Starts a client, lets `meanwhile` happen while it runs, and gives its complete identity. */
  async function identityOf(command: string, args: readonly string[], meanwhile: () => void = () => undefined): Promise<AppIdentity> {
    const child = startClient(command, args, { cwd: folder });
    try {
      const { connection } = await server.next();
      meanwhile();
      return await identityFor(connection);
    } finally {
      await stopClient(child);
    }
  }

  async function identityFor(connection: Parameters<ProcessAttribution['ownerOf']>[0]): Promise<AppIdentity> {
    const owner = await attribution.ownerOf(connection, 5000);
    if (owner.kind !== 'process') throw new Error(owner.why);
    await expect.poll(async () => (await identifier.identify(owner)).hash, { timeout: 20_000 }).not.toBeNull();
    return identifier.identify(owner);
  }

  const run = (name = tool, before = ''): Promise<AppIdentity> => identityOf(name, ['-c', lines(before)]);

  test.each<[string, (file: string) => void]>([
    ['touched', (file) => utimesSync(file, 1, 1)],
    ['moved away and back', (file) => {
      renameSync(file, `${file}-away`);
      renameSync(`${file}-away`, file);
    }],
    ['copied over itself', (file) => {
      copyFileSync(file, `${file}-copy`);
      renameSync(`${file}-copy`, file);
    }],
  ])('%s is the same version', async (_name, change) => {
    const before = await run();
    change(tool);
    expect(await run()).toEqual(before);
  });

  test.each<[string, (file: string) => void]>([
    ['replaced by another file', (file) => {
      writeFileSync(`${file}-new`, readFileSync(file), { mode: 0o755 });
      appendFileSync(`${file}-new`, 'x');
      renameSync(`${file}-new`, file);
    }],
    ['written in place', (file) => appendFileSync(file, 'x')],
    ['written in place with its size and time put back', (file) => {
      const { atime, mtime } = statSync(file);
      const content = readFileSync(file);
      content.writeUInt8(content.readUInt8(content.length - 1) ^ 1, content.length - 1);
      writeFileSync(file, content);
      utimesSync(file, atime, mtime);
    }],
  ])('%s is the same app and another version', async (_name, change) => {
    const before = await run();
    change(tool);
    const after = await run();
    expect({ ...after, hash: null }).toEqual({ ...before, hash: null });
    expect(after.hash).toBe(sha256(tool));
    expect(after.hash).not.toBe(before.hash);
  });

  test('a symbolic link is the program it leads to; a hard link is another app with the same content', async () => {
    symlinkSync(tool, path.join(folder, 'soft'));
    linkSync(tool, path.join(folder, 'hard'));
    const [own, soft, hard] = [await run(), await run(path.join(folder, 'soft')), await run(path.join(folder, 'hard'))];
    expect(soft).toEqual(own);
    expect(hard).toMatchObject({ name: 'hard', hash: own.hash });
    expect(hard.id).not.toBe(own.id);
  });

  test('what a process calls itself changes nothing', async () => {
    const own = await run();
    expect(await run(tool, 'echo firefox > /proc/$$/comm;')).toEqual(own);
    expect(await identityOf('/bin/bash', ['-c', `exec -a /usr/bin/firefox ${tool} -c '${lines()}'`])).toEqual(own);
  });

  test('an interpreter that gives itself a title after it was seen stays the script it began as', async () => {
    const script = path.join(folder, 'app.mjs');
    writeFileSync(script, `import net from 'node:net';
      const connect = () => net.connect(${server.port}, '127.0.0.1');
      connect().once('data', () => { process.title = 'firefox'; connect().resume(); });`);
    const child = startClient(process.execPath, [script], { cwd: folder });
    try {
      const first = await server.next();
      const before = await identityFor(first.connection);
      first.socket.write('x');
      const second = await server.next();
      expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).toMatch(/^firefox/);
      expect(before).toMatchObject({ name: 'node · app.mjs', script });
      expect(await identityFor(second.connection)).toEqual(before);
    } finally {
      await stopClient(child);
    }
  });

  test('a program that is deleted or replaced while it runs is what it was when it began', async () => {
    const own = await run();
    expect(await identityOf(tool, ['-c', lines()], () => {
      writeFileSync(`${tool}-new`, 'other', { mode: 0o755 });
      renameSync(`${tool}-new`, tool);
    })).toEqual(own);
    copyFileSync('/bin/bash', `${tool}-again`);
    renameSync(`${tool}-again`, tool);
    chmodSync(tool, 0o755);
    expect(await identityOf(tool, ['-c', lines()], () => unlinkSync(tool))).toEqual(own);
  });

  test('an edited script is another version, an edited interpreter too', async () => {
    const script = path.join(folder, 'job.sh');
    const shell = path.join(folder, 'bash');
    renameSync(tool, shell);
    writeFileSync(script, lines());
    const first = await identityOf(shell, [script]);
    appendFileSync(script, '\n#');
    const second = await identityOf(shell, [script]);
    appendFileSync(shell, 'x');
    const third = await identityOf(shell, [script]);
    expect(new Set([first.id, second.id, third.id]).size).toBe(1);
    expect(new Set([first.hash, second.hash, third.hash]).size).toBe(3);
  });

  test.runIf(mayMount)('a script of the same name in another view of the files is another script', async () => {
    const shell = path.join(folder, 'bash');
    const script = path.join(folder, 'inside', 'job.sh');
    renameSync(tool, shell);
    spawnSync('mkdir', [path.dirname(script)]);
    writeFileSync(script, lines());
    const outside = await identityOf(shell, [script]);
    const inside = await identityOf('unshare', ['-m', 'bash', '-c', `mount -t tmpfs none ${path.dirname(script)} && echo '${lines()} # inside' > ${script} && exec ${shell} ${script}`]);
    expect(inside).toMatchObject({ name: outside.name, script, known: false });
    expect(inside.hash).not.toBe(outside.hash);
  });
});

test.runIf(linux)('a file that changes while it is hashed has no hash, and is hashed again', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'hashing-'));
  const file = path.join(folder, 'tool');
  writeFileSync(file, Buffer.alloc(1024));
  const mark = markOf(file);
  if (mark === null) throw new Error('no mark');
  const book = createFileBook({ of: () => Promise.resolve(unvouched) });
  const program = { path: file, readAt: file, mark, pid: 1, sandbox: null };
  try {
    writeFileSync(`${file}-new`, Buffer.alloc(1024, 1));
    renameSync(`${file}-new`, file);
    expect(await book.factsOf(program)).toMatchObject({ sha256: null, intact: false });
    expect(await book.factsOf({ ...program, mark: markOf(file) ?? mark })).toMatchObject({ sha256: sha256(file) });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
