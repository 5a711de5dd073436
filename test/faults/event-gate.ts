/** Lets a driver's events through up to a number, so that what happens in between hits a busy program. */
export interface EventGate {
  /** For the driver: resolves when the event of this number may be made. */
  admit(eventNumber: number): Promise<void>;
  openTo(eventNumber: number): void;
  openForAll(): void;
  /** Resolves once the driver wants more than was let through, or has all of it. */
  exhausted(): Promise<void>;
}

export const createEventGate = (): EventGate => {
  let admitted = 0;
  let waiting: (() => void)[] = [];
  let onExhausted: (() => void)[] = [];
  const openTo = (eventNumber: number): void => {
    admitted = Math.max(admitted, eventNumber);
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  return {
    async admit(eventNumber) {
      while (eventNumber > admitted) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          for (const tell of onExhausted.splice(0)) tell();
        });
      }
    },
    openTo,
    openForAll: () => openTo(Number.POSITIVE_INFINITY),
    exhausted: () =>
      waiting.length > 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            onExhausted = [...onExhausted, resolve];
          }),
  };
};
