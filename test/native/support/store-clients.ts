// Programs that read the stores of a store room, each with its way to say that it accepted a server of ours. Real programs. Not a test.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findCommand } from '../../support/find-command.ts';
import { makeNssDatabase } from './store-room.ts';
import type { HelloServer, Ran, StoreRoom } from './store-room.ts';

export type StoreClient = {
  readonly name: string;
  /** The program that has to be installed. */
  readonly needs: string;
  /** Whether it accepts the server, by a real handshake. */
  readonly accepts: () => Promise<boolean>;
};

/** Makes what the programs need in the room (profiles, a Java source), and answers with those that are installed. */
export function storeClients(room: StoreRoom, server: HelloServer): readonly StoreClient[] {
  const java = path.join(room.folder, 'C.java');
  const profile = firefoxProfile(room);
  writeFileSync(java, 'public class C { public static void main(String[] a) throws Exception { System.out.println(new String(new java.net.URL(a[0]).openStream().readAllBytes())); } }');
  makeNssDatabase(profile);
  makeNssDatabase(path.join(room.home, '.pki/nssdb'));
  writeFileSync(path.join(room.home, '.mozilla/firefox/profiles.ini'), '[Profile0]\nName=default\nIsRelative=1\nPath=abc.default\nDefault=1\n');

  const url = `https://localhost:${server.port}/`;
  const saidHello = (ran: Ran): boolean => ran.code === 0 && ran.stdout.includes('hello');
  const client = (name: string, needs: string, command: readonly string[], said = saidHello): StoreClient => ({ name, needs, accepts: async () => said(await room.run(command)) });
  const clients: readonly StoreClient[] = [
    client('curl', 'curl', ['curl', '-sS', url]),
    client('wget', 'wget', ['wget', '-q', '-O', '-', url]),
    client('openssl', 'openssl', ['openssl', 's_client', '-verify_return_error', '-connect', `localhost:${server.port}`], (ran) => ran.stdout.includes('Verify return code: 0')),
    client('git', 'git', ['git', 'ls-remote', url], (ran) => ran.code === 0),
    client('python3', 'python3', ['/usr/bin/python3', '-c', 'import sys,urllib.request as u\nprint(u.urlopen(sys.argv[1]).read().decode())', url]),
    client('java', 'javac', ['java', java, url]),
    // The variables as the drop-in of the machine gives them to a login shell.
    client('node, as a new login starts it', 'node', [
      'sh', '-c', '[ ! -e /etc/profile.d/pinlight.sh ] || . /etc/profile.d/pinlight.sh; exec "$@"', 'sh',
      process.execPath, '-e', 'fetch(process.argv[1]).then((r) => r.text()).then(console.log)', url,
    ]),
    client('chromium', 'chromium', ['timeout', '40', 'chromium', '--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${room.folder}/chromium`, '--dump-dom', url]),
    { name: 'firefox', needs: 'firefox-esr', accepts: () => firefoxAccepts(room, profile, server) },
  ];
  return clients.filter(({ needs }) => findCommand(needs) !== null);
}

/** Where Firefox's profile of the room is. */
export function firefoxProfile(room: StoreRoom): string {
  const profile = path.join(room.home, '.mozilla/firefox/abc.default');
  mkdirSync(profile, { recursive: true });
  return profile;
}

/** Firefox has no command that fetches and ends: its request, or its alert, at the server tells. */
async function firefoxAccepts(room: StoreRoom, profile: string, server: HelloServer): Promise<boolean> {
  const page = `/by-firefox-${server.refusals()}-${server.asked.length}`;
  const refusedBefore = server.refusals();
  const child = room.start(['firefox-esr', '--headless', '--no-remote', '--profile', profile, `https://localhost:${server.port}${page}`]);
  child.stdout.resume();
  child.stderr.resume();
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
  });
  try {
    const limit = performance.now() + 60_000;
    while (performance.now() < limit && child.exitCode === null) {
      if (server.asked.includes(page)) return true;
      if (server.refusals() > refusedBefore) return false;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('Firefox neither asked for the page nor refused it within 60 s');
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
