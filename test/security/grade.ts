// Grades a leg's TLS offer as the study of HTTPS interception (NDSS 2017) did: A as a modern browser, B without a known attack, C open to a known one,
// F breakable. By rule instead of its table of code points; TLS 1.3, which the table does not know, counts as A. Not for certificates.
import { execFileSync } from 'node:child_process';

export type Grade = 'A' | 'B' | 'C' | 'F';

/** No suite: answers to renegotiation and fallback. */
const signals: ReadonlySet<number> = new Set([0x00ff, 0x5600]);

/** `suites`: names as OpenSSL writes them, in order of preference. `versions`: 0x0304 is TLS 1.3, 0x0002 SSL 2. An empty offer cannot be graded: F. */
export function gradeLeg(suites: readonly string[], versions: readonly number[]): Grade {
  const grades = suites.map(gradeSuite);
  const first = grades[0] ?? 'F';
  const bySuites = grades.includes('F') ? 'F' : grades.includes('C') ? 'C' : first;
  return [bySuites, ...versions.map(gradeVersion)].reduce((worst, grade) => (grade > worst ? grade : worst));
}

/** What nobody has graded counts as open to attack. */
export function gradeSuite(name: string): Grade {
  if (/NULL|^A(EC)?DH-|ADH|EXP|(^|-)DES-CBC-/.test(name)) return 'F';
  if (/RC4|RC2|MD5|IDEA|SEED|CAMELLIA|PSK|SRP|GOST|^unknown/.test(name)) return 'C';
  if (name.includes('ARIA')) return name.startsWith('ECDHE-ARIA') ? 'B' : 'C';
  return /^TLS_(AES_(128|256)_GCM|CHACHA20_POLY1305)|^ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM|CHACHA20)/.test(name) ? 'A' : 'B';
}

function gradeVersion(version: number): Grade {
  if (version >= 0x0303) return 'A';
  return version >= 0x0301 ? 'B' : version === 0x0300 ? 'C' : 'F';
}

/** OpenSSL's names of code points, in order; signals left out. Needs the openssl program. */
export function suiteNames(codes: readonly number[]): readonly string[] {
  const known = new Map(execFileSync('openssl', ['ciphers', '-V', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'], { encoding: 'utf8' }).split('\n').flatMap((line) => {
    const match = /0x(..),0x(..) - (\S+)/.exec(line);
    return match === null ? [] : [[Number.parseInt(`${match[1]}${match[2]}`, 16), match[3] as string] as const];
  }));
  return codes.filter((code) => !signals.has(code)).map((code) => known.get(code) ?? `unknown ${code.toString(16)}`);
}
