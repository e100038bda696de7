// How `pinlight` is typed on this device, as the window server says in the page; in Electron the packaged name.
import { asTyped, ownCommands } from '../electron/contract/own-command.ts';

/** This copy runs from its source tree. */
export const fromSource = document.querySelector<HTMLMetaElement>('meta[name="pinlight-command"]')?.content === ownCommands.source;

/** How `pinlight` is typed for this copy. */
export const ownCommand = fromSource ? ownCommands.source : ownCommands.packaged;

/** The text with its commands as they are typed here. */
export function typedHere(text: string): string {
  return asTyped(text, ownCommand);
}
