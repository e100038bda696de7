// C1, C2, C3, C9, C10, C11: the root of this device and its key: one a device, for servers only, and nobody else's to read.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadAuthority, rootLifetimeMs, spkiHash, type Authority } from '../../../electron/agent/ca/authority.ts';
import { mintLeaf, pem } from '../../../electron/agent/ca/mint.ts';
import { readCertificate } from '../../../electron/core/ca/certificate.ts';
import { hex, sequence, children } from '../../../electron/core/ca/der.ts';
import { routePaths } from '../../../electron/contract/routes.ts';
import { repository, startTestAgent, type TestAgent } from '../../support/agent.ts';
import { findCommand } from '../../support/find-command.ts';
import { openStoreRoom } from '../../native/support/store-room.ts';
import { createTally, run, type Tally } from '../legs.ts';
import { skip, type Row, type RowResult } from '../registry.ts';
import { asStranger, bundleOf, noSecondUser } from '../second-user.ts';
import { authority as madeAuthority, day, make, pairOf, purposes, san, dns, type Made } from '../workshop.ts';

export const rows: readonly Row[] = [
  { id: 'C1', title: 'a key for each device, shipped with nothing', source: 'KbP SST', run: onePerDevice },
  { id: 'C2', title: 'nobody else can read the key', source: 'KbP STIP', run: unreadable },
  { id: 'C3', title: 'the root certificate\'s profile', source: 'BR STIP', run: rootProfile },
  { id: 'C9', title: 'the root can sign nothing but servers', source: 'NSA', run: serversOnly },
  { id: 'C10', title: 'removal leaves no root in any store', source: 'KbP', slow: true, run: removal },
  { id: 'C11', title: 'no key in bundle and log', source: 'SST', run: notInBundle },
];

const keyBlock = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\sA-Za-z0-9+/=\\n]{80,}/;

async function onePerDevice({ quick }: { quick: boolean }): Promise<RowResult> {
  const tally = createTally();
  const installs = quick ? 2 : 5;
  const keys = new Set<string>();
  for (let n = 0; n < installs; n += 1) {
    const agent = await startTestAgent({ rules: [] });
    keys.add(spkiHash(new X509Certificate(readFileSync(agent.rootFile)).raw));
    await agent.stop();
  }
  tally.check(`${installs} installations have ${installs} keys`, keys.size === installs, keys.size);
  let files = 0;
  for (const part of ['electron', 'native', 'renderer', 'resources', 'build', 'package.json']) {
    for (const file of filesIn(join(repository, part))) {
      files += 1;
      tally.check(`${file} holds no private key`, !keyBlock.test(readFileSync(file, 'latin1')));
    }
  }
  return tally.result(`fresh installations compared; ${files} files of sources and built bundles searched for private keys`);
}

function filesIn(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  return stat.isDirectory() ? readdirSync(path).flatMap((name) => filesIn(join(path, name))) : [path];
}

async function unreadable(): Promise<RowResult> {
  const why = noSecondUser();
  if (why !== null) return skip(why);
  const tally = createTally();
  const agent = await startTestAgent({ rules: [] });
  const place = mkdtempSync(join(tmpdir(), 'pinlight-stranger-'));
  try {
    chmodSync(place, 0o777);
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    const key = join(agent.home, 'root.key');
    tally.check('the folder is 0700', mode(agent.home) === '700', mode(agent.home));
    tally.check('the key is 0600', mode(key) === '600', mode(key));
    tally.check('the control socket is 0600', mode(agent.controlPath) === '600', mode(agent.controlPath));
    tally.check('no page of its memory goes into a core file', /^0*$/.test(readFileSync(`/proc/${agent.pid}/coredump_filter`, 'utf8').trim()));
    // With the folder closed, and open: then the file's own mode is what refuses.
    for (const opened of [false, true]) {
      if (opened) for (const folder of [agent.home, dirname(agent.controlPath)]) chmodSync(folder, 0o755);
      for (const [title, command] of attempts(agent, key, place)) {
        const { code, text } = await asStranger(command);
        tally.check(`${title}${opened ? ', folder open' : ''}`, code !== 0 && !text.includes('PRIVATE KEY'), text);
      }
    }
    tally.check('the agent is still there', agent.process.exitCode === null && (await agent.client.call('status', {}, {})).agent.pid === agent.pid);
    tally.check('nothing was left in the stranger\'s folder', readdirSync(place).filter((name) => name !== 'link').length === 0, readdirSync(place));
  } finally {
    await agent.stop();
    rmSync(place, { recursive: true, force: true });
  }
  return tally.result('modes, core filter, and attempts of another uid with the folder closed and open. By design: programs of the same user can read a file of theirs; as a service the agent has a uid of its own');
}

function attempts({ home, pid, controlPath, rootFile }: TestAgent, key: string, place: string): readonly (readonly [string, readonly string[]])[] {
  const node = (code: string, ...args: string[]): readonly string[] => [process.execPath, '-e', code, ...args];
  const proc = `/proc/${pid}`;
  return [
    ['read the key', ['cat', key]],
    ['copy the key', ['cp', key, join(place, 'copy')]],
    ['link the key and read it', ['sh', '-c', 'ln "$1" "$2" && cat "$2"', 'sh', key, join(place, 'hard')]],
    ['read it through a symbolic link', ['sh', '-c', 'ln -sf "$1" "$2" && cat "$2"', 'sh', key, join(place, 'link')]],
    ['read it through the agent\'s root folder in /proc', ['cat', `${proc}/root${key}`]],
    ['read it through the agent\'s working folder in /proc', ['sh', '-c', 'cd "$1" && cat "$2"', 'sh', `${proc}/cwd`, key]],
    ['write the key', ['sh', '-c', 'echo x >> "$1"', 'sh', key]],
    ['change its mode', ['chmod', '644', key]],
    ['move it away', ['mv', key, join(place, 'moved')]],
    ['remove it', ['rm', '-f', '--', key, `${home}/nothing/`]],
    ['replace the root', ['cp', '/etc/hostname', rootFile]],
    ['read the history', ['cat', join(home, 'pinlight.db')]],
    ['read the log', ['cat', join(home, 'agent.log')]],
    ['read its memory', node('require("fs").readSync(require("fs").openSync(process.argv[1]),Buffer.alloc(8),0,8,4096)', `${proc}/mem`)],
    ['read its map of memory', ['cat', `${proc}/maps`]],
    ['read its environment', ['cat', `${proc}/environ`]],
    ['see its open files', ['ls', `${proc}/fd/0`]],
    ['change what a core file holds', ['sh', '-c', 'echo 33 > "$1"', 'sh', `${proc}/coredump_filter`]],
    ['end it with a core file', ['kill', '-ABRT', String(pid)]],
    ['talk to it', node('require("net").connect(process.argv[1]).on("error",()=>process.exit(1)).on("connect",()=>process.exit(0))', controlPath)],
    ...(findCommand('gdb') === null ? [] : [['attach a debugger', ['sh', '-c', 'gdb -p "$1" -batch -ex "info proc" 2>&1 | grep -q "^process" ', 'sh', String(pid)]] as const]),
  ];
}

/** `count` roots as the agent makes them. */
function roots(count: number): readonly { authority: Authority; folder: string }[] {
  return Array.from({ length: count }, (_, n) => {
    const folder = mkdtempSync(join(tmpdir(), 'pinlight-roots-'));
    const loaded = loadAuthority(folder, `laptop-${n}`, Date.now());
    if (loaded.kind !== 'authority') throw new Error(loaded.why);
    return { authority: loaded.authority, folder };
  });
}

async function rootProfile({ quick }: { quick: boolean }): Promise<RowResult> {
  const tally = createTally();
  const made = roots(quick ? 10 : 100);
  const serials = new Set<string>();
  for (const { authority, folder } of made) {
    const read = readCertificate(authority.certificate);
    if (read.kind === 'malformed') {
      tally.check('the root can be read', false, read.why);
      continue;
    }
    const { facts } = read;
    const { extensions } = facts;
    const serial = serialOf(authority.certificate);
    serials.add(hex(serial));
    const now = Date.now();
    tally.check('version 3', facts.version === 3);
    tally.check('an authority that may sign leaves alone', extensions.basicConstraints?.ca === true && extensions.basicConstraints.pathLength === 0);
    tally.check('keyCertSign and cRLSign, no more', extensions.keyUsage === 0x06, extensions.keyUsage);
    tally.check('serverAuth alone', extensions.extendedKeyUsage?.join() === '2b06010505070301', extensions.extendedKeyUsage?.join());
    tally.check('P-256', facts.key.kind === 'ec' && facts.key.curve === '2a8648ce3d030107');
    tally.check('ECDSA with SHA-256', facts.signatureAlgorithm.includes('2a8648ce3d040302'));
    tally.check('a serial of at most 159 bits, above 0, with 64 bits of chance at least', serial.length <= 20 && serial.length >= 9 && ((serial[0] ?? 0xff) & 0x80) === 0, hex(serial));
    tally.check('two years at most', facts.notAfter - facts.notBefore <= rootLifetimeMs);
    tally.check('valid now', facts.notBefore <= now && now < facts.notAfter);
    tally.check('named after device and date', /CN=Pinlight root for laptop-\d+ \(\d{4}-\d\d-\d\d\)/.test(authority.subject), authority.subject);
    rmSync(folder, { recursive: true, force: true });
  }
  tally.check('no serial twice', serials.size === made.length);
  return tally.result(`${made.length} roots as the agent makes them, read by our own DER reader; replaced in time by core/ca/rotation (test/core/ca)`);
}

function serialOf(der: Uint8Array): Uint8Array {
  const parts = children(sequence(der)?.[0]?.content ?? new Uint8Array()) ?? [];
  return parts[1]?.content ?? new Uint8Array();
}

async function serversOnly(): Promise<RowResult> {
  const tally = createTally();
  const [{ authority, folder } = { authority: null, folder: '' }] = roots(1);
  if (authority === null) throw new Error('no root');
  try {
    const key = pairOf(readFileSync(join(folder, 'root.key'), 'utf8'));
    const by: Made = { der: authority.certificate, pem: authority.certificatePem, key, keyPem: '', subject: Buffer.from(authority.subjectDer), keyId: Buffer.from(authority.keyId) };
    const purposesOf = [['smimesign', '1.3.6.1.5.5.7.3.4', 'mail'], ['sslclient', '1.3.6.1.5.5.7.3.2', 'clients'], ['timestampsign', '1.3.6.1.5.5.7.3.8', 'time stamps']] as const;
    const verify = async (title: string, leaf: Made, purpose: string, untrusted?: Made): Promise<void> => {
      const file = join(folder, 'leaf.pem');
      writeFileSync(file, leaf.pem);
      if (untrusted !== undefined) writeFileSync(join(folder, 'between.pem'), untrusted.pem);
      const { code, text } = await run(['openssl', 'verify', '-CAfile', authority.certificatePath, ...(untrusted === undefined ? [] : ['-untrusted', join(folder, 'between.pem')]), '-purpose', purpose, file]);
      tally.check(title, purpose === 'sslserver' && untrusted === undefined ? code === 0 : code !== 0 && /error/.test(text), text);
    };
    for (const [purpose, oid, words] of purposesOf) {
      await verify(`a certificate for ${words} under the root is refused`, make({ subject: 'other', by, extensions: [san(dns('a.test')), purposes(oid)] }), purpose);
    }
    await refusedByNss(tally, folder, authority.certificatePath, [
      ['code', '6', make({ subject: 'other', by, extensions: [san(dns('a.test')), purposes('1.3.6.1.5.5.7.3.3')] })],
      ['mail', '4', make({ subject: 'other', by, extensions: [san(dns('a.test')), purposes('1.3.6.1.5.5.7.3.4')] })],
    ]);
    const between = madeAuthority('between', by);
    await verify('an authority below the root is refused', make({ subject: 'server', by: between, extensions: [san(dns('a.test')), purposes('1.3.6.1.5.5.7.3.1')] }), 'sslserver', between);
    const ordinary = make({ subject: 'server', by, extensions: [san(dns('a.test')), purposes('1.3.6.1.5.5.7.3.1')] });
    await verify('an ordinary server under the root is accepted, so the check can tell', ordinary, 'sslserver');
    const leaf = mintLeaf({ rootKey: createPrivateKey(readFileSync(join(folder, 'root.key'))), issuer: authority.subjectDer, rootKeyId: authority.keyId, publicKey: key.publicKey, name: { kind: 'dns', name: 'a.test' }, notBefore: Date.now() - day, notAfter: Date.now() + day });
    await verify('a leaf of ours as an authority is refused', make({ subject: 'below', by: { ...by, der: leaf, pem: pem(leaf), subject: Buffer.from(new X509Certificate(leaf).raw) }, extensions: [san(dns('b.test'))] }), 'sslserver', { ...by, pem: pem(leaf) });
    for (const { path } of Object.values(routePaths)) tally.check(`${path} signs nothing on request`, !/sign|issue|leaf|mint|certificate/.test(path));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result('openssl and NSS judge certificates signed with the key of a fresh root, by purpose; the control API\'s routes. GnuTLS heeds no purpose of a trust anchor (certtool accepts code signing): known, nothing verifies code or mail with it by system roots');
}

/** With the trust that the installer gives: for servers alone. */
async function refusedByNss(tally: Tally, folder: string, rootFile: string, wanted: readonly (readonly [string, string, Made])[]): Promise<void> {
  const database = `sql:${folder}`;
  await run(['certutil', '-N', '-d', database, '--empty-password']);
  await run(['certutil', '-A', '-d', database, '-t', 'C,,', '-n', 'root', '-i', rootFile]);
  for (const [words, usage, leaf] of wanted) {
    const file = join(folder, 'nss.pem');
    writeFileSync(file, leaf.pem);
    const { code, text } = await run(['vfychain', '-d', database, '-u', usage, '-a', file]);
    tally.check(`NSS refuses a certificate for ${words} under the root`, code !== 0 && /bad|ERROR/.test(text), text);
  }
}

async function removal(): Promise<RowResult> {
  const room = await openStoreRoom();
  if (room === null) return skip('changing stores for real needs root and a mount namespace');
  const tally = createTally();
  try {
    loadAuthority(room.state, 'laptop', Date.now());
    const image = (): Promise<string> => room.run(['sh', '-c', `find /etc/ssl /etc/ca-certificates* /usr/local/share/ca-certificates /etc/environment* /etc/profile.d '${room.home}' -type f -exec sha256sum {} + 2>/dev/null | sort -k2`]).then(({ stdout }) => stdout);
    const before = await image();
    const installed = await room.pinlight(['trust', 'install', '--json']);
    const after = JSON.parse(installed.stdout) as { data: { stores: { store: string; state: string; done: string }[] } };
    const touched = after.data.stores.filter(({ done }) => done === 'installed');
    tally.check('stores were changed', touched.length >= 3, touched.map(({ store }) => store));
    const removed = await room.pinlight(['trust', 'remove', '--json']);
    tally.check('removal ends well', removed.code === 0, removed.stdout + removed.stderr);
    const receipt = JSON.parse((await room.pinlight(['trust', 'receipt', '--json'])).stdout) as { data: { stores: { store: string; roots: number }[] } };
    for (const { store, roots: left } of receipt.data.stores) tally.check(`${store} holds no root of ours`, left === 0, left);
    const now = await image();
    // Java's keystore is written anew by keytool: same content, other bytes; its entries are counted above.
    const differing = now.split('\n').filter((line) => !before.includes(line) && !line.endsWith('cacerts'));
    tally.check('every other file is as before', differing.length === 0, differing.join(' ').slice(0, 200));
    return tally.result(`trust install and trust remove on copies of this machine's stores: ${touched.map(({ store }) => store).join(', ')}`);
  } finally {
    room.close();
  }
}

async function notInBundle(): Promise<RowResult> {
  const tally = createTally();
  const agent = await startTestAgent({ rules: [] });
  try {
    const text = readFileSync(join(agent.home, 'root.key'), 'utf8');
    const { d = '' } = createPrivateKey(text).export({ format: 'jwk' });
    const secret = Buffer.from(d, 'base64url');
    const body = text.replace(/-----[^-]+-----|\s/g, '');
    // Whatever the alignment in the DER, a stretch of its base64 shows; plus raw, hex and JWK.
    const shapes: readonly Buffer[] = [secret, Buffer.from(secret.toString('hex')), Buffer.from(secret.toString('hex').toUpperCase()), Buffer.from(d), Buffer.from(secret.toString('base64').slice(0, 40)), Buffer.from(body.slice(48, 96)), Buffer.from('PRIVATE KEY')];
    const files = [...await bundleOf(agent), ...['agent.log', 'pinlight.db', 'pinlight.db-wal', 'test-policy.json', 'root.pem'].flatMap((name) => {
      const file = join(agent.home, name);
      return statSync(file, { throwIfNoEntry: false }) === undefined ? [] : [[name, readFileSync(file)] as const];
    })];
    for (const [name, bytes] of files) tally.check(`${name} holds no form of the key`, !shapes.some((shape) => bytes.includes(shape)));
    tally.check('the key file itself does, so the check can tell', readFileSync(join(agent.home, 'root.key')).includes('PRIVATE KEY'));
  } finally {
    await agent.stop();
  }
  return tally.result('the bundle\'s files, log, database and policy searched for the key raw, in hex, base64, JWK and PEM');
}
