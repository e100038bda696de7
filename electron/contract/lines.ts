// Newline JSON, the reading half: text chunks in, whole lines out. Shared by the control client and the window in a browser.
// Not for what a line means (contract/snapshot) or for decoding bytes (the transport's own decoder does).

/** Longest line of an event stream, in UTF-16 units: a snapshot of 200 connections and some hundred apps is well below 1 MB. */
export const longestLine = 8 * 1024 * 1024;

export type LineSplitter = {
  /** Whole lines that this chunk completes, without their newline; empty lines are left out. Null: a line grew beyond the limit. */
  push(chunk: string): readonly string[] | null;
};

/** A splitter that remembers the unfinished last line between chunks; `limit` in UTF-16 units. */
export function createLineSplitter(limit: number = longestLine): LineSplitter {
  let pieces: string[] = [];
  let length = 0;
  return {
    push(chunk) {
      const lines: string[] = [];
      let start = 0;
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
        if (length + end - start > limit) return null;
        pieces.push(chunk.slice(start, end));
        const line = pieces.join('');
        if (line.trim() !== '') lines.push(line);
        pieces = [];
        length = 0;
        start = end + 1;
      }
      length += chunk.length - start;
      if (length > limit) return null;
      if (start < chunk.length) pieces.push(chunk.slice(start));
      return lines;
    },
  };
}
