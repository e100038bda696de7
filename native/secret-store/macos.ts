// macOS: a wrapping key in a keychain, the System one for the daemon, else the person's login keychain. By `security`, secrets by standard input.
// Written from documentation; not run on a Mac yet.
import type { SecretStore } from '../../electron/core/ca/secret-store.ts';
import { keyOfHex, sealedUnder, type FoundKey } from './wrapping.ts';

/** Runs a tool to its end, now: the key is wanted once, before anything else is done. `code` -1: not started, or stopped for its time. */
export type RunNow = (tool: string, args: readonly string[], input: string) => { readonly code: number; readonly output: string; readonly errors: string };

const security = '/usr/bin/security';
const serviceName = 'Pinlight root key';
/** errSecItemNotFound, as `security` ends with it. */
const notFound = 44;

/** `folder`: the state folder, which is the account's name of the entry. */
export function keychainStore(run: RunNow, place: { readonly folder: string; readonly service: boolean; readonly home: string }): SecretStore {
  const keychain = place.service ? '/Library/Keychains/System.keychain' : `${place.home}/Library/Keychains/login.keychain-db`;
  const entry = ['-a', place.folder, '-s', serviceName];

  return {
    form: 'keychain',
    words: place.service
      ? 'sealed under a key in the System keychain (root reads it)'
      : 'sealed under a key in the login keychain (programs of this user can ask for it while it is unlocked)',
    ...sealedUnder({ find, add }),
    forget() {
      const gone = run(security, ['delete-generic-password', ...entry, keychain], '');
      return gone.code === 0 || gone.code === notFound ? null : `the entry "${serviceName}" of ${keychain} (${firstLine(gone.errors)})`;
    },
  };

  function find(): FoundKey {
    const found = run(security, ['find-generic-password', ...entry, '-w', keychain], '');
    const key = found.code === 0 ? keyOfHex(found.output) : null;
    if (key !== null) return { kind: 'key', key };
    return { kind: found.code === notFound ? 'none' : 'unavailable', why: `the keychain does not give the key that the root key is sealed under (${firstLine(found.errors)})` };
  }

  function add(key: Buffer): FoundKey {
    // As a command on standard input: arguments of a process can be read by everybody on the machine.
    const added = run(security, ['-i'], `add-generic-password ${[...entry, '-w', key.toString('hex'), keychain].map(quoted).join(' ')}\n`);
    const read = find();
    return read.kind === 'key' ? read : { kind: 'unavailable', why: `the keychain took no key (${firstLine(added.errors)})` };
  }
}

function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] || 'it said nothing';
}
