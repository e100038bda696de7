// What a run as root says of the homes that it did not look into, and what their persons have to run. Not for finding them (native/trust-store).
import { otherHomes } from '../../native/trust-store/other-homes.ts';
import type { OtherHome } from '../../native/trust-store/other-homes.ts';
import type { CliContext } from './context.ts';
import { counted } from './phrases.ts';

/** `command`: what that user runs there. */
export type NotLookedAt = OtherHome & { readonly command: string };

export function homesNotLookedAt(context: Pick<CliContext, 'command'>, verb: string): readonly NotLookedAt[] {
  return otherHomes().map((one) => ({ ...one, command: `${context.command} ${verb}` }));
}

export function tellNotLookedAt({ output }: Pick<CliContext, 'output'>, homes: readonly NotLookedAt[]): void {
  if (homes.length === 0) return;
  output.line();
  output.line(`${counted(homes.length, 'home')} of other users ${homes.length === 1 ? 'was' : 'were'} not looked at; what their browsers and sessions trust, each of them asks and ends with:`, 'warn');
  for (const { user, home, command } of homes) output.line(`  ${user} (${home}): ${command}`);
}
