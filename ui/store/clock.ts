/** The browser's clock: the one file of the page that asks it. */

/** For measuring how long something took; does not jump when the clock is set. */
export const monotonicNowMs = (): number => performance.now();
