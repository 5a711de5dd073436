/** What was opened so far, closed in the opposite order when a start fails or the end comes. */
export class Openings {
  readonly #closers: (() => Promise<void> | void)[] = [];

  add<Opened>(opened: Opened, close: (opened: Opened) => Promise<void> | void): Opened {
    this.#closers.push(() => close(opened));
    return opened;
  }

  /** What does not close, on a disk that fails, keeps nothing else open; the first failure is told. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let closer = this.#closers.pop(); closer; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Runs a start whose openings are closed again where it fails half-way. */
export const openedOrClosed = async <Opened>(
  open: (openings: Openings) => Promise<Opened>,
): Promise<Opened> => {
  const openings = new Openings();
  try {
    return await open(openings);
  } catch (error) {
    await openings.close();
    throw error;
  }
};
