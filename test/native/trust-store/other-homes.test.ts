// Whose homes a run as root does not look into, by lines of a passwd file.
import { expect, test } from 'vitest';
import { personsIn } from '../../../native/trust-store/other-homes.ts';

test.each([
  ['a person', 'ann:x:1000:1000:Ann,,,:/home/ann:/bin/bash', [{ user: 'ann', home: '/home/ann' }]],
  ['root, a daemon and nobody are none', 'root:x:0:0::/root:/bin/sh\npinlight:x:999:999::/var/lib/pinlight:/usr/sbin/nologin\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin', []],
  ['two accounts of one home are one', 'ann:x:1000:1000::/home/ann:/bin/sh\nann2:x:1001:1001::/home/ann:/bin/sh', [{ user: 'ann', home: '/home/ann' }]],
  ['lines that say nothing: empty, short, a plus of NIS, no number, no home', '\nann\n+::::::\nx:x:abc:1::/home/x:\ny:x:1000:1000::', []],
])('%s', (_name, passwd, persons) => expect(personsIn(passwd)).toEqual(persons));
