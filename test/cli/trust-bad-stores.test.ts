// Stores of the machine in a bad way, copied: no rights, read-only, edited by hand, half removed, layouts of other distributions with stand-ins for their tools.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeAuthority, openStoreRoom } from '../native/support/store-room.ts';
import type { StoreRoom } from '../native/support/store-room.ts';
import { pinlightFile } from './run-pinlight.ts';

type Row = { readonly store: string; readonly kind: string; readonly state: string; readonly done: string; readonly detail: string; readonly roots: number; readonly needsRights: boolean };

const probe = await openStoreRoom();
probe?.close();

describe.skipIf(probe === null)('stores of the machine', () => {
  let room: StoreRoom;
  let rootPem: string;
  beforeEach(async () => {
    const opened = await openStoreRoom();
    if (opened === null) throw new Error('there was a room a moment ago');
    room = opened;
    rootPem = makeAuthority(room.state).certificatePem;
  });
  afterEach(() => room.close());

  const sh = async (script: string): Promise<string> => (await room.run(['sh', '-c', script])).stdout;
  const rows = async (verb: 'install' | 'remove', stores: readonly string[]): Promise<{ readonly code: number | null; readonly stores: readonly Row[] }> => {
    const ran = await room.pinlight(['trust', verb, '--json', ...stores.flatMap((name) => ['--store', name])]);
    const answer: { data: { stores: readonly Row[] } } = JSON.parse(ran.stdout);
    return { code: ran.code, stores: answer.data.stores };
  };
  const roots = async (): Promise<readonly number[]> => {
    const answer: { data: { stores: readonly Row[] } } = JSON.parse((await room.pinlight(['trust', 'receipt', '--json', '--store', 'system', '--store', 'java'])).stdout);
    return answer.data.stores.map((row) => row.roots);
  };

  test('without rights: the own stores are done, the others are named with the command, exit code 4', async () => {
    await sh(`chown -R 65534:65534 '${room.home}' '${room.state}'; chmod 755 '${room.folder}'`);
    const asUser = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, pinlightFile];
    const ran = await room.run([...asUser, 'trust', 'install'], { PINLIGHT_HOME: room.state });
    expect(ran.stdout).toMatch(/environment +trusted +installed/);
    expect(ran.stdout).toMatch(/system +missing +left as it is .*cannot be written by this user/);
    expect(ran.stdout).toMatch(/sudo .*pinlight trust install --store system .*--root .*root\.pem/);
    expect(ran.code).toBe(4);
    const again = await room.run([...asUser, 'trust', 'remove', '--json'], { PINLIGHT_HOME: room.state });
    expect(JSON.parse(again.stdout)).toMatchObject({ data: { stores: expect.arrayContaining([expect.objectContaining({ store: 'environment', done: 'removed' })]) } });
    expect(await sh(`find '${room.home}' -type f`)).toBe('');
  }, 60_000);

  test('root does not believe a state folder that belongs to somebody else', async () => {
    await sh(`chown 65534:65534 '${room.state}'`);
    const ran = await room.pinlight(['trust', 'status']);
    expect(ran.code).toBe(5);
    expect(ran.stderr).toContain('belongs to somebody else');
  });

  test('a program that reads the store and does not accept the root: told, with exit code 1', async () => {
    const bin = path.join(room.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'python3'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const env = { PATH: `${bin}:/usr/bin:/bin` };
    for (const done of ['installed', '-']) {
      const ran = await room.pinlight(['trust', 'install', '--store', 'environment'], env);
      expect(ran.stdout).toMatch(/^The root is trusted in 0 of 1 store\./);
      expect(ran.stdout).toMatch(new RegExp(`environment +not accepted +${done} .*not accepted by .*python3`));
      expect(ran.stdout).toContain('1 store holds the root, and a program that reads it does not accept it: environment.');
      expect(ran.code).toBe(1);
    }
    expect(JSON.parse((await room.pinlight(['trust', 'install', '--json', '--store', 'environment'], env)).stdout)).toMatchObject({ data: { stores: [{ accepted: false }] } });
    expect(await room.pinlight(['trust', 'install', '--store', 'environment'])).toMatchObject({ code: 0, stdout: expect.stringContaining('The root is trusted in 1 of 1 store.') });
  }, 60_000);

  test('root\'s receipt names each other home with what its user runs, and does not call the device clean; a named store is about that store', async () => {
    await sh('mkdir -p /etc/skel-ann; echo "ann:x:1001:1001::/etc/skel-ann:/bin/sh" >> /etc/passwd; echo "gone:x:1002:1002::/nonexistent:/bin/sh" >> /etc/passwd');
    const ran = await room.pinlight(['trust', 'receipt']);
    expect(ran.stdout).toMatch(/1 home of other users was not looked at.*\n {2}ann \(\/etc\/skel-ann\): .*pinlight trust receipt\n/);
    expect(ran.code).toBe(0);
    const receipt = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await room.pinlight(['trust', 'receipt', '--json', ...args])).stdout);
    expect(await receipt()).toMatchObject({ data: { clean: null, notLookedAt: [{ user: 'ann', home: '/etc/skel-ann', command: expect.stringMatching(/pinlight trust receipt$/) }] } });
    expect(await receipt('--store', 'system')).toMatchObject({ data: { clean: true, notLookedAt: [] } });
    await rows('install', ['environment']);
    expect(await receipt()).toMatchObject({ data: { clean: false } });
  }, 60_000);

  test('a read-only file system: said, and the rest goes on', async () => {
    await sh('mount --bind -o ro /usr/local/share /usr/local/share; mount -o remount,bind,ro /usr/local/share');
    const found = await rows('install', ['system', 'environment']);
    expect(found.stores).toMatchObject([{ store: 'system', done: 'refused', detail: expect.stringContaining('read-only file system'), needsRights: false }, { store: 'environment', state: 'trusted' }]);
    expect(found.code).toBe(1);
  }, 60_000);

  test('a certificate that somebody put into the bundle by hand is not lost', async () => {
    const corp = await sh('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=Corp 2>/dev/null | tee -a /etc/ssl/certs/ca-certificates.crt');
    expect((await rows('install', ['system'])).stores).toMatchObject([{ done: 'refused', detail: expect.stringContaining('holds 1 certificate put there by hand') }]);
    expect(await sh('cat /etc/ssl/certs/ca-certificates.crt')).toContain(corp);
  }, 60_000);

  test('our root in a file of somebody\'s: not edited, and said', async () => {
    writeFileSync(path.join(room.folder, 'root.pem'), rootPem);
    const mixed = await sh(`(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=Corp 2>/dev/null; cat '${room.folder}/root.pem') | tee /usr/local/share/ca-certificates/mixed.crt`);
    expect((await rows('remove', ['system'])).stores).toMatchObject([{ done: 'refused', detail: expect.stringContaining('mixed.crt holds a root of Pinlight\'s among others') }]);
    expect(await sh('cat /usr/local/share/ca-certificates/mixed.crt')).toBe(mixed);
  }, 60_000);

  test('half removed by hand: the links and Java\'s entry that are left go too', async () => {
    await rows('install', ['system']);
    await sh('rm /usr/local/share/ca-certificates/pinlight-*; update-ca-certificates');
    expect(await roots()).toEqual([0, 1]);
    expect((await rows('remove', ['system', 'java'])).code).toBe(0);
    expect(await roots()).toEqual([0, 0]);
    await rows('install', ['system']);
    expect((await room.run(['openssl', 'verify', '-CApath', '/etc/ssl/certs', path.join(room.state, 'root.pem')])).code).toBe(0);
  }, 90_000);

  test('installed by hand under another name: found and removed', async () => {
    writeFileSync(path.join(room.folder, 'root.pem'), rootPem);
    await sh(`cp '${room.folder}/root.pem' /usr/local/share/ca-certificates/from-the-readme.crt; update-ca-certificates`);
    expect((await rows('remove', ['system', 'java'])).code).toBe(0);
    expect(await roots()).toEqual([0, 0]);
    expect(await sh('ls /etc/ssl/certs | grep readme')).toBe('');
  }, 60_000);

  test('a drop-in with lines of the person\'s: they stay', async () => {
    await rows('install', ['environment']);
    await sh('echo MINE=1 >> /etc/environment.d/60-pinlight.conf');
    expect((await rows('remove', ['environment'])).stores).toMatchObject([{ done: 'removed', roots: 0 }]);
    expect(await sh('cat /etc/environment.d/60-pinlight.conf')).toBe('MINE=1\n');
  }, 60_000);

  test('a drop-in that is not ours is left as it is; a variable that is set is respected and named', async () => {
    await sh('mkdir -p /etc/environment.d; echo A=1 > /etc/environment.d/60-pinlight.conf');
    const ran = await room.pinlight(['trust', 'install', '--store', 'environment'], { REQUESTS_CA_BUNDLE: '/etc/corp.pem' });
    expect(ran.stdout).toContain('was not written by Pinlight');
    await sh('rm /etc/environment.d/60-pinlight.conf');
    const then = await room.pinlight(['trust', 'install', '--store', 'environment'], { REQUESTS_CA_BUNDLE: '/etc/corp.pem' });
    expect(then.stdout).toContain('REQUESTS_CA_BUNDLE=/etc/corp.pem is set here already and stays, without the root');
    expect((await room.run(['sh', '-c', '. /etc/profile.d/pinlight.sh; echo "$REQUESTS_CA_BUNDLE $NODE_EXTRA_CA_CERTS"'], { REQUESTS_CA_BUNDLE: '/etc/corp.pem' })).stdout).toBe('/etc/corp.pem /etc/pinlight/trust/root.pem\n');
  }, 60_000);

  test('the owned bundle follows the system\'s, and stays without our root for a program that was started with it', async () => {
    await rows('install', ['environment']);
    await sh('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=Corp -out /usr/local/share/ca-certificates/corp.crt 2>/dev/null; update-ca-certificates');
    await room.pinlight(['trust', 'status', '--store', 'environment']);
    const corp = await sh('cat /usr/local/share/ca-certificates/corp.crt');
    expect(await sh('cat /etc/pinlight/trust/bundle.pem')).toContain(corp);
    const child = room.start(['sleep', '60'], { SSL_CERT_FILE: '/etc/pinlight/trust/bundle.pem' });
    await expect.poll(() => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1')).toContain('sleep\x0060');
    await rows('remove', ['environment']);
    expect(await sh('cat /etc/pinlight/trust/bundle.pem')).toBe(await sh('cat /etc/ssl/certs/ca-certificates.crt'));
    child.kill('SIGKILL');
    await expect.poll(async () => {
      await room.pinlight(['trust', 'receipt', '--store', 'environment']);
      return await sh('find /etc/pinlight -type f');
    }, { timeout: 20_000 }).toBe('');
  }, 60_000);

  test.each([
    ['RHEL and Fedora', '/etc/pki/ca-trust/source/anchors', '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', 'update-ca-trust'],
    ['Arch', '/etc/ca-certificates/trust-source/anchors', '/etc/ca-certificates/extracted/tls-ca-bundle.pem', 'update-ca-trust'],
    ['SUSE', '/etc/pki/trust/anchors', '/var/lib/ca-certificates/ca-bundle.pem', 'update-ca-certificates'],
  ])('the layout of %s, with a stand-in for its tool', async (_name, anchors, bundle, tool) => {
    const bin = path.join(room.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, tool), `#!/bin/sh\ncat ${anchors}/* > ${bundle} 2>/dev/null; true\n`, { mode: 0o755 });
    await sh(`mkdir -p ${anchors} ${path.dirname(bundle)}`);
    const PATH = `${bin}:/usr/bin:/bin`;
    const installed = await room.pinlight(['trust', 'install', '--store', 'system'], { PATH });
    // This system's own openssl does not read it, and says so.
    expect(installed.stdout).toMatch(/system +(?:trusted|not accepted) +installed/);
    expect(await sh(`cat ${bundle}`)).toContain(rootPem);
    const removed = await room.pinlight(['trust', 'remove', '--store', 'system'], { PATH });
    expect(removed.stdout).toMatch(/system +missing +removed/);
    expect(await sh(`ls ${anchors}`)).toBe('');
  }, 60_000);

  test('a tool that fails: taken back, with its words', async () => {
    const bin = path.join(room.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'update-ca-certificates'), `#!/bin/sh\n[ -e ${room.folder}/mended ] && exec /usr/sbin/update-ca-certificates\necho 'disk on fire' >&2; exit 3\n`, { mode: 0o755 });
    const PATH = `${bin}:/usr/bin:/bin`;
    const ran = await room.pinlight(['trust', 'install', '--store', 'system'], { PATH });
    expect(ran.stdout).toContain('update-ca-certificates ended with 3: disk on fire');
    expect(ran.code).toBe(1);
    expect(await sh('ls /usr/local/share/ca-certificates | grep pinlight')).toBe('');
    writeFileSync(path.join(room.folder, 'mended'), '');
    const next = await room.pinlight(['trust', 'install', '--store', 'system'], { PATH });
    expect(next.stderr).toContain('system: an interrupted change was put right');
    expect(next.stdout).toMatch(/system +trusted +installed/);
  }, 60_000);
});
