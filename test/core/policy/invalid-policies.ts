// Policies with one mistake each, for whoever judges policies: the parser here, the JSON Schema in test/build.

/** `seenBySchema`: whether a schema can see the mistake at all. */
export const invalidPolicies = mistakes([
  ['a list', [], true],
  ['no version', {}, true],
  ['another version', { version: 2 }, true],
  ['a mistyped section', { version: 1, rulez: [] }, true],
  ['a mistyped default', { version: 1, defaults: { onPined: 'block' } }, true],
  ['a mistyped value', { version: 1, defaults: { onPinned: 'bypas' } }, true],
  ['rules that are no list', { version: 1, rules: {} }, true],
  ['a rule without id', { version: 1, rules: [{ do: 'block' }] }, true],
  ['a rule without do', { version: 1, rules: [{ id: 'x' }] }, true],
  ['an id with blanks', { version: 1, rules: [{ id: 'a b', do: 'block' }] }, true],
  ['the same id twice', { version: 1, rules: [{ id: 'x', do: 'block' }, { id: 'x', do: 'block' }] }, false],
  ['must-inspect on a bypass', { version: 1, rules: [{ id: 'x', do: 'bypass', mustInspect: true }] }, false],
  ['a mistyped condition', { version: 1, rules: [{ id: 'x', do: 'block', when: { hots: 'a' } }] }, true],
  ['a wrong host pattern', { version: 1, rules: [{ id: 'x', do: 'block', when: { host: 'a.*.b' } }] }, false],
  ['an empty list of hosts', { version: 1, rules: [{ id: 'x', do: 'block', when: { host: [] } }] }, true],
  ['a port out of range', { version: 1, rules: [{ id: 'x', do: 'block', when: { port: 65_536 } }] }, true],
  ['a port of the proxy as text', { version: 1, network: { port: '8080' } }, true],
  ['a local target without port', { version: 1, network: { localTargets: { 'a.example': '127.0.0.1:1' } } }, false],
  ['a password in the address of a proxy', { version: 1, network: { upstreamProxy: 'http://ann:secret@proxy.example:3128' } }, false],
  ['a proxy of another kind', { version: 1, network: { upstreamProxy: 'socks5://proxy.example' } }, false],
  ['a relative path to credentials', { version: 1, network: { upstreamCredentials: 'proxy.txt' } }, false],
  ['a relative path to roots', { version: 1, network: { upstreamRoots: ['ca.pem'] } }, false],
  ['a relative path to a revocation list', { version: 1, network: { upstreamCrls: ['ca.crl'] } }, false],
  ['an unknown revocation that is asked about', { version: 1, network: { unknownRevocation: 'ask' } }, true],
  ['a learned exclusion for ever', { version: 1, learning: { confirmedDays: 365 } }, true],
  ['a fourth state', { version: 1, user: { stop: 'sometimes' } }, true],
  ['a switch of two states', { version: 1, user: { stop: false } }, true],
  ['a manager without name', { version: 1, managedBy: { caption: 'call us' } }, true],
  ['a link that runs something', { version: 1, managedBy: { name: 'x', url: 'javascript:alert(1)' } }, true],
]);

function mistakes(rows: readonly [name: string, policy: unknown, seenBySchema: boolean][]) {
  return rows.map(([name, policy, seenBySchema]) => ({ name, policy, seenBySchema }));
}
