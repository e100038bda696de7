// Text of a policy file to a policy layer, or every problem with its line, column and path. Strict JSON: no comments, no trailing commas.
// Not for reading files (agent/policy) and not for putting layers together (merge.ts).
import { createScanner, getLocation, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';
import type * as z from 'zod';
import { nearest, orList } from '../nearest.ts';
import { allowedKeys, policyFile, policyLimits } from './keys.ts';
import type { PolicyLayer } from './keys.ts';
import type { PolicyProblem } from './policy.ts';

export type PolicyFileRead =
  | { readonly kind: 'policy'; readonly layer: PolicyLayer }
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] };

/** More than this helps nobody: the first ones are corrected first, and a hostile file must not fill a screen. */
const maxProblems = 100;
/** After a few syntax errors the rest are echoes of the first. */
const maxSyntaxProblems = 5;

type Found = { readonly offset: number; readonly path: Path; readonly message: string };
type Path = readonly PropertyKey[];

/** Reads one policy file. `file` only names it in problems. Never throws; problems come in the order of the text. */
export function parsePolicyFile(text: string, file: string): PolicyFileRead {
  // A byte order mark is what Windows editors put first; no editor counts it as a column.
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const found = findProblems(source);
  if (found.kind === 'layer') return { kind: 'policy', layer: found.layer };
  const locate = lineFinder(source);
  const sorted = [...found.problems].sort((a, b) => a.offset - b.offset);
  const problems = sorted.slice(0, maxProblems).map((problem) => ({
    file, ...locate(problem.offset), path: formatPath(problem.path), message: problem.message,
  }));
  const left = found.total - problems.length;
  const last = problems.at(-1);
  if (left > 0 && last !== undefined) problems.push({ ...last, path: '', message: `${left} more are not listed` });
  return { kind: 'invalid', problems };
}

/** A path as people write it: `rules[2].when.host`, `network.localTargets["a.example:443"]`; empty for the whole file. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_]*$/u.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part).slice(0, 100))}]`;
  }
  return text;
}

function findProblems(text: string): { kind: 'layer'; layer: PolicyLayer } | { kind: 'problems'; problems: readonly Found[]; total: number } {
  const problems = (...list: readonly Found[]) => ({ kind: 'problems' as const, problems: list, total: list.length });
  if (text.length > policyLimits.fileBytes) {
    return problems({ offset: 0, path: [], message: `the file is larger than ${policyLimits.fileBytes} bytes` });
  }
  const deep = tooDeep(text);
  if (deep !== null) return problems({ offset: deep, path: [], message: `nested deeper than ${policyLimits.depth} levels; a policy needs 5` });
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  if (errors.length > 0 || root === undefined) return problems(...syntaxProblems(text, errors));
  const rules = child(root, 'rules');
  if (rules?.type === 'array' && (rules.children?.length ?? 0) > policyLimits.rules) {
    return problems({ offset: rules.offset, path: ['rules'], message: `must hold at most ${policyLimits.rules} rules, not ${rules.children?.length ?? 0}` });
  }
  const duplicates: Found[] = [];
  const result = policyFile.safeParse(toValue(root, [], duplicates));
  if (result.success && duplicates.length === 0) return { kind: 'layer', layer: Object.freeze(result.data) };
  const issues = result.success ? [] : result.error.issues;
  // Finding a place costs time linear in the file, so only what will be shown is looked up.
  const complaints = issues.slice(0, maxProblems).flatMap((issue) => issueProblems(root, issue, []));
  const total = duplicates.length + complaints.length + Math.max(0, issues.length - maxProblems);
  return { kind: 'problems', problems: [...duplicates, ...complaints], total };
}

/** jsonc-parser recurses per level; a file of brackets only would end the stack. Offset of the first bracket too deep, or null. */
function tooDeep(text: string): number | null {
  const scanner = createScanner(text, true);
  let depth = 0;
  // Token kinds of jsonc-parser: 1 and 3 open, 2 and 4 close, 17 ends (its const enum cannot be imported under isolatedModules).
  for (let token: number = scanner.scan(); token !== 17; token = scanner.scan()) {
    if (token === 1 || token === 3) depth++;
    else if (token === 2 || token === 4) depth--;
    if (depth > policyLimits.depth) return scanner.getTokenOffset();
  }
  return null;
}

const syntaxWords: Readonly<Record<string, string>> = {
  InvalidSymbol: 'is no JSON value: a string in double quotes, a number, true, false, null, {…} or […]',
  InvalidNumberFormat: 'is no JSON number',
  PropertyNameExpected: 'a key in double quotes is expected here (a comma may not stand before a closing bracket)',
  ValueExpected: 'a value is expected here (a comma may not stand before a closing bracket)',
  ColonExpected: 'a colon is expected here',
  CommaExpected: 'a comma is expected here',
  CloseBraceExpected: 'a closing brace "}" is missing',
  CloseBracketExpected: 'a closing bracket "]" is missing',
  EndOfFileExpected: 'the file should end here',
  InvalidCommentToken: 'comments are not allowed in a policy file; use "reason" for explanations',
  UnexpectedEndOfComment: 'comments are not allowed in a policy file; use "reason" for explanations',
  UnexpectedEndOfString: 'the closing quote of this string is missing',
  UnexpectedEndOfNumber: 'is no JSON number',
  InvalidUnicode: 'a \\u escape needs four hexadecimal digits',
  InvalidEscapeCharacter: 'no JSON escape: a backslash is written \\\\',
  InvalidCharacter: 'a character that JSON does not allow here',
};

function syntaxProblems(text: string, errors: readonly ParseError[]): Found[] {
  if (errors.length === 0) return [{ offset: 0, path: [], message: 'the file is empty; the least is {"version": 1}' }];
  // One wrong character often breaks two expectations at the same place; the first says it.
  const places = errors.filter((error, index) => error.offset !== errors[index - 1]?.offset);
  return places.slice(0, maxSyntaxProblems).map(({ error, offset }) => ({
    offset,
    path: getLocation(text, offset).path.filter((part) => part !== ''),
    message: text.trim() === '' ? 'the file is empty; the least is {"version": 1}' : syntaxWords[printParseErrorCode(error)] ?? 'is no JSON',
  }));
}

/** The plain value, in objects without a prototype so that no key can reach one. */
function toValue(node: Node, path: Path, duplicates: Found[]): unknown {
  if (node.type === 'array') return (node.children ?? []).map((item, index) => toValue(item, [...path, index], duplicates));
  if (node.type !== 'object') return node.value as unknown;
  const result: Record<string, unknown> = Object.create(null);
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    // zod passes over __proto__ without a word in some shapes; a policy has no use for it.
    if (name === '__proto__') duplicates.push({ offset: key.offset, path: [...path, name], message: 'unknown key "__proto__"' });
    else if (Object.hasOwn(result, name)) duplicates.push({ offset: key.offset, path: [...path, name], message: 'stands here twice; readers would differ on which one counts' });
    else result[name] = toValue(value, [...path, name], duplicates);
  }
  return result;
}

type Issue = z.core.$ZodIssue;

function issueProblems(root: Node, issue: Issue, base: Path): Found[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.slice(0, maxProblems).map((key) => unknownKey(root, path, key));
  if (issue.code === 'invalid_union') {
    // The branch that fits the value's type is the one that was meant; its complaints say more than "none fits".
    const meant = issue.errors.find((branch) => !branch.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'));
    if (meant !== undefined) return meant.flatMap((inner) => issueProblems(root, inner, path));
  }
  const atKey = issue.code === 'custom' && issue.params?.at === 'key';
  return [{ offset: offsetOf(root, path, atKey), path, message: issue.message }];
}

function unknownKey(root: Node, path: Path, key: string): Found {
  const allowed = allowedKeys(path);
  const near = nearest(key, allowed);
  const hint = near === null ? `; allowed: ${orList(allowed)}` : `; did you mean "${near}"?`;
  return { offset: offsetOf(root, [...path, key], true), path: [...path, key], message: `unknown key ${JSON.stringify(key.slice(0, 100))}${hint}` };
}

/** Where the value at `path` stands (or its key); what is missing stands where the object begins that should hold it. */
function offsetOf(root: Node, path: Path, atKey: boolean): number {
  let node = root;
  for (const [index, part] of path.entries()) {
    const next = typeof part === 'number' ? node.children?.[part] : child(node, String(part));
    if (next === undefined) return node.offset;
    if (atKey && index === path.length - 1) return next.parent?.children?.[0]?.offset ?? next.offset;
    node = next;
  }
  return node.offset;
}

function child(node: Node, key: string): Node | undefined {
  if (node.type !== 'object') return undefined;
  return node.children?.find((property) => property.children?.[0]?.value === key)?.children?.[1];
}

function lineFinder(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
