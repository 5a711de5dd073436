/**
 * What every fit takes beside data and options: the seed of all its randomness, a signal that
 * stops it, and a listener for its progress. `pause` is where a long fit reports, stops when it is
 * told to, and lets other work of its thread run; it is called at step boundaries only, so a
 * cancelled fit leaves nothing half done behind (a model exists only once it is returned).
 */
export interface FitContext {
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Called with the share of the work that is done, 0 to 1, never falling. */
  readonly onProgress?: (share: number) => void;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Throws the signal's reason once it is aborted. */
export const pause = async (context: FitContext, share: number): Promise<void> => {
  context.signal?.throwIfAborted();
  context.onProgress?.(share);
  await nextTurn();
  context.signal?.throwIfAborted();
};

/** A context that reports to its parent as the part from `start` to `end` of the parent's work. */
export const partOf = (
  context: FitContext,
  { start, end }: { readonly start: number; readonly end: number },
): FitContext => ({
  ...context,
  onProgress: (share) => context.onProgress?.(start + (end - start) * share),
});
