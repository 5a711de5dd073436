/** Splits by time: what happened before a moment trains, what happened from it on tests. */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkRange } from '../model/option-checks.ts';

export interface TimedEvent {
  readonly user: number;
  readonly time: number;
}

export interface TemporalSplit<Event> {
  readonly train: readonly Event[];
  readonly test: readonly Event[];
  /** First moment of the test part; events at it are tested. */
  readonly from: number;
}

/** Order by time; ties keep the order of the input. */
export const inTimeOrder = <Event extends TimedEvent>(events: readonly Event[]): Event[] => {
  const odd = events.find(({ time }) => !Number.isFinite(time));
  if (odd) {
    throw new AlgorithmError('bad_data', { what: 'a time', expected: 'finite', got: odd.time });
  }
  return events.toSorted((a, b) => a.time - b.time);
};

export const splitAt = <Event extends TimedEvent>(
  events: readonly Event[],
  from: number,
): TemporalSplit<Event> => {
  const ordered = inTimeOrder(events);
  return {
    train: ordered.filter(({ time }) => time < from),
    test: ordered.filter(({ time }) => time >= from),
    from,
  };
};

/**
 * The newest `testShare` of the events tests. The cut never falls inside a moment: all events of
 * equal time are on the same side (the test side).
 */
export const splitNewest = <Event extends TimedEvent>(
  events: readonly Event[],
  testShare: number,
): TemporalSplit<Event> => {
  checkRange('testShare', testShare, { min: 0, max: 1 });
  const ordered = inTimeOrder(events);
  const cut = ordered[Math.floor(ordered.length * (1 - testShare))];
  return splitAt(ordered, cut ? cut.time : Number.POSITIVE_INFINITY);
};
