// What JSON columns hold, read back with care: an earlier version wrote less, and one spoilt row must not keep the agent from starting.
// Not for SQL (store.ts, verdict-tables.ts).
import type { Circumstances, ConnectionOutcome, HandshakeEvidence, Observation, RefusalSign, Runtime, TrustView, Verdict, VerdictKind } from '../../core/model.ts';

/** The object in a JSON column that has these texts; null for anything else. */
export function parsed<T>(text: string, keys: readonly (keyof T)[]): T | null {
  try {
    const value = JSON.parse(text) as T | null;
    return typeof value === 'object' && value !== null && keys.every((key) => typeof value[key] === 'string') ? value : null;
  } catch {
    return null;
  }
}

/** An observation with every field; what an earlier version did not write is neutral. Null for a spoilt row. */
export function readObservation(body: string): Observation | null {
  const value = parsed<Observation>(body, ['host', 'disposition']);
  if (value === null || !Number.isFinite(value.at) || !isOutcome(value.outcome)) return null;
  const { at, host, disposition, outcome } = value;
  return {
    at, host, disposition, outcome, appHash: textOf(value.appHash), runtime: isRuntime(value.runtime) ? value.runtime : null,
    perCallTrust: isTrue(value.perCallTrust), trust: readTrustView(value.trust), ja4: textOf(value.ja4),
    evidence: isEvidence(value.evidence) ? value.evidence : null, circumstances: readCircumstances(value.circumstances, disposition === 'inspect'),
  };
}

/** Null where there is none, or none that can be read: then it is judged anew. */
export function readVerdict(text: string): Verdict | null {
  const verdict = parsed<Verdict>(text, ['kind']);
  if (verdict === null || !Object.hasOwn(verdictKinds, verdict.kind) || !Array.isArray(verdict.because)) return null;
  const facts = verdict.because as readonly unknown[];
  return facts.every((fact) => isObject(fact) && typeof fact['code'] === 'string' && typeof fact['speaks'] === 'string' && isObject(fact['values'])) ? verdict : null;
}

const verdictKinds: Readonly<Record<VerdictKind, true>> = {
  inspectable: true, pinned: true, 'private-trust-store': true, 'client-certificate': true, incompatible: true, undetermined: true,
};
const signs: Readonly<Record<RefusalSign, true>> = { alert: true, 'silent-early': true, 'silent-late': true };
const runtimes: Readonly<Record<Runtime, true>> = {
  node: true, deno: true, python: true, java: true, go: true, electron: true, chromium: true, firefox: true, openssl: true, gnutls: true, nss: true,
};

function isOutcome(value: unknown): value is ConnectionOutcome {
  if (!isObject(value)) return false;
  switch (value['kind']) {
    case 'refused': return typeof value['sign'] === 'string' && Object.hasOwn(signs, value['sign']) && (value['alert'] === null || typeof value['alert'] === 'number');
    case 'incompatible': return typeof value['alert'] === 'number';
    case 'passed': return typeof value['data'] === 'boolean';
    case 'agent-fault': case 'upstream': return typeof value['code'] === 'string';
    case 'established': case 'unused': case 'abandoned': case 'relayed': case 'blocked': return true;
    default: return false;
  }
}

/** A root as old as can be, nothing that disturbed: circumstances that speak neither for nor against. */
function readCircumstances(value: unknown, inspected: boolean): Circumstances {
  const found = isObject(value) ? value as Partial<Circumstances> : {};
  const { disturbance } = found;
  return {
    rootAgeMs: Number.isFinite(found.rootAgeMs) ? found.rootAgeMs as number : Number.MAX_SAFE_INTEGER,
    olderThanRoot: isTrue(found.olderThanRoot),
    disturbance: isObject(disturbance) && typeof disturbance.kind === 'string' && Number.isFinite(disturbance.at) ? disturbance : null,
    clientCertificateAsked: isTrue(found.clientCertificateAsked),
    unanswerable: textOf(found.unanswerable),
    ech: isTrue(found.ech),
    upstream: found.upstream ?? (inspected ? 'verified' : 'not-inspected'),
  };
}

function isEvidence(value: unknown): value is HandshakeEvidence {
  return isObject(value) && typeof value['clientFinished'] === 'boolean' && typeof value['msSinceLeaf'] === 'number';
}

/** Null for anything that is none. */
export function readTrustView(value: unknown): TrustView | null {
  if (!isObject(value) || typeof value['store'] !== 'string' || typeof value['because'] !== 'string') return null;
  const { store, because, holdsRoot, stale } = value;
  return { store, because, holdsRoot: typeof holdsRoot === 'boolean' ? holdsRoot : null, stale: isTrue(stale) };
}

function isRuntime(value: unknown): value is Runtime {
  return typeof value === 'string' && Object.hasOwn(runtimes, value);
}

function isTrue(value: unknown): boolean {
  return value === true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
