// Route (iii): a diagnostic bundle, from the command line through a real agent to a file that unzips and reads.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import yauzl from 'yauzl';
import { repository, startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { readAll, tlsThrough } from '../support/tunnel.ts';

const run = promisify(execFile);
const host = 'bundle.pinlight.test';
const planted = 'S3CR3T-cookie-value';

describe('pinlight bundle', () => {
  let agent: TestAgent;
  let authority: TestAuthority;
  let origin: Origin;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pinlight-bundle-'));
    authority = createTestAuthority();
    origin = await startOrigin(authority, host);
    agent = await startTestAgent({ network: { upstreamRoots: [authority.rootFile], localTargets: { [`${host}:443`]: `127.0.0.1:${origin.port}` } } });
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
    await run(process.execPath, [join(repository, 'electron/cli/pinlight.mjs'), 'bundle', '-o', file], { env: { ...process.env, PINLIGHT_HOME: agent.home } });
    expect(statSync(file).mode & 0o077).toBe(0);
    const files = await unzip(file);
    expect([...files.keys()][0]).toBe('manifest.json');
    const manifest = JSON.parse(files.get('manifest.json')?.toString() ?? '') as { files: { name: string; sha256: string }[]; notCollected: unknown[] };
    for (const entry of manifest.files) expect(createHash('sha256').update(files.get(entry.name) as Buffer).digest('hex')).toBe(entry.sha256);
    expect(manifest.notCollected).toEqual([]);
    expect([...files.keys()]).toEqual(expect.arrayContaining(['report.html', 'status.json', 'policy.json', 'apps.json', 'connections.ndjson', 'agent.log']));
    expect(files.get('connections.ndjson')?.toString()).toContain(host);
    const everything = Buffer.concat([...files.values()]).toString('latin1');
    expect(everything).not.toContain(planted);
    expect(everything).not.toMatch(/PRIVATE KEY/);
    expect(readFileSync(join(agent.home, 'root.key'), 'utf8')).toContain('PRIVATE KEY');
  });

  it('leaves no payload in any file of the state folder either', async () => {
    const { stdout } = await run('grep', ['-rlF', planted, agent.home]).catch((error: { code: number; stdout: string }) => error);
    expect(stdout).toBe('');
  });
});

function unzip(file: string): Promise<Map<string, Buffer>> {
  return new Promise((done, fail) => {
    yauzl.open(file, { lazyEntries: true }, (error, zip) => {
      if (error !== null) return fail(error);
      const files = new Map<string, Buffer>();
      zip.on('entry', (entry: yauzl.Entry) => zip.openReadStream(entry, (failure, stream) => {
        if (failure !== null) return fail(failure);
        readAll(stream).then((bytes) => {
          files.set(entry.fileName, bytes);
          zip.readEntry();
        }, fail);
      }));
      zip.once('end', () => done(files));
      zip.once('error', fail);
      zip.readEntry();
    });
  });
}
