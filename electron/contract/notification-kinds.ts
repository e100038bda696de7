// The kinds of notifications that a person can silence for themselves, in tray and window. Pure.
// Not for which notifications there are (main/notification-model) and not for silencing one app (main/shell-settings).

export const notificationKinds = ['apps', 'trust', 'policy', 'pause', 'agent'] as const;
export type NotificationKind = (typeof notificationKinds)[number];

/** The kinds in a value from outside, each once; whatever else is in it is left out. */
export function readKinds(value: unknown): readonly NotificationKind[] {
  return Array.isArray(value) ? notificationKinds.filter((kind) => value.includes(kind)) : [];
}
