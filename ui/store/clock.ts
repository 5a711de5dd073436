/** The browser's clock: the one file of the page that asks it. */

/** For measuring how long something took; does not jump when the clock is set. */
export const monotonicNowMs = (): number => performance.now();

/** Calls once, so much later; returns what takes that back. */
export const later = (delayMs: number, work: () => void): (() => void) => {
  const timer = setTimeout(work, delayMs);
  return () => clearTimeout(timer);
};
