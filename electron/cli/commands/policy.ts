// `pinlight policy show | check FILE | keys`: what is in force and who set it; whether a file would be accepted; what may stand in one.
// Not for merging or deciding (core/policy). `check` and `keys` need no agent.
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { PinlightError } from '../../contract/errors.ts';
import type { PolicyAnswer } from '../../contract/routes.ts';
import { conditionWords, policyValues, setBy, setByWords } from '../../core/policy/describe.ts';
import type { PolicyProblem } from '../../core/policy/policy.ts';
import { exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { counted } from '../phrases.ts';

export function addPolicyCommand(program: Command, context: CliContext): void {
  const policy = program.command('policy')
    .description('show the policy in force; check a policy file; list the keys of one')
    .addHelpText('after', '\nExamples:\n  $ pinlight policy show\n  $ pinlight policy check 50-team.json\n  $ pinlight policy keys\n');
  policy.command('show')
    .description('every key and rule in force, and who set it')
    .addHelpText('after', '\nExamples:\n  $ pinlight policy show\n  $ pinlight policy show --json | jq .data.policy.rules\n')
    .action(async () => {
      const answer = await context.client.call('policy', {}, {});
      context.output.data(answer);
      printPolicy(context.output, answer);
    });
  policy.command('check')
    .description('would this file be accepted? needs no running agent; exit code 1 if not')
    .argument('<file>', 'a policy file; `-` reads standard input')
    .addHelpText('after', '\nExamples:\n  $ pinlight policy check 50-team.json\n  $ jq . draft.json | pinlight policy check -\n')
    .action(async (file: string) => {
      const answer = await checkFile(file);
      context.output.data(answer);
      if (answer.valid) context.output.line(`${file} is valid: ${counted(answer.rules, 'rule')}.`, 'good');
      else {
        for (const problem of answer.problems) context.output.line(problemLine(problem));
        context.output.line(`${file} is not valid: ${counted(answer.problems.length, 'problem')}.`, 'bad');
        context.finish(exitCodes.negative);
      }
    });
  addKeys(policy, context);
}

function addKeys(policy: Command, context: CliContext): void {
  policy.command('keys')
    .description('every key of a policy file: type, default, meaning; needs no running agent')
    .addHelpText('after', '\nExamples:\n  $ pinlight policy keys\n  $ pinlight policy keys --json | jq ".data.keys[].key"\n')
    .action(async () => {
      // The schema library is slow to load, and only `keys` and `check` need it.
      const { policyKeys } = await import('../../core/policy/key-docs.ts');
      const keys = policyKeys();
      context.output.data({ keys });
      context.output.table(
        [{ title: 'Key' }, { title: 'Type' }, { title: 'Default' }, { title: 'Meaning' }],
        keys.map(({ key, type, default: value, required, meaning }) => [key, type, value === undefined ? required ? 'required' : '-' : JSON.stringify(value), meaning]),
      );
    });
}

type PolicyCheck = { readonly valid: boolean; readonly rules: number; readonly problems: readonly PolicyProblem[] };

async function checkFile(file: string): Promise<PolicyCheck> {
  // The parser brings the schema library, which only this command needs.
  const [{ parsePolicyFile }, { policyLimits }] = await Promise.all([import('../../core/policy/parse.ts'), import('../../core/policy/keys.ts')]);
  const text = file === '-' ? await readAll(process.stdin) : await readSmallFile(file, policyLimits.fileBytes);
  const read = parsePolicyFile(text, file === '-' ? 'standard input' : file);
  return read.kind === 'policy'
    ? { valid: true, rules: read.layer.rules?.length ?? 0, problems: [] }
    : { valid: false, rules: 0, problems: read.problems };
}

async function readSmallFile(file: string, limit: number): Promise<string> {
  const path = resolve(file);
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new PinlightError('bad-request', `${file} is a folder, not a policy file.`);
    if (found.size > limit) throw new PinlightError('bad-policy', `${file} is larger than ${limit} bytes, the limit for a policy file.`);
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof PinlightError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
    throw new PinlightError('bad-request', fileTrouble[code]?.(file) ?? `${file} cannot be read (${code}).`);
  }
}

const fileTrouble: Readonly<Record<string, (file: string) => string>> = {
  ENOENT: (file) => `There is no file ${file}.`,
  ENOTDIR: (file) => `There is no file ${file}.`,
  EACCES: (file) => `You may not read ${file}.`,
};

function printPolicy(output: Output, { generation, policy, problems, files }: PolicyAnswer): void {
  output.line(`Generation ${generation}, ${counted(policy.rules.length, 'rule')}, ${counted(policy.exclusions.length, 'predefined exclusion')}.`, 'strong');
  output.line(files.length === 0 && problems.length > 0 ? 'No policy file could be read, so nothing is inspected on a guess.'
    : files.length === 0 ? 'No policy file; the embedded default applies.' : `From ${files.join(', ')}.`);
  for (const problem of problems) output.line(problemLine(problem), 'bad');
  output.line();
  output.table([{ title: 'Key' }, { title: 'Value' }, { title: 'Set by' }], policyValues(policy).map(({ key, value, setBy: who }) => [key, value, setByWords(who)]));
  output.line();
  output.table(
    [{ title: 'Rule' }, { title: 'Does' }, { title: 'When' }, { title: 'Set by' }, { title: 'Reason' }],
    policy.rules.map((rule) => [rule.id, rule.mustInspect ? 'must inspect' : rule.do, conditionWords(rule), setByWords(setBy(policy, `rules.${rule.id}`)), rule.reason ?? '']),
  );
}

/** `50-team.json:12:5 rules[2].when.host: …`: the form editors jump to. */
function problemLine(problem: PolicyProblem): string {
  const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}:${problem.column ?? 1}`;
  return `${place}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;
}
