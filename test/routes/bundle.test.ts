// Route (iii): a diagnostic bundle, from the command line through a real agent to a file that unzips and reads; with hidden names, recorded,
// with a capture that tshark opens, sealed, cancelled.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../electron/core/diagnostics/manifest.ts';
import { repository, startTestAgent, type TestAgent } from '../support/agent.ts';
import { findCommand } from '../support/find-command.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { readAll, tlsThrough, until } from '../support/tunnel.ts';
import { unzip } from '../support/unzip.ts';

const run = promisify(execFile);
const host = 'bundle.pinlight.test';
const planted = 'S3CR3T-cookie-value';
const hasTshark = findCommand('tshark') !== null;
if (!hasTshark) console.log('skipped: reading the capture, because there is no tshark (Debian: tshark)');

describe('pinlight bundle', () => {
  let agent: TestAgent;
  let authority: TestAuthority;
  let origin: Origin;
  let folder: string;
  const network = (): Record<string, unknown> => ({ port: 0, upstreamRoots: [authority.rootFile], localTargets: { [`${host}:443`]: `127.0.0.1:${origin.port}` } });
  const pinlight = (...args: string[]): Promise<{ stdout: string; stderr: string }> => run(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', ...args], { env: { ...process.env, PINLIGHT_HOME: agent.home } });
  /** The command's failure: exit code and what it said. */
  const failing = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => pinlight(...args).then(
    () => { throw new Error('it succeeded'); }, (error: { code: number; stdout: string; stderr: string }) => error);
  /** curl trusts the origin's root alone, and says alert 48 to ours. */
  const refuse = (): Promise<void> => run('curl', ['-sS', '--max-time', '20', '--proxy', `http://${agent.proxy}`, '--cacert', authority.rootFile, `https://${host}/`])
    .then(() => { throw new Error('our certificate was believed'); }, () => undefined);
  const usePolicy = async (diagnostics: Record<string, unknown>): Promise<void> => {
    const wanted = { names: 'shown', captureHandshakes: 0, sealTo: null, ...diagnostics };
    agent.writePolicy({ version: 1, network: network(), diagnostics });
    await until('the new policy', async () => isDeepStrictEqual((await agent.client.call('policy', {}, {})).policy.diagnostics, wanted));
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pinlight-bundle-'));
    authority = createTestAuthority();
    origin = await startOrigin(authority, host);
    agent = await startTestAgent({ network: network() });
    const socket = await tlsThrough(agent.proxyPort, host, { ca: readFileSync(agent.rootFile) });
    socket.write(`GET /?token=${planted} HTTP/1.1\r\nHost: ${host}\r\nCookie: a=${planted}\r\nConnection: close\r\n\r\n`);
    await readAll(socket);
    socket.destroy();
  });
  afterAll(async () => {
    await agent.stop();
    await origin.close();
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is written by the asker, whole, readable and without a secret', async () => {
    const file = join(folder, 'out.zip');
    const { stdout } = await pinlight('-o', file);
    expect(statSync(file).mode & 0o077).toBe(0);
    const files = await unzip(file);
    expect([...files.keys()].slice(0, 2)).toEqual(['manifest.json', 'report.html']);
    const manifest = manifestOf(files);
    for (const entry of manifest.files) expect(createHash('sha256').update(files.get(entry.name) as Buffer).digest('hex')).toBe(entry.sha256);
    expect(manifest.notCollected).toEqual([]);
    expect(stdout).toContain(manifest.id);
    expect([...files.keys()]).toEqual(expect.arrayContaining(['status.json', 'policy-effective.json', 'apps.json', 'connections.ndjson', 'audit.ndjson', 'network.json', 'agent.log', 'findings.json']));
    expect(files.get('connections.ndjson')?.toString()).toContain(host);
    expect(JSON.parse(files.get('tls-selftest.json')?.toString() ?? '')).toMatchObject(['established', 'established', 'refused', 'refused'].map((outcome) => ({ outcome })));
    expect(JSON.parse(files.get('doctor.json')?.toString() ?? '')).toMatchObject({ checks: expect.arrayContaining([expect.objectContaining({ name: 'agent', state: 'ok' }), expect.objectContaining({ name: 'stores', state: 'wrong' })]) });
    expect(files.get('report.html')?.toString()).toMatch(/\[!!\]<\/code> <strong>stores<\/strong>[^\n]*<br>Fix: Run <code>pinlight trust install<\/code>/);
    const everything = Buffer.concat([...files.values()]).toString('latin1');
    expect(everything).not.toContain(planted);
    expect(everything).not.toMatch(/PRIVATE KEY/);
    expect(readFileSync(join(agent.home, 'root.key'), 'utf8')).toContain('PRIVATE KEY');
    // The spoken id stands in the log of the next one.
    await pinlight('-o', join(folder, 'next.zip'));
    expect((await unzip(join(folder, 'next.zip'))).get('agent.log')?.toString()).toContain(manifest.id);
  });

  it('has the id in the name it chooses itself', async () => {
    const { stdout } = await pinlight('-o', folder, '--json');
    const { data } = JSON.parse(stdout) as { data: { file: string; id: string } };
    expect(data.file.startsWith(join(folder, 'pinlight-diag-'))).toBe(true);
    expect(data.file.endsWith(`-${data.id}.zip`)).toBe(true);
  });

  it('leaves no payload in any file of the state folder either', async () => {
    const { stdout } = await run('grep', ['-rlF', planted, agent.home]).catch((error: { code: number; stdout: string }) => error);
    expect(stdout).toBe('');
  });

  it('--preview tells what would be inside and writes nothing', async () => {
    const before = readdirSync(folder);
    const { stdout } = await run(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', '--preview'], { cwd: folder, env: { ...process.env, PINLIGHT_HOME: agent.home } });
    expect(stdout).toMatch(/nothing has been written[\s\S]*report\.html[\s\S]*connections\.ndjson[\s\S]*Never collected: private keys/);
    expect(readdirSync(folder)).toEqual(before);
  });

  it('show, verify and diff read it; a changed or cut file is refused', async () => {
    const file = join(folder, 'read.zip');
    await pinlight('-o', file, '--note', 'It does \u001b[31mnot\u001b[0m work');
    const shown = (await pinlight('show', file)).stdout;
    expect(shown).toContain('Reported: It does \\u{1b}[31mnot');
    expect(shown).toContain('is whole');
    expect((await pinlight('show', file, '--file', 'connections.ndjson')).stdout).toContain(host);
    expect((await pinlight('verify', file)).stdout).toContain('is whole');
    expect((await pinlight('diff', file, file)).stdout).toContain('are the same');
    await usePolicy({ captureHandshakes: 5 });
    await pinlight('-o', join(folder, 'after.zip'));
    const changed = await failing('diff', file, join(folder, 'after.zip'));
    expect(changed).toMatchObject({ code: 1, stdout: expect.stringContaining('policy-effective.json policy.diagnostics.captureHandshakes: 0 → 5') });
    truncateSync(file, statSync(file).size - 30);
    expect(await failing('verify', file)).toMatchObject({ code: 5, stderr: expect.stringContaining('it is cut off') });
  });

  it('--record brackets what happened: the timeline has the refusal between its marks, and the capture its bytes', async () => {
    await usePolicy({ captureHandshakes: 5 });
    const file = join(folder, 'recorded.zip');
    const child = spawn(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', '--record', '--capture', '--note', 'sign-in fails', '-o', file], { env: { ...process.env, PINLIGHT_HOME: agent.home } });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    await until('the recording', () => said.includes('press Enter'));
    await refuse();
    await until('the row', async () => (await agent.client.call('connections', { filter: 'outcome:refused' }, {})).rows.length > 0);
    child.stdin.write('\n');
    await new Promise((done) => { child.once('exit', done); });
    const files = await unzip(file);
    const { recording, note } = manifestOf(files);
    expect(note).toBe('sign-in fails');
    expect((recording?.to ?? 0) - (recording?.from ?? 0)).toBeGreaterThan(0);
    expect(files.get('report.html')?.toString()).toMatch(/Recording began: sign-in fails[\s\S]*The app refused[\s\S]*Recording ended/);
    const capture = files.get('capture.pcapng');
    expect(capture?.toString('latin1')).toContain(host);
    if (!hasTshark) return;
    writeFileSync(join(folder, 'capture.pcapng'), capture ?? '');
    const fields = (await run('tshark', ['-r', join(folder, 'capture.pcapng'), '-Y', 'tls', '-T', 'fields', '-e', 'tls.handshake.extensions_server_name', '-e', 'tls.alert_message.desc', '-e', 'frame.comment', '-e', '_ws.malformed'])).stdout;
    expect(fields).toMatch(new RegExp(`^${host}\\t\\t[\\s\\S]*^\\t48\\tAlert 48, unknown_ca`, 'm'));
    expect(fields).toContain('ClientHello to Pinlight, byte for byte');
    expect(fields).not.toContain('Malformed');
  });

  it('forgets the handshakes it kept where policy wants none any more, and says so', async () => {
    await usePolicy({});
    const file = join(folder, 'no-capture.zip');
    await pinlight('-o', file, '--capture');
    expect(manifestOf(await unzip(file)).notCollected).toEqual([{ name: 'capture.pcapng', because: 'the policy keeps no handshakes (diagnostics.captureHandshakes)' }]);
  });

  it('hides names under a key: no file has the host, and only the key finds it', async () => {
    const file = join(folder, 'hidden.zip');
    const { stdout } = await pinlight('-o', file, '--names', 'pseudonyms', '--json');
    const { data } = JSON.parse(stdout) as { data: { key: string } };
    const files = await unzip(file);
    for (const [name, content] of files) expect(content.toString().includes('bundle.pinlight'), name).toBe(false);
    expect((await pinlight('who', file, 'host', host.toUpperCase(), '--key', data.key.toLowerCase())).stdout).toMatch(/is host-[0-9a-z]{10}, in .*connections\.ndjson/);
    expect(await failing('who', file, 'host', 'other.example', '--key', data.key)).toMatchObject({ code: 1 });
    expect(await failing('who', file, 'host', host, '--key', `${data.key.slice(0, -4)}0000`)).toMatchObject({ code: 5, stderr: expect.stringContaining('not the key') });
    await usePolicy({ names: 'pseudonyms' });
    expect(await failing('-o', join(folder, 'x.zip'), '--names', 'shown')).toMatchObject({ code: 4, stderr: expect.stringContaining('diagnostics.names') });
  });

  it('is sealed to the organisation\'s key: nobody else opens it, and a cut one never', async () => {
    const keyFile = join(folder, 'helpdesk.key');
    execFileSync('openssl', ['genpkey', '-algorithm', 'x25519', '-out', keyFile]);
    const publicKey = execFileSync('openssl', ['pkey', '-in', keyFile, '-pubout', '-outform', 'DER']).subarray(-32).toString('base64');
    await usePolicy({ sealTo: publicKey });
    const { stdout } = await pinlight('-o', folder, '--json');
    const { data } = JSON.parse(stdout) as { data: { file: string; sealed: boolean } };
    expect(data).toMatchObject({ sealed: true, file: expect.stringMatching(/\.zip\.sealed$/) });
    expect(await failing('show', data.file)).toMatchObject({ code: 5, stderr: expect.stringContaining('is sealed') });
    const opened = join(folder, 'opened.zip');
    await pinlight('open', data.file, opened, '--key-file', keyFile);
    expect((await pinlight('verify', opened)).stdout).toContain('is whole');
    const other = join(folder, 'other.key');
    execFileSync('openssl', ['genpkey', '-algorithm', 'x25519', '-out', other]);
    expect(await failing('open', data.file, join(folder, 'no.zip'), '--key-file', other)).toMatchObject({ code: 5 });
    truncateSync(data.file, statSync(data.file).size - 1);
    expect(await failing('open', data.file, join(folder, 'no.zip'), '--key-file', keyFile)).toMatchObject({ code: 5 });
    expect(readdirSync(folder)).not.toContain('no.zip');
    await usePolicy({});
  });

  it('Ctrl-C while it records ends it, and leaves no file', async () => {
    const child = spawn(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', '--record', '--for', '600', '-o', join(folder, 'never.zip')], { env: { ...process.env, PINLIGHT_HOME: agent.home } });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    await until('the recording', () => said.includes('Recording for 600 s'));
    child.kill('SIGINT');
    expect(await new Promise((done) => { child.once('exit', done); })).toBe(130);
    expect(said).toContain('nothing was saved');
    expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([]);
  });

  it('cancelled, it is gone from the agent\'s memory, and another one\'s id opens nothing', async () => {
    const { job } = await agent.client.call('startBundle', {}, {});
    expect((await agent.client.call('cancelBundle', { id: job.id }, {})).job.phase).toBe('cancelled');
    await expect(agent.client.call('bundleJob', { id: job.id }, {})).rejects.toMatchObject({ code: 'no-such-bundle' });
    await expect(agent.client.openBundle(job.id)).rejects.toMatchObject({ code: 'no-such-bundle' });
  });

  it.each([
    ['a note without end', { note: 'x'.repeat(1_001) }], ['marks the wrong way round', { from: 2, to: 1 }], ['one mark', { from: 2 }],
    ['names of another kind', { names: 'half' }], ['another capture', { capture: 'everything' }],
  ])('%s is a bad request', async (_name, body) => {
    await expect(agent.client.relay('startBundle', {}, body)).rejects.toMatchObject({ code: 'bad-request' });
  });
});

describe('pinlight bundle, the agent dead', () => {
  let agent: TestAgent;
  let home: string;
  beforeAll(async () => {
    // The agent takes its own folder along when it ends.
    home = mkdtempSync(join(tmpdir(), 'pinlight-dead-'));
    agent = await startTestAgent({ rules: [{ id: 'no', when: { host: 'blocked.pinlight.test' }, do: 'block' }] }, { home });
    await tlsThrough(agent.proxyPort, 'blocked.pinlight.test', { ca: '' }).catch(() => undefined);
    await until('the row', async () => (await agent.client.call('connections', { filter: 'disposition:block' }, {})).rows.length > 0);
    agent.process.kill('SIGKILL');
    await until('its end', () => agent.process.exitCode !== null || agent.process.signalCode !== null);
  }, 60_000);
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const pinlightHere = (...args: string[]) => run(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', ...args], { env: { ...process.env, PINLIGHT_HOME: home } });

  it('has what it left on disk, says that it did not run, and changes nothing there', { timeout: 60_000 }, async () => {
    const before = readFileSync(join(home, 'pinlight.db'));
    const file = join(home, 'dead.zip');
    const { stdout, stderr } = await pinlightHere('-o', file, '--note', 'nothing works', '--capture');
    expect(stderr).toContain('The agent is not running');
    const files = await unzip(file);
    const manifest = manifestOf(files);
    expect(stdout).toContain(manifest.id);
    expect(manifest.notCollected).toEqual(['status.json', 'health.json', 'apps.json', 'tls-selftest.json', 'capture.pcapng'].map((name) => ({ name, because: expect.stringContaining('the agent was not running') })));
    expect(files.get('connections.ndjson')?.toString()).toContain('blocked.pinlight.test');
    expect(files.get('agent.log')?.length).toBeGreaterThan(0);
    expect(JSON.parse(files.get('trust-stores.json')?.toString() ?? '')).toMatchObject({ root: { fingerprint: expect.stringMatching(/^[0-9A-F:]{95}$/) } });
    expect(files.get('report.html')?.toString()).toMatch(/The agent was not running[\s\S]*nothing works[\s\S]*blocked\.pinlight\.test/);
    expect((await pinlightHere('verify', file)).stdout).toContain('is whole');
    expect(Buffer.concat([...files.values()]).toString('latin1')).not.toMatch(/PRIVATE KEY/);
    expect(readFileSync(join(home, 'pinlight.db')).equals(before)).toBe(true);
  });

  it('hides names and shows the preview as ever', { timeout: 60_000 }, async () => {
    const { stdout } = await pinlightHere('--preview', '--names', 'pseudonyms');
    expect(stdout).toMatch(/nothing has been written[\s\S]*Names are hidden/);
    const file = join(home, 'hidden.zip');
    await pinlightHere('-o', file, '--names', 'pseudonyms');
    for (const [name, content] of await unzip(file)) expect(content.toString().includes('blocked.pinlight'), name).toBe(false);
  });
});

function manifestOf(files: Map<string, Buffer>): Manifest {
  return JSON.parse(files.get('manifest.json')?.toString() ?? '') as Manifest;
}
