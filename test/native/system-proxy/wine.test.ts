// WinINET's connection options on a Windows Node under wine: set, read back, put back.
import { expect, test } from 'vitest';
import { runInWine } from '../../support/wine.ts';

if (runInWine === null) console.log('skipped: WinINET is called under wine only with PINLIGHT_WINE_ROOT and PINLIGHT_WINE_PROGRAMS (test/support/wine.ts)');

const script = `
import { loadWininet } from 'file:///Z:/mnt/native/system-proxy/wininet.ts';
const api = loadWininet();
const before = api.query();
api.set({ ...before, flags: 5, pac: 'http://127.0.0.1:18443/pinlight.pac?v=1' });
const steered = api.query();
api.set(before);
console.log(JSON.stringify({ before, steered, after: api.query() }));
`;

test.runIf(runInWine !== null)('the options of a Windows user are set by PAC and put back', () => {
  const { code, output, errors } = runInWine?.(script, '') ?? { code: null, output: '', errors: '' };
  expect({ code, errors }).toMatchObject({ code: 0, errors: '' });
  const { before, steered, after }: { before: object; steered: object; after: object } = JSON.parse(output);
  expect(steered).toEqual({ ...before, flags: 5, pac: 'http://127.0.0.1:18443/pinlight.pac?v=1' });
  expect(after).toEqual(before);
});
