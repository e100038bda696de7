// Newline JSON in chunks of any size.
import { expect, test } from 'vitest';
import { createLineSplitter } from '../../electron/contract/lines.ts';

const rows: readonly { name: string; chunks: readonly string[]; lines: readonly string[] | null }[] = [
  { name: 'a line in one chunk', chunks: ['{"a":1}\n'], lines: ['{"a":1}'] },
  { name: 'a line in three chunks', chunks: ['{"a"', ':1', '}\n'], lines: ['{"a":1}'] },
  { name: 'two lines and the begin of a third', chunks: ['a\nb\nc'], lines: ['a', 'b'] },
  { name: 'empty lines say nothing', chunks: ['\n \na\n'], lines: ['a'] },
  { name: 'an unfinished line beyond the limit ends it', chunks: ['0123456789', 'x'], lines: null },
  { name: 'a finished line beyond the limit ends it too', chunks: ['0123456789x\n'], lines: null },
  { name: 'a line of exactly the limit is fine', chunks: ['01234', '56789\n'], lines: ['0123456789'] },
];

test.each(rows)('$name', ({ chunks, lines }) => {
  const splitter = createLineSplitter(10);
  let found: readonly string[] | null = [];
  for (const chunk of chunks) {
    const more = splitter.push(chunk);
    found = more === null || found === null ? null : [...found, ...more];
  }
  expect(found).toEqual(lines);
});
