// F6 from inside: an agent as the machine's service with a uid of its own, two users and root who ask it for everything. Prints what was tried.
// Started by rows/f-rights.ts in a mount and a network namespace with empty /run and /var/lib: the machine's own stay as they are.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { agentNodeArguments } from '../../../electron/contract/agent-arguments.ts';
import { routePaths, type RouteAnswer, type RouteName } from '../../../electron/contract/routes.ts';
import { repository } from '../../support/agent.ts';
import { createTestAuthority, startOrigin } from '../../support/origins.ts';
import { until } from '../../support/tunnel.ts';
import { unzip } from '../../support/unzip.ts';

const run = promisify(execFile);
const [ann, ben, agentUid] = [65_534, 1, 60_123];
const control = '/run/pinlight/control.sock';
const tried: { what: string; held: boolean; seen: string }[] = [];
const check = (what: string, held: boolean, seen: unknown = ''): void => void tried.push({ what, held, seen: typeof seen === 'string' ? seen : JSON.stringify(seen) });

await run('ip', ['link', 'set', 'lo', 'up']);
for (const folder of ['/run/pinlight', '/var/lib/pinlight', '/var/lib/check']) {
  mkdirSync(folder);
  chownSync(folder, agentUid, agentUid);
}
chmodSync('/var/lib/check', 0o777);

const authority = createTestAuthority();
const hosts = { ann: 'ann.rights.test', ben: 'ben.rights.test' };
const origins = await Promise.all(Object.values(hosts).map((host) => startOrigin(authority, host)));
const rootFile = '/var/lib/check/origins.pem';
copyFileSync(authority.rootFile, rootFile);
chmodSync(rootFile, 0o644);

type Answer = { readonly status: number; readonly body: { readonly ok?: boolean; readonly data?: unknown }; readonly text: string };
const asker = join('/var/lib/check', 'ask.cjs');
writeFileSync(asker, `const [control, method, path, body, out] = process.argv.slice(2);
const request = require('http').request({ socketPath: control, method, path, headers: { host: 'pinlight', 'content-type': 'application/json' } }, (answer) => {
  const chunks = []; answer.on('data', (chunk) => { chunks.push(chunk); if (path === '/v1/events') { answer.destroy(); } });
  answer.on('close', () => { const all = Buffer.concat(chunks); if (out) require('fs').writeFileSync(out, all); console.log(JSON.stringify({ status: answer.statusCode, text: out ? '' : all.toString() })); process.exit(0); });
});
request.on('error', (error) => { console.log(JSON.stringify({ status: 0, text: error.code })); process.exit(0); });
request.end(body);
`);
const as = (uid: number, ...command: string[]): Promise<{ stdout: string }> => run('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command], { maxBuffer: 64 * 1024 ** 2, cwd: '/', timeout: 30_000 });

async function ask(uid: number, method: string, path: string, body: unknown = {}, out = ''): Promise<Answer> {
  const { stdout } = await as(uid, process.execPath, asker, control, method, path, method === 'POST' ? JSON.stringify(body) : '', out);
  const answer = JSON.parse(stdout) as { status: number; text: string };
  let parsed = {};
  try {
    parsed = JSON.parse(answer.text.split('\n')[0] ?? '') as object;
  } catch {
    // A bundle or nothing.
  }
  return { ...answer, body: parsed };
}

/** `route`: what was asked, for the type of its answer. */
function dataOf<N extends RouteName>(route: N, answer: Answer): RouteAnswer<N> {
  if (answer.body.ok !== true) throw new Error(`${route}: ${answer.text}`);
  return answer.body.data as RouteAnswer<N>;
}

async function start(user: object): Promise<ChildProcess> {
  const policy = '/var/lib/check/policy.json';
  writeFileSync(policy, JSON.stringify({
    version: 1, defaults: { onUnknownApp: 'inspect' }, rules: [{ id: 'all', do: 'inspect' }], user,
    network: { upstreamRoots: [rootFile], localTargets: Object.fromEntries(Object.values(hosts).map((host, n) => [`${host}:443`, `127.0.0.1:${origins[n]?.port}`])) },
  }));
  chmodSync(policy, 0o644);
  const child = spawn('setpriv', [`--reuid=${agentUid}`, `--regid=${agentUid}`, '--clear-groups', '--inh-caps=+sys_ptrace', '--ambient-caps=+sys_ptrace', process.execPath, ...agentNodeArguments(repository), join(repository, 'electron/agent/main.ts'), '--service', '--policy', policy, '--ready-json'], {
    stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, HOME: '/var/lib/pinlight', NODE_OPTIONS: '' }, cwd: '/',
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  await until('the service runs', () => out.includes('"ready"') || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error('the service ended');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await gone;
}

const visit = (uid: number, host: string): Promise<unknown> => as(uid, 'curl', '-s', '--proxy', 'http://127.0.0.1:18443', '--cacert', '/var/lib/check/root.pem', `https://${host}/`).catch(() => null);
let agent = await start({});
try {
  writeFileSync('/var/lib/check/root.pem', dataOf('trust', await ask(0, 'GET', '/v1/trust')).root.pem);
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  check('the socket is everybody\'s to connect to, its folder nobody\'s to write', mode(control) === '666' && mode('/run/pinlight') === '755', [mode(control), mode('/run/pinlight')]);
  check('the key is the service\'s alone', mode('/var/lib/pinlight/root.key') === '600' && statSync('/var/lib/pinlight/root.key').uid === agentUid);
  const key = await as(ann, 'cat', '/var/lib/pinlight/root.key').then(() => 'read', () => 'refused');
  check('a user cannot read it', key === 'refused', key);
  for (const [uid, host] of [[ann, hosts.ann], [ben, hosts.ben]] as const) for (let n = 0; n < 2; n += 1) await visit(uid, host);
  const rowsOf = async (uid: number): Promise<string[]> => dataOf('connections', await ask(uid, 'GET', '/v1/connections?limit=100')).rows.map(({ host }) => host);
  const both = await until('both users\' connections are known', async () => {
    const found = await rowsOf(0);
    return found.includes(hosts.ann) && found.includes(hosts.ben) && found;
  });
  check('root sees everybody\'s', both.length >= 4, both);

  for (const [who, uid, own, other] of [['ann', ann, hosts.ann, hosts.ben], ['ben', ben, hosts.ben, hosts.ann]] as const) {
    const mine = await rowsOf(uid);
    check(`${who} sees their own connections`, mine.length >= 2 && mine.every((host) => host === own), mine);
    for (const path of ['/v1/status', '/v1/apps', '/v1/events', '/v1/exclusions', '/v1/connections?filter=host%20contains%20rights&limit=100', '/v1/connections?filter=uid%20%3E%200%20or%20port%20%3D%20443']) {
      const { status, text } = await ask(uid, 'GET', path);
      check(`${who}: ${path.slice(0, 30)} tells nothing of the other's`, status === 200 && !text.includes(other), text.slice(0, 200));
    }
    const archive = `/var/lib/check/${who}.zip`;
    const { job } = dataOf('startBundle', await ask(uid, 'POST', routePaths.startBundle.path));
    await until('the bundle is ready', async () => !/"(running|collecting|working|begun)"/.test((await ask(uid, 'GET', `${routePaths.bundleJob.path}?id=${job.id}`)).text));
    await ask(uid, 'GET', `/v1/bundle?id=${job.id}`, {}, archive);
    check(`${who}'s bundle is nobody else's to fetch`, (await ask(uid === ann ? ben : ann, 'GET', `/v1/bundle?id=${job.id}`)).status !== 200);
    const files = await unzip(archive).catch(() => new Map<string, Buffer>());
    // The policy is everybody's to read, and names the hosts that it places as HOST:443.
    const tells = [...files].filter(([, bytes]) => bytes.toString('latin1').replaceAll(`${other}:443`, '').includes(other)).map(([name]) => name);
    check(`${who}'s bundle holds nothing of the other's`, files.size > 0 && tells.length === 0, tells);
    check(`${who}'s bundle holds no log of the service`, !files.has('agent.log'), [...files.keys()]);
  }

  const apps = async (uid: number): Promise<RouteAnswer<'apps'>['apps']> => dataOf('apps', await ask(uid, 'GET', '/v1/apps')).apps;
  const [annsApp] = await apps(ann);
  const [bensApp] = await apps(ben);
  check('each has an app', annsApp !== undefined && bensApp !== undefined && annsApp.id !== bensApp.id, [annsApp, bensApp]);
  check('another user\'s app is not explained', (await ask(ann, 'GET', `/v1/explain?app=${bensApp?.id}`)).status === 404);
  check('one\'s own is', (await ask(ann, 'GET', `/v1/explain?app=${annsApp?.id}`)).status === 200);
  check('policy and trust may be read', (await ask(ann, 'GET', '/v1/policy')).status === 200 && (await ask(ann, 'GET', '/v1/trust')).status === 200);
  const refusedWriting = async (when: string, uid: number, app: string): Promise<void> => {
    for (const [method, path, body] of [['POST', routePaths.addExclusion.path, { host: 'x.test', reason: 'x', app }], ['POST', routePaths.startTest.path, { app, host: 'x.test' }], ['POST', routePaths.stop.path, {}]] as const) {
      const answer = await ask(uid, method, path, body);
      check(`${when}: ${method} ${path} is refused`, answer.status === 403 || answer.status === 404, answer.text);
    }
  };
  await refusedWriting('a user under the default policy', ann, annsApp?.id ?? '');
  const made = await ask(0, 'POST', routePaths.addExclusion.path, { host: 'made-by-root.test', reason: 'x' });
  const { exclusion: { id } } = dataOf('addExclusion', made);
  check('root may', made.status === 200, made.text);
  check('a user cannot remove root\'s', (await ask(ann, 'DELETE', `${routePaths.removeExclusion.path}?id=${id}`)).status === 403);
  check('the agent lives', agent.exitCode === null);
  await end(agent);

  agent = await start({ exclusions: 'always', testApp: 'always', stop: 'never' });
  check('where policy lets everybody: an exclusion for one\'s own app', (await ask(ann, 'POST', routePaths.addExclusion.path, { host: 'own.test', reason: 'x', app: annsApp?.id })).status === 200);
  check('not for every app', (await ask(ann, 'POST', routePaths.addExclusion.path, { host: 'all.test', reason: 'x' })).status === 403);
  check('not for another\'s', (await ask(ann, 'POST', routePaths.addExclusion.path, { host: 'other.test', reason: 'x', app: bensApp?.id })).status === 404);
  check('not removing root\'s', (await ask(ann, 'DELETE', `${routePaths.removeExclusion.path}?id=${id}`)).status === 404);
  check('not stopping the agent', (await ask(ann, 'POST', routePaths.stop.path)).status === 403);
  check('the other does not see it', !(await ask(ben, 'GET', '/v1/exclusions')).text.includes('own.test'));
} finally {
  await end(agent);
  for (const origin of origins) await origin.close();
  authority.close();
  rmSync('/var/lib/check', { recursive: true, force: true });
}
console.log(JSON.stringify(tried));
process.exit(0);
