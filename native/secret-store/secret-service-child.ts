// A process of its own that asks the session's keyring one thing and ends: the library blocks without an end where a keyring does not answer.
// One JSON document on standard input, one on standard output; a key travels nowhere else. Started by secret-service.ts only.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Entry, findCredentials } from '@napi-rs/keyring';

/** `forget` answers with what is left. */
export type KeyringQuestion =
  | { readonly ask: 'find' | 'forget'; readonly account: string }
  | { readonly ask: 'add'; readonly account: string; readonly key: string };

/** `none`: no entry shows; a keyring that is locked may hide one, and one that is not there may look like this, too. */
export type KeyringAnswer =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'none' | 'locked' }
  | { readonly kind: 'failed'; readonly why: string };

const serviceName = 'Pinlight root key';
/** ms; part of the 3 s that the whole process has. */
const lookMs = 1_000;

process.stdout.write(JSON.stringify(answer(JSON.parse(readFileSync(0, 'utf8')) as KeyringQuestion)));

function answer(question: KeyringQuestion): KeyringAnswer {
  try {
    if (question.ask === 'find') return find(question.account);
    // Else the library falls back to the kernel's keyring, which is gone after a restart.
    const entry = new Entry(serviceName, question.account, { linux: { store: 'secret-service' } });
    if (question.ask === 'add') {
      if (!isUnlocked()) return { kind: 'locked' };
      entry.setPassword(question.key);
    } else if (find(question.account).kind === 'key') entry.deleteCredential();
    return find(question.account);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return why.includes('Secret.Error.IsLocked') ? { kind: 'locked' } : { kind: 'failed', why: (why.split('\n')[0] ?? '').slice(0, 300) };
  }
}

/** By a search, which throws on a locked entry: reading the entry by its name would open a dialogue. */
function find(account: string): KeyringAnswer {
  const found = findCredentials(serviceName).find((one) => one.account === account);
  return found === undefined ? { kind: 'none' } : { kind: 'key', key: found.password };
}

/** Storing in a locked keyring opens a dialogue, and the library does not tell beforehand. False where it cannot be told. */
function isUnlocked(): boolean {
  const of = ['org.freedesktop.secrets', '/org/freedesktop/secrets/aliases/default', 'org.freedesktop.Secret.Collection', 'Locked'];
  return spawnSync('busctl', ['--user', 'get-property', ...of], { encoding: 'utf8', timeout: lookMs }).stdout?.trim() === 'b false';
}
