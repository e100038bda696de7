// Programs written in Go. One build for all, copied: the path of the file is a program's identity.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtOnce, certificatePin, mustRun, rootsFile, runCommand, slug, type Place, type Program, type Trust } from './program.ts';

type Check = 'verify-peer' | 'verify-connection' | 'after-dial';

export const go = {
  /** SSL_CERT_FILE names its list. */
  http: program('Go net/http', 'root', 'none', 'verify-peer', 'variable'),
  httpOwnList: program('Go net/http with a list of its own', 'own-list', 'none', 'verify-peer', 'variable'),
  httpOwnPool: program('Go net/http with a pool of its own', 'own-list', 'none', 'verify-peer', 'pool'),
  verifyPeer: program('Go net/http, VerifyPeerCertificate', 'root', 'some', 'verify-peer', 'variable'),
  verifyConnection: program('Go net/http, VerifyConnection', 'root', 'some', 'verify-connection', 'variable'),
  afterDial: program('Go, check after tls.Dial', 'root', 'some', 'after-dial', 'variable'),
  afterDialOwnPool: program('Go tls.Dial with a pool of its own', 'own-list', 'none', 'after-dial', 'pool'),
} satisfies Record<string, Program>;

function program(title: string, trust: Trust, pins: Program['pins'], check: Check, list: 'variable' | 'pool'): Program {
  const binary = (place: Place): string => join(place.folder, slug(title));
  return {
    title, trust, pins, does: 'request', debian: 'golang-go', needs: ['go'],
    prepare: async (place) => copyFileSync(join(await build(), 'client'), binary(place)),
    visit: (place, visit) => runCommand(binary(place), [
      check, String(place.proxyPort), visit.host, list === 'pool' ? rootsFile(place, trust) : '-', pins === 'none' ? '-' : certificatePin(visit),
    ], { env: list === 'variable' ? { SSL_CERT_FILE: rootsFile(place, trust) } : {} }),
  };
}

/** The folder of the one build. */
function build(): Promise<string> {
  return builtOnce('go', ['client.go'], (folder, files) => mustRun('go', ['build', '-o', join(folder, 'client'), ...files], { env: { GO111MODULE: 'off' }, limitMs: 180_000 }));
}
