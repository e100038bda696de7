// Fuzz targets for policy: files as text, profiles and registry keys as values, host patterns and addresses.
import { readFileSync } from 'node:fs';
import { addressBytes, addressKind } from '../../../electron/core/policy/address.ts';
import { decide } from '../../../electron/core/policy/decide.ts';
import { compileGlob, compileHostPattern, formatHostPort, normaliseHost, readHostPort } from '../../../electron/core/policy/host-pattern.ts';
import { mergePolicy } from '../../../electron/core/policy/merge.ts';
import { parsePolicyFile, type PolicyFileRead } from '../../../electron/core/policy/parse.ts';
import { readPolicyProfile, readPolicyRegistry } from '../../../electron/core/policy/tree.ts';
import { decodeValue } from '../../../native/managed-policy/registry.ts';
import { readPlutil } from '../../../native/managed-policy/macos.ts';
import type { ConnectionFacts } from '../../../electron/core/model.ts';
import { invalidPolicies } from '../../core/policy/invalid-policies.ts';
import type { Target } from '../engine.ts';
import { insist, textOf, tokens } from '../insist.ts';

const valid = readFileSync(new URL('../../core/policy/valid-policy.json', import.meta.url));
const words = tokens([
  '{', '}', '[', ']', ':', ',', '"', '"__proto__":', '"constructor":{"prototype":', '"version": 1', '"rules"', '"when"', '"host"', '"app"', '"do"', '"mustInspect": true', '"defaults"',
  '"network"', '"localTargets"', '"upstreamRoots"', '"learning"', '"user"', '"managedBy"', '"pause"', '"notice"', '"id"', 'null', 'true', '1e999', '-0', '\\u0000', '\\', '/*', '//', '\xef\xbb\xbf', '*.', '*', '127.0.0.1:1',
]);
const facts: ConnectionFacts = {
  target: { host: 'a.example', port: 443 }, os: 'linux', transport: 'tls', serverName: 'a.example', cannotAnswer: null, uid: 1000, user: 'ada', selfUid: 1000, exclusion: null, passThroughDue: false, suspended: null,
  app: { id: 'app-1', name: 'curl', path: '/usr/bin/curl', script: null, package: null, signer: null, hash: null, runtime: 'openssl', perCallTrust: true, known: true },
};

/** Whatever was read can be put in force, and decides. */
function use(read: PolicyFileRead): void {
  if (read.kind === 'invalid') {
    insist(read.problems.length > 0 && read.problems.length <= 101, 'says what is wrong, and not without end');
    return;
  }
  const decision = decide(mergePolicy([{ origin: 'managed', file: 'f', layer: read.layer }], []), facts);
  insist(['inspect', 'bypass', 'block'].includes(decision.disposition), 'decides');
}

const policy: Target = {
  name: 'policy', files: ['core/policy/parse.ts', 'core/policy/merge.ts'], words, limit: 4_000,
  seeds: [valid, ...invalidPolicies.map((mistake) => Buffer.from(JSON.stringify(mistake.policy, null, 1)))],
  run: (input) => use(parsePolicyFile(textOf(input), 'fuzz.json')),
};

const policyValues: Target = {
  name: 'policy-values', files: ['core/policy/tree.ts', 'native/managed-policy/macos.ts', 'native/managed-policy/registry.ts'], words: [...words, ...tokens(['"Rules"', '"1"', '"2"', '"Recommended"', '"PayloadUUID"'])], limit: 4_000,
  seeds: [valid, Buffer.from(`{"Rules":${JSON.stringify('[{"id":"a","do":"block"}]')},"Network":{"UpstreamRoots":{"1":"/a.pem"}},"Recommended":{"defaults":{}},"PayloadUUID":"x"}`), Buffer.from('['.repeat(100))],
  run: (input) => {
    const text = textOf(input);
    const levels = readPlutil({ code: 0, stdout: text, stderr: '' });
    if (levels.kind === 'levels') for (const value of [levels.managed, levels.recommended]) {
      use(readPolicyProfile(value, 'profile'));
      use(readPolicyRegistry(value, 'key'));
    }
    const type = (input[0] ?? 0) % 13;
    const decoded = decodeValue(type, Buffer.from(input.subarray(1)));
    insist(decoded === null || ['string', 'number', 'object'].includes(typeof decoded), 'a registry value is a value');
  },
};

const hosts: Target = {
  // No match over 1 ms.
  name: 'hosts', slowMs: 1, files: ['core/policy/host-pattern.ts', 'core/policy/address.ts'], limit: 600,
  words: tokens(['*', '*.', '.', '-', '[', ']', '::', ':', '%eth0', 'xn--', 'localhost', '0x7f', '127.0.0.1', '::ffff:', '\n', '::1', '65535', '\xe2\x84\xaa']),
  seeds: tokens(['*.shop.example\na.shop.example', 'api-*.x.example\napi-1.x.example', '[::1]:443\n::1', '192.0.2.1:80\n192.0.2.1', '/usr/*/bin*\n/usr/local/bin/x', 'a\n0:0:0:0:0:ffff:7f00:1']),
  run: (input) => {
    const [pattern = '', host = ''] = textOf(input).split('\n');
    for (const kind of ['rule', 'exclusion'] as const) {
      const compiled = compileHostPattern(pattern, kind);
      if (compiled.kind === 'pattern') compiled.matches(normaliseHost(host));
      else insist(compiled.why.length > 3, 'says why a pattern is none');
    }
    compileGlob(pattern)(host);
    insist(normaliseHost(normaliseHost(host)) === normaliseHost(host) || host.startsWith('[') || host.endsWith('.'), 'normal twice is normal once');
    const target = readHostPort(pattern);
    if (target !== null) insist(JSON.stringify(readHostPort(formatHostPort(target.host, target.port))) === JSON.stringify(target), 'host and port survive being written');
    const bytes = addressBytes(host);
    if (bytes !== null) insist((bytes.length === 4 || bytes.length === 16) && typeof addressKind(bytes) === 'string', 'an address has a kind');
  },
};

export const policyTargets: readonly Target[] = [policy, policyValues, hosts];
