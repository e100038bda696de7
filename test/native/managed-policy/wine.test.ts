// The registry calls on a Windows Node, against wine's registry: names, types and levels as regedit wrote them.
import { expect, test } from 'vitest';
import { runInWine } from '../../support/wine.ts';

if (runInWine === null) console.log('skipped: the registry is read under wine only with PINLIGHT_WINE_ROOT and PINLIGHT_WINE_PROGRAMS (test/support/wine.ts)');

const lines = (...text: readonly string[]): string => `hex(7):${[...Buffer.from(`${text.join('\0')}\0\0`, 'utf16le')].map((byte) => byte.toString(16).padStart(2, '0')).join(',')}`;

const registry = `
[HKEY_LOCAL_MACHINE\\Software\\Policies\\Pinlight]
@="unnamed"
"rules"=${lines('[', '{"id": "a", "do": "bypass"}', ']')}

[HKEY_LOCAL_MACHINE\\Software\\Policies\\Pinlight\\network]
"port"=dword:00001f90
"binary"=hex:01,02

[HKEY_LOCAL_MACHINE\\Software\\Policies\\Pinlight\\network\\upstreamRoots]
"1"="C:\\\\für uns.pem"

[HKEY_LOCAL_MACHINE\\Software\\Policies\\Pinlight\\Recommended\\defaults]
"onPinned"="block"

[HKEY_CURRENT_USER\\Software\\Policies\\Pinlight\\managedBy]
"name"="Contoso IT"
`;

const script = `
import { loadAdvapi32 } from 'file:///Z:/mnt/native/managed-policy/registry.ts';
import { windowsManagedPolicy } from 'file:///Z:/mnt/native/managed-policy/windows.ts';
console.log(JSON.stringify(windowsManagedPolicy(loadAdvapi32(), 1_048_576).read()));
`;

test.runIf(runInWine !== null)('the registry of Windows is read with its types, names and levels', () => {
  const { code, output, errors } = runInWine?.(script, registry) ?? { code: null, output: '', errors: '' };
  expect({ code, errors }).toMatchObject({ code: 0, errors: '' });
  expect(JSON.parse(output)).toEqual([
    {
      origin: 'managed', name: 'HKLM\\Software\\Policies\\Pinlight',
      content: { kind: 'registry', value: { rules: ['[', '{"id": "a", "do": "bypass"}', ']'], network: { port: 8080, upstreamRoots: { 1: 'C:\\für uns.pem' } } } },
    },
    { origin: 'managed', name: 'HKCU\\Software\\Policies\\Pinlight', content: { kind: 'registry', value: { managedBy: { name: 'Contoso IT' } } } },
    { origin: 'recommended', name: 'HKLM\\Software\\Policies\\Pinlight\\Recommended', content: { kind: 'registry', value: { defaults: { onPinned: 'block' } } } },
  ]);
}, 150_000);
