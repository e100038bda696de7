// An example of a configuration profile for macOS with every setting: what holds without one, and an organisation's name.
// Not signed and not for installing as it is: an administrator changes it and has it deployed by MDM.
import { embeddedLayer } from '../../electron/core/policy/embedded.ts';
import { policySettings } from './settings.ts';
import { xml, xmlDocument } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** The same as native/managed-policy/macos.ts reads. */
export const profileDomain = 'dev.pinlight.agent';

/** The same at every build, so that the committed file stays as it is; whoever deploys a profile of their own makes new ones. */
const ids = { profile: '6E0E5B0C-3B5E-4E0B-9C53-7C1D2A9A1F01', payload: '6E0E5B0C-3B5E-4E0B-9C53-7C1D2A9A1F02' };

/** The `.mobileconfig` file. */
export function exampleProfile(): string {
  const payload = {
    PayloadType: profileDomain, PayloadIdentifier: `${profileDomain}.example.policy`, PayloadUUID: ids.payload, PayloadVersion: 1, PayloadDisplayName: 'Pinlight policy',
    ...exampleValues(),
  };
  const profile = {
    PayloadType: 'Configuration', PayloadIdentifier: `${profileDomain}.example`, PayloadUUID: ids.profile, PayloadVersion: 1, PayloadScope: 'System',
    PayloadDisplayName: 'Pinlight example', PayloadDescription: 'Every setting of the Pinlight agent; see POLICY.md.', PayloadOrganization: 'Contoso IT',
    PayloadContent: [payload],
  };
  return xmlDocument(xml('plist', { version: '1.0' }, plistOf(profile)), {
    doctype: '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n',
    comment: 'Written by build/policy-templates.ts. Values under a key "Recommended" beside these give way to the user\'s own policy file.',
  });
}

/** Every setting with its default, `rules` and `managedBy` with an example. */
export function exampleValues(): Readonly<Record<string, unknown>> {
  const { rules } = embeddedLayer('user');
  const values: Record<string, unknown> = { rules: rules?.map(({ id, when, do: what, reason }) => ({ id, when, do: what, reason })) };
  for (const { section, name, default: preset } of policySettings()) {
    // A setting that is null by default is not set: property lists have no null.
    if (section === '' || section === 'managedBy' || preset === null) continue;
    values[section] = { ...(values[section] as object | undefined), [name]: preset };
  }
  values['managedBy'] = { name: 'Contoso IT', caption: 'Questions? Call 4711', url: 'https://it.contoso.example/pinlight' };
  return values;
}

function plistOf(value: unknown): XmlElement {
  if (typeof value === 'string') return xml('string', {}, value);
  if (typeof value === 'number') return xml('integer', {}, String(value));
  if (typeof value === 'boolean') return xml(String(value));
  if (Array.isArray(value)) return xml('array', {}, ...value.map(plistOf));
  if (typeof value !== 'object' || value === null) throw new Error(`a property list has no ${String(value)}`);
  return xml('dict', {}, ...Object.entries(value).flatMap(([name, inner]) => [xml('key', {}, name), plistOf(inner)]));
}
