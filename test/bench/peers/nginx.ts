// The origin of every way: one nginx worker with an ECDSA certificate, a small body, 1 kB and a large file; logs off.
import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { originName, type Certificates } from '../certificates.ts';
import { findCommand } from '../../support/find-command.ts';
import { freePort, waitForPort, type Started, type Workspace } from '../workspace.ts';

/** Bytes of `/large`: long enough that a stream seldom reaches its end within one round. */
const largeBytes = 512 * 1024 * 1024;

/** Starts the origin and answers with the direct way to it. */
export async function startNginx(space: Workspace, certificates: Certificates): Promise<Started> {
  const nginx = findCommand('nginx');
  if (nginx === null) return { kind: 'missing', name: 'direct', why: 'nginx is not installed (Debian: nginx-light)' };
  const folder = space.subfolder('nginx');
  const port = await freePort();
  writeFileSync(join(folder, '1k'), 'x'.repeat(1024));
  writeFileSync(join(folder, 'small'), 'small\n');
  // A file of holes: read from the page cache like any other, without 512 MB to write first.
  const large = openSync(join(folder, 'large'), 'w');
  ftruncateSync(large, largeBytes);
  closeSync(large);
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, certificates));
  const program = space.start('nginx', nginx, ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')]);
  const trouble = await waitForPort(program, port);
  if (trouble !== null) return { kind: 'missing', name: 'direct', why: `nginx: ${trouble}` };
  return { kind: 'started', way: { name: 'direct', port, rootFile: certificates.originRoot, authority: null }, pid: program.pid };
}

function configuration(folder: string, port: number, certificates: Certificates): string {
  // As root the worker would become another user, who cannot read this folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n  ');
  return `${user}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  ${temporary}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  keepalive_requests 100000000;
  open_file_cache max=16;
  default_type text/plain;
  server {
    listen 127.0.0.1:${port} ssl backlog=4096;
    server_name ${originName};
    ssl_certificate ${certificates.originCertificate};
    ssl_certificate_key ${certificates.originKey};
    ssl_protocols TLSv1.2 TLSv1.3;
    root ${folder};
  }
}
`;
}
