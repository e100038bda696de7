// Linux, a user's own agent: a wrapping key in the keyring of the session (Secret Service). A process of its own asks for it and is killed when no
// answer comes. No dialogue is ever opened: one that the agent has to close after seconds helps nobody. Not for what is asked: secret-service-child.ts.
import { execFile, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SecretStore } from '../../electron/core/ca/secret-store.ts';
import type { KeyringAnswer, KeyringQuestion } from './secret-service-child.ts';
import { keyOfHex, sealedUnder, type FoundKey } from './wrapping.ts';

/** A keyring answers in some 50 ms; one that is stuck holds up the agent this long, once: its watchdog ends an agent that says nothing for long. */
const answerMs = 3_000;
/** An answer is a key in hex or a sentence. */
const answerBytes = 4_096;

const child = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'secret-service-child.ts' : 'secret-service-child.mjs', import.meta.url));

/** `folder`: the state folder, which is the account's name of the entry. Where there is no session bus of this uid nothing is started. */
export function secretServiceStore({ folder, env, uid }: { readonly folder: string; readonly env: NodeJS.ProcessEnv; readonly uid: number }): SecretStore {
  // Kept once it was read: the root key that it opens is in this memory, too.
  let known: Buffer | null = null;
  // One that gave no answer is not waited for again, until it gives `ready` one.
  let mute: Extract<KeyringAnswer, { kind: 'failed' }> | null = null;

  return {
    form: 'secret-service',
    words: 'sealed under a key in the keyring of the session (programs of this user can ask for it while it is unlocked)',
    ...sealedUnder({
      find: () => (known === null ? found(asked({ ask: 'find', account: folder })) : { kind: 'key', key: known }),
      add: (key) => found(asked({ ask: 'add', account: folder, key: key.toString('hex') })),
    }),
    ready: () => new Promise((done) => {
      const bus = sessionBus(env, uid);
      if (bus === null) return done(false);
      const running = execFile(process.execPath, [child], { ...limits(bus), encoding: 'utf8' }, (_error, output) => {
        const answer = answerOf(output);
        mute = answer.kind === 'failed' ? answer : null;
        done(found(answer).kind === 'key');
      });
      // One that ends at once reads nothing.
      running.stdin?.on('error', () => undefined).end(JSON.stringify({ ask: 'find', account: folder } satisfies KeyringQuestion));
    }),
    forget(sealed) {
      const left = found(asked({ ask: 'forget', account: folder }));
      known = null;
      // Where nothing is sealed, a keyring that cannot be asked holds nothing of ours either.
      if (left.kind === 'none' || (left.kind === 'unavailable' && !sealed)) return null;
      return `the entry "Pinlight root key" of the session's keyring (${left.kind === 'key' ? 'it was not removed' : left.why})`;
    },
  };

  function asked(question: KeyringQuestion): KeyringAnswer {
    const bus = sessionBus(env, uid);
    if (bus === null) return { kind: 'failed', why: 'there is no session bus' };
    if (mute !== null) return mute;
    const ran = spawnSync(process.execPath, [child], { ...limits(bus), encoding: 'utf8', input: JSON.stringify(question), stdio: ['pipe', 'pipe', 'ignore'] });
    const answer = answerOf(ran.stdout ?? '');
    if (answer.kind === 'failed') mute = answer;
    return answer;
  }

  /** Nothing of the environment but what leads to the bus: an address of another store or an option for Node must not get in. */
  function limits(bus: string) {
    return {
      timeout: answerMs, killSignal: 'SIGKILL', maxBuffer: answerBytes,
      env: { PATH: '/usr/bin:/bin', DBUS_SESSION_BUS_ADDRESS: bus },
    } as const;
  }

  function found(answer: KeyringAnswer): FoundKey {
    switch (answer.kind) {
      case 'key': {
        known = keyOfHex(answer.key);
        return known === null ? { kind: 'unavailable', why: 'what the keyring holds for this state folder is no key' } : { kind: 'key', key: known };
      }
      case 'none': return { kind: 'none', why: 'the keyring shows no key for this state folder' };
      case 'locked': return { kind: 'unavailable', why: 'the keyring that holds its wrapping key is locked' };
      case 'failed': return { kind: 'unavailable', why: `the keyring that holds its wrapping key cannot be asked (${answer.why})` };
    }
  }
}

/** The address of this uid's own session bus; null = none. Another user's, in an environment that sudo kept, is not ours to write to. */
export function sessionBus(env: NodeJS.ProcessEnv, uid: number): string | null {
  const address = env['DBUS_SESSION_BUS_ADDRESS'] ?? `unix:path=/run/user/${uid}/bus`;
  const file = /^unix:path=([^,;]+)/.exec(address)?.[1];
  if (file === undefined) return null;
  try {
    const socket = statSync(decodeURIComponent(file));
    return socket.isSocket() && socket.uid === uid ? `unix:path=${file}` : null;
  } catch {
    return null;
  }
}

/** One that was killed, or did not get as far, said nothing whole. */
function answerOf(output: string): KeyringAnswer {
  try {
    return JSON.parse(output) as KeyringAnswer;
  } catch {
    return { kind: 'failed', why: 'it gave no answer' };
  }
}
