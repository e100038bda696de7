// Commands in texts as they are typed here: packaged they stand as written, from a clone through npx.
import { expect, test } from 'vitest';
import { asTyped, ownCommands } from '../../electron/contract/own-command.ts';

test.each([
  ['a command between back quotes', 'Use `pinlight status`.', 'Use `npx --no-install pinlight status`.'],
  ['an example of a help text', '  $ pinlight log --limit 20', '  $ npx --no-install pinlight log --limit 20'],
  ['a command behind a pipe', '$ jq . a | pinlight policy check -', '$ jq . a | npx --no-install pinlight policy check -'],
  ['a name that is no command', 'pinlight: no agent. The folder `pinlight` and pinlight.db', 'pinlight: no agent. The folder `pinlight` and pinlight.db'],
  ['a command that is written out already', 'Run `npx --no-install pinlight open`.', 'Run `npx --no-install pinlight open`.'],
])('%s', (_name, text, typed) => {
  expect(asTyped(text, ownCommands.source)).toBe(typed);
  expect(asTyped(text, ownCommands.packaged)).toBe(text);
});
