/** How long each phase of a long run took. */
export interface Stopwatch {
  /** By phase, to a tenth. */
  readonly seconds: Readonly<Record<string, number>>;
  /** The phase that began with the end of the one before. */
  end(phase: string): void;
}

export const startStopwatch = (): Stopwatch => {
  const seconds: Record<string, number> = {};
  let sinceMs = performance.now();
  return {
    seconds,
    end(phase) {
      seconds[phase] = Math.round((performance.now() - sinceMs) / 100) / 10;
      sinceMs = performance.now();
    },
  };
};
