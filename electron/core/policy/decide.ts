// What happens to one connection, and why. Total: unknown apps, missing names and unreadable hellos are ordinary input.
// Not for carrying it out (agent/proxy) and not for what depends on the upstream (defaults.onInvalidUpstream is read there).
import type { ConnectionFacts, Decision, Disposition, Exclusion, Os, ReasonCode, Suspension } from '../model.ts';
import { compileExclusion, compileGlob, compileHostPattern, exclusionNames, isIpAddress, normaliseHost } from './host-pattern.ts';
import type { Policy, Rule } from './policy.ts';

/** The decision for one connection. Pure, never throws; a few microseconds with 50 rules. */
export function decide(policy: Policy, facts: ConnectionFacts): Decision {
  const decision = decideRunning(policy, facts);
  return facts.suspended === null ? decision : whileSuspended(decision, facts.suspended);
}

/**
 * Standing still takes inspection away and nothing else: what is blocked stays blocked. A pause yields to a must-inspect rule. Before
 * the notice not even that one may inspect, and what may not pass uninspected is blocked. No experiment is used up meanwhile. Plain HTTP
 * is relayed either way.
 */
function whileSuspended(decision: Decision, suspended: Suspension): Decision {
  const { code } = decision.reason;
  if ((decision.disposition !== 'inspect' && code !== 'control-experiment') || code === 'plain-http') return decision;
  if (code !== 'must-inspect') return { ...decision, disposition: 'bypass', reason: { code: suspended, detail: null } };
  return suspended === 'paused' ? decision : { ...decision, disposition: 'block', reason: { code: suspended, detail: null } };
}

function decideRunning(policy: Policy, facts: ConnectionFacts): Decision {
  const compiled = compile(policy);
  const host = normaliseHost(facts.target.host);
  const serverName = facts.serverName === null ? host : normaliseHost(facts.serverName);
  const rule = strictestRule(compiled.rules, facts, host, serverName);
  const disposition = rule?.do ?? policy.defaults.noMatch;
  const answer = (how: Disposition, code: ReasonCode, detail: string | null): Decision =>
    ({ disposition: how, reason: { code, detail }, rule: rule?.id ?? null });
  const asRuled = (how: Disposition): Decision => (rule === null ? answer(how, 'no-match', null) : answer(how, 'rule', rule.reason));

  if (disposition !== 'inspect') return asRuled(disposition);
  // There is no TLS to open: inspecting plain HTTP means relaying it.
  if (facts.transport === 'http') return answer('inspect', 'plain-http', null);

  const obstacle = whyNotInspectable(facts);
  if (rule?.mustInspect === true) {
    return obstacle === null ? answer('inspect', 'must-inspect', rule.reason) : answer('block', 'must-inspect', obstacle.words);
  }
  if (obstacle !== null) return answer('bypass', obstacle.code, obstacle.detail);

  const { onUnknownApp } = policy.defaults;
  if (facts.app === null && onUnknownApp !== 'inspect') return answer(onUnknownApp, 'unknown-app', null);

  const predefined = compiled.exclusions.find(({ exclusion, matches }) =>
    (exclusion.appId === null || exclusion.appId === facts.app?.id) && coversConnection(matches, host, serverName));
  if (predefined !== undefined) return answer('bypass', 'exclusion', exclusionWords(predefined.exclusion));
  if (facts.exclusion !== null && coversConnection((name) => exclusionNames(facts.exclusion as Exclusion, name), host, serverName)) {
    const how = byExclusion(policy, facts.exclusion);
    return how === 'inspect' ? asRuled('inspect') : answer(how, 'exclusion', exclusionWords(facts.exclusion));
  }

  // Nothing is learned from a program nobody can name, so an unknown one earns no experiment either.
  const oneName = host === serverName || isIpAddress(host);
  if (facts.passThroughDue && facts.app !== null && oneName) return answer('bypass', 'control-experiment', null);
  return asRuled('inspect');
}

/** Could this policy block anything before a ClientHello was seen? */
export function mayBlock(policy: Policy): boolean {
  const { noMatch, onPinned, onUnknownApp } = policy.defaults;
  return noMatch === 'block' || onPinned === 'block' || onUnknownApp === 'block' || policy.rules.some((rule) => rule.do === 'block');
}

type Obstacle = { readonly code: ReasonCode; readonly detail: string | null; readonly words: string };

function whyNotInspectable(facts: ConnectionFacts): Obstacle | null {
  if (facts.transport === 'not-tls') return { code: 'not-tls', detail: null, words: 'it does not speak TLS' };
  if (facts.transport === 'unreadable-tls') return { code: 'unreadable-hello', detail: null, words: 'its ClientHello cannot be read' };
  if (facts.cannotAnswer !== null) return { code: 'incompatible', detail: facts.cannotAnswer, words: facts.cannotAnswer };
  return null;
}

/** What a stored exclusion does. Only learned ones ask policy again: people and lists have said what they want. */
function byExclusion(policy: Policy, exclusion: Exclusion): Disposition {
  if (exclusion.kind !== 'learned') return 'bypass';
  if (exclusion.verdict === 'pinned') return policy.defaults.onPinned;
  if (exclusion.verdict === 'private-trust-store') return policy.defaults.onPrivateTrustStore;
  return 'bypass';
}

function exclusionWords(exclusion: Exclusion): string {
  const verdict = exclusion.kind === 'learned' && exclusion.verdict !== null ? `, ${exclusion.verdict}` : '';
  return `${exclusion.kind} "${exclusion.id}"${verdict}`;
}

/**
 * An exclusion must cover every name the connection carries, or an app could borrow a listed name as SNI on the way to another
 * host. A target given as a bare address has only its SNI.
 */
function coversConnection(matches: (host: string) => boolean, host: string, serverName: string): boolean {
  if (matches(host)) return host === serverName || matches(serverName);
  return host !== serverName && isIpAddress(host) && matches(serverName);
}

const strictness = (rule: Rule): number => ({ bypass: 0, inspect: 1, block: 3 })[rule.do] + (rule.mustInspect ? 1 : 0);

/** The first matching rule; where the SNI names another host than the target, the stricter one of both names. */
function strictestRule(rules: readonly CompiledRule[], facts: ConnectionFacts, host: string, serverName: string): Rule | null {
  const byHost = rules.find(({ matches }) => matches(facts, host))?.rule ?? null;
  if (serverName === host) return byHost;
  const byName = rules.find(({ matches }) => matches(facts, serverName))?.rule ?? null;
  if (byHost === null || byName === null) return byHost ?? byName;
  return strictness(byName) > strictness(byHost) ? byName : byHost;
}

type Matcher = (facts: ConnectionFacts, host: string) => boolean;
type CompiledRule = { readonly rule: Rule; readonly matches: Matcher };
type Compiled = {
  readonly rules: readonly CompiledRule[];
  readonly exclusions: readonly { readonly exclusion: Exclusion; readonly matches: (host: string) => boolean }[];
};

/** Patterns are compiled once per policy object; the entry goes with the object. */
const compiledPolicies = new WeakMap<Policy, Compiled>();

function compile(policy: Policy): Compiled {
  const known = compiledPolicies.get(policy);
  if (known !== undefined) return known;
  const compiled = {
    rules: policy.rules.map((rule) => ({ rule, matches: compileRule(rule) })),
    exclusions: policy.exclusions.map((exclusion) => ({ exclusion, matches: compileExclusion(exclusion) })),
  };
  compiledPolicies.set(policy, compiled);
  return compiled;
}

function compileRule({ when }: Rule): Matcher {
  const conditions: Matcher[] = [];
  if (when.port !== undefined) {
    const ports = new Set(listOf(when.port));
    conditions.push((facts) => ports.has(facts.target.port));
  }
  if (when.os !== undefined) {
    const systems = new Set<Os>(listOf(when.os));
    conditions.push((facts) => systems.has(facts.os));
  }
  if (when.user !== undefined) conditions.push(userMatcher(when.user));
  if (when.host !== undefined) {
    const hosts = listOf(when.host).map((pattern) => hostMatcher(pattern));
    conditions.push((_, host) => hosts.some((matches) => matches(host)));
  }
  if (when.app !== undefined) conditions.push(appMatcher(when.app));
  return (facts, host) => conditions.every((holds) => holds(facts, host));
}

function userMatcher(user: string): Matcher {
  // Without uids (Windows) nobody can be told to be "self" yet: such a rule then matches nothing rather than everybody.
  if (user === 'self') return (facts) => facts.uid !== null && facts.uid === facts.selfUid;
  return (facts) => facts.user === user || (facts.uid !== null && String(facts.uid) === user);
}

function appMatcher({ path, package: packageName, signer }: NonNullable<Rule['when']['app']>): Matcher {
  const byPath = path === undefined ? null : pathMatcher(path);
  const byPackage = packageName === undefined ? null : compileGlob(packageName);
  const bySigner = signer === undefined ? null : compileGlob(signer);
  return ({ app, os }) => {
    if (app === null) return false;
    if (byPath !== null && !byPath(app.path, os) && (app.script === null || !byPath(app.script, os))) return false;
    // `curl 8.5.0-2` is matched by its name alone as well, or every update would end the rule.
    if (byPackage !== null && (app.package === null || !(byPackage(app.package) || byPackage(app.package.split(' ', 1)[0] ?? '')))) return false;
    return bySigner === null || (app.signer !== null && bySigner(app.signer));
  };
}

/** Windows file systems do not tell case apart. */
function pathMatcher(pattern: string): (path: string, os: Os) => boolean {
  const exact = compileGlob(pattern);
  const folded = compileGlob(pattern.toLowerCase());
  return (path, os) => (os === 'windows' ? folded(path.toLowerCase()) : exact(path));
}

function hostMatcher(pattern: string): (host: string) => boolean {
  const compiled = compileHostPattern(pattern, 'rule');
  // Parsed policies hold no invalid pattern; one built by hand matches nothing.
  return compiled.kind === 'pattern' ? (host) => compiled.matches(host) : () => false;
}

function listOf<T extends string | number>(value: T | readonly T[]): readonly T[] {
  return typeof value === 'object' ? value : [value];
}
