// A sentence of ours or of the agent, in which `commands` stand between backticks.
import { visible } from '../format.ts';
import { typedHere } from '../own-command.ts';

/** The sentence with its commands set as code, as they are typed here; everything is text. */
export function Prose({ text }: { readonly text: string }) {
  const parts = visible(typedHere(text)).split(/`([^`]+)`/);
  return parts.map((part, index) => (index % 2 === 1 ? <code key={`${index} ${part}`} className="mono">{part}</code> : part));
}
