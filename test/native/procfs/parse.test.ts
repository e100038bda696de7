import { describe, expect, test } from 'vitest';
import { bootedAtOf, parseBootTime, parseCgroupMount, parseCgroups, parseEnviron, parseNulList, parsePasswd, parseStat, startedAtOf, withoutDeletedMark } from '../../../native/procfs/parse.ts';

const tail = 'S 4242 7780 4721 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 98765 3129344 446 18446744073709551615 111 222 333 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 444 555 666 777 778 779 780 0';

describe('parseStat', () => {
  test.each([
    ['reads parent, start and image marks of an ordinary line', `7780 (curl) ${tail}`, { pid: 7780, ppid: 4242, name: 'curl', startTicks: '98765', imageMarks: '111 333 777 779' }],
    ['takes the last bracket when the name holds brackets and spaces', `7780 (a) S 1 (b) ${tail}`, { pid: 7780, ppid: 4242, name: 'a) S 1 (b', startTicks: '98765', imageMarks: '111 333 777 779' }],
    ['gives null for an empty text', '', null],
    ['gives null for a line without name', '7780 curl S 1', null],
    ['gives null for a line that ends early', '7780 (curl) S 4242', null],
    ['gives null for a start time that is no number any more', `7780 (curl) ${tail.replace('98765', '9'.repeat(400))}`, null],
  ])('%s', (_name, text, expected) => {
    expect(parseStat(text)).toEqual(expected);
  });
});

const stat = 'cpu 1 2\nbtime 1700000000\nprocesses 5\n';
test.each([
  ['uptime refines the whole seconds of btime', stat, '100.25 300.1\n', 1_700_000_100_600, 1_700_000_000_350],
  ['an uptime of another clock is not believed', stat, '5.00 1.0\n', 1_700_000_100_600, 1_700_000_000_000],
  ['an unreadable uptime leaves btime', stat, '', 1_700_000_100_600, 1_700_000_000_000],
])('%s', (_name, statText, uptime, now, expected) => {
  expect(bootedAtOf(statText, uptime, now)).toBe(expected);
});

test('a start time counts from boot in hundredths of a second', () => {
  expect(startedAtOf('98765', 1_700_000_000_120)).toBe(1_700_000_987_770);
  expect(parseBootTime('cpu 1 2\n')).toBeNull();
  expect(parseBootTime(`btime ${'9'.repeat(400)}\n`)).toBeNull();
});

describe('parseNulList', () => {
  test.each([
    ['splits at NUL', 'curl\0-s\0https://a/\0', ['curl', '-s', 'https://a/']],
    ['keeps an empty argument in the middle', 'sh\0-c\0\0x\0', ['sh', '-c', '', 'x']],
    ['drops the padding of a rewritten title', 'npm install\0\0\0\0', ['npm install']],
    ['gives nothing for a kernel thread', '', []],
  ])('%s', (_name, text, expected) => {
    expect(parseNulList(text)).toEqual(expected);
  });
});

test('of two equal variables the first wins and entries without name are skipped', () => {
  expect([...parseEnviron('A=1\0B=x=y\0A=2\0=odd\0bare\0')]).toEqual([['A', '1'], ['B', 'x=y']]);
});

test('users are read by uid, broken lines skipped', () => {
  const users = parsePasswd('root:x:0:0:root:/root:/bin/bash\n# no\nanna:x:1000:1000:Anna,,,:/home/anna:/bin/sh\ntoor:x:0:0::/:/bin/sh\n:x:5:5::/:\n');
  expect([...users]).toEqual([[0, { name: 'root', home: '/root' }], [1000, { name: 'anna', home: '/home/anna' }]]);
});

test('a replaced executable keeps its path', () => {
  expect(withoutDeletedMark('/usr/bin/curl (deleted)')).toBe('/usr/bin/curl');
  expect(withoutDeletedMark('/usr/bin/curl')).toBe('/usr/bin/curl');
});

test.each([
  ['one hierarchy', '0::/user.slice/app.scope\n', ['/user.slice/app.scope']],
  ['version 1 beside it: the unified one comes first', '12:pids:/docker/ab\n1:name=systemd:/docker/cd\n0::/\n', ['/', '/docker/cd', '/docker/ab']],
  ['a path with a colon', '0::/a:b\n', ['/a:b']],
  ['nothing', '', []],
])('the cgroups of a process: %s', (_name, text, expected) => {
  expect(parseCgroups(text)).toEqual(expected);
});

test.each([
  ['the only hierarchy', '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n', '/sys/fs/cgroup'],
  ['beside version 1', '31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n40 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n', '/sys/fs/cgroup/unified'],
  ['none', '31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n', null],
])('the unified hierarchy: %s', (_name, text, expected) => {
  expect(parseCgroupMount(text)).toBe(expected);
});
