/** The browser's clock: the one file of the page that asks what time it is. */
export const wallNowMs = (): number => Date.now();

/** For measuring how long something took; does not jump when the clock is set. */
export const monotonicNowMs = (): number => performance.now();
