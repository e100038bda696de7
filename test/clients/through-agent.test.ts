// A few programs of each family through a real agent: what each does there is what its row says, attempt by attempt. Not the verdicts (test/lab).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectionRow } from '../../electron/contract/snapshot.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { createTestAuthority, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { until } from '../support/tunnel.ts';
import { commandLine, go, isPresent, java, node, others, python, type Place, type Program } from './programs.ts';

/** What each attempt must be: the agent's disposition and outcome, and whether the program got its page. */
type Row = readonly [name: string, program: Program, pinned: boolean, attempts: readonly string[]];

const inspected = ['inspect established ok'];
const silent = ['inspect refused failed', 'bypass passed ok'];

const rows: readonly Row[] = [
  ['curl that trusts the root is inspected', commandLine.curl, false, inspected],
  ['gnutls-cli that trusts the root is inspected, its connect() sent through the proxy', commandLine.gnutlsCli, false, inspected],
  ['gnutls-cli with a list of its own refuses once', commandLine.gnutlsCliOwnList, false, silent],
  ['tstclnt with a database of its own refuses once', commandLine.tstclntOwnList, false, silent],
  ['a Python over GnuTLS that pins this host refuses once', python.pycurl, true, silent],
  ['a Node that speaks only HTTP/2 is inspected', node.http2, false, inspected],
  ['a Node with a list of its own refuses once', node.httpsOwnList, false, silent],
  ['a Java that pins this host refuses once', java.urlPinned, true, silent],
  ['a Go that pins this host refuses once', go.verifyConnection, true, silent],
  ['a health check that leaves is no refusal', others.probeClose, false, ['inspect abandoned ok']],
  ['a port probe is no refusal', others.nc, false, ['inspect abandoned ok']],
];

/** A program that pins at one host and not at another, and one that differs by trust or place of check alone. */
const identities: readonly (readonly [family: string, program: Program, other: Program])[] = [
  ['Python', python.urllib3, python.urllib3OwnList],
  ['Node', node.httpsPinIdentity, node.httpsPinConnected],
  ['Java', java.urlPinned, java.url],
  ['Go', go.verifyPeer, go.verifyConnection],
];

describe('programs through the agent', () => {
  let authority: TestAuthority;
  let agent: TestAgent;
  let place: Place;
  const origins = new Map<Row, Origin>();
  const pems = new Map<Row, string>();

  beforeAll(async () => {
    authority = createTestAuthority();
    for (const [index, row] of rows.entries()) {
      const host = `program-${index}.pinlight.test`;
      const leaf = authority.leaf(host);
      pems.set(row, leaf.cert);
      origins.set(row, await startOrigin(authority, host, { leaf, tls: { ALPNProtocols: ['h2', 'http/1.1'] } }));
    }
    agent = await startTestAgent({ network: {
      upstreamRoots: [authority.rootFile], localTargets: Object.fromEntries([...origins.values()].map((origin) => [`${origin.host}:443`, `127.0.0.1:${origin.port}`])),
    } });
    place = { proxyPort: agent.proxyPort, rootFile: agent.rootFile, originsRootFile: authority.rootFile, folder: mkdtempSync(join(tmpdir(), 'pinlight-through-')) };
  });

  afterAll(async () => {
    await agent.stop();
    await Promise.all([...origins.values()].map((origin) => origin.close()));
    authority.close();
    rmSync(place.folder, { recursive: true, force: true });
  });

  it.each(rows.map((row) => [row[0], row] as const))('%s', async (_name, row) => {
    const [, program, pinned, attempts] = row;
    if (!isPresent(program)) return console.log(`skipped: ${program.title} is not here (Debian: ${program.debian})`);
    await program.prepare?.(place);
    const seen: string[] = [];
    for (const _attempt of attempts) {
      const { connection, ok } = await attempt(program, row, pinned);
      seen.push(`${connection.disposition} ${connection.outcome?.kind} ${ok ? 'ok' : 'failed'}`);
    }
    expect(seen).toEqual(attempts);
  });

  it.each(identities)('%s: pinned here and not there is one app, another variant is another', async (_family, program, other) => {
    if (!isPresent(program)) return console.log(`skipped: ${program.title} is not here (Debian: ${program.debian})`);
    await program.prepare?.(place);
    await other.prepare?.(place);
    const [first, second] = rows as readonly [Row, Row];
    const free = await attempt(program, first, false);
    const pinned = await attempt(program, second, true);
    const different = await attempt(other, first, false);
    expect(free.connection.appId).not.toBeNull();
    expect(pinned.connection.appId).toBe(free.connection.appId);
    expect(different.connection.appId).not.toBe(free.connection.appId);
  });

  /** One visit at the host of that row, with the connection it made once that is over. */
  async function attempt(program: Program, row: Row, pinned: boolean): Promise<{ connection: ConnectionRow; ok: boolean }> {
    const { host } = origins.get(row) as Origin;
    const list = async (): Promise<readonly ConnectionRow[]> => (await agent.client.call('connections', { filter: `host == "${host}"`, limit: '1' }, {})).rows;
    const before = (await list())[0]?.id ?? 0;
    const { ok } = await program.visit(place, { host, certificatePem: pems.get(row) as string, served: () => 0, pinned });
    const connection = await until('the row of this attempt', async () => (await list()).find((one) => one.id > before && one.durationMs !== null));
    return { connection, ok };
  }
});
