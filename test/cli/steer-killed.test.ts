// kill -9 at each line of steering's journal, on, on again and off: the next start finds the device as it was or as asked.
import { expect, test } from 'vitest';
import { measureSteering } from '../device/steer.ts';

if (process.platform !== 'linux') console.log('skipped: the desktop settings of these runs are Linux\'s');

// Three verbs in turn; `on` writes some 15 lines, and with `off` and `on` again each line of each is come to.
test.runIf(process.platform === 'linux')('steer on and off, killed at each line of the journal', async () => {
  const { runs, killed, bad, details, steps } = await measureSteering(54);
  console.log(`${killed} of ${runs} runs were killed`);
  expect({ killed, bad, details }).toEqual({ killed: 54, bad: 0, details: [] });
  expect(steps).toBeGreaterThan(12);
}, 300_000);
