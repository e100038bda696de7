// B6, B7: sessions are resumed by the app they belong to and by nobody else; nothing is sent before a handshake is over.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { basename, join } from 'node:path';
import { readClientHello, type ClientHello } from '../../../electron/core/tls/client-hello.ts';
import type { TestAgent } from '../../support/agent.ts';
import { tlsThrough, until } from '../../support/tunnel.ts';
import { createTally, mustInspectAll, run, sClient, withLegs, type Legs, type ServerFiles, type Tally } from '../legs.ts';
import type { Row, RowResult } from '../registry.ts';

export const rows: readonly Row[] = [
  { id: 'B6', title: 'two apps never share a session with a server', source: 'STIP NSA', run: sharedSessions },
  { id: 'B7', title: 'no early data, no resumption on the app\'s leg', source: '9325 8446', run: earlyData },
];

const page = `import ssl, sys, socket
raw = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
raw.sendall(f'CONNECT {sys.argv[2]}:443 HTTP/1.1\\r\\nHost: {sys.argv[2]}:443\\r\\n\\r\\n'.encode())
head = b''
while not head.endswith(b'\\r\\n\\r\\n'): head += raw.recv(1)
with ssl.create_default_context(cafile=sys.argv[4]).wrap_socket(raw, server_hostname=sys.argv[2]) as tls:
    tls.sendall(f'GET {sys.argv[3]} HTTP/1.1\\r\\nHost: {sys.argv[2]}\\r\\nConnection: close\\r\\n\\r\\n'.encode())
    while tls.recv(4096): pass
`;

type App = (agent: TestAgent, host: string, path: string) => readonly string[];
const curl: App = (agent, host, path) => ['curl', '-sS', '--proxy', `http://${agent.proxy}`, '--cacert', agent.rootFile, `https://${host}${path}`];
const wget: App = (agent, host, path) => ['wget', '-q', '-O-', '-e', `https_proxy=http://${agent.proxy}`, `--ca-certificate=${agent.rootFile}`, `https://${host}${path}`];

/** One nginx is both hosts, with one certificate and one key for its tickets: it would take any ticket of its own, from anybody. */
const nginx = (version: string, hosts: string, log: string) => ({ port, key, cert, folder }: ServerFiles): readonly string[] => {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  writeFileSync(join(folder, 'conf'), `daemon off; master_process off; pid ${folder}/pid; events {} http { log_format seen "$request_uri $ssl_session_reused $ssl_protocol"; access_log ${log} seen; ${temporary}
    ssl_session_cache shared:all:1m; ssl_session_tickets on; ssl_early_data on; ssl_protocols ${version};
    server { listen 127.0.0.1:${port} ssl; server_name ${hosts}; ssl_certificate ${cert}; ssl_certificate_key ${key}; keepalive_timeout 0; location / { return 200 hello; } } }`);
  return ['nginx', '-p', folder, '-e', join(folder, 'error'), '-c', join(folder, 'conf')];
};

async function sharedSessions(): Promise<RowResult> {
  const tally = createTally();
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    await withLegs(async (legs) => {
      const log = join(legs.authority.folder, 'seen.log');
      const [a, b] = ['a.sessions.test', 'b.sessions.test'];
      await legs.program('*.sessions.test', 'ec', nginx(version, `${a} ${b}`, log));
      const port = legs.targets.get('*.sessions.test') as number;
      legs.targets.delete('*.sessions.test');
      for (const host of [a, b]) legs.targets.set(host, port);
      const scripts = ['one.py', 'two.py'].map((name) => join(legs.authority.folder, name));
      for (const script of scripts) writeFileSync(script, page);
      const python = (script: string): App => (agent, host, path) => ['python3', script, String(agent.proxyPort), host, path, agent.rootFile];
      const agent = await legs.agent(mustInspectAll);
      const visit = async (title: string, app: App, host: string, expected: 'new' | 'resumed', path: string): Promise<void> => {
        const { text } = await run(app(agent, host, path));
        const line = await until(`nginx has seen ${path}: ${text.slice(0, 200)}`, () => readFileSync(log, 'utf8').split('\n').find((one) => one.startsWith(`${path} `)));
        const [, reused, spoken] = line.split(' ');
        tally.check(`${version}: ${title} is ${expected}`, (reused === 'r') === (expected === 'resumed') && spoken === version, line);
      };
      await visit('the first of curl', curl, a, 'new', '/curl-1');
      await visit('the second of curl', curl, a, 'resumed', '/curl-2');
      await visit('the first of wget, after curl', wget, a, 'new', '/wget-1');
      await visit('the second of wget', wget, a, 'resumed', '/wget-2');
      await visit('curl again', curl, a, 'resumed', '/curl-3');
      await visit('curl at another host of that server', curl, b, 'new', '/curl-b-1');
      await visit('wget at another host of that server', wget, b, 'new', '/wget-b-1');
      await visit('the first of a Python script', python(scripts[0] as string), a, 'new', '/one-1');
      await visit('the first of another Python script', python(scripts[1] as string), a, 'new', '/two-1');
      await visit('the second of the first Python script', python(scripts[0] as string), a, 'resumed', '/one-2');
      const { generation } = await agent.client.call('policy', {}, {});
      agent.writePolicy({
        version: 1, defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'renamed', do: 'inspect', mustInspect: true }],
        network: { port: 0, upstreamRoots: [legs.authority.rootFile], localTargets: Object.fromEntries([a, b].map((host) => [`${host}:443`, `127.0.0.1:${port}`])) },
      });
      await until('the policy is read', async () => (await agent.client.call('policy', {}, {})).generation > generation);
      await visit('curl under another policy', curl, a, 'new', '/curl-4');
    });
  }
  return tally.result('curl, wget and two Python scripts at one nginx with two names and one ticket key, by its own log');
}

async function earlyData(): Promise<RowResult> {
  const tally = createTally();
  await withLegs(async (legs) => {
    const host = 'early.sessions.test';
    const { hellos, direct } = await recorded(legs, host);
    let agent = await legs.agent(mustInspectAll, { home: legs.authority.folder });
    const early = join(legs.authority.folder, 'early.txt');
    writeFileSync(early, 'GET /early HTTP/1.0\r\n\r\n');
    const request = { input: 'GET / HTTP/1.0\r\n\r\n', hold: true };
    const given: string[] = [];
    const foreign: string[] = [];
    for (const version of ['-tls1_2', '-tls1_3']) {
      const file = join(legs.authority.folder, `session${version}.pem`);
      const first = await sClient(agent, host, [version, '-sess_out', file], request);
      tally.check(`${version}: served, without a ticket`, first.version !== null && !/New Session Ticket arrived|TLS session ticket:/.test(first.text), first.text.slice(-200));
      if (existsSync(file)) given.push(file);
      // One of the server's own, with its leave to send early data.
      const server = join(legs.authority.folder, `server${version}.pem`);
      await run(['openssl', 's_client', '-connect', `127.0.0.1:${direct}`, '-servername', host, version, '-sess_out', server], request);
      foreign.push(server);
    }
    const resume = async (when: string): Promise<void> => {
      for (const file of [...given, ...foreign]) await tryToResume(tally, agent, host, file, early, request, when);
    };
    await resume('');
    await agent.stop();
    agent = await legs.agent(mustInspectAll, { home: legs.authority.folder });
    await resume(' after a restart');

    // Upstream: the app's second connection resumes, and still says nothing ahead of time.
    hellos.length = 0;
    for (let n = 0; n < 4; n += 1) {
      const socket = await tlsThrough(agent.proxyPort, host, { rejectUnauthorized: false });
      socket.write('GET / HTTP/1.1\r\nConnection: close\r\n\r\n');
      for await (const chunk of socket) void chunk;
    }
    // pre_shared_key 41, early_data 42
    const resumed = hellos.filter(({ extensions }) => extensions.includes(41));
    tally.check('the server leg is resumed for the same app', resumed.length > 0, hellos.length);
    for (const { extensions } of hellos) tally.check('a hello of ours carries no early data', !extensions.includes(42), extensions);
  });
  return tally.result('openssl s_client -sess_out, -sess_in, -early_data before and after a restart; with sessions of ours and of the server; our hellos, recorded in front of the server');
}

/** A recorder in front of a server whose tickets allow early data: what our hellos carry. */
async function recorded(legs: Legs, host: string): Promise<{ hellos: ClientHello[]; direct: number }> {
  const hellos: ClientHello[] = [];
  await legs.program(host, 'ec', nginx('TLSv1.2 TLSv1.3', host, join(legs.authority.folder, 'early.log')));
  const port = legs.targets.get(host) as number;
  await legs.plain(host, (socket) => {
    socket.once('data', (bytes: Buffer) => {
      socket.pause();
      const read = readClientHello(bytes);
      if (read.kind === 'client-hello') hellos.push(read.hello);
      const server = net.connect(port, '127.0.0.1', () => server.write(bytes));
      server.on('error', () => socket.destroy()).pipe(socket);
      socket.on('error', () => server.destroy()).once('close', () => server.destroy()).pipe(server);
    });
  });
  return { hellos, direct: port };
}

async function tryToResume(tally: Tally, agent: TestAgent, host: string, file: string, early: string, request: { input: string; hold: boolean }, when: string): Promise<void> {
  const [version = ''] = /-tls1_\d/.exec(file) ?? [];
  const title = `${basename(file)}${when}`;
  const again = await sClient(agent, host, [version, '-sess_in', file], request);
  tally.check(`${title} is not resumed`, again.version !== null && !again.resumed, again.text.slice(-200));
  if (version !== '-tls1_3') return;
  const ahead = await sClient(agent, host, [version, '-sess_in', file, '-early_data', early], request);
  tally.check(`${title}: early data is not taken`, ahead.version !== null && !ahead.resumed && /Early data was rejected/.test(ahead.text), ahead.text.slice(-300));
}
