// What makes a box that scrolls reachable by keyboard. Not for boxes that always hold something that is.

/** What scrolls has to be reachable by keyboard (WCAG 2.1.1): a stop of its own, so that the arrow keys scroll it. */
export const scrolling = { tabIndex: 0 };
