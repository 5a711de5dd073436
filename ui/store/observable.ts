/**
 * A value that can be watched. The page's whole state lives in one of these; React reads it through
 * `useSyncExternalStore`, and tests read it without React.
 */
export interface Observable<Value> {
  get(): Value;
  watch(onChange: () => void): () => void;
}

export interface Source<Value> extends Observable<Value> {
  update(change: (before: Value) => Value): void;
}

export const createSource = <Value>(initial: Value): Source<Value> => {
  let value = initial;
  const watchers = new Set<() => void>();
  return {
    get: () => value,
    watch(onChange) {
      watchers.add(onChange);
      return () => watchers.delete(onChange);
    },
    update(change) {
      const next = change(value);
      if (Object.is(next, value)) return;
      value = next;
      for (const notify of watchers) notify();
    },
  };
};
