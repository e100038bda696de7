// Recovery that begins when the tools of the killed predecessor have ended: one that is still at work could undo what is put right.
// Not for starting tools (trust-store/run-tool.ts) and not for taking a change back (index.ts).
import type { Journal, Undone, UndoStep } from './index.ts';

/** What of a tool runner this needs: the process ids of tools that a predecessor started and that outlived it. */
export type Outlived = { outlived(): readonly number[] };

/** Takes back what a predecessor left once its tools have ended; null when one of them is still at work after `waitMs`. */
export async function recoverAfterTools(journal: Journal, tools: Outlived, undoStep: UndoStep, waitMs: number): Promise<readonly Undone[] | null> {
  if (!journal.hasUnfinished()) return [];
  for (const start = performance.now(); tools.outlived().length > 0;) {
    if (performance.now() - start > waitMs) return null;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return journal.recover(undoStep);
}
