// Whose socket it is, asked by an account that has CAP_SYS_PTRACE and nothing else, as the service has: through fdinfo.
import { spawn, spawnSync } from 'node:child_process';
import * as net from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { descriptorsOf, linkOf } from '../../../native/process-attribution/descriptors.ts';

const caps = ['--reuid=60123', '--regid=60123', '--clear-groups', '--inh-caps=+sys_ptrace', '--ambient-caps=+sys_ptrace'];
const may = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('setpriv', [...caps, 'true'], { cwd: '/' }).status === 0;
if (!may) console.log('skipped: an account with one capability needs Linux, root and setpriv');

const ask = `
const { descriptorsOf, linkOf } = await import(process.argv[1]);
const own = (await import('node:net')).createServer().listen(0);
const all = descriptorsOf(Number(process.argv[2]));
console.log(JSON.stringify(typeof all === 'string' ? all : all.list.map((fd) => linkOf(Number(process.argv[2]), fd)).filter((link) => link !== null)));
process.exit();`;

test.runIf(may)('the sockets of another user\'s process are told, and nothing but sockets', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const own = descriptorsOf(process.pid);
    const sockets = (typeof own === 'string' ? [] : own.list).map((fd) => linkOf(process.pid, fd)).filter((link) => link?.startsWith('socket:') === true);
    const child = spawn('setpriv', [...caps, process.execPath, '--input-type=module', '-e', ask, new URL('../../../native/process-attribution/descriptors.ts', import.meta.url).href, String(process.pid)], { cwd: '/' });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    await once(child, 'close');
    const seen = JSON.parse(text) as string[];
    expect(seen.every((link) => /^socket:\[\d+\]$/.test(link))).toBe(true);
    for (const link of sockets) expect(seen).toContain(link);
  } finally {
    server.close();
  }
});
