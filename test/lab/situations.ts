// The lab's table: every situation, and the ground truth it is judged by, written down before any run.
// The truth says what the program is, by its trust and its pins, and what can be seen of it: an app that refuses everywhere and gives
// no sign is `undetermined` by rule, whatever it is inside. Not for driving (play.ts) and not for counting (matrix.ts).
import { appendFileSync } from 'node:fs';
import type { VerdictKind } from '../../electron/core/model.ts';
import * as browsers from '../clients/browsers.ts';
import { ownCopy, type Place, type Program } from '../clients/program.ts';
import { commandLine, go, java, node, others, python } from '../clients/programs.ts';
import {
  curlOldSuites, gnutlsOldSuites, nodeRacing, opensslForeignGroup, opensslOldSuites, opensslOnly13, opensslStaticRsa, opensslWithoutOurCurve,
} from './programs.ts';

/** plain: HTTP/1.1. slow: begins its handshake late. asks, demands: a client certificate. rsa: its key is RSA. */
export type OriginKind = 'plain' | 'h2' | 'slow' | 'asks' | 'demands' | 'rsa';

export type Step = {
  /** Label of the host visited; `hostOf` makes a name of it. */
  readonly at: string;
  /** Label of the host whose connection is looked at afterwards; the visited one unless said. */
  readonly watch?: string;
  readonly pinned?: boolean;
  readonly times?: number;
  /** Another program than the situation's. */
  readonly program?: Program;
  readonly before?: (place: Place) => void;
};

export type Situation = {
  readonly id: string;
  readonly program: Program;
  readonly steps: readonly Step[];
  /** What is right at the judged host. */
  readonly truth: VerdictKind;
  /** By which visit of the judged host the program must work, and go on working; null = not asked. */
  readonly worksAt: 1 | 2 | null;
  readonly note: string;
  /** Label of the judged host; `here` unless said. */
  readonly judge?: string;
  readonly tls?: '1.2' | '1.3';
  readonly origin?: OriginKind;
  /** Origins of single labels. */
  readonly origins?: Readonly<Record<string, OriginKind>>;
  /** Names of labels that `hostOf` does not make: real ones, or another label's. */
  readonly names?: Readonly<Record<string, string>>;
  /** No exclusion may be learned at the judged host. */
  readonly learns?: false;
  /** An agent of its own: another situation runs the same executable with another trust, which on one device would be one app. */
  readonly apart?: true;
  /** At most so many repetitions: slow. */
  readonly most?: number;
  /** Fills both cores: never beside another heavy one. */
  readonly heavy?: true;
};

/** `here` is `ID.lab.pinlight.test`, another label stands before it. */
export function hostOf(situation: Situation, label: string): string {
  const own = `${situation.id}.lab.pinlight.test`;
  return situation.names?.[label] ?? (label === 'here' ? own : `${label}.${own}`);
}

/** Every host of a situation with the origin it needs. */
export function hostsOf(situation: Situation): Map<string, OriginKind> {
  const labels = new Set([situation.judge ?? 'here', ...situation.steps.flatMap((step) => [step.at, step.watch ?? step.at])]);
  return new Map([...labels].map((label) => [hostOf(situation, label), situation.origins?.[label] ?? situation.origin ?? 'plain']));
}

export function programsOf(situation: Situation): Program[] {
  return [...new Set([situation.program, ...situation.steps.flatMap((step) => step.program ?? [])])];
}

type More = Partial<Omit<Situation, 'id' | 'program'>>;

/** Its list holds our root and it carries no pin. */
const trusts = (id: string, program: Program, note: string, more: More = {}): Situation =>
  ({ id, program, steps: [{ at: 'here', times: 2 }], truth: 'inspectable', worksAt: 1, note, ...more });

/** Trusts us, is seen doing so at one host, and carries a pin for another. */
const pinsHere = (id: string, program: Program, note: string, more: More = {}): Situation =>
  ({ id, program, steps: [{ at: 'elsewhere' }, { at: 'here', pinned: true, times: 2 }], truth: 'pinned', worksAt: 2, note, ...more });

/** A list of its own that lacks our root: refuses at every host, for a reason that can be mended. */
const ownList = (id: string, program: Program, note: string, more: More = {}): Situation =>
  ({ id, program, steps: [{ at: 'elsewhere' }, { at: 'here', times: 2 }], truth: 'private-trust-store', worksAt: 2, note, ...more });

/** Refuses everywhere and leaves no sign that tells a list from a pin. */
const noSign = (id: string, program: Program, note: string, more: More = {}): Situation =>
  ({ ...ownList(id, program, note), truth: 'undetermined', ...more });

/** Leaves without asking for anything: says nothing about trust, and nothing may come of it. */
const saysNothing = (id: string, program: Program, note: string, more: More = {}): Situation =>
  ({ id, program, steps: [{ at: 'here', times: 3 }], truth: 'undetermined', worksAt: null, learns: false, note, ...more });

/** What it offers our leg cannot answer: let through before anybody does, and nothing is learned. */
const cannotBeAnswered = (id: string, program: Program, note: string, more: More = {}): Situation =>
  ({ id, program, steps: [{ at: 'here', times: 2 }], truth: 'incompatible', worksAt: 1, learns: false, note, ...more });

const browser = { most: 1, heavy: true } as const;

export const situations: readonly Situation[] = [
  trusts('curl-trusts', commandLine.curl, 'the root in --cacert'),
  trusts('wget-trusts', commandLine.wget, 'the root in --ca-certificate'),
  trusts('openssl-trusts', commandLine.openssl, 'the root in -CAfile'),
  trusts('gnutls-cli-trusts', commandLine.gnutlsCli, 'the root in --x509cafile'),
  trusts('git-trusts', commandLine.git, 'the root in http.sslCAInfo'),
  trusts('tstclnt-trusts', commandLine.tstclnt, 'the root in its NSS database'),
  trusts('urllib-trusts', python.urllib, 'the root in SSL_CERT_FILE'),
  trusts('asyncio-trusts', python.asyncio, 'the root in SSL_CERT_FILE'),
  trusts('httpx-trusts', python.httpx, 'the root in a file that only the script names: its store seems to lack it'),
  trusts('libsoup-trusts', python.libsoup, 'the root in a file that only the script names'),
  trusts('node-https-trusts', node.https, 'the root in NODE_EXTRA_CA_CERTS'),
  trusts('node-fetch-trusts', node.fetch, 'the root in NODE_EXTRA_CA_CERTS'),
  trusts('node-http2-trusts', node.http2, 'HTTP/2: the preface is the first application data', { origin: 'h2' }),
  trusts('node-races', nodeRacing, 'two connections at once, the loser closed unused: a sibling with data explains it'),
  trusts('java-url-trusts', java.url, 'the root in the trust store the JVM is started with'),
  trusts('java-client-trusts', java.client, 'the root in the trust store the JVM is started with'),
  trusts('go-trusts', go.http, 'the root in SSL_CERT_FILE'),

  pinsHere('curl-pinned', commandLine.curl, '--pinnedpubkey', { steps: [{ at: 'elsewhere' }, { at: 'here', pinned: true, times: 3 }] }),
  pinsHere('curl-http1-pinned', commandLine.curlHttp1, '--pinnedpubkey over HTTP/1.1'),
  pinsHere('wget-pinned', commandLine.wget, '--pinnedpubkey'),
  pinsHere('gnutls-cli-pinned', commandLine.gnutlsCli, '--strict-tofu with the key on file'),
  pinsHere('git-pinned', commandLine.git, 'http.pinnedPubkey'),
  pinsHere('python-ssl-pinned', python.sslCheck, 'compares the certificate after the handshake'),
  pinsHere('urllib3-pinned', python.urllib3, 'assert_fingerprint'),
  pinsHere('requests-pinned', python.requests, 'assert_fingerprint by an adapter'),
  pinsHere('aiohttp-pinned', python.aiohttp, 'aiohttp.Fingerprint'),
  pinsHere('pycurl-pinned', python.pycurl, 'PINNEDPUBLICKEY over GnuTLS'),
  pinsHere('node-identity-pinned', node.httpsPinIdentity, 'in checkServerIdentity'),
  pinsHere('node-connected-pinned', node.httpsPinConnected, 'on secureConnect'),
  pinsHere('java-url-pinned', java.urlPinned, 'in its own trust manager'),
  pinsHere('java-client-pinned', java.clientPinned, 'in its own trust manager'),
  pinsHere('java-socket-pinned', java.socketChecked, 'after the handshake'),
  pinsHere('okhttp-pinned', java.okHttpPinned, 'CertificatePinner'),
  pinsHere('go-peer-pinned', go.verifyPeer, 'VerifyPeerCertificate'),
  pinsHere('go-connection-pinned', go.verifyConnection, 'VerifyConnection'),
  pinsHere('go-dial-pinned', go.afterDial, 'after tls.Dial'),
  pinsHere('python-pins-all', python.pinsAllStoreKnown, 'pins every host; its store, which can be seen, holds the root, and its runtime never refuses an unknown root in this form', {
    steps: [{ at: 'elsewhere', pinned: true, times: 2 }, { at: 'here', pinned: true, times: 2 }],
  }),
  noSign('python-pins-all-unseen', python.pinsAll, 'pins every host over a list that only the script names: both readings stay open', {
    steps: [{ at: 'elsewhere', pinned: true }, { at: 'here', pinned: true, times: 2 }],
  }),

  ownList('curl-own', commandLine.curlOwnList, 'alert 48', { steps: [{ at: 'here', times: 2 }] }),
  ownList('wget-own', commandLine.wgetOwnList, 'no alert; the list it names lacks our root'),
  ownList('openssl-own', commandLine.opensslOwnList, 'alert 48'),
  ownList('gnutls-cli-own', commandLine.gnutlsCliOwnList, 'alert 42; the list it names lacks our root'),
  ownList('git-own', commandLine.gitOwnList, 'no alert; its list lacks our root', { apart: true }),
  ownList('tstclnt-own', commandLine.tstclntOwnList, 'alert 48, on TLS 1.2 after its Finished', { apart: true }),
  ownList('urllib-own', python.urllibOwnList, 'alert 48'),
  ownList('python-ssl-own', python.sslCheckOwnList, 'alert 48'),
  ownList('asyncio-own', python.asyncioOwnList, 'no alert; the default store lacks our root as well'),
  ownList('urllib3-own', python.urllib3OwnList, 'alert 48'),
  ownList('requests-own', python.requestsOwnList, 'alert 48'),
  ownList('aiohttp-own', python.aiohttpOwnList, 'no alert; the default store lacks our root as well'),
  ownList('httpx-own', python.httpxOwnList, 'alert 48'),
  ownList('libsoup-own', python.libsoupOwnList, 'no alert; the default store lacks our root as well'),
  noSign('pycurl-own', python.pycurlOwnList, 'a Python that hangs up after the handshake, which Python\'s own check never does: no sign that fits'),
  ownList('node-https-own', node.httpsOwnList, 'no alert ever; Node\'s bundled list lacks our root'),
  ownList('node-fetch-own', node.fetchOwnList, 'no alert ever; Node\'s bundled list lacks our root'),
  ownList('node-http2-own', node.http2OwnList, 'no alert ever; Node\'s bundled list lacks our root', { origin: 'h2' }),
  ownList('java-url-own', java.urlOwnList, 'alert 46; its trust store lacks our root'),
  ownList('java-client-own', java.clientOwnList, 'no alert; its trust store lacks our root'),
  ownList('java-socket-own', java.socketOwnList, 'alert 46; its trust store lacks our root'),
  ownList('okhttp-own', java.okHttpOwnList, 'alert 46; its trust store lacks our root'),
  ownList('go-own', go.httpOwnList, 'alert 42; the list in SSL_CERT_FILE lacks our root'),
  ownList('go-pool-own', go.httpOwnPool, 'alert 42; the system store lacks our root as well'),
  ownList('go-dial-own', go.afterDialOwnPool, 'alert 42; the system store lacks our root as well'),

  { id: 'curl-mutual', program: others.curlClientCertificate, steps: [{ at: 'here', times: 2 }], truth: 'client-certificate', worksAt: 1, origin: 'demands',
    note: 'the server demands a certificate, which only the app has' },
  { id: 'python-mutual', program: others.pythonClientCertificate, steps: [{ at: 'here', times: 2 }], truth: 'client-certificate', worksAt: 1, origin: 'demands',
    note: 'the server demands a certificate, which only the app has' },
  { id: 'curl-asked', program: commandLine.curl, steps: [{ at: 'here', times: 2 }], truth: 'client-certificate', worksAt: 1, origin: 'asks',
    note: 'the server asks and would do without; before the answer that cannot be told from a demand' },

  { id: 'openssl-no-curve', program: opensslWithoutOurCurve, steps: [{ at: 'here', times: 2 }], truth: 'inspectable', worksAt: 1, tls: '1.2', origin: 'rsa',
    note: 'offers suites of our leaf\'s kind, but not the curve of its key: answered with an RSA leaf' },
  cannotBeAnswered('openssl-foreign-group', opensslForeignGroup, 'no group in common', { tls: '1.3' }),
  cannotBeAnswered('openssl-old-suites', opensslOldSuites, 'offers CBC suites alone, which our leg does not have', { tls: '1.2' }),
  cannotBeAnswered('curl-old-suites', curlOldSuites, 'offers CBC suites alone', { tls: '1.2' }),
  cannotBeAnswered('gnutls-old-suites', gnutlsOldSuites, 'offers CBC suites alone', { tls: '1.2' }),
  cannotBeAnswered('openssl-static-rsa', opensslStaticRsa, 'offers no forward secrecy', { tls: '1.2', origin: 'rsa' }),
  { id: 'openssl-newer-than-server', program: opensslOnly13, steps: [{ at: 'here', times: 2 }], truth: 'undetermined', worksAt: null, tls: '1.2', learns: false,
    note: 'offers TLS 1.3 alone to a server that has 1.2: fails untouched as well, so it is not our doing' },

  saysNothing('openssl-monitor', others.opensslHandshake, 'a certificate monitor, the bytes of a pin; an agent of its own, because it must have sent data nowhere', { apart: true }),
  saysNothing('gnutls-monitor', others.gnutlsHandshake, 'a certificate monitor', { apart: true }),
  saysNothing('node-preconnects', node.preconnect, 'opens, stays longer than a second, never speaks'),
  saysNothing('nc-probe', others.nc, 'opens the tunnel and leaves'),
  saysNothing('nmap-probe', others.nmapConnect, 'opens the tunnel and leaves'),
  { ...trusts('nmap-version', others.nmapVersion, 'verifies nothing and sends requests of many kinds: accepts any certificate'), steps: [{ at: 'here' }], worksAt: null, most: 1 },
  saysNothing('probe-closes', others.probeClose, 'opens the tunnel and leaves'),
  saysNothing('probe-resets', others.probeReset, 'resets after its ClientHello'),
  saysNothing('curl-gives-up', others.curlImpatient, 'leaves before the slow server has answered', { origin: 'slow' }),

  { id: 'node-updated', program: node.httpsPinIdentity, truth: 'inspectable', worksAt: 1, apart: true, note: 'pinned once; the version after an update trusts us',
    steps: [
      { at: 'elsewhere' }, { at: 'here', watch: 'before-update', pinned: true, times: 2 },
      { at: 'here', times: 2, before: (place) => appendFileSync(ownCopy(place, 'https-request.mjs', node.httpsPinIdentity.title), '// a new version\n') },
    ],
    names: { 'before-update': 'node-updated.lab.pinlight.test' } },
  { id: 'two-refuse', program: python.requests, truth: 'undetermined', worksAt: null, apart: true, note: 'two unrelated apps that trust us refuse one host at once: the host or our certificate is suspect',
    steps: [
      { at: 'elsewhere', program: go.verifyPeer }, { at: 'elsewhere' }, { at: 'here', watch: 'other', program: go.verifyPeer, pinned: true }, { at: 'here', pinned: true, times: 2 },
    ],
    names: { other: 'two-refuse.lab.pinlight.test' } },

  trusts('chromium-trusts', browsers.chromium, 'the root in the NSS database of its home', browser),
  trusts('chromium-http2', browsers.chromium, 'HTTP/2', { ...browser, origin: 'h2' }),
  ownList('chromium-own', browsers.chromiumOwnList, 'alert 46; its database lacks our root', { ...browser, apart: true, steps: [{ at: 'here', times: 2 }] }),
  saysNothing('chromium-preconnects', browsers.chromiumPreconnecting, 'a connection opened ahead and never used, beside a page that works', {
    ...browser, judge: 'spare', steps: [{ at: 'here', watch: 'spare', times: 2 }],
  }),
  saysNothing('chromium-leaves', browsers.chromiumLeaving, 'the user goes elsewhere before a slow server has answered', {
    ...browser, judge: 'slow', steps: [{ at: 'here', watch: 'slow' }], origins: { slow: 'slow' },
  }),
  trusts('chromium-killed', browsers.chromiumKilled, 'killed while the page loads: it had accepted and asked before', { ...browser, steps: [{ at: 'here' }] }),
  ownList('firefox-own', browsers.firefox, 'alert 48; a profile that lacks our root', { ...browser, apart: true, steps: [{ at: 'here', times: 2 }] }),
  trusts('firefox-policy', browsers.firefoxPolicy, 'the root by enterprise policy, in a folder of links to the installed one', { ...browser, steps: [{ at: 'here' }] }),
  pinsHere('firefox-strict', browsers.firefoxStrict, 'its own pin list, strict; the lab\'s origin has not the pinned key either, so it cannot work here', {
    ...browser, apart: true, worksAt: null, names: { here: 'include-subdomains.pinning.example.com' }, steps: [{ at: 'elsewhere' }, { at: 'here' }],
  }),
  trusts('electron-trusts', browsers.electron, 'the root in the NSS database of its home', browser),
  pinsHere('electron-pinned', browsers.electronPinned, 'by setCertificateVerifyProc', browser),
];
