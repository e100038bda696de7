// The command-line programs of this machine that fetch over TLS: curl, wget, openssl, gnutls-cli, git, NSS's tstclnt.
// Their trust and pins are chosen per call, so all variants of one command are one executable.
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { trustInNss } from './browsers.ts';
import { keyPin, proxyEnvironment, proxyUrl, request, rootsFile, runCommand, slug, url, type Place, type Program, type RunOptions, type Trust, type Visit, type VisitResult } from './program.ts';

export const commandLine = {
  curl: curl('curl', 'root', []),
  curlHttp1: curl('curl with HTTP/1.1 only', 'root', ['--http1.1']),
  curlOwnList: curl('curl with a list of its own', 'own-list', []),
  wget: wget('wget', 'root'),
  wgetOwnList: wget('wget with a list of its own', 'own-list'),
  openssl: openssl('openssl s_client', 'root'),
  opensslOwnList: openssl('openssl s_client with a list of its own', 'own-list'),
  gnutlsCli: gnutlsCli('gnutls-cli', 'root'),
  gnutlsCliOwnList: gnutlsCli('gnutls-cli with a list of its own', 'own-list'),
  git: git('git', 'root'),
  gitOwnList: git('git with a list of its own', 'own-list'),
  tstclnt: tstclnt('NSS tstclnt', 'root'),
  tstclntOwnList: tstclnt('NSS tstclnt with a list of its own', 'own-list'),
} satisfies Record<string, Program>;

export function curl(title: string, trust: Trust, flags: readonly string[]): Program {
  return {
    title, trust, pins: 'some', does: 'request', debian: 'curl', needs: ['curl'],
    visit: (place, visit) => runCommand('curl', [
      '-sS', '--max-time', '20', '--proxy', proxyUrl(place), '--cacert', rootsFile(place, trust), ...flags,
      ...(visit.pinned ? ['--pinnedpubkey', `sha256//${keyPin(visit)}`] : []), url(visit),
    ]),
  };
}

function wget(title: string, trust: Trust): Program {
  return {
    title, trust, pins: 'some', does: 'request', debian: 'wget', needs: ['wget'],
    visit: (place, visit) => runCommand('wget', [
      '-q', '-O', '-', '--tries=1', '--timeout=20', `--ca-certificate=${rootsFile(place, trust)}`,
      ...(visit.pinned ? [`--pinnedpubkey=sha256//${keyPin(visit)}`] : []), url(visit),
    ], { env: proxyEnvironment(place) }),
  };
}

function openssl(title: string, trust: Trust): Program {
  return {
    title, trust, pins: 'none', does: 'request', debian: 'openssl', needs: ['openssl'],
    visit: (place, visit) => runCommand('openssl', [...opensslArguments(place, visit, trust), '-quiet', '-ign_eof'], { input: request(visit) }),
  };
}

export function opensslArguments(place: Place, visit: Visit, trust: Trust): string[] {
  return [
    's_client', '-proxy', `127.0.0.1:${place.proxyPort}`, '-connect', `${visit.host}:443`, '-servername', visit.host, '-verify_hostname', visit.host,
    // Without -verify_return_error s_client goes on whatever the chain is.
    '-CAfile', rootsFile(place, trust), '-verify_return_error',
  ];
}

export function gnutlsCli(title: string, trust: Trust, flags: readonly string[] = []): Program {
  return {
    title, trust, pins: 'some', does: 'request', debian: 'gnutls-bin proxychains4', needs: ['gnutls-cli', 'proxychains4'],
    visit: (place, visit) => runChained(place, 'gnutls-cli', [...flags, ...gnutlsArguments(place, visit, trust)], {
      input: request(visit), holdInput: true, ...(visit.pinned ? { env: { HOME: knownHosts(place, visit) } } : {}),
    }),
  };
}

export function gnutlsArguments(place: Place, visit: Visit, trust: Trust): string[] {
  return ['--x509cafile', rootsFile(place, trust), '--port', '443', ...(visit.pinned ? ['--strict-tofu'] : []), visit.host];
}

/** A home with the list of known keys that --strict-tofu reads: `|g0|host|service|end (0: none)|base64 of the key`. */
function knownHosts(place: Place, visit: Visit): string {
  const home = join(place.folder, `known-keys-${slug(visit.host)}`);
  mkdirSync(join(home, '.gnutls'), { recursive: true });
  const key = new X509Certificate(visit.certificatePem).publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  writeFileSync(join(home, '.gnutls', 'known_hosts'), `|g0|${visit.host}|https|0|${key}\n`);
  return home;
}

function git(title: string, trust: Trust): Program {
  return {
    title, trust, pins: 'some', does: 'request', debian: 'git', needs: ['git'],
    visit: (place, visit) => runCommand('git', [
      '-c', `http.proxy=${proxyUrl(place)}`, '-c', `http.sslCAInfo=${rootsFile(place, trust)}`,
      ...(visit.pinned ? ['-c', `http.pinnedPubkey=sha256//${keyPin(visit)}`] : []), 'ls-remote', `${url(visit)}project.git`,
    ], {
      env: { GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null', HOME: place.folder },
      // Our origins are no repositories: that git read their page and says so is its success.
      expect: /not valid: is this a git repository/, anyExit: true,
    }),
  };
}

function tstclnt(title: string, trust: Trust): Program {
  const database = (place: Place): string => join(place.folder, slug(title));
  return {
    title, trust, pins: 'none', does: 'request', debian: 'libnss3-tools proxychains4', needs: ['tstclnt', 'certutil', 'proxychains4'],
    prepare: async (place) => {
      mkdirSync(database(place), { recursive: true });
      await trustInNss(database(place), { origins: place.originsRootFile, ...(trust === 'root' ? { pinlight: place.rootFile } : {}) });
    },
    visit: (place, visit) => runChained(place, 'tstclnt', ['-h', visit.host, '-p', '443', '-d', `sql:${database(place)}`, '-V', 'tls1.2:tls1.3'], {
      input: request(visit), holdInput: true, anyExit: true,
    }),
  };
}

/** Runs a program that knows no proxy with its connect() sent through ours (proxychains, a preloaded library): the process stays its own. */
export function runChained(place: Place, command: string, args: readonly string[], options: RunOptions = {}): Promise<VisitResult> {
  const config = join(place.folder, 'proxychains.conf');
  if (!existsSync(config)) {
    writeFileSync(config, `strict_chain\nquiet_mode\nproxy_dns\nremote_dns_subnet 224\ntcp_read_time_out 20000\ntcp_connect_time_out 20000\n[ProxyList]\nhttp 127.0.0.1 ${place.proxyPort}\n`);
  }
  return runCommand('proxychains4', ['-q', '-f', config, command, ...args], options);
}
