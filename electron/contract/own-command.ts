// How `pinlight` is typed where this copy runs: texts say `pinlight …`, and whoever shows them writes it as it works there.
// Not for finding out which copy it is: whoever starts looks for the source tree.

export const ownCommands = { packaged: 'pinlight', source: 'npx --no-install pinlight' } as const;
export type OwnCommand = (typeof ownCommands)[keyof typeof ownCommands];

/** The text with `pinlight …` between back quotes, and after a `$ ` or `| ` prompt, as it is typed there. */
export function asTyped(text: string, command: OwnCommand): string {
  return command === ownCommands.packaged ? text : text.replace(/(?<=`|\$ |\| )pinlight(?= )/g, command);
}
