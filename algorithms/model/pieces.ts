/**
 * Work that may be done at once or piece by piece between other work: a generator that yields where
 * the thread may turn to something else. What it computes does not depend on which of the two it was.
 */
export type Pieces<Result> = Generator<void, Result, void>;

export const atOnce = <Result>(pieces: Pieces<Result>): Result => {
  for (;;) {
    const step = pieces.next();
    if (step.done) return step.value;
  }
};

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * One piece a turn of the event loop, or after whatever comes between two. An abort ends the work at the
 * next boundary.
 */
export const inTurns = async <Result>(
  pieces: Pieces<Result>,
  signal?: AbortSignal,
  between: () => Promise<void> = nextTurn,
): Promise<Result> => {
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = pieces.next();
      if (step.done) return step.value;
      await between();
    }
  } finally {
    // Lets work that was given up put away what it had taken.
    pieces.return(undefined as never);
  }
};
