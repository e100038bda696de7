// A sentence as key and values, and its English: what core/explain says can be said in the window's other languages by the same key.
// Not for choosing a sentence (core/explain) and not for the window's own words (renderer/locales).

/** A value that is a sentence itself is worded first. A number `count` chooses between `key_one` and `key_other`. */
export type Sentence = { readonly key: string; readonly values: Readonly<Record<string, string | number | Sentence>> };

/** The English of every key; `{name}` stands for a value. */
export const sentenceTexts = {
  'decision.inspect': 'Inspected: {reason}.',
  'decision.bypass': 'Bypassed: {reason}.',
  'decision.block': 'Blocked: {reason}.',

  'reason.detailed': '{reason} ({detail})',
  'reason.rule': 'policy rule "{rule}" says so',
  'reason.no-match': 'no policy rule matches, so the default applies',
  'reason.must-inspect': 'policy rule "{rule}" must inspect, whatever exclusions say',
  'reason.exclusion': 'an exclusion names it',
  'reason.control-experiment': 'the app refused before, so this one connection was let through untouched to see whether it works',
  'reason.unknown-app': 'the program behind the connection could not be identified',
  'reason.not-tls': 'it does not speak TLS',
  'reason.unreadable-hello': 'its ClientHello cannot be read',
  'reason.incompatible': 'Pinlight cannot offer what the app needs',
  'reason.upstream-invalid': 'the server\'s certificate does not verify',
  'reason.upstream-failed': 'the server could not be reached',
  'reason.client-certificate': 'the server asks for a client certificate, which only the app itself can present',
  'reason.refused-target': 'Pinlight does not connect there',
  'reason.bad-request': 'the proxy request cannot be read',
  'reason.plain-http': 'it is plain HTTP, which is relayed',
  'reason.paused': 'inspection is paused',
  'reason.notice-pending': 'this user has not accepted the notice yet, which policy wants first',

  'outcome.established': 'The app accepted our certificate and sent data.',
  'outcome.refused-alert': 'The app refused our certificate with alert {alert} ({name}).',
  'outcome.refused-silent-early': 'The app saw our certificate and hung up without a word.',
  'outcome.refused-silent-late': 'The app finished the handshake, then hung up at once without sending anything.',
  'outcome.incompatible': 'App and Pinlight have no protocol in common (alert {alert}, {name}).',
  'outcome.unused': 'The app opened the connection and never used it.',
  'outcome.abandoned': 'The app left before it saw our certificate.',
  'outcome.agent-fault': 'Pinlight itself failed ({code}).',
  'outcome.passed-data': 'Let through untouched, and data went both ways.',
  'outcome.passed-empty': 'Let through untouched; no data was seen.',
  'outcome.relayed': 'Relayed as it is.',
  'outcome.blocked': 'Blocked.',
  'outcome.upstream': 'The server\'s side failed ({code}).',
  'outcome.open': 'Still open.',
  'attempt': '{decision} {outcome}',

  'manner.alert': 'alert {alert} {name}',
  'manner.silent-early': 'it hung up on seeing the certificate, without a word',
  'manner.silent-late': 'it finished the handshake and hung up without sending anything',

  'times_one': 'once',
  'times_other': '{count} times',

  'fact.refused-here': 'It refused our certificate here {times}: {how}.',
  'fact.established-here': 'It accepted our certificate here {times}.',
  'fact.established-elsewhere_one': 'The same app accepted our certificate at {count} other host, {example} among them, so it trusts our root.',
  'fact.established-elsewhere_other': 'The same app accepted our certificate at {count} other hosts, {example} among them, so it trusts our root.',
  'fact.refuses-everywhere': 'No other host has seen it accept our certificate so far (it refused at {hosts}).',
  'fact.alert-unknown-ca': 'It said "unknown CA" (alert 48): our root is not in its list. No key pin measured ever said that.',
  'fact.store-lacks-root': 'The trust store it reads ({store}) does not hold our root: {because}.',
  'fact.store-holds-root': 'The trust store it reads ({store}) holds our root: {because}.',
  'fact.form-fits-store': '{runtime} programs refuse an unknown root in exactly this form.',
  'fact.form-speaks-against-store': '{runtime} programs do not refuse an unknown root in this form; a check of the app\'s own does.',
  'fact.pass-through-worked': 'Let through untouched it worked {times}, so inspection was the cause.',
  'fact.pass-through-failed': 'Let through untouched it failed as well {times}, so inspection may not be the cause.',
  'fact.incompatible-here': 'App and Pinlight have no protocol in common here (alert {alert}).',
  'fact.client-certificate-asked': 'The server asked for a client certificate {times}; inspection cannot present the app\'s own.',
  'fact.hello-unanswerable': 'Pinlight has no answer to what it offers in its hello: {why}.',
  'fact.older-than-root': 'The program was started before our root came into its trust store, so it may still use the older list. Start it again.',
  'fact.disturbed': 'Just before, {what}; what fails then says little.',
  'fact.others-refuse_one': '{count} other app that trusts our root refuses this host too, so the host or our certificate for it may be at fault.',
  'fact.others-refuse_other': '{count} other apps that trust our root refuse this host too, so the host or our certificate for it may be at fault.',
  'fact.others-accept': 'Another app accepts our certificate for this host, so the certificate is fine.',
  'fact.listed': 'The list "{list}" knows it as pinned.',
  'fact.only-unused': 'Its connections here were opened and never used, which says nothing.',
  'fact.no-evidence': 'Nothing has been seen yet that says anything about trust.',
  'fact.per-call-trust': 'What this tool trusts is chosen anew at each call, so other calls say little about this one.',

  'disturbance.resume': 'the device woke up',
  'disturbance.network': 'the network changed',
  'disturbance.clock': 'the clock was set',
  'disturbance.portal': 'a captive portal answered for other servers',
  'disturbance.root': 'the root certificate was renewed',

  'verdict.none': '{app} has made no inspected connection yet.',
  'verdict.inspectable': '{app} accepts inspection at {host}.',
  'verdict.pinned-likely': '{app} pins its certificate at {host}: it trusts our root elsewhere and refuses it here.',
  'verdict.pinned-confirmed': '{app} pins its certificate at {host}: it trusts our root elsewhere and refuses it here, and works when let through.',
  'verdict.pinned-everywhere': '{app} pins its certificates at every host it was seen at.',
  'verdict.private-trust-store': '{app} keeps a list of authorities that lacks our root; it does not pin {host}.',
  'verdict.client-certificate': '{host} wants a client certificate from {app}, which inspection cannot pass on.',
  'verdict.incompatible': '{app} and Pinlight have no TLS version or cipher in common at {host}.',
  'verdict.open-nothing': 'Nothing seen so far says whether {app} accepts inspection at {host}.',
  'verdict.open-disturbed': '{app} failed at {host} while the device or its network was changing, which says nothing about inspection.',
  'verdict.open-older': '{app} refuses inspection at {host}, but it was started before our root came into its trust store.',
  'verdict.open-others': '{app} refuses inspection at {host}, and so do other apps that trust our root: the cause is likely the host or our certificate for it, not the app.',
  'verdict.open-failed': '{app} fails at {host} without inspection as well, so inspection is not the cause.',
  'verdict.open-both': '{app} refuses inspection at {host}; whether it pins its certificates or keeps its own list of authorities cannot be told yet.',

  'todo.nothing': 'Nothing to do.',
  'todo.pinned': 'Leave it bypassed, or ask the administrator for a permanent exclusion. It cannot be inspected by design.',
  'todo.private-trust-store': 'Install the root of this device in that trust store (`pinlight trust status` names it); then it can be inspected.',
  'todo.client-certificate': 'Nothing to do: it is let through untouched. For good, ask the administrator for an exclusion for this host.',
  'todo.incompatible': 'Nothing to do to make it work: it is let through untouched. An update of the app may make it inspectable.',
  'todo.restart-app': 'Quit the app completely and start it again.',
  'todo.look-at-server': 'Look at the server first; if only Pinlight is in its way, tell the administrator.',
  'todo.use-again': 'Use the app once more.',
  'todo.test': 'Use the app once more, or test it (`pinlight test-app`). If it keeps failing, ask the administrator for an exclusion.',

  'next.unseen': 'Policy decides when it connects.',
  'next.once': 'Let through untouched once, to see whether it works: the app refused before.',
  'next.excluded': 'Let through untouched {until}, by {by}.',
  'next.no-end': 'without an end',
  'next.for-another': 'for another {duration}',
  'next.by-predefined': 'a predefined exclusion',
  'next.by-managed': 'an exclusion of the administrator',
  'next.by-user': 'an exclusion made by hand',
  'next.by-learned': 'a learned exclusion',

  'control.rules': 'Rules by app, name and address still hold: a rule can block it, and addresses of this device are refused.',
  'control.certificate': 'The app checks the server\'s certificate itself, with its own list or pin; Pinlight does not stand between them.',
  'control.recorded': 'Each connection is recorded with program, host, time and volume (lately {times}, {size} kB); what it carries is not read.',

  'duration.seconds': '{number} s',
  'duration.minutes': '{number} min',
  'duration.hours': '{number} h',
  'duration.days_one': '{count} d',
  'duration.days_other': '{count} d',
  'duration.two': '{big} {small}',
} as const satisfies Readonly<Record<string, string>>;

type Stem<K> = K extends `${infer S}_${'one' | 'other'}` ? S : K;
export type SentenceKey = Stem<keyof typeof sentenceTexts>;

/** A sentence whose key is known to have a text. */
export function sentence(key: SentenceKey, values: Sentence['values'] = {}): Sentence {
  return { key, values };
}

/** The sentence in English. A key that an older version does not know is said as it is. */
export function say({ key, values }: Sentence): string {
  const texts: Readonly<Record<string, string>> = sentenceTexts;
  const text = texts[key] ?? texts[`${key}_${values['count'] === 1 ? 'one' : 'other'}`] ?? key;
  return fillText(text, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'object' ? say(value) : value])));
}

/** The text with `{name}` replaced by the value of that name; a name without one stays as it is. */
export function fillText(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (all, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : all));
}
