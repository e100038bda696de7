// Policy that comes as values instead of text (configuration profiles, the Windows registry) to a policy layer.
// Not for getting the values (native/managed-policy) and not for what is allowed (keys.ts, by way of parse.ts).
import { allowedKeys } from './keys.ts';
import { parsePolicyFile } from './parse.ts';
import type { PolicyFileRead } from './parse.ts';
import type { PolicyProblem } from './policy.ts';

type Tree = Readonly<Record<string, unknown>>;

/** Reads a profile's values. `version` may be absent. Problems have a path and no line. */
export function readPolicyProfile(value: unknown, name: string): PolicyFileRead {
  return readTree(isTree(value) ? value : {}, name);
}

/**
 * Reads a registry key's values, in the spellings that Group Policy writes: a list is a key with numbered values or REG_MULTI_SZ,
 * `rules` is JSON text, and names may be in any case. `version` may be absent.
 */
export function readPolicyRegistry(value: unknown, name: string): PolicyFileRead {
  const tree = namedAsAllowed(isTree(value) ? value : {}, []);
  const { rules } = tree;
  const text = Array.isArray(rules) ? rules.join('\n') : rules;
  if (typeof text !== 'string') return readTree(tree, name);
  try {
    return readTree({ ...tree, rules: JSON.parse(text) as unknown }, name);
  } catch (error) {
    const problem: PolicyProblem = { file: name, line: null, column: null, path: 'rules', message: `is no JSON: ${error instanceof Error ? error.message : String(error)}` };
    return { kind: 'invalid', problems: [problem] };
  }
}

/** By way of text, so that profile, registry and file have one set of checks and limits. */
function readTree(tree: Tree, name: string): PolicyFileRead {
  const read = parsePolicyFile(JSON.stringify({ version: 1, ...tree }), name);
  return read.kind === 'policy' ? read : { kind: 'invalid', problems: read.problems.map((problem) => ({ ...problem, line: null, column: null })) };
}

/** The registry keeps the case in which a name was first written, and matches it in any. */
function namedAsAllowed(tree: Tree, path: readonly string[]): Tree {
  const allowed = allowedKeys(path);
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => {
    const key = allowed.find((one) => one.toLowerCase() === name.toLowerCase()) ?? name;
    const inner = [...path, key];
    if (!isTree(value)) return [key, value];
    return [key, allowedKeys(inner).length > 0 ? namedAsAllowed(value, inner) : listOf(value)];
  }));
}

/** `{"1": "a", "2": "b"}` is how Group Policy writes a list; anything else stays what it is. */
function listOf(value: Tree): unknown {
  const names = Object.keys(value);
  if (names.length === 0 || !names.every((name) => /^\d+$/u.test(name))) return value;
  return names.toSorted((a, b) => Number(a) - Number(b)).map((name) => value[name]);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
