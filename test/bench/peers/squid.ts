// squid beside Pinlight: CONNECT proxy that peeks at the ClientHello, then bumps everything; no cache, no log, one worker.
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { originName, type Certificates } from '../certificates.ts';
import { findCommand } from '../../support/find-command.ts';
import { freePort, waitForPort, type Started, type Workspace } from '../workspace.ts';

/** Started as root, squid insists on becoming somebody else. */
const unprivileged = 'nobody';

/** Starts squid with TLS interception in front of the origin's port. */
export async function startSquid(space: Workspace, certificates: Certificates, originPort: number): Promise<Started> {
  const squid = findCommand('squid');
  if (squid === null) return missing('squid is not installed (Debian: squid-openssl)');
  const version = await space.run(squid, ['-v'], 10_000);
  if (!version.stdout.includes('--with-openssl')) return missing('this squid is built without OpenSSL (Debian: squid-openssl)');
  const generator = findCommand('security_file_certgen', ['/usr/lib/squid', '/usr/lib64/squid', '/usr/libexec/squid']);
  if (generator === null) return missing('squid\'s security_file_certgen is not installed');

  const folder = space.subfolder('squid');
  const made = await space.run(generator, ['-c', '-s', join(folder, 'certificates'), '-M', '16MB'], 10_000);
  if (made.code !== 0) return missing(`security_file_certgen: ${(made.stderr + made.stdout).trim()}`);
  const port = await freePort();
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 ${originName}\n`);
  writeFileSync(join(folder, 'squid.conf'), configuration({ folder, port, originPort, generator, certificates }));
  if (process.getuid?.() === 0) await giveAway(space, folder);
  // A service name of its own keeps it apart from a squid that already runs on this machine.
  const program = space.start('squid', squid, ['-N', '-n', `bench${process.pid}`, '-f', join(folder, 'squid.conf')], { measured: true });
  const trouble = await waitForPort(program, port);
  if (trouble !== null) return missing(`squid: ${trouble}`);
  const way = { name: 'squid', port, rootFile: certificates.interceptorRoot, authority: `${originName}:${originPort}` } as const;
  return { kind: 'started', way, pid: program.pid };
}

function missing(why: string): Started {
  return { kind: 'missing', name: 'squid', why };
}

async function giveAway(space: Workspace, folder: string): Promise<void> {
  const ids = await Promise.all(['-u', '-g'].map(async (flag) => Number((await space.run('id', [flag, unprivileged], 5_000)).stdout)));
  const [uid = 65_534, gid = 65_534] = ids;
  await space.run('chown', ['-R', `${uid}:${gid}`, folder], 5_000);
  chownSync(folder, uid, gid);
}

type Setting = {
  readonly folder: string;
  readonly port: number;
  readonly originPort: number;
  readonly generator: string;
  readonly certificates: Certificates;
};

function configuration({ folder, port, originPort, generator, certificates }: Setting): string {
  const user = process.getuid?.() === 0 ? `cache_effective_user ${unprivileged}` : '';
  return `${user}
http_port 127.0.0.1:${port} ssl-bump tls-cert=${certificates.interceptorRoot} tls-key=${certificates.interceptorKey} generate-host-certificates=on dynamic_cert_mem_cache_size=16MB
sslcrtd_program ${generator} -s ${folder}/certificates -M 16MB
sslcrtd_children 2 startup=2 idle=1
tls_outgoing_options cafile=${certificates.originRoot} default-ca=off
acl origin port ${originPort}
acl hello at_step SslBump1
ssl_bump peek hello
ssl_bump bump all
http_access allow origin
http_access deny all
hosts_file ${folder}/hosts
visible_hostname bench.test
workers 1
cache deny all
memory_cache_shared off
access_log none
cache_log ${folder}/cache.log
pid_filename ${folder}/squid.pid
coredump_dir ${folder}
pinger_enable off
shutdown_lifetime 0 seconds
`;
}
