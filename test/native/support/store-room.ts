// A private mount namespace in which /etc, /usr/local/share and /var/lib are copies: real tools change real stores there, and this machine keeps its own.
// Also a home, a state folder with a root, and a loopback server with a leaf of it. Not a test.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { loadAuthority } from '../../../electron/agent/ca/authority.ts';
import type { Authority } from '../../../electron/agent/ca/authority.ts';
import { mintLeaf, pem } from '../../../electron/agent/ca/mint.ts';
import { pinlightFile } from '../../cli/run-pinlight.ts';

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type StoreRoom = {
  readonly folder: string;
  readonly home: string;
  readonly state: string;
  /** Runs a program inside, with nothing but a PATH, HOME and these variables. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  start(command: readonly string[], env?: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams;
  pinlight(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  close(): void;
};

/** Null, and one line that says why, where there are no rights for a namespace. */
export async function openStoreRoom(): Promise<StoreRoom | null> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) {
    console.log('skipped: changing stores for real needs root, for a mount namespace of its own');
    return null;
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'stores-'));
  const holder = spawn('unshare', ['-m', 'sh', '-ec', `
    mkdir "$0/layers"; mount -t tmpfs tmpfs "$0/layers"
    for d in etc usr/local/share var/lib; do
      layer="$0/layers/$(echo $d | tr / _)"; mkdir -p "$layer/up" "$layer/work"
      mount -t overlay overlay -o "lowerdir=/$d,upperdir=$layer/up,workdir=$layer/work" "/$d"
    done
    # People of this machine have homes, which a room does not know.
    awk -F: '$3 < 1000 || $3 == 65534' /etc/passwd > /etc/passwd.room; cat /etc/passwd.room > /etc/passwd; rm /etc/passwd.room
    echo ready; exec cat`, folder]);
  const first = await Promise.race([once(holder.stdout, 'data').then(String), once(holder, 'exit').then(() => text(holder.stderr))]);
  if (first.trim() !== 'ready') {
    console.log(`skipped: no overlay in a mount namespace here (${first.trim()})`);
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  const [home, state] = ['home', 'state'].map((name) => path.join(folder, name)) as [string, string];
  for (const one of [home, state]) mkdirSync(one, { mode: 0o700 });

  const start: StoreRoom['start'] = (command, env = {}) => spawn('nsenter', ['-t', String(holder.pid), '-m', ...command], {
    cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, XDG_RUNTIME_DIR: folder, LANG: 'C', ...env },
  });
  const run: StoreRoom['run'] = async (command, env) => {
    const child = start(command, env);
    child.stdin.end();
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
    return { code, stdout, stderr };
  };
  return {
    folder, home, state, run, start,
    pinlight: (args, env) => run([process.execPath, pinlightFile, ...args], { PINLIGHT_HOME: state, ...env }),
    close() {
      holder.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A root of Pinlight's in this folder. */
export function makeAuthority(folder: string, device = 'laptop'): Authority {
  const made = loadAuthority(folder, device, Date.now());
  if (made.kind !== 'authority') throw new Error(made.why);
  return made.authority;
}

/** `asked`: paths that were asked for; `refusals`: handshakes that a client broke off. */
export type HelloServer = { readonly port: number; readonly asked: string[]; refusals(): number; close(): void };

/** Answers `hello` over TLS as localhost, with a leaf of this root. */
export async function serveHello(authority: Authority): Promise<HelloServer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const leaf = mintLeaf({
    rootKey: authority.key, issuer: authority.subjectDer, rootKeyId: authority.keyId, publicKey, name: { kind: 'dns', name: 'localhost' },
    notBefore: now - 3600_000, notAfter: now + 24 * 3600_000,
  });
  const asked: string[] = [];
  const server = createServer({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: pem(leaf) }, (request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('connection', 'close').end('hello');
  });
  let refused = 0;
  server.on('tlsClientError', () => {
    refused += 1;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    port: bound.port, asked, refusals: () => refused,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A database with nothing in it, as a browser makes it. */
export function makeNssDatabase(folder: string, passwordFile?: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('certutil', ['-N', '-d', `sql:${folder}`, ...(passwordFile === undefined ? ['--empty-password'] : ['-f', passwordFile])], { stdio: 'ignore', timeout: 20_000 });
}
