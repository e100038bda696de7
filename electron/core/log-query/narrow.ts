// What of a filter an index can answer: bounds of time and number, and a condition that every matching row meets.
// Only ever a short cut: whoever uses it tests the whole filter as well. Not for the filter's own SQL (to-sql.ts).
import type { FilterTree } from './parse-filter.ts';
import { alertsOf, containsPattern, globPattern, spanOf, type Clock, type Sql } from './to-sql.ts';

export type Narrow = {
  /** ms since the epoch, `from` included, `to` not; null = unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  /** Ids, both included; null = unbounded. */
  readonly lowest: number | null;
  readonly highest: number | null;
  /** Null when no index helps. Reads `connections` and `connection_apps`. */
  readonly condition: Sql | null;
};

/** The short cut of a filter at a time. */
export function narrow(tree: FilterTree, clock: Clock): Narrow {
  // Side by side means all of them, so each bound holds for the whole.
  const parts = tree.kind === 'and' ? tree.parts : [tree];
  const bounds = parts.map((part) => boundsOf(part, clock));
  return {
    from: tightest(bounds.map(({ from }) => from), Math.max), to: tightest(bounds.map(({ to }) => to), Math.min),
    lowest: tightest(bounds.map(({ lowest }) => lowest), Math.max), highest: tightest(bounds.map(({ highest }) => highest), Math.min),
    condition: conditionOf(tree),
  };
}

type Bounds = Omit<Narrow, 'condition'>;
type Test = Extract<FilterTree, { kind: 'test' }>;

const unbounded: Bounds = { from: null, to: null, lowest: null, highest: null };

function tightest(bounds: readonly (number | null)[], pick: (...numbers: number[]) => number): number | null {
  const given = bounds.filter((bound) => bound !== null);
  return given.length === 0 ? null : pick(...given);
}

function boundsOf(part: FilterTree, clock: Clock): Bounds {
  if (part.kind !== 'test') return unbounded;
  const { field, operator, value } = part;
  if (field.name === 'id' && value.kind === 'number') return idBounds(operator, value.number);
  if (value.kind === 'ago') {
    const at = clock.now - value.ms;
    if (operator === '==' || operator === '>=' || operator === '>') return { ...unbounded, from: at };
    return operator === '!=' ? unbounded : { ...unbounded, to: at + 1 };
  }
  if (value.kind !== 'moment') return unbounded;
  const { from, to } = spanOf(value, clock);
  switch (operator) {
    case '==': return { ...unbounded, from, to };
    case '>': return { ...unbounded, from: to };
    case '>=': return { ...unbounded, from };
    case '<': return { ...unbounded, to: from };
    case '<=': return { ...unbounded, to };
    default: return unbounded;
  }
}

function idBounds(operator: Test['operator'], id: number): Bounds {
  switch (operator) {
    case '==': return { ...unbounded, lowest: id, highest: id };
    case '>': return { ...unbounded, lowest: id + 1 };
    case '>=': return { ...unbounded, lowest: id };
    case '<': return { ...unbounded, highest: id - 1 };
    case '<=': return { ...unbounded, highest: id };
    default: return unbounded;
  }
}

function conditionOf(tree: FilterTree): Sql | null {
  switch (tree.kind) {
    case 'all': case 'not': return null;
    case 'and': {
      const parts = tree.parts.flatMap((part) => conditionOf(part) ?? []);
      return parts.length === 0 ? null : join(parts, ' AND ');
    }
    case 'or': {
      const parts = tree.parts.map(conditionOf);
      return parts.every((part) => part !== null) ? join(parts, ' OR ') : null;
    }
    case 'word': return join([hostLike(containsPattern(tree.text)), appLike(containsPattern(tree.text))], ' OR ');
    case 'test': return testCondition(tree);
  }
}

function testCondition({ field, operator, value }: Test): Sql | null {
  if (operator === '!=') return null;
  if (value.kind === 'number') return field.name === 'alert' && operator === '==' ? { where: '(alert = ?)', params: [value.number] } : null;
  if (value.kind !== 'text') return null;
  const pattern = operator === 'contains' ? containsPattern(value.text) : operator === 'matches' ? globPattern(value.text) : null;
  switch (field.name) {
    case 'host': return pattern === null ? { where: '(host = ?)', params: [value.text] } : hostLike(pattern);
    case 'sign': return { where: '(sign = ?)', params: [value.text] };
    // Every refusal has a sign, and nothing else has.
    case 'outcome': return value.text === 'refused' ? { where: refused, params: [] } : null;
    // Without wildcards LIKE compares as the filter's own equality does.
    case 'app': return appLike(pattern ?? containsPattern(value.text).slice(1, -1));
    case 'error': {
      const { alerts, silent } = alertsOf(operator, value.text);
      return { where: `(${silent ? `${refused} OR ` : ''}alert IN (${alerts.join(', ')}) OR (error IS NOT NULL AND error LIKE ? ESCAPE '\\'))`, params: [pattern ?? containsPattern(value.text).slice(1, -1)] };
    }
    default: return null;
  }
}

const refused = "(sign IN ('alert', 'silent-early', 'silent-late'))";

/** Each host once, found by jumping through its index: some thousand steps instead of a million rows. */
function hostLike(pattern: string): Sql {
  return {
    where: `(host IN (WITH RECURSIVE each(name) AS (SELECT min(host) FROM connections UNION ALL SELECT (SELECT min(host) FROM connections WHERE host > name) FROM each WHERE name IS NOT NULL) SELECT name FROM each WHERE name LIKE ? ESCAPE '\\'))`,
    params: [pattern],
  };
}

function appLike(pattern: string): Sql {
  return { where: `(app_id IN (SELECT app_id FROM connection_apps WHERE app_name LIKE ? ESCAPE '\\' OR app_path LIKE ? ESCAPE '\\' OR app_id LIKE ? ESCAPE '\\'))`, params: [pattern, pattern, pattern] };
}

function join(parts: readonly Sql[], by: ' AND ' | ' OR '): Sql {
  return { where: `(${parts.map(({ where }) => where).join(by)})`, params: parts.flatMap(({ params }) => params) };
}
