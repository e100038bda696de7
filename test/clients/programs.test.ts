// Every driven program that is here does what its row says, against plain servers without Pinlight: the ground truth that the lab stands on.
// Three servers for one proxy: the origin, the same name under the other root with another key (what inspection looks like), one under no known root.
import { mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority, open, startOrigin, type Origin, type TestAuthority } from '../support/origins.ts';
import { startTunnelProxy, type TunnelProxy } from '../support/tunnel-proxy.ts';
import { debianPackages, slug } from './program.ts';
import { allPrograms, chromium, firefox, isPresent, others, type Place, type Program, type VisitResult } from './programs.ts';

const here = allPrograms.filter(isPresent);
for (const program of allPrograms) if (!here.includes(program)) console.log(`skipped: ${program.title} is not here (Debian: ${program.debian})`);

const asking: readonly Program[] = [others.curlClientCertificate, others.pythonClientCertificate];
const fetching = here.filter((program) => program.does === 'request' && !asking.includes(program));
const impatient: readonly Program[] = [others.curlImpatient];

describe('the list of Debian packages', () => {
  it('has every package that a program needs, so that CI installs it', () => {
    const listed = new Set(debianPackages().map((one) => one.name));
    // Node is the one that runs the tests.
    const wanted = new Set([...allPrograms, chromium, firefox].flatMap((program) => [...program.debian.split(' '), ...(program.libraries ?? [])]).filter((name) => name !== 'nodejs'));
    expect([...wanted].filter((name) => !listed.has(name))).toEqual([]);
  });

  it('names every program once, since copies of scripts are named after titles', () => {
    expect(new Set(allPrograms.map((program) => slug(program.title))).size).toBe(allPrograms.length);
  });
});

describe('the driven programs', () => {
  const authorities: TestAuthority[] = [];
  const origins: Origin[] = [];
  const ports = new Map<string, number>();
  const pems = new Map<string, string>();
  const prepared = new Set<Program>();
  let proxy: TunnelProxy;
  let place: Place;

  beforeAll(async () => {
    const [world, inspection, stranger] = Array.from({ length: 3 }, createTestAuthority) as [TestAuthority, TestAuthority, TestAuthority];
    authorities.push(world, inspection, stranger);
    const client = world.clientCertificate();
    const serve = async (host: string, authority: TestAuthority, tls: object = {}): Promise<void> => {
      const origin = await startOrigin(authority, host, { tls: { ALPNProtocols: ['h2', 'http/1.1'], ...tls } });
      origins.push(origin);
      ports.set(host, origin.port);
      // The pin is always to the world's key: at an inspected host another one is shown.
      pems.set(host, world.leaf(host).cert);
    };
    const plain = world.leaf('plain.pinlight.test');
    origins.push(await startOrigin(world, 'plain.pinlight.test', { leaf: plain, tls: { ALPNProtocols: ['h2', 'http/1.1'] } }));
    ports.set('plain.pinlight.test', (origins[0] as Origin).port);
    pems.set('plain.pinlight.test', plain.cert);
    await serve('inspected.pinlight.test', inspection);
    await serve('stranger.pinlight.test', stranger);
    await serve('demands.pinlight.test', world, { requestCert: true, rejectUnauthorized: true, ca: client.pem });
    await serve('asks.pinlight.test', world, { requestCert: true, rejectUnauthorized: false, ca: client.pem });
    const silent = await open(net.createServer((socket) => socket.resume()), 'silent.pinlight.test');
    origins.push(silent);
    ports.set('silent.pinlight.test', silent.port);
    pems.set('silent.pinlight.test', plain.cert);
    proxy = await startTunnelProxy((host) => ports.get(host));
    place = {
      proxyPort: proxy.port, rootFile: inspection.rootFile, originsRootFile: world.rootFile,
      folder: mkdtempSync(join(tmpdir(), 'pinlight-programs-')), clientCertificate: client,
    };
  });

  afterAll(async () => {
    await proxy.close();
    await Promise.all(origins.map((origin) => origin.close()));
    for (const authority of authorities) authority.close();
    rmSync(place.folder, { recursive: true, force: true });
  });

  const visit = async (program: Program, name: string, pinned = false): Promise<VisitResult> => {
    if (!prepared.has(program)) await program.prepare?.(place);
    prepared.add(program);
    const host = `${name}.pinlight.test`;
    return program.visit(place, { host, certificatePem: pems.get(host) as string, served: () => 0, pinned });
  };
  const works = async (program: Program, name: string, pinned = false): Promise<void> => {
    const result = await visit(program, name, pinned);
    expect(result.ok, result.text).toBe(true);
  };
  const fails = async (program: Program, name: string, pinned = false): Promise<void> => {
    const result = await visit(program, name, pinned);
    expect(result.ok, result.text).toBe(false);
  };

  it.each(fetching.map((program) => [program.title, program] as const))('%s', async (_title, program) => {
    await works(program, 'plain');
    await fails(program, 'stranger');
    if (program.pins !== 'none') await works(program, 'plain', true);
    if (program.trust === 'root' && program.pins !== 'all') await works(program, 'inspected');
    else await fails(program, 'inspected');
    if (program.pins !== 'none') await fails(program, 'inspected', true);
  });

  it.each(here.filter((program) => program.does !== 'request' && !impatient.includes(program)).map((program) => [program.title, program] as const))(
    '%s comes and goes', async (_title, program) => {
      await works(program, program.does === 'probe' ? 'stranger' : 'inspected');
    },
  );

  it.each(asking.filter(isPresent).map((program) => [program.title, program] as const))('%s is let in where others are not', async (_title, program) => {
    await works(program, 'demands');
    await works(program, 'asks');
  });

  it.each(fetching.filter((program) => /^(curl|Python urllib|Node https|Java HttpClient|Go net\/http)$/.test(program.title)).map((program) => [program.title, program] as const))(
    '%s without a certificate is let in only where it is optional', async (_title, program) => {
      await works(program, 'asks');
      await fails(program, 'demands');
    },
  );

  it.each(impatient.filter(isPresent).map((program) => [program.title, program] as const))('%s', async (_title, program) => {
    await works(program, 'silent');
  });
});
