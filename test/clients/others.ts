// Programs that are no plain fetch: a certificate of their own for the server, handshakes without a request, probes, a user who gives up.
import { commandLine, gnutlsArguments, opensslArguments, runChained } from './command-line.ts';
import { bothRoots, ownCopy, proxyUrl, runCommand, url, type Place, type Program } from './program.ts';

export const others = {
  /** Mutual TLS: the server wants the certificate of `Place.clientCertificate`. */
  curlClientCertificate: {
    ...commandLine.curl, title: 'curl with a client certificate', pins: 'none',
    visit: (place, visit) => runCommand('curl', [
      '-sS', '--max-time', '20', '--proxy', proxyUrl(place), '--cacert', bothRoots(place),
      '--cert', clientCertificate(place).certFile, '--key', clientCertificate(place).keyFile, url(visit),
    ]),
  },
  pythonClientCertificate: {
    title: 'Python with a client certificate', trust: 'root', pins: 'none', does: 'request', debian: 'python3', needs: ['/usr/bin/python3'],
    visit: (place, visit) => runCommand('/usr/bin/python3', [
      ownCopy(place, 'ssl-check.py', 'Python with a client certificate'), String(place.proxyPort), visit.host, bothRoots(place), '-',
      clientCertificate(place).certFile, clientCertificate(place).keyFile,
    ]),
  },
  /** Certificate monitors: a whole handshake, no request, at once away. */
  opensslHandshake: {
    ...commandLine.openssl, title: 'openssl s_client with empty input', does: 'handshake',
    visit: (place, visit) => runCommand('openssl', opensslArguments(place, visit, 'root'), { expect: /Verify return code: 0/ }),
  },
  gnutlsHandshake: {
    ...commandLine.gnutlsCli, title: 'gnutls-cli with empty input', pins: 'none', does: 'handshake',
    visit: (place, visit) => runChained(place, 'gnutls-cli', gnutlsArguments(place, { ...visit, pinned: false }, 'root'), { expect: /Handshake was completed/ }),
  },
  /** Port scanners and health checks. */
  nc: {
    title: 'nc -z', trust: 'unchecked', pins: 'none', does: 'probe', debian: 'netcat-openbsd', needs: ['nc'],
    visit: (place, visit) => runCommand('nc', ['-zv', '-X', 'connect', '-x', `127.0.0.1:${place.proxyPort}`, visit.host, '443'], { expect: /succeeded/ }),
  },
  nmapConnect: nmap('nmap -sT', []),
  nmapVersion: nmap('nmap -sV', ['-sV', '--version-intensity', '0']),
  probeClose: probe('health check that closes the tunnel', 'close'),
  probeReset: probe('health check that resets after its ClientHello', 'hello-reset'),
  /** For a server that keeps silent longer than 0.4 s: leaves in the middle of the handshake, as a user does. `ok` = it gave up. */
  curlImpatient: {
    ...commandLine.curl, title: 'curl that gives up in the handshake', pins: 'none', does: 'probe',
    visit: (place, visit) => runCommand('curl', ['-sS', '--max-time', '0.4', '--proxy', proxyUrl(place), '--cacert', bothRoots(place), url(visit)], { expect: /timed? ?out/i, anyExit: true }),
  },
} satisfies Record<string, Program>;

function clientCertificate(place: Place): { certFile: string; keyFile: string } {
  if (place.clientCertificate === undefined) throw new Error('this program needs Place.clientCertificate');
  return place.clientCertificate;
}

function nmap(title: string, flags: readonly string[]): Program {
  return {
    title, trust: 'unchecked', pins: 'none', does: 'probe', debian: 'nmap proxychains4', needs: ['nmap', 'proxychains4'],
    visit: (place, visit) => runChained(place, 'nmap', ['-sT', '-Pn', '-n', '--unprivileged', '-p', '443', ...flags, visit.host], { expect: /443\/tcp open/ }),
  };
}

function probe(title: string, manner: 'close' | 'hello-reset'): Program {
  return {
    title, trust: 'unchecked', pins: 'none', does: 'probe', debian: 'python3', needs: ['/usr/bin/python3'],
    visit: (place, visit) => runCommand('/usr/bin/python3', [ownCopy(place, 'probe.py', title), String(place.proxyPort), visit.host, manner], { expect: /left/ }),
  };
}
