// Programs written in Python, run by Debian's interpreter with Debian's libraries. Each has a copy of its script: that is its identity.
import { bothRoots, certificatePin, keyPin, ownCopy, proxyEnvironment, rootsFile, runCommand, url, type Place, type Program, type Trust, type Visit } from './program.ts';

const python3 = '/usr/bin/python3';
const soup = ['python3-gi', 'gir1.2-soup-3.0', 'glib-networking'];

/** SSL_CERT_FILE tells OpenSSL's default list, which can be seen from outside; a file named in the script cannot. */
const byVariable = (place: Place, trust: Trust): Record<string, string> => ({ SSL_CERT_FILE: rootsFile(place, trust) });

export const python = {
  urllib: urllib('Python urllib', 'root'),
  urllibOwnList: urllib('Python urllib with a list of its own', 'own-list'),
  sslCheck: library('Python ssl, check after handshake', 'root', 'some', 'ssl-check.py', [], (_place, visit) => ['-', certificatePin(visit)], byVariable),
  sslCheckOwnList: library('Python ssl with a list of its own', 'own-list', 'none', 'ssl-check.py', [], (place) => [place.originsRootFile, '-']),
  asyncio: library('Python asyncio', 'root', 'none', 'asyncio-streams.py', [], () => ['-'], byVariable),
  asyncioOwnList: library('Python asyncio with a list of its own', 'own-list', 'none', 'asyncio-streams.py', [], (place) => [place.originsRootFile]),
  urllib3: library('Python urllib3', 'root', 'some', 'urllib3-pool.py', ['python3-urllib3'], (_place, visit) => ['-', certificatePin(visit)], byVariable),
  urllib3OwnList: library('Python urllib3 with a list of its own', 'own-list', 'none', 'urllib3-pool.py', ['python3-urllib3'], (place) => [place.originsRootFile, '-']),
  requests: library('Python requests', 'root', 'some', 'requests-adapter.py', ['python3-requests'], (_place, visit) => [certificatePin(visit)], requestsBundle),
  requestsOwnList: library('Python requests with a bundle of its own', 'own-list', 'none', 'requests-adapter.py', ['python3-requests'], () => ['-'], requestsBundle),
  aiohttp: library('Python aiohttp', 'root', 'some', 'aiohttp-session.py', ['python3-aiohttp'], (_place, visit) => ['-', certificatePin(visit)], byVariable),
  aiohttpOwnList: library('Python aiohttp with a list of its own', 'own-list', 'none', 'aiohttp-session.py', ['python3-aiohttp'], (place) => [place.originsRootFile, '-']),
  httpx: library('Python httpx', 'root', 'none', 'httpx-client.py', ['python3-httpx'], (place) => [bothRoots(place)]),
  httpxOwnList: library('Python httpx with a list of its own', 'own-list', 'none', 'httpx-client.py', ['python3-httpx'], (place) => [place.originsRootFile]),
  pycurl: library('Python pycurl over GnuTLS', 'root', 'some', 'pycurl-easy.py', ['python3-pycurl'], (place, visit) => [bothRoots(place), visit.pinned ? keyPin(visit) : '-']),
  pycurlOwnList: library('Python pycurl over GnuTLS with a list of its own', 'own-list', 'none', 'pycurl-easy.py', ['python3-pycurl'], (place) => [place.originsRootFile, '-']),
  libsoup: library('Python libsoup over GnuTLS', 'root', 'none', 'libsoup-session.py', soup, (place) => [bothRoots(place)]),
  libsoupOwnList: library('Python libsoup over GnuTLS with a list of its own', 'own-list', 'none', 'libsoup-session.py', soup, (place) => [place.originsRootFile]),
  pinsAll: library('Python that pins every host', 'root', 'all', 'ssl-check.py', [], (place, visit) => [bothRoots(place), certificatePin({ ...visit, pinned: true })]),
  pinsAllStoreKnown: library('Python that pins every host, its store holds the root', 'root', 'all', 'ssl-check.py', [],
    (_place, visit) => ['-', certificatePin({ ...visit, pinned: true })], byVariable),
} satisfies Record<string, Program>;

function requestsBundle(place: Place, trust: Trust): Record<string, string> {
  return { REQUESTS_CA_BUNDLE: rootsFile(place, trust) };
}

function urllib(title: string, trust: Trust): Program {
  return {
    title, trust, pins: 'none', does: 'request', debian: 'python3', needs: [python3],
    visit: (place, visit) => runCommand(python3, [ownCopy(place, 'fetch.py', title), url(visit)], { env: { ...proxyEnvironment(place), ...byVariable(place, trust) } }),
  };
}

/** A script that takes the proxy's port and the host, then what `rest` says. */
function library(
  title: string, trust: Trust, pins: Program['pins'], script: string, libraries: readonly string[],
  rest: (place: Place, visit: Visit) => readonly string[], env: (place: Place, trust: Trust) => Record<string, string> = () => ({}),
): Program {
  return {
    title, trust, pins, does: 'request', debian: ['python3', ...libraries].join(' '), needs: [python3], libraries,
    visit: (place, visit) => runCommand(python3, [ownCopy(place, script, title), String(place.proxyPort), visit.host, ...rest(place, visit)], { env: env(place, trust) }),
  };
}
