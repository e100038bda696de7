// Any filter that the language understands, as text: for the property tests. Not a product part.
import * as fc from 'fast-check';
import { fields } from '../../../electron/core/log-query/fields.ts';

/** Values that each type of field takes. */
const values: Readonly<Record<string, readonly string[]>> = {
  text: ['curl', 'slack', '%', '_', '\\\\', '""', '*1*', '?lack', 'and'], host: ['api-1', '*.example', 'api-2.site-2.example'], address: ['192.0.2.7', '*.7', '192.0.?.1'],
  tls: ['1.2', 'TLSv1.3'], number: ['0', '1', '443', '200'], alert: ['42', 'unknown_ca', '70'], error: ['UnknownCA', 'NoAlert', 'cert', '*', 'ECONN*'],
  bytes: ['0', '1k', '10M', '1.5k'], duration: ['200ms', '5s', '1.5s'], time: ['1h', '90s', '2026-11-20', '2026-11-20T20:00', '2026-11-20T20:00:30Z'], since: ['1h', '1d'],
};

const oneTest = fc.constantFrom(...fields).chain((field) => fc.tuple(fc.constant(field.name), fc.constantFrom(...field.operators), fc.constantFrom(...(field.values ?? values[field.type] ?? []))))
  .map(([name, operator, value]) => `${name} ${operator} ${value === '""' ? value : `"${value}"`}`);
const network = fc.tuple(fc.nat(255), fc.nat(32), fc.constantFrom('in', 'notin')).map(([octet, bits, operator]) => `ip ${operator} 192.${octet}.7.1/${bits}`);
const word = fc.constantFrom('curl', 'slack', '"%"', 'example', '"two words"', '"and"', '"-x"');

export const filterText: fc.Arbitrary<string> = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof({ maxDepth: 4, withCrossShrink: true }, oneTest, word, network,
    tie('filter').map((inner) => `not (${inner})`), fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `(${a} or ${b})`), fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `${a} (${b})`)),
})).filter;
