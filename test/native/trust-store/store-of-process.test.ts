import { describe, expect, test } from 'vitest';
import { profilesIn, readFirefoxPolicy } from '../../../native/trust-store/browser-store.ts';
import { configFilesOf, storeOfProcess } from '../../../native/trust-store/store-of-process.ts';
import type { ProcessView } from '../../../native/trust-store/store-of-process.ts';
import type { Runtime } from '../../../electron/core/model.ts';

type Given = { line: string; env?: Record<string, string>; configs?: Record<string, string>; runtime?: Runtime | null; script?: string; path?: string; options?: string[] };

function view(given: Given): ProcessView {
  const argv = given.line.split(' ');
  return {
    path: given.path ?? `/usr/bin/${argv[0]}`, script: given.script ?? null, runtime: given.runtime ?? null, argv,
    options: given.options ?? argv.slice(1), env: new Map(Object.entries(given.env ?? {})), home: '/home/anna', configs: new Map(Object.entries(given.configs ?? {})),
  };
}

/** Files that count, in short: `pem:/a`, the first candidate of each place. */
const places = (given: Given): string[] | null => storeOfProcess(view(given))?.places.map((place) => `${place.form}:${place.firstOf[0]}`) ?? null;

const bundle = 'pem:/etc/ssl/certs/ca-certificates.crt';
const hashed = 'hash-dir:/etc/ssl/certs';
const node = { line: 'node app.js', runtime: 'node' } as const;
const java = { line: 'java -jar a.jar', runtime: 'java', path: '/usr/lib/jvm/j17/bin/java' } as const;

describe('the store that a program reads', () => {
  test.each<[string, Given, string, string[]]>([
    ['curl without option', { line: 'curl https://a/' }, 'system', [bundle, hashed]],
    ['curl with --cacert', { line: 'curl --cacert /x.pem https://a/' }, '/x.pem', ['pem:/x.pem', hashed]],
    ['curl with --capath', { line: 'curl --capath /c https://a/' }, '/c', [bundle, 'hash-dir:/c']],
    ['curl with CURL_CA_BUNDLE', { line: 'curl https://a/', env: { CURL_CA_BUNDLE: '/b.pem', SSL_CERT_FILE: '/s.pem' } }, '/b.pem', ['pem:/b.pem', hashed]],
    ['curl with SSL_CERT_FILE', { line: 'curl https://a/', env: { SSL_CERT_FILE: '/s.pem' } }, '/s.pem', ['pem:/s.pem', hashed]],
    ['curl with an empty variable', { line: 'curl https://a/', env: { SSL_CERT_FILE: '' } }, 'system', [bundle, hashed]],
    ['curl with cacert in .curlrc', { line: 'curl https://a/', configs: { '/home/anna/.curlrc': '# x\ncacert = "/rc.pem"\n' } }, '/rc.pem', ['pem:/rc.pem', hashed]],
    ['curl whose header looks like -k', { line: 'curl -H -k https://a/' }, 'system', [bundle, hashed]],
    ['curl whose output file is k', { line: 'curl -sok https://a/' }, 'system', [bundle, hashed]],
    ['wget ignores variables', { line: 'wget https://a/', env: { SSL_CERT_FILE: '/s.pem' } }, 'system', [bundle]],
    ['wget with --ca-certificate', { line: 'wget --ca-certificate=/x.pem https://a/' }, '/x.pem', [bundle, 'pem:/x.pem']],
    ['wget with .wgetrc', { line: 'wget https://a/', configs: { '/home/anna/.wgetrc': 'CA-certificate = /rc.pem\n' } }, '/rc.pem', [bundle, 'pem:/rc.pem']],
    ['openssl with -CAfile', { line: 'openssl s_client -CAfile /x.pem' }, '/x.pem', ['pem:/x.pem', hashed]],
    ['openssl with a variable for the folder', { line: 'openssl s_client', env: { SSL_CERT_DIR: '/c' } }, 'system', [bundle, 'hash-dir:/c']],
    ['openssl told to use no folder', { line: 'openssl s_client -CAfile /x.pem -no-CApath' }, '/x.pem', ['pem:/x.pem']],
    ['gnutls-cli with its file', { line: 'gnutls-cli --x509cafile /x.pem a' }, '/x.pem', ['pem:/x.pem']],
    ['gnutls-cli alone', { line: 'gnutls-cli a' }, 'system', [bundle]],
    ['git with its variable', { line: 'git-remote-https origin', env: { GIT_SSL_CAINFO: '/g.pem' } }, '/g.pem', ['pem:/g.pem', hashed]],
    ['Node alone', node, 'node-bundled', []],
    ['Node with NODE_EXTRA_CA_CERTS', { ...node, env: { NODE_EXTRA_CA_CERTS: '/n.pem' } }, '/n.pem', ['pem:/n.pem']],
    ['Node with --use-system-ca', { ...node, options: ['--use-system-ca'], env: { NODE_EXTRA_CA_CERTS: '/n.pem' } }, 'system', [bundle, hashed, 'pem:/n.pem']],
    ['Node with --use-openssl-ca in NODE_OPTIONS', { ...node, env: { NODE_OPTIONS: '--max-old-space-size=1 --use-openssl-ca', SSL_CERT_FILE: '/s.pem' } }, 'system', ['pem:/s.pem', hashed]],
    ['Node whose script takes the same word', { ...node, line: 'node app.js --use-system-ca', options: [] }, 'node-bundled', []],
    ['Node with NODE_USE_SYSTEM_CA', { ...node, options: [], env: { NODE_USE_SYSTEM_CA: '1' } }, 'system', [bundle, hashed]],
    ['Python alone', { line: 'python3 a.py', runtime: 'python' }, 'system', [bundle, hashed]],
    ['Python with SSL_CERT_FILE', { line: 'python3 a.py', runtime: 'python', env: { SSL_CERT_FILE: '/s.pem' } }, '/s.pem', ['pem:/s.pem', hashed]],
    ['pip of a virtual environment', { line: 'python3 /v/bin/pip install x', runtime: 'python', script: '/v/bin/pip' }, 'python-certifi', []],
    ['pip as a module with PIP_CERT', { line: 'python3 -m pip install x', runtime: 'python', script: '/v/lib/python3.11/site-packages/pip/__main__.py', env: { PIP_CERT: '/p.pem' } }, '/p.pem', ['pem:/p.pem']],
    ['the distribution\'s pip', { line: 'python3 /usr/bin/pip install x', runtime: 'python', script: '/usr/bin/pip' }, 'system', [bundle]],
    ['Java alone', java, 'java:/usr/lib/jvm/j17', ['keystore:/usr/lib/jvm/j17/lib/security/jssecacerts']],
    ['Java with a property', { ...java, options: ['-Djavax.net.ssl.trustStore=/t.jks', '-jar'] }, 'java:/t.jks', ['keystore:/t.jks']],
    ['Java with the property in JAVA_TOOL_OPTIONS', { ...java, env: { JAVA_TOOL_OPTIONS: '-Dx=1 "-Djavax.net.ssl.trustStore=/a b.jks"' } }, 'java:/a b.jks', ['keystore:/a b.jks']],
    ['Java where the command line overrules JAVA_TOOL_OPTIONS', { ...java, options: ['-Djavax.net.ssl.trustStore=/c.jks'], env: { JAVA_TOOL_OPTIONS: '-Djavax.net.ssl.trustStore=/t.jks' } }, 'java:/c.jks', ['keystore:/c.jks']],
    ['Go alone', { line: 'gh api', runtime: 'go' }, 'system', [bundle, 'text-dir:/etc/ssl/certs']],
    ['Go with both variables', { line: 'gh api', runtime: 'go', env: { SSL_CERT_FILE: '/s.pem', SSL_CERT_DIR: '/c:/d' } }, '/s.pem', ['pem:/s.pem', 'text-dir:/c', 'text-dir:/d']],
    ['Deno alone', { line: 'deno run a.ts' }, 'deno-bundled', []],
    ['Deno with the system store', { line: 'deno run a.ts', env: { DENO_TLS_CA_STORE: 'mozilla,system' } }, 'system', [bundle, hashed]],
    ['Bun with an extra file', { line: 'bun run a.ts', env: { NODE_EXTRA_CA_CERTS: '/n.pem' } }, 'system', [bundle, hashed, 'pem:/n.pem']],
    ['Perl with its variable', { line: 'perl a.pl', env: { PERL_LWP_SSL_CA_FILE: '/l.pem' } }, '/l.pem', ['pem:/l.pem']],
    ['another OpenSSL program', { line: 'irssi', runtime: 'openssl', env: { SSL_CERT_FILE: '/s.pem' } }, '/s.pem', ['pem:/s.pem', hashed]],
    ['another GnuTLS program', { line: 'mutt', runtime: 'gnutls', env: { SSL_CERT_FILE: '/s.pem' } }, 'system', [bundle]],
  ])('%s', (_name, given, store, expected) => {
    expect(storeOfProcess(view(given))?.store).toBe(store);
    expect(places(given)).toEqual(expected);
  });

  test.each<[string, Given]>([
    ['curl -k', { line: 'curl -sk https://a/' }],
    ['curl --insecure', { line: 'curl --insecure https://a/' }],
    ['curl with insecure in .curlrc', { line: 'curl https://a/', configs: { '/home/anna/.curlrc': 'insecure\n' } }],
    ['wget --no-check-certificate', { line: 'wget --no-check-certificate https://a/' }],
    ['wget with check_certificate off', { line: 'wget https://a/', configs: { '/home/anna/.wgetrc': 'check_certificate = off\n' } }],
    ['gnutls-cli --insecure', { line: 'gnutls-cli --insecure a' }],
    ['git with GIT_SSL_NO_VERIFY', { line: 'git-remote-https o', env: { GIT_SSL_NO_VERIFY: '1' } }],
    ['Node told to reject nothing', { ...node, env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } }],
    ['Firefox without a known profile', { line: 'firefox-esr', runtime: 'firefox' }],
  ])('%s: no answer about the root would be true', (_name, given) => {
    expect(storeOfProcess(view(given))?.untellable).toBe(true);
  });

  test.each<[string, Given]>([
    ['a program without runtime', { line: 'nc a 1' }],
    ['another NSS program', { line: 'tstclnt', runtime: 'nss' }],
  ])('%s: nothing is known about how it chooses', (_name, given) => {
    expect(storeOfProcess(view(given))).toBeNull();
  });

  test('a second store is named where the libraries of a script may read another one', () => {
    const python = storeOfProcess(view({ line: 'python3 a.py', runtime: 'python', env: { REQUESTS_CA_BUNDLE: '/r.pem' } }));
    expect(python?.alternative).toEqual([{ form: 'pem', firstOf: ['/r.pem'] }]);
    expect(python?.because).toContain('requests would read /r.pem');
    expect(storeOfProcess(view({ line: 'python3 a.py', runtime: 'python' }))?.because).toContain('a script may load a list of its own');
  });
});

describe('browsers', () => {
  const ini = '[Install4F96]\nDefault=abc.default-esr\nLocked=1\n\n[Profile1]\nName=work\nIsRelative=1\nPath=xyz.work\n\n[Profile0]\nName=default\nPath=/srv/old\nDefault=1\n';
  test('Chromium reads the older database first, then managed policy', () => {
    const choice = storeOfProcess(view({ line: 'chromium', runtime: 'chromium' }));
    expect(choice?.store).toBe('nss:/home/anna');
    expect(choice?.places[0]).toEqual({ form: 'nss', firstOf: ['/home/anna/.pki/nssdb/cert9.db', '/home/anna/.local/share/pki/nssdb/cert9.db'] });
  });
  test.each<[string, string, string[]]>([
    ['the profile folder of its arguments', 'firefox-esr -no-remote -profile /tmp/p/', ['/tmp/p/cert9.db']],
    ['the profile named in its arguments', 'firefox-esr -P work', ['/home/anna/.mozilla/firefox/xyz.work/cert9.db']],
    ['the default of its installation, then the old default', 'firefox-esr', ['/home/anna/.mozilla/firefox/abc.default-esr/cert9.db', '/srv/old/cert9.db']],
  ])('Firefox reads %s', (_name, line, expected) => {
    const choice = storeOfProcess(view({ line, runtime: 'firefox', configs: { '/home/anna/.mozilla/firefox/profiles.ini': ini } }));
    expect(choice?.places[0]?.firstOf).toEqual(expected);
  });
  test('a profiles.ini without default names its only profile, an empty one none', () => {
    expect(profilesIn('[Profile0]\nName=a\nPath=p\n', null)).toEqual(['p']);
    expect(profilesIn('', null)).toEqual([]);
  });
  test('a Firefox policy names certificates and p11-kit', () => {
    expect(readFirefoxPolicy('{"policies":{"Certificates":{"Install":["/a.crt","b.crt"]}}}')).toEqual({ install: ['/a.crt', 'b.crt'], systemToo: false });
    expect(readFirefoxPolicy('{"policies":{"SecurityDevices":{"Add":{"p11":"/usr/lib/pkcs11/p11-kit-trust.so"}}}}')).toEqual({ install: [], systemToo: true });
    expect(readFirefoxPolicy('not json')).toEqual({ install: [], systemToo: false });
  });
});

test.each<[string, Given, string[]]>([
  ['curl', { line: 'curl a' }, ['/home/anna/.curlrc']],
  ['curl -q', { line: 'curl -q a' }, []],
  ['wget', { line: 'wget a' }, ['/etc/wgetrc', '/home/anna/.wgetrc']],
  ['wget with WGETRC', { line: 'wget a', env: { WGETRC: '/w' } }, ['/w']],
  ['Node', node, []],
])('configuration files of %s', (_name, given, expected) => {
  expect(configFilesOf(view(given))).toEqual(expected);
});
