// Supervising small programs that end, crash, hang or cannot start. Processes and signals are real, the answers are files that they write.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { supervise } from '../../electron/watchdog/supervise.ts';
import type { End } from '../../electron/watchdog/supervise.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'supervise-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Play = { readonly end: End; readonly starts: number; readonly ready: number; readonly said: readonly string[] };

/** Runs the script, which is told how often it was started, until it has ended for good. It "answers" while its file names it. */
async function play(script: string, ending: AbortController = new AbortController(), onReady: () => void = () => undefined): Promise<Play> {
  const answers = path.join(folder, 'answers');
  const said: string[] = [];
  let [starts, ready] = [0, 0];
  const end = await supervise({
    start: () => {
      starts += 1;
      return spawn(process.execPath, ['-e', `const start = ${starts}; const answer = () => fs.writeFileSync(${JSON.stringify(answers)}, String(process.pid)); process.on('SIGTERM', () => process.exit(0)); ${script}`], { stdio: 'ignore' });
    },
    ping: () => Promise.resolve(existsSync(answers) ? Number(readFileSync(answers, 'utf8')) : null),
    onReady: () => {
      ready += 1;
      onReady();
    },
    say: (text) => said.push(text), ending: ending.signal,
  });
  return { end, starts, ready, said };
}

/** Ends it when it was ready for the second time. */
function whenTwice(ending: AbortController): () => void {
  let times = 0;
  return () => {
    times += 1;
    if (times === 2) ending.abort();
  };
}

test('an agent that ends by itself is not started again', async () => {
  expect(await play('answer(); setTimeout(() => process.exit(0), 1500)')).toMatchObject({ end: { kind: 'ended', code: 0, wasReady: true }, starts: 1, ready: 1, said: [] });
}, 20_000);

test('one that says why it cannot start is not started again', async () => {
  expect(await play('process.exit(1)')).toMatchObject({ end: { kind: 'ended', code: 1, wasReady: false }, starts: 1, ready: 0 });
});

test('a program that is not there ends it', async () => {
  const end = await supervise({ start: () => spawn(path.join(folder, 'absent')), ping: () => Promise.resolve(null), onReady: () => undefined, say: () => undefined, ending: new AbortController().signal });
  expect(end).toEqual({ kind: 'ended', code: 1, wasReady: false });
});

test('a bug at the start, three times: it stays off', async () => {
  expect(await play('process.exit(70)')).toMatchObject({
    end: { kind: 'crash-loop', code: 70, wasReady: false }, starts: 3,
    said: ['the agent ended with code 70; starting it again', 'the agent ended with code 70; starting it again', 'the agent ended with code 70, for the third time within a minute: it stays off'],
  });
}, 20_000);

test('killed by a signal it is started again, and told to be ready again', async () => {
  const ending = new AbortController();
  const played = await play("answer(); if (start === 1) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1500); else setInterval(() => 0, 1000)", ending, whenTwice(ending));
  expect(played).toMatchObject({ end: { kind: 'ended', code: 0 }, starts: 2, ready: 2, said: ['the agent ended with signal SIGKILL; starting it again'] });
}, 20_000);

test('one that falls silent is ended within 5 s and started again, although it would not read a signal', async () => {
  const ending = new AbortController();
  const silent = `fs.rmSync(${JSON.stringify(path.join(folder, 'answers'))}); fs.writeFileSync(${JSON.stringify(path.join(folder, 'at'))}, String(Date.now())); process.kill(process.pid, 'SIGSTOP');`;
  const { starts, said } = await play(`answer(); if (start === 1) setTimeout(() => { ${silent} }, 1500); else setInterval(() => 0, 1000)`, ending, whenTwice(ending));
  expect({ starts, said }).toEqual({ starts: 2, said: ['the agent did not answer and was ended; starting it again'] });
  // Another second until the next one was there and asked.
  expect(Date.now() - Number(readFileSync(path.join(folder, 'at'), 'utf8'))).toBeLessThan(7_000);
}, 30_000);

test('asked to end it asks the agent, and takes its exit code', async () => {
  const ending = new AbortController();
  expect(await play('answer(); setInterval(() => 0, 1000)', ending, () => ending.abort())).toMatchObject({ end: { kind: 'ended', code: 0 }, starts: 1 });
}, 20_000);

test('another agent that answers in its place is not mistaken for ours', async () => {
  expect(await play(`fs.writeFileSync(${JSON.stringify(path.join(folder, 'answers'))}, '1'); setTimeout(() => process.exit(0), 2500)`)).toMatchObject({ end: { kind: 'ended', code: 0, wasReady: false }, ready: 0 });
}, 20_000);
