// What a service of the machine may run: files, folders and links of a copy, in real folders, as owners and modes have them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unsafeFolder, unsafeProgram } from '../../../native/service/program-safety.ts';

const rights = process.platform === 'linux' && process.geteuid?.() === 0;
if (!rights) console.log('skipped: owners of files can be set by root on Linux only');

describe.skipIf(!rights)('an installed copy', () => {
  let at: string;
  beforeEach(() => {
    at = mkdtempSync(path.join(tmpdir(), 'pinlight-safety-'));
    sh('chmod 755 .; umask 022; mkdir -p opt/lib/deep ann; echo x > opt/node; echo x > opt/lib/part; chown -R 65534 ann; echo x > ann/x');
  });
  afterEach(() => rmSync(at, { recursive: true, force: true }));
  const sh = (script: string): Buffer => execFileSync('sh', ['-ec', script], { cwd: at });

  test.each([
    ['is root\'s, with links that stay inside it', 'ln -s ../part opt/lib/deep/l; ln -s "$PWD/opt/lib" opt/l; ln -s l opt/ll', null],
    ['has a link that leads nowhere, and would stay inside', 'ln -s gone opt/l', null],
    ['has a file of somebody else\'s', 'chown 65534 opt/lib/part', 'part can be changed by others'],
    ['has a file that others may write', 'chmod o+w opt/lib/part', 'part can be changed by others'],
    ['has a file with the sticky bit that others may write', 'chmod 1646 opt/lib/part', 'part can be changed by others'],
    ['has a folder in which others may make names', 'chmod 1777 opt/lib/deep', 'deep can be changed by others'],
    ['is a folder in which others may make names', 'chmod 1777 opt', 'opt can be changed by others'],
    ['has a link to somebody\'s folder', 'ln -s ../../ann opt/lib/l', 'leads out of'],
    ['has a link to a file of root\'s in somebody\'s folder', 'ln -s ../../ann/x opt/lib/l', 'leads out of'],
    ['has a link by way of somebody\'s folder back into itself', 'ln -s ../opt/node ann/back; ln -s ../ann/back opt/l', 'leads out of'],
    ['has a link inside that ends outside', 'ln -s ../../ann/x opt/lib/l; ln -s lib/l opt/a', 'leads out of'],
    ['has a link that leads nowhere, outside', 'ln -s ../ann/later opt/l', 'leads out of'],
    ['has a link to a folder beside it whose name begins alike', 'mkdir opt-two; ln -s ../opt-two opt/l', 'leads out of'],
  ])('that %s', (_name, change, says) => {
    sh(change);
    const found = unsafeFolder(path.join(at, 'opt'));
    if (says === null) expect(found).toBeNull();
    else expect(found).toContain(says);
  });

  test.each([
    ['root\'s, in a folder of root\'s', '', null],
    ['with the sticky bit, and others may write it', 'chmod 1646 opt/node', 'node can be changed by others'],
    ['in a sticky folder of root\'s, as /tmp is', 'chmod 1777 opt', null],
    ['in a sticky folder of somebody else\'s', 'chmod 1777 opt; chown 65534 opt', 'opt can be changed by others'],
    ['that is not there', 'rm opt/node', 'is not there'],
    ['that only root reads', 'chmod 700 opt/node', 'cannot be read by the service\'s own account'],
  ])('its program: %s', (_name, change, says) => {
    sh(change);
    const found = unsafeProgram([path.join(at, 'opt/node')]);
    if (says === null) expect(found).toBeNull();
    else expect(found).toContain(says);
  });
});
