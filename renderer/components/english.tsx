// Words that the agent chose and that stand in no catalogue: messages of errors, details of a store, problems in a file. Marked as English,
// so that a screen reader speaks them as such. Not for sentences with a code (sentences.ts) and not for names (foreign.tsx).
import { Prose } from './prose.tsx';

/** Such words as text, with commands set as code. */
export function English({ text }: { readonly text: string }) {
  return <bdi lang="en"><Prose text={text} /></bdi>;
}
