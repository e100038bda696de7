// Every command by the real program: words, --json and exit codes, against a server that speaks the contract on a unix socket.
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile, chmod } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundleBytes, startContractAgent } from '../client/contract-agent.ts';
import type { ContractAgent } from '../client/contract-agent.ts';
import { predefinedExclusion, sampleExclusion, sampleExplain, sampleNotice, samplePause, samplePolicy, sampleRow, sampleSnapshot, sampleTrust } from '../client/sample-state.ts';
import { linesOf, runPinlight, startPinlight } from './run-pinlight.ts';

let agent: ContractAgent;
let folder: string;
beforeAll(async () => {
  agent = await startContractAgent();
  folder = await mkdtemp(join(tmpdir(), 'pl-cli-'));
  await writeFile(join(folder, 'good.json'), '{"version":1,"rules":[{"id":"a","when":{"host":"a.example"},"do":"inspect"}]}');
  await writeFile(join(folder, 'org.key'), `${'ab'.repeat(32)}\n`);
  await writeFile(join(folder, 'bad.json'), '{\n  "version": 1,\n  "rules": [{"id": "a", "do": "inspekt"}]\n}');
});
afterAll(async () => {
  await agent.close();
  await rm(folder, { recursive: true, force: true });
});

type Row = { readonly name: string; readonly args: readonly string[]; readonly code: number; readonly words: readonly string[]; readonly json: unknown };

const rows: readonly Row[] = [
  { name: 'status says what is let through', args: ['status'], code: 0, words: ['lets 1 app through: chat.', 'LAPTOP-42', '127.0.0.1:18443, [::1]:18443', '5 inspected, 9 bypassed, 1 blocked, 2 open', 'WARNING: Root certificate ends soon.', 'AA:BB:CC'], json: { ok: true, data: sampleSnapshot() } },
  { name: 'apps lists each app at each host', args: ['apps'], code: 0, words: ['chat', 'edge.chat.example', 'pinned', 'bypassed', '2 apps.'], json: { ok: true, data: { apps: sampleSnapshot().apps } } },
  { name: 'explain reads like a note', args: ['explain', 'chat'], code: 0, words: ['chat pins its certificate at edge.chat.example.', 'What speaks for it:\n  - It refused our certificate here 5 times.', 'What speaks against it:\n  - It accepted it once.', 'Next:        It will be let through.', 'What to do:  Leave it bypassed.', 'package chat 4.2', '2026-11-20 10:00:00  edge.chat.example  The app hung up'], json: { ok: true, data: sampleExplain } },
  { name: 'log pages until its limit', args: ['log', '--limit', '5'], code: 0, words: ['TIME', 'edge.chat.example', 'passed, data', '34.0 kB', 'an exclusion names it (learned)'], json: { ok: true, data: { rows: [7, 6, 5, 4, 3].map((id) => sampleRow(id)), next: '3' } } },
  { name: 'log joins the words of a filter', args: ['log', 'host:odd', 'and', 'port', '==', '443'], code: 0, words: ['10:00:07', '10:00:01'], json: { ok: true, data: { rows: [7, 5, 3, 1].map((id) => sampleRow(id)), next: null } } },
  { name: 'exclude list', args: ['exclude', 'list'], code: 0, words: ['x-1', 'every app', 'api.vendor.example', 'no end', 'ticket 4711'], json: { ok: true, data: { exclusions: [sampleExclusion, predefinedExclusion] } } },
  { name: 'exclude add', args: ['exclude', 'add', 'b.example', '--reason', 'because'], code: 0, words: ['Added x-3: every app at b.example: because (user, no end).'], json: { ok: true, data: { exclusion: { ...sampleExclusion, id: 'x-3', host: 'b.example', reason: 'because' } } } },
  { name: 'exclude add of one that stands already', args: ['exclude', 'add', 'api.vendor.example', '--reason', 'ticket 4711'], code: 0, words: ['It exists already, and nothing was changed: x-1: every app at api.vendor.example: ticket 4711 (user, no end).'], json: { ok: true, data: { exclusion: sampleExclusion } } },
  { name: 'exclude remove', args: ['exclude', 'remove', 'x-1'], code: 0, words: ['Removed x-1'], json: { ok: true, data: { removed: sampleExclusion } } },
  { name: 'a predefined exclusion cannot be removed, in words', args: ['exclude', 'remove', 'push'], code: 1, words: ['push is predefined', 'mustInspect'], json: { ok: false, error: expect.objectContaining({ code: 'exclusion-fixed' }) } },
  { name: 'policy show names who set each key', args: ['policy', 'show'], code: 0, words: ['defaults.onPinned', 'learning.firstHours', 'managed (/etc/pinlight/50-team.json)', 'must inspect', 'host a.example or b.example, port 443'], json: { ok: true, data: samplePolicy } },
  { name: 'policy check of a valid file', args: ['policy', 'check', 'good.json'], code: 0, words: ['good.json is valid: 1 rule.'], json: { ok: true, data: { valid: true, rules: 1, problems: [] } } },
  { name: 'policy check of an invalid file is a negative finding, with its line', args: ['policy', 'check', 'bad.json'], code: 1, words: ['bad.json:3:', 'rules[0].do', 'bad.json is not valid: 1 problem.'], json: { ok: true, data: expect.objectContaining({ valid: false, problems: [expect.objectContaining({ line: 3, path: 'rules[0].do' })] }) } },
  { name: 'trust status', args: ['trust', 'status'], code: 0, words: ['The root of this device is trusted in 0 of', 'AA:BB:CC (SHA-256)', 'environment'], json: { ok: true, data: { root: sampleTrust.root, next: null, stores: expect.arrayContaining([expect.objectContaining({ store: 'environment' })]) } } },
  { name: 'an app that was never seen is a negative finding', args: ['explain', 'nobody'], code: 1, words: ['No app called "nobody" was seen.', 'pinlight apps'], json: { ok: false, error: expect.objectContaining({ code: 'no-such-app' }) } },
  { name: 'an exclusion that does not exist is a negative finding', args: ['exclude', 'remove', 'x-9'], code: 1, words: ['There is no exclusion "x-9".'], json: { ok: false, error: expect.objectContaining({ code: 'no-such-exclusion' }) } },
  { name: 'a filter that cannot be read is bad input', args: ['log', 'host:('], code: 5, words: ['column 6', 'pinlight log --help'], json: { ok: false, error: expect.objectContaining({ code: 'bad-filter' }) } },
  { name: 'a policy file that is not there is bad input', args: ['policy', 'check', 'none.json'], code: 5, words: ['There is no file none.json.'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'a window that was not built', args: ['open', '--no-browser', '--assets', 'none'], code: 5, words: ['There is no built window', 'npm run build'], json: { ok: false, error: expect.objectContaining({ code: 'window-not-built' }) } },
  { name: 'a policy file that is a folder', args: ['policy', 'check', '.'], code: 5, words: ['. is a folder, not a policy file.'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'a bundle over a file that is there', args: ['bundle', '-o', 'good.json'], code: 5, words: ['good.json exists already; --force replaces it.'], json: { ok: false, error: expect.objectContaining({ code: 'bundle-unwritable' }) } },
  { name: 'a bundle into a folder that does not exist', args: ['bundle', '-o', 'none/b.zip'], code: 5, words: ['none/b.zip cannot be written (ENOENT)'], json: { ok: false, error: expect.objectContaining({ code: 'bundle-unwritable' }) } },
  { name: 'an unknown command is wrong usage', args: ['statsu'], code: 2, words: ["unknown command 'statsu'", 'Did you mean status?'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request', message: "unknown command 'statsu'" }) } },
  { name: 'hours must be above 0', args: ['exclude', 'add', 'a.example', '--hours', '0'], code: 2, words: ['above 0'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'minutes to wait must be above 0', args: ['test-app', 'chat', 'a.example', '--wait', '0'], code: 2, words: ['minutes above 0'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'a test of an app that was never seen', args: ['test-app', 'nobody', 'a.example'], code: 1, words: ['No app called "nobody" was seen.'], json: { ok: false, error: expect.objectContaining({ code: 'no-such-app' }) } },
  { name: 'pause', args: ['pause', '--minutes', '10', '--reason', 'a call'], code: 0, words: ['Inspection is paused until', '(10 min)', 'pinlight resume'], json: { ok: true, data: { pause: samplePause } } },
  { name: 'resume without a pause', args: ['resume'], code: 0, words: ['was not paused'], json: { ok: true, data: { ended: null } } },
  { name: 'a request for the helpdesk', args: ['pause', '--ticket'], code: 0, words: ['ABCD-EFGH', 'LAPTOP-42', '--code ANSWER'], json: { ok: true, data: { request: 'ABCDEFGH', device: 'LAPTOP-42' } } },
  { name: 'an answer of the helpdesk', args: ['pause', 'grant', '--organisation-key', 'org.key', '--device', 'LAPTOP-42', '--for', '30', '--request', 'abcd-efgh'], code: 0, words: [], json: { ok: true, data: { device: 'LAPTOP-42', minutes: 30, code: expect.stringMatching(/^[A-Z2-7]{10}$/) } } },
  { name: 'a device\'s key', args: ['pause', 'grant', '--organisation-key', 'org.key', '--device', 'LAPTOP-42', '--device-key'], code: 0, words: [], json: { ok: true, data: { device: 'LAPTOP-42', deviceKey: expect.stringMatching(/^[0-9a-f]{64}$/) } } },
  { name: 'a key file that is none', args: ['pause', 'grant', '--organisation-key', 'good.json', '--device', 'LAPTOP-42', '--for', '30'], code: 5, words: ['64 hex digits'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'half a minute is no pause', args: ['pause', '--minutes', '0.5'], code: 2, words: ['whole number of minutes'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'the notice and whether it is accepted', args: ['notice', 'show'], code: 0, words: ['Contoso inspects this device.\n\nYou have not accepted it'], json: { ok: true, data: sampleNotice } },
  { name: 'accepting it', args: ['notice', 'accept'], code: 0, words: [], json: { ok: true, data: sampleNotice } },
  { name: 'a detailed log', args: ['log-level', 'detailed'], code: 0, words: ['The log is detailed until'], json: { ok: true, data: { until: expect.any(Number) } } },
  { name: 'a log level that is none', args: ['log-level', 'loud'], code: 2, words: ['Allowed choices are normal, detailed'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'a limit must be a number', args: ['log', '--limit', 'many'], code: 2, words: ['whole number'], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
  { name: 'a command without its argument', args: ['explain'], code: 2, words: ["missing required argument 'app'"], json: { ok: false, error: expect.objectContaining({ code: 'bad-request' }) } },
];

describe('each command', () => {
  test.each(rows)('$name: exit code $code', async ({ args, code, words, json }) => {
    const [people, machine] = await Promise.all([
      runPinlight(args, { home: agent.home, cwd: folder }),
      runPinlight([...args, '--json'], { home: agent.home, cwd: folder }),
    ]);
    expect(people.code).toBe(code);
    expect(machine.code).toBe(code);
    for (const word of words) expect(people.stdout + people.stderr).toContain(word);
    expect(people.stdout).not.toContain('\u001b');
    expect(machine.stderr).toBe('');
    expect(machine.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(machine.stdout)).toEqual(json);
  });

  test('exclude add sends app and hours', async () => {
    await runPinlight(['exclude', 'add', 'c.example', '--app', 'chat', '--hours', '0.5'], { home: agent.home });
    expect(agent.seen.at(-1)).toEqual({ route: 'addExclusion', query: {}, body: { host: 'c.example', app: 'chat', hours: 0.5, reason: 'added by hand' } });
  });

  test('names of apps cannot drive the terminal, in words or in JSON', async () => {
    for (const args of [['apps'], ['apps', '--json']]) {
      const { stdout } = await runPinlight(args, { home: agent.home });
      expect(stdout).toContain('evil');
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  test('policy check reads standard input', async () => {
    const { code, stdout } = await runPinlight(['policy', 'check', '-', '--json'], { home: '/nonexistent', input: '{"version":1}' });
    expect({ code, data: JSON.parse(stdout) }).toEqual({ code: 0, data: { ok: true, data: { valid: true, rules: 0, problems: [] } } });
  });

  test('trust status --pem is the certificate and nothing else', async () => {
    expect((await runPinlight(['trust', 'status', '--pem'], { home: agent.home })).stdout).toBe(sampleTrust.root.pem);
  });

  test('no argument at all shows the help', async () => {
    const { code, stdout } = await runPinlight([], { home: agent.home });
    expect(code).toBe(0);
    for (const command of ['status', 'watch', 'log', 'apps', 'explain', 'exclude', 'policy', 'bundle', 'trust', 'open', 'stop', 'test-app']) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  });

  test.each(['status', 'watch', 'log', 'apps', 'explain', 'exclude list', 'exclude add', 'exclude remove', 'policy show', 'policy check', 'policy keys', 'bundle', 'trust status', 'trust install', 'trust remove', 'trust receipt', 'service install', 'service status', 'doctor', 'uninstall', 'open', 'stop', 'test-app'])('%s --help has an example', async (command) => {
    const { code, stdout } = await runPinlight([...command.split(' '), '--help'], { home: agent.home });
    expect(code).toBe(0);
    expect(stdout).toContain(`$ npx --no-install pinlight ${command}`);
  });

  test('log --help lists the fields with examples', async () => {
    const { stdout } = await runPinlight(['log', '--help'], { home: agent.home });
    for (const word of ['disposition, action', 'verdict:pinned', 'time_generated']) expect(stdout).toContain(word);
  });

  test('a reader that has seen enough ends it quietly', async () => {
    const child = startPinlight(['log', '--help'], { home: agent.home });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('the first-start notice', () => {
  const asked = (): unknown[] => agent.seen.filter(({ route }) => route === 'acceptNotice').map(({ body }) => body);
  afterEach(() => agent.answers.delete('notice'));

  test.each(['status', 'watch'])('%s shows it to whoever has not seen it, and says so to the agent', async (command) => {
    agent.answers.set('notice', (response) => response.end(JSON.stringify({ ok: true, data: { ...sampleNotice, mode: 'required', shownAt: null } })));
    const before = asked().length;
    const child = startPinlight([command], { home: agent.home });
    const closed = once(child, 'close');
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
    await vi.waitFor(() => expect(stderr).toMatch(/^Contoso inspects this device\.\n\nNothing of yours is inspected until you accept the notice/), { timeout: 15_000 });
    child.kill('SIGINT');
    await closed;
    expect(asked().slice(before)).toEqual([{ version: 'abc123', as: 'shown' }]);
  });

  test('nothing is accepted that was not shown: exit code 1', async () => {
    agent.answers.set('notice', (response) => response.end(JSON.stringify({ ok: true, data: { ...sampleNotice, shownAt: null } })));
    const before = asked().length;
    const { code, stderr } = await runPinlight(['notice', 'accept'], { home: agent.home });
    expect([code, asked().slice(before)]).toEqual([1, [{ version: 'abc123', as: 'shown' }]]);
    expect(stderr).toContain('Contoso inspects this device.');
  });

  test('a script is told nothing of it, and nothing is said in its name', async () => {
    agent.answers.set('notice', (response) => response.end(JSON.stringify({ ok: true, data: { ...sampleNotice, shownAt: null } })));
    const before = asked().length;
    expect((await runPinlight(['status', '--json'], { home: agent.home })).stderr).toBe('');
    expect(asked().length).toBe(before);
  });
});

describe('without an agent to talk to', () => {
  test.each(['status', 'apps', 'explain x', 'log', 'log --follow', 'watch', 'exclude list', 'policy show', 'bundle', 'trust status', 'stop', 'test-app x y'])('%s: exit code 3', async (command) => {
    const { code, stdout } = await runPinlight([...command.split(' '), '--json'], { home: join(folder, 'nobody-here'), cwd: folder });
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'agent-not-running' } });
  });

  test('a bundle has what the last one left, be it damaged; there is nothing to record, and nothing where nobody was', { timeout: 60_000 }, async () => {
    const home = await mkdtemp(join(folder, 'left-'));
    await writeFile(join(home, 'agent.log'), 'the last words\n');
    await writeFile(join(home, 'pinlight.db'), 'no database');
    const file = join(home, 'out.zip');
    expect(await runPinlight(['bundle', '-o', file], { home })).toMatchObject({ code: 0, stderr: expect.stringContaining('The agent is not running') });
    expect((await runPinlight(['bundle', 'show', file, '--file', 'agent.log'], { home })).stdout).toContain('the last words');
    expect((await runPinlight(['bundle', 'show', file], { home })).stdout).toMatch(/connections\.ndjson is not in it, because it failed: file is not a database/);
    expect(await runPinlight(['bundle', '--record'], { home })).toMatchObject({ code: 3, stderr: expect.stringContaining('nothing to record') });
    expect((await runPinlight(['bundle'], { home: join(folder, 'nobody-here') })).stderr).toContain('none has left anything');
  });

  test('another user\'s agent: exit code 4', async () => {
    const foreign = await startContractAgent();
    const root = process.getuid?.() === 0;
    if (!root) await chmod(foreign.controlPath, 0);
    const { code, stdout } = await runPinlight(['status', '--json'], { home: foreign.home, uid: root ? 65534 : undefined });
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'not-permitted' } });
    await foreign.close();
  });

  test('a socket in a shared folder that others may write to is not trusted: exit code 4', async () => {
    const home = join(folder, 'x'.repeat(100));
    const shared = await mkdtemp(join(tmpdir(), 'pl-'));
    await chmod(shared, 0o755);
    const run = join(shared, `pinlight-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`);
    await mkdir(run);
    await chmod(run, 0o777);
    // Root may use whatever it likes, so the check is made by somebody else.
    const { code, stdout } = await runPinlight(['status', '--json'], { home, env: { TMPDIR: shared }, uid: process.getuid?.() === 0 ? 65534 : undefined });
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'not-permitted', message: expect.stringContaining(run) } });
    await rm(shared, { recursive: true });
  });
});

describe('bundle', () => {
  test('is saved under the agent\'s name, whole, for the owner only', async () => {
    const into = await mkdtemp(join(folder, 'b-'));
    const { code, stdout, stderr } = await runPinlight(['bundle', '--json'], { home: agent.home, cwd: into });
    const names = await readdir(into);
    expect(names).toEqual(['pinlight-diag-LAPTOP-42-20261120T103005Z-PL-7K3M-Q2XA.zip']);
    const file = join(into, names[0] ?? '');
    expect({ code, stderr, json: JSON.parse(stdout) }).toEqual({ code: 0, stderr: '', json: { ok: true, data: { file, bytes: bundleBytes.length, id: 'PL-7K3M-Q2XA', key: null, sealed: false } } });
    expect((await readFile(file)).equals(bundleBytes)).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('-o names the file; -o - is standard output', async () => {
    const { stdout } = await runPinlight(['bundle', '-o', 'mine.zip'], { home: agent.home, cwd: folder });
    expect(stdout).toContain(`Saved ${join(folder, 'mine.zip')} (300.0 kB).`);
    expect((await runPinlight(['bundle', '-o', 'mine.zip'], { home: agent.home, cwd: folder })).code).toBe(5);
    expect((await runPinlight(['bundle', '-o', 'mine.zip', '--force'], { home: agent.home, cwd: folder })).code).toBe(0);
    const child = startPinlight(['bundle', '-o', '-'], { home: agent.home });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    expect(Buffer.concat(chunks).equals(bundleBytes)).toBe(true);
  });
});

describe('streams', () => {
  test('watch prints a line per event and ends with Ctrl-C', async () => {
    const child = startPinlight(['watch'], { home: agent.home });
    const lines = linesOf(child);
    await vi.waitUntil(() => lines.length === 1, { timeout: 10_000 });
    agent.emit({ kind: 'heartbeat' });
    agent.emit({ sequence: 11, kind: 'connection', row: sampleRow(11, { host: 'new\u001b[2J.example' }), counts: sampleSnapshot().counts });
    // An app comes with each of its connections; it is told where something about it is new.
    const app = sampleSnapshot().apps[0];
    agent.emit({ sequence: 12, kind: 'app', app });
    agent.emit({ sequence: 13, kind: 'app', app: { ...app, hosts: app?.hosts.map((host) => ({ ...host, next: { ...host.next, disposition: 'inspect' } })) } });
    agent.emit({ sequence: 14, kind: 'warnings', warnings: [] });
    agent.emit({ sequence: 15, kind: 'exclusions', exclusions: [{ ...sampleExclusion, id: 'x-2', kind: 'learned', host: 'new.example', appName: 'chat', verdict: 'pinned' }] });
    agent.emit({ sequence: 16, kind: 'connection', row: sampleRow(12, { disposition: 'inspect', reason: { code: 'rule', detail: 'a long sentence' }, rule: 'own' }), counts: sampleSnapshot().counts });
    agent.emit({ sequence: 17, kind: 'connection', row: sampleRow(13, { reason: { code: 'upstream-failed', detail: 'ENOTFOUND' }, outcome: { kind: 'upstream', code: 'ENOTFOUND' } }), counts: sampleSnapshot().counts });
    await vi.waitUntil(() => lines.length === 8, { timeout: 10_000 });
    expect(lines[0]).toContain('Connected to Pinlight 0.1.0 on LAPTOP-42');
    expect(lines[1]).toBe('10:00:11  chat → new\\u{1b}[2J.example:443  Bypassed: an exclusion names it (learned). Let through untouched, and data went both ways.');
    expect(lines[2]).toContain('chat at edge.chat.example: pinned. The next connection is inspected.');
    expect(lines[3]).toContain('No warnings now.');
    expect(lines[4]).toContain('Exclusion began: chat at new.example: pinned (learned, no end).');
    expect(lines[5]).toContain('Exclusion ended: every app at api.vendor.example (user).');
    expect(lines[6]).toContain('Inspected: policy rule "own" says so. ');
    expect(lines[7]).toBe('10:00:13  chat → edge.chat.example:443  Not connected: the server could not be reached (ENOTFOUND).');
    child.kill('SIGINT');
    expect((await once(child, 'close'))[0]).toBe(0);
  });

  test('watch --json gives one object a line, the whole state first', async () => {
    const child = startPinlight(['watch', '--json'], { home: agent.home });
    const lines = linesOf(child);
    await vi.waitUntil(() => lines.length === 1, { timeout: 10_000 });
    agent.emit({ sequence: 11, kind: 'connection', row: sampleRow(11), counts: sampleSnapshot().counts });
    await vi.waitUntil(() => lines.length === 2, { timeout: 10_000 });
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ kind: 'snapshot' }, { kind: 'connection' }]);
    child.kill('SIGTERM');
    expect((await once(child, 'close'))[0]).toBe(0);
  });

  test('log --follow shows what matches the filter as it ends, each once', async () => {
    const child = startPinlight(['log', 'host:odd', '--limit', '1', '--follow', '--json'], { home: agent.home });
    const lines = linesOf(child);
    await vi.waitUntil(() => lines.length === 1 && agent.streams.size === 1, { timeout: 10_000 });
    const fresh = { startedAt: Date.now() + 60_000 };
    agent.emit({ sequence: 11, kind: 'connection', row: sampleRow(5, { ...fresh, durationMs: null }), counts: sampleSnapshot().counts });
    agent.emit({ sequence: 12, kind: 'connection', row: sampleRow(4, fresh), counts: sampleSnapshot().counts });
    agent.emit({ sequence: 13, kind: 'connection', row: sampleRow(5, fresh), counts: sampleSnapshot().counts });
    agent.emit({ sequence: 14, kind: 'connection', row: sampleRow(5, fresh), counts: sampleSnapshot().counts });
    await vi.waitUntil(() => lines.length === 2, { timeout: 10_000 });
    agent.emit({ sequence: 15, kind: 'connection', row: sampleRow(3, fresh), counts: sampleSnapshot().counts });
    await vi.waitUntil(() => lines.length === 3, { timeout: 10_000 });
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ id: 7 }, { id: 5 }, { id: 3 }]);
    expect(agent.seen.at(-1)?.query['filter']).toBe('(host:odd) and id >= 3');
    child.kill('SIGINT');
    expect((await once(child, 'close'))[0]).toBe(0);
  });

  test('open serves the window until Ctrl-C and prints its link', async () => {
    const built = await mkdtemp(join(folder, 'w-'));
    await writeFile(join(built, 'index.html'), '<html><head></head></html>');
    const child = startPinlight(['open', '--no-browser', '--assets', built, '--json'], { home: agent.home });
    const lines = linesOf(child);
    await vi.waitUntil(() => lines.length === 1, { timeout: 10_000 });
    const url = /"url":"(http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43})"/.exec(lines[0] ?? '')?.[1] ?? '';
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('pinlight-session')]);
    child.kill('SIGINT');
    expect((await once(child, 'close'))[0]).toBe(0);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  test('stop comes back when the agent is gone', async () => {
    const going = await startContractAgent();
    const { code, stdout } = await runPinlight(['stop', '--json'], { home: going.home });
    expect({ code, json: JSON.parse(stdout) }).toEqual({ code: 0, json: { ok: true, data: { stopping: true } } });
    expect((await runPinlight(['status'], { home: going.home })).code).toBe(3);
  });
});
