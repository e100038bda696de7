// How many clients there is room for, by the system's limit of open files. Turning them away for real: `npm run faults -- descriptors`.
import { expect, test } from 'vitest';
import { clientRoom } from '../../../electron/agent/proxy/clients.ts';

const limits = (files: string): string => `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${files.padEnd(20)} 1048576              files\n`;

test.each<[string, string | null, number]>([
  ['a small limit keeps 96 descriptors for the rest', limits('256'), 80],
  ['an ordinary one as well', limits('1024'), 464],
  ['of many, a sixteenth', limits('65536'), 30_720],
  ['hardly any still serve a few', limits('64'), 8],
  ['no limit is no bound', limits('unlimited'), Number.POSITIVE_INFINITY],
  ['nor is a system that does not tell', null, Number.POSITIVE_INFINITY],
])('%s', (_name, text, room) => {
  expect(clientRoom(text)).toBe(room);
});
