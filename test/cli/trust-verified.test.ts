// `pinlight trust install` and `trust status --handshake` with a real agent, on this machine's own stores, copied: the product's own verification by the
// programs that are here. Not for handshakes made by the test itself (trust-handshakes.test.ts).
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentNodeArguments } from '../../electron/contract/agent-arguments.ts';
import type { Handshake } from '../../native/trust-store/handshakes.ts';
import { jdkFolders } from '../../native/trust-store/holds-root.ts';
import { keystoreOf } from '../../native/trust-store/java-keystore.ts';
import { firefoxProfile } from '../native/support/store-clients.ts';
import { makeAuthority, makeNssDatabase, openStoreRoom } from '../native/support/store-room.ts';
import type { Ran, StoreRoom } from '../native/support/store-room.ts';
import { repository } from '../support/agent.ts';
import { pinlightFile } from './run-pinlight.ts';
import { findCommand } from '../support/find-command.ts';

const opened = await openStoreRoom();
if (opened !== null) suite(opened);
else test.skip('asking programs for real', () => undefined);

type Answer = {
  readonly stores: readonly { readonly store: string; readonly kind: string; readonly state: string; readonly detail: string; readonly accepted?: boolean | null }[];
  readonly handshakes?: { readonly programs: readonly Handshake[]; readonly why: string | null };
};

function suite(room: StoreRoom): void {
  const PATH = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', ...versionFolders()].join(':');
  const pinlight = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran & { readonly answer: Answer }> => {
    const ran = await room.pinlight(['trust', ...args, '--json'], { PATH, ...env });
    return { ...ran, answer: (JSON.parse(ran.stdout) as { readonly data: Answer }).data };
  };
  const answers = ({ handshakes }: Answer): Readonly<Record<string, string>> => Object.fromEntries((handshakes?.programs ?? []).map((one) => [`${one.store.split(':')[0] ?? ''} ${one.program}`, one.answer]));
  let stop: () => void = () => undefined;
  let agentPid = 0;

  beforeAll(async () => {
    makeAuthority(room.state);
    makeNssDatabase(path.join(room.home, '.pki/nssdb'));
    makeNssDatabase(firefoxProfile(room));
    writeFileSync(path.join(room.home, '.mozilla/firefox/profiles.ini'), '[Profile0]\nName=default\nIsRelative=1\nPath=abc.default\nDefault=1\n');
    writeFileSync(path.join(room.state, 'policy.json'), '{"version":1,"network":{"port":0}}');
    const agent = room.start([process.execPath, ...agentNodeArguments(repository), path.join(repository, 'electron/agent/main.ts'), '--policy', path.join(room.state, 'policy.json'), '--ready-json'], { PINLIGHT_HOME: room.state });
    stop = () => void agent.kill('SIGKILL');
    const [ready] = await once(agent.stdout, 'data');
    agentPid = (JSON.parse(String(ready)) as { readonly pid: number }).pid;
  }, 60_000);
  afterAll(() => {
    stop();
    room.close();
  });

  /** Programs of the kinds of stores, and what has to be installed for them. */
  const readers: readonly (readonly [store: string, program: string, needs: string])[] = [
    ['system', 'curl', 'curl'], ['system', 'wget', 'wget'], ['system', 'gnutls-cli', 'gnutls-cli'], ['system', 'openssl', 'openssl'], ['system', 'git', 'git'], ['system', 'python3', 'python3'],
    ...jdkFolders().filter((home) => keystoreOf(home) !== null).map((home) => ['java', `java (${path.basename(home)})`, 'keytool'] as const), ['nss', 'chromium', 'chromium'], ['firefox', 'firefox', 'firefox-esr'], ['browser-policy', 'chromium', 'chromium'],
  ];
  const reached: typeof readers = [
    ['environment', 'node', 'node'], ['environment', 'deno', 'deno'], ['environment', 'python3', 'python3'], ['environment', 'python3 requests', 'python3'], ['environment', 'git', 'git'],
    ['environment', 'curl', 'curl'], ['environment', 'aws', 'aws'], ['environment', 'cargo', 'cargo'], ['environment', 'ruby', 'ruby'],
  ];
  /** What of these is here, each with this answer. */
  const here = (programs: typeof readers, answer: string): Readonly<Record<string, string>> => Object.fromEntries(programs.flatMap(([store, program, needs]) => (isHere(needs) ? [[`${store} ${program}`, answer]] : [])));
  const folders = async (): Promise<string> => (await room.run(['sh', '-c', 'find "$HOME" -type f ! -path "*/.config/pulse/*" -exec sha256sum {} + | sort -k2'])).stdout;

  describe('with an agent', () => {
    test('before an installation every program refuses, which is told and is no failure', async () => {
      const { answer, code } = await pinlight(['status', '--handshake']);
      expect(answers(answer)).toEqual(here(readers, 'refuses'));
      expect(code).toBe(0);
    }, 180_000);

    let installed: Answer;
    test('installed: nobody refuses, and nobody else is asked', async () => {
      const { answer, code } = await pinlight(['install']);
      expect(Object.keys(answers(answer)).sort()).toEqual(Object.keys({ ...here(readers, ''), ...here(reached, '') }).sort());
      expect(code).toBe(0);
      expect(answer.stores.find((row) => row.kind === 'system')?.detail).toMatch(/^verified by curl \d+\.\d/);
      installed = answer;
    }, 180_000);
    test.each([...readers, ...reached])('%s: %s trusts the root, and refuses a stranger', (store, program, needs) => {
      if (isHere(needs)) expect(answers(installed)[`${store} ${program}`]).toBe('trusts');
      else console.log(`skipped: ${needs} is not installed, so it was not asked about the store "${store}"`);
    });

    test('asking again changes nothing of the user\'s, leaves no program and no server, and says so to people', async () => {
      const [before, listening] = [await folders(), await ports()];
      const ran = await room.pinlight(['trust', 'status', '--handshake'], { PATH });
      expect(ran.stdout).toMatch(/system .*verified by curl \d+\.\d+.*, wget \d/s);
      expect(ran.code).toBe(0);
      expect(await folders()).toBe(before);
      await nothingLeft(listening);
    }, 180_000);

    test('interrupted while programs are asked: exit code 130, and no program and no server is left', async () => {
      const listening = await ports();
      const child = room.start([process.execPath, pinlightFile, 'trust', 'status', '--handshake'], { PATH, PINLIGHT_HOME: room.state });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
      child.stdout.resume();
      const ended = once(child, 'close');
      await expect.poll(() => said, { timeout: 30_000 }).toContain('asking');
      await expect.poll(ports, { timeout: 10_000 }).not.toBe(listening);
      child.kill('SIGINT');
      expect((await ended)[0]).toBe(130);
      await nothingLeft(listening);
    }, 60_000);

    test.runIf(isHere('git'))('a program whose own settings refuse the root is named, with exit code 1', async () => {
      writeFileSync(path.join(room.home, '.gitconfig'), `[http]\n\tpinnedPubkey = sha256//${'A'.repeat(43)}=\n`);
      const { answer, code } = await pinlight(['install', '--store', 'system']);
      expect(answers(answer)).toMatchObject({ 'system git': 'refuses', 'system curl': 'trusts' });
      expect(answer.stores[0]).toMatchObject({ state: 'trusted', accepted: false, detail: expect.stringMatching(/refused by git \(/) });
      expect(code).toBe(1);
      expect((await pinlight(['status', '--handshake', '--store', 'system'])).code).toBe(1);
      const ran = await room.pinlight(['trust', 'install', '--store', 'system'], { PATH });
      expect(ran.stdout).toMatch(/not accepted/);
      expect(ran.stdout).toContain('1 store holds the root, and a program that reads it does not accept it: system.');
    }, 120_000);

    test.runIf(isHere('git'))('a program that verifies nothing does not count as trusting', async () => {
      writeFileSync(path.join(room.home, '.gitconfig'), '[http]\n\tsslVerify = false\n');
      const { answer, code } = await pinlight(['install', '--store', 'system']);
      expect(answers(answer)).toMatchObject({ 'system git': 'trusts-anybody' });
      expect(answer.stores[0]?.detail).toContain('accepting any certificate whatever: git');
      expect(code).toBe(0);
    }, 120_000);

    test('a variable that is set already wins, and the program that refuses for it is named', async () => {
      writeFileSync(path.join(room.home, '.gitconfig'), '');
      const { answer, code } = await pinlight(['install', '--store', 'environment'], { NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ISRG_Root_X1.pem' });
      expect(answers(answer)).toMatchObject({ 'environment node': 'refuses', 'environment python3': 'trusts' });
      expect(code).toBe(1);
    }, 120_000);

    test('removed: every program refuses again, and the receipt is clean', async () => {
      expect((await pinlight(['remove'])).code).toBe(0);
      const { answer, code, stdout } = await pinlight(['receipt', '--handshake']);
      expect(answers(answer)).toEqual(here(readers, 'refuses'));
      expect(JSON.parse(stdout)).toMatchObject({ data: { clean: true } });
      expect(code).toBe(0);
    }, 180_000);

    test.runIf(isHere('git'))('a program that accepts the root after its removal is in the receipt, with exit code 1', async () => {
      writeFileSync(path.join(room.home, '.gitconfig'), `[http]\n\tsslCAInfo = ${path.join(room.state, 'root.pem')}\n`);
      const { answer, code, stdout } = await pinlight(['receipt', '--handshake', '--store', 'system']);
      expect(answers(answer)).toMatchObject({ 'system git': 'trusts', 'system curl': 'refuses' });
      expect(JSON.parse(stdout)).toMatchObject({ data: { clean: false } });
      expect(code).toBe(1);
    }, 120_000);

    test('the root of another agent is not asked about', async () => {
      const other = path.join(room.folder, 'other');
      makeAuthority(other, 'other');
      const { answer } = await pinlight(['status', '--handshake', '--store', 'system', '--root', path.join(other, 'root.pem')]);
      expect(answer.handshakes).toEqual({ programs: [], why: 'The agent that runs here has another root.' });
    }, 60_000);
  });

  test('without an agent stores are changed all the same, and it is said that no program was asked', async () => {
    stop();
    const { answer, code } = await pinlight(['install', '--store', 'system']);
    expect(answer.handshakes).toEqual({ programs: [], why: 'no agent runs here that could serve the check' });
    expect(code).toBe(0);
    const ran = await room.pinlight(['trust', 'remove', '--store', 'system'], { PATH });
    expect(ran.code).toBe(0);
    expect((await room.pinlight(['trust', 'install', '--store', 'system'], { PATH })).stdout).toContain('Not verified by handshakes: no agent runs here that could serve the check.');
  }, 60_000);

  function isHere(program: string): boolean {
    return findCommand(program, versionFolders()) !== null;
  }

  /** Neither files nor programs of a check, and no more servers than before it. */
  async function nothingLeft(listening: string): Promise<void> {
    await expect.poll(ports, { timeout: 10_000 }).toBe(listening);
    const left = `ls -d ${room.state}/undo/scratch; grep -lz "^PINLIGHT_CHANGE=${room.state}" /proc/[0-9]*/environ 2>/dev/null`;
    await expect.poll(async () => (await room.run(['sh', '-c', left])).stdout, { timeout: 10_000 }).toBe('');
  }

  async function ports(): Promise<string> {
    return (await room.run(['sh', '-c', `ss -ltnpH | grep "pid=${agentPid}," | awk '{print $4}' | sort`])).stdout;
  }
}

/** Programs that a version manager of the tester's brought: the home that is thrown away has no settings of it. */
function versionFolders(): readonly string[] {
  return ['.rustup/toolchains', '.pyenv/versions'].map((folder) => path.join(homedir(), folder)).flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name, 'bin')) : []));
}
