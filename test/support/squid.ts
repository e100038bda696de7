// A real squid as an organisation's proxy: Basic authentication, CONNECT and plain requests, names out of a file of its own. Not a product part.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findCommand } from './find-command.ts';

export type Squid = {
  readonly port: number;
  /** What it was asked, one line a request: `TCP_TUNNEL/200 CONNECT name:443 ann`. */
  asked(): readonly string[];
  close(): Promise<void>;
};

/** Null, and one line that says why, where there is none. `names` are those of 127.0.0.1. */
export async function startSquid(names: readonly string[], user: string, password: string): Promise<Squid | null> {
  const squid = findCommand('squid');
  const helper = ['/usr/lib/squid/basic_ncsa_auth', '/usr/lib64/squid/basic_ncsa_auth'].find((file) => existsSync(file));
  if (squid === null || helper === undefined) {
    console.log('skipped: squid is not installed (Debian: squid-openssl)');
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'squid-'));
  chmodSync(folder, 0o777);
  const free = net.createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as net.AddressInfo;
  free.close();
  const hashed = spawnSync('openssl', ['passwd', '-apr1', password], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(join(folder, 'passwords'), `${user}:${hashed}\n`);
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 ${names.join(' ')}\n`);
  writeFileSync(join(folder, 'squid.conf'), `
${process.geteuid?.() === 0 ? 'cache_effective_user nobody' : ''}
http_port 127.0.0.1:${port}
auth_param basic program ${helper} ${folder}/passwords
auth_param basic children 1 startup=1 idle=1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
hosts_file ${folder}/hosts
visible_hostname squid.test
workers 1
cache deny all
memory_cache_shared off
logformat asked %Ss/%03>Hs %rm %ru %un
access_log stdio:${folder}/access.log logformat=asked
cache_log ${folder}/cache.log
pid_filename ${folder}/squid.pid
coredump_dir ${folder}
pinger_enable off
shutdown_lifetime 0 seconds
`);
  const child = spawn(squid, ['-N', '-n', `t${process.pid}p${port}`, '-f', join(folder, 'squid.conf')], { stdio: 'ignore' });
  while (child.exitCode === null && !await answers(port)) await wait(20);
  if (child.exitCode !== null) throw new Error(`squid ended with ${child.exitCode}`);
  return {
    port,
    asked: () => (existsSync(join(folder, 'access.log')) ? readFileSync(join(folder, 'access.log'), 'utf8').trim().split('\n').filter((line) => line !== '') : []),
    close: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false)).on('connect', () => socket.destroy());
  });
}
