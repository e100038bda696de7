// Who vouches for a program's file: Snap and Flatpak on Linux, codesign on macOS, Authenticode on Windows; by stand-ins for the systems.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { markOf } from '../../../native/app-identity/file-facts.ts';
import type { FileMark } from '../../../native/app-identity/file-facts.ts';
import { createLinuxProvenance } from '../../../native/app-identity/linux-provenance.ts';
import { bundleOf, createMacosProvenance, parseSignature } from '../../../native/app-identity/macos-provenance.ts';
import type { PackageBook } from '../../../native/app-identity/package-of.ts';
import type { ProgramFile } from '../../../native/app-identity/provenance.ts';
import type { WindowsSignatureApi } from '../../../native/app-identity/windows-signature-api.ts';
import { createWindowsProvenance, familyOfPath, parseFileVersion } from '../../../native/app-identity/windows-provenance.ts';
import type { ToolResult } from '../../../native/trust-store/run-tool.ts';

const nobody = { package: null, signer: null, proof: null };
const rootFile: FileMark = { key: '1:2', uid: 0, mode: 0o100755 };
const file = (extra: Partial<ProgramFile>): ProgramFile => ({ path: '/usr/bin/tool', readAt: '/usr/bin/tool', mark: rootFile, onHost: true, pid: 7, sandbox: null, ...extra });

describe('Linux', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'provenance-'));
  const installed = path.join(root, 'var/lib/flatpak/app/org.example.App/current/active/files/bin/app');
  mkdirSync(path.dirname(installed), { recursive: true });
  writeFileSync(installed, 'app');
  chmodSync(installed, 0o755);
  afterAll(() => rmSync(root, { recursive: true }));
  const digest = { algorithm: 'sha256' as const, hex: 'ab' };
  const packages: PackageBook = { ownerOf: (name) => Promise.resolve(name === '/usr/bin/tool' ? { name: 'tools', version: '1.0-2', digest } : null) };
  const book = createLinuxProvenance(packages, root, (name) => Promise.resolve(name.includes('/snap/mounted/') ? 0x73717368 : 0xef53));
  const flatpak = { kind: 'flatpak', id: 'org.example.App' } as const;

  test.each([
    ['a packaged file that only root writes', file({}), { package: 'tools 1.0-2', signer: null, proof: digest }],
    ['a packaged file that others may write', file({ mark: { ...rootFile, mode: 0o100775 } }), { package: 'tools 1.0-2', signer: null, proof: null }],
    ['a file of the same name in a container', file({ onHost: false, sandbox: { kind: 'docker', id: 'ab' } }), nobody],
    ['a file that no package owns', file({ path: '/usr/local/bin/tool' }), nobody],
    ['a Snap on its read-only image', file({ path: path.join(root, 'snap/mounted/4173/bin/app') }), { package: 'snap:mounted 4173', signer: null, proof: 'sealed' }],
    ['a Snap\'s path on an ordinary file system', file({ path: path.join(root, 'var/lib/snapd/snap/copied/x1/bin/app') }), { package: 'snap:copied x1', signer: null, proof: null }],
    ['a Flatpak of the system\'s installation', file({ path: '/app/bin/app', onHost: false, sandbox: flatpak, mark: { ...rootFile, key: markOf(installed)?.key ?? '' } }), { package: 'flatpak:org.example.App', signer: null, proof: 'sealed' }],
    ['a program in a cgroup that only calls itself that Flatpak', file({ path: '/app/bin/app', onHost: false, sandbox: flatpak }), nobody],
    ['a cgroup with a name that leads out of the folder', file({ path: '/app/bin/app', onHost: false, sandbox: { kind: 'flatpak', id: '../../x' } }), nobody],
  ])('%s', async (_name, given, expected) => {
    expect(await book.of(given)).toEqual(expected);
  });
});

/** As codesign prints it on standard error, after its manual. */
const firefoxSignature = `Executable=/Applications/Firefox.app/Contents/MacOS/firefox
Identifier=org.mozilla.firefox
Format=app bundle with Mach-O universal (x86_64 arm64)
CodeDirectory v=20500 size=863 flags=0x10000(runtime) hashes=18+5 location=embedded
Signature size=9052
Authority=Developer ID Application: Mozilla Corporation (43AQ936H96)
Authority=Developer ID Certification Authority
Authority=Apple Root CA
Timestamp=1 Nov 2026 at 10:00:00
Info.plist entries=33
TeamIdentifier=43AQ936H96
Runtime Version=14.2.0
`;

test.each([
  ['a developer\'s', firefoxSignature, { identifier: 'org.mozilla.firefox', signer: 'Developer ID Application: Mozilla Corporation (43AQ936H96)' }],
  ['the App Store\'s, whose name has no team', 'Identifier=com.example.app\nAuthority=Apple Mac OS Application Signing\nTeamIdentifier=A1B2C3D4E5\n', { identifier: 'com.example.app', signer: 'Apple Mac OS Application Signing (A1B2C3D4E5)' }],
  ['the system\'s own', 'Identifier=com.apple.curl\nAuthority=Software Signing\nAuthority=Apple Code Signing Certification Authority\nTeamIdentifier=not set\n', { identifier: 'com.apple.curl', signer: 'Apple' }],
  ['an ad hoc one', 'Identifier=tool-5555\nSignature=adhoc\nTeamIdentifier=not set\n', null],
  ['none', '/usr/local/bin/tool: code object is not signed at all\n', null],
])('a signature on macOS: %s', (_name, text, expected) => {
  expect(parseSignature(text)).toEqual(expected);
});

test.each([
  ['an application', '/Applications/Firefox.app/Contents/MacOS/firefox', '/Applications/Firefox.app'],
  ['a helper within one', '/Applications/A.app/Contents/Frameworks/A Helper.app/Contents/MacOS/A Helper', '/Applications/A.app/Contents/Frameworks/A Helper.app'],
  ['a plain program', '/usr/bin/curl', null],
])('the bundle of %s', (_name, program, expected) => {
  expect(bundleOf(program)).toBe(expected);
});

describe('macOS', () => {
  const program = '/Applications/Firefox.app/Contents/MacOS/firefox';
  const ended = (code: number, output = '', errors = ''): ToolResult => ({ kind: 'ended', code, output, errors });
  const verify = ['--verify', '--strict', '-R=anchor apple generic', '--', program];
  const show = ['-d', '--verbose=4', '--', program];
  const plist = ['-extract', 'CFBundleShortVersionString', 'raw', '-o', '-', '/Applications/Firefox.app/Contents/Info.plist'];

  test.each([
    ['signed and whole', [ended(0), ended(0, '', firefoxSignature), ended(0, '153.0\n')], { package: 'org.mozilla.firefox 153.0', signer: 'Developer ID Application: Mozilla Corporation (43AQ936H96)', proof: 'sealed' }],
    ['signed, without a readable version', [ended(0), ended(0, '', firefoxSignature), ended(1)], { package: 'org.mozilla.firefox', signer: 'Developer ID Application: Mozilla Corporation (43AQ936H96)', proof: 'sealed' }],
    ['changed after signing, or signed by somebody of the same name', [ended(1, '', 'a sealed resource is missing or invalid')], nobody],
    ['codesign takes too long', [{ kind: 'timeout' }], nobody],
    ['codesign is not there', [{ kind: 'absent' }], nobody],
  ] as const)('%s', async (_name, answers, expected) => {
    const asked: (readonly string[])[] = [];
    const book = createMacosProvenance((tool, args) => {
      const answer = answers[asked.length];
      asked.push([tool, ...args]);
      if (answer === undefined) throw new Error(`not expected: ${tool} ${args.join(' ')}`);
      return Promise.resolve(answer);
    });
    expect(await book.of(file({ path: program, readAt: program }))).toEqual(expected);
    expect(asked).toEqual([['/usr/bin/codesign', ...verify], ['/usr/bin/codesign', ...show], ['/usr/bin/plutil', ...plist]].slice(0, answers.length));
  });
});

describe('Windows', () => {
  const version = Buffer.alloc(64);
  version.writeUInt32LE(0xfeef04bd, 12);
  version.writeUInt32LE((24 << 16) | 21, 20);
  version.writeUInt32LE((3 << 16) | 7, 24);
  const store = 'C:\\Program Files\\WindowsApps\\Contoso.App_24.21.3.7_x64__8wekyb3d8bbwe\\app.exe';
  const api = (answers: { trust: number; family?: string }): WindowsSignatureApi => ({
    verify: () => Promise.resolve(answers.trust), signerOf: () => Promise.resolve('Contoso Ltd'),
    packageFamilyOf: () => answers.family ?? null, versionBlock: () => version,
  });

  test.each([
    ['a signed program', 'C:\\Tools\\tool.exe', { trust: 0 }, { package: null, signer: 'Contoso Ltd', proof: 'sealed' }],
    ['an unsigned one', 'C:\\Tools\\tool.exe', { trust: 0x800b0100 }, nobody],
    ['one with a byte changed, though it names a signer', 'C:\\Tools\\tool.exe', { trust: 0x80096010 }, nobody],
    ['a Store app', store, { trust: 0x800b0100, family: 'Contoso.App_8wekyb3d8bbwe' }, { package: 'Contoso.App_8wekyb3d8bbwe 24.21.3.7', signer: null, proof: 'sealed' }],
    ['a program that a Store app has started', 'C:\\Users\\ann\\x.exe', { trust: 0x800b0100, family: 'Contoso.App_8wekyb3d8bbwe' }, nobody],
  ])('%s', async (_name, program, answers, expected) => {
    expect(await createWindowsProvenance(api(answers)).of(file({ path: program, readAt: program }))).toEqual(expected);
  });

  test('versions and families that are none', () => {
    expect([parseFileVersion(null), parseFileVersion(Buffer.alloc(8)), parseFileVersion(version.subarray(0, 20))]).toEqual([null, null, null]);
    expect([familyOfPath(store), familyOfPath('C:\\Tools\\tool.exe')]).toEqual(['Contoso.App_8wekyb3d8bbwe', null]);
  });
});
