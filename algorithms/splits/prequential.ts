/**
 * Prequential evaluation (test, then learn): events in time order, after a warm-up that is only
 * learned. Events of one user at one moment form a step: all of them are ranked before any of them
 * is learned, since none can be said to have come first.
 */
import { checkRange } from '../model/option-checks.ts';
import { inTimeOrder, type TimedEvent } from './temporal.ts';

export interface PrequentialPlan<Event> {
  readonly warmUp: readonly Event[];
  /** To be tested one after the other: rank all events of a step, then learn all of them. */
  readonly steps: readonly (readonly Event[])[];
}

export const prequentialPlan = <Event extends TimedEvent>(
  events: readonly Event[],
  warmUpShare: number,
): PrequentialPlan<Event> => {
  checkRange('warmUpShare', warmUpShare, { min: 0, max: 1 });
  const ordered = inTimeOrder(events);
  const warmUpCount = Math.floor(ordered.length * warmUpShare);
  // A step may not be half learned: a user's events at the moment of the cut all warm up.
  const cutTime = ordered[warmUpCount - 1]?.time;
  const inCut = new Set<number>();
  for (let k = warmUpCount - 1; k >= 0 && ordered[k]!.time === cutTime; k--)
    inCut.add(ordered[k]!.user);
  const isWarmUp = (event: Event, k: number): boolean =>
    k < warmUpCount || (event.time === cutTime && inCut.has(event.user));
  const warmUp = ordered.filter(isWarmUp);
  return { warmUp, steps: stepsOf(ordered.filter((event, k) => !isWarmUp(event, k))) };
};

/** A step stands where its first event stands; the users of one moment keep the input's order. */
const stepsOf = <Event extends TimedEvent>(ordered: readonly Event[]): Event[][] => {
  const steps: Event[][] = [];
  let moment: number | undefined;
  let open = new Map<number, Event[]>();
  for (const event of ordered) {
    if (event.time !== moment) {
      moment = event.time;
      open = new Map();
    }
    const step = open.get(event.user);
    if (step) {
      step.push(event);
      continue;
    }
    const fresh = [event];
    open.set(event.user, fresh);
    steps.push(fresh);
  }
  return steps;
};
