// Go binaries in the three formats, built by the Go that is installed, stripped of names and build id; and files that only look alike.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hasGoBuildInfo } from '../../../native/app-identity/go-build-info.ts';
import { withParts } from '../../../native/procfs/foreign-file.ts';
import { findCommand } from '../../support/find-command.ts';

const go = findCommand('go');
if (go === null) console.log('skipped: Go is not installed');
const folder = mkdtempSync(path.join(tmpdir(), 'go-info-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isGo = (file: string): boolean => withParts(file, hasGoBuildInfo);

describe.runIf(go !== null)('a stripped Go program', () => {
  test.each([['linux', 'amd64'], ['windows', 'amd64'], ['darwin', 'arm64']])('for %s on %s is told', (os, processor) => {
    const [source, built] = [path.join(folder, 'main.go'), path.join(folder, `${os}-program`)];
    writeFileSync(source, 'package main\n\nfunc main() { println("x") }\n');
    execFileSync(go ?? '', ['build', '-trimpath', '-ldflags=-s -w -buildid=', '-o', built, source], {
      env: { ...process.env, GOOS: os, GOARCH: processor, CGO_ENABLED: '0', GO111MODULE: 'off' }, timeout: 170_000,
    });
    expect(isGo(built)).toBe(true);
    if (os !== 'darwin') return;
    // A universal binary: its header, then the same Mach-O at an offset.
    const universal = Buffer.alloc(4096);
    universal.writeUInt32BE(0xcafebabe, 0);
    universal.writeUInt32BE(1, 4);
    universal.writeUInt32BE(4096, 16);
    writeFileSync(`${built}-universal`, Buffer.concat([universal, readFileSync(built)]));
    expect(isGo(`${built}-universal`)).toBe(true);
  }, 180_000);
});

test.each([
  ['this Node', () => process.execPath],
  ['a text that holds the mark', () => put('text', Buffer.from(`${'x'.repeat(100)}\xff Go buildinf:`, 'latin1'))],
  ['an ELF header with nothing behind it', () => put('elf', Buffer.concat([Buffer.from('7f454c4602010100', 'hex'), Buffer.alloc(56, 0xff)]))],
  ['a PE header that points behind its end', () => put('pe', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(62, 0x7f)]))],
  ['a Mach-O whose commands have no length', () => put('macho', Buffer.concat([Buffer.from('cffaedfe', 'hex'), Buffer.alloc(12), Buffer.from([9, 0, 0, 0, 200, 0, 0, 0]), Buffer.alloc(300)]))],
  ['an empty file', () => put('empty', Buffer.alloc(0))],
  ['a folder', () => folder],
  ['no file', () => path.join(folder, 'none')],
])('%s is none', (_name, file) => {
  expect(isGo(file())).toBe(false);
});

function put(name: string, content: Buffer): string {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
}
