// How `pinlight` is typed on this device, as the window server says in the page; in Electron the packaged name.
import { asTyped, ownCommands } from '../electron/contract/own-command.ts';

/** This copy runs from its source tree. */
export const fromSource = document.querySelector<HTMLMetaElement>('meta[name="pinlight-command"]')?.content === ownCommands.source;

/** The text with its commands as they are typed here. */
export function typedHere(text: string): string {
  return asTyped(text, fromSource ? ownCommands.source : ownCommands.packaged);
}
