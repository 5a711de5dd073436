/**
 * What models are tested on before they may be used: the newest part of the history. Models see what
 * happened before a moment; people's lists, made from what they had done until then, are held against
 * what they chose after it and had not chosen before. Time-respecting: nothing later is seen.
 */
import type { SeededRandom } from '../algorithms/random/seeded-random.ts';
import type { FeedbackKind } from '../schemas/kinds.ts';
import type { ReadHistory } from './histories/history-reader.ts';
import { type HistoryView, sequenceHistory } from './histories/training-histories.ts';
import type { HoldOutOptions } from './options.ts';

export interface TestedPerson {
  readonly person: number;
  /** Items chosen from the moment on that had not been chosen before. */
  readonly targets: ReadonlySet<number>;
  /** When the first of them was chosen. */
  readonly firstAt: number;
}

export interface HoldOut {
  /** The history before the moment. */
  readonly view: HistoryView & { readonly before: number };
  readonly tested: readonly TestedPerson[];
  /** Whose histories tested models are fitted on: the tested people, and others beside them. */
  readonly seenPeople: Uint32Array;
}

/** For each tested person so many others are seen besides. */
const OTHERS_PER_TESTED = 3;
const TIMES_SAMPLED = 200_000;

export const holdOutOf = (
  history: ReadHistory,
  kinds: readonly FeedbackKind[],
  { share, peopleMax }: HoldOutOptions,
  random: SeededRandom,
): HoldOut => {
  const view = { history, kinds, before: momentOf(history, share) };
  const order = shuffled(history.personCount, random);
  const tested: TestedPerson[] = [];
  const others: number[] = [];
  for (const person of order) {
    const isOver = tested.length === peopleMax && others.length >= peopleMax * OTHERS_PER_TESTED;
    if (isOver) break;
    const found = tested.length < peopleMax ? testedPerson(view, person) : undefined;
    if (found) tested.push(found);
    else if (others.length < peopleMax * OTHERS_PER_TESTED) others.push(person);
  }
  const people = [...tested.map(({ person }) => person), ...others].sort((a, b) => a - b);
  return { view, tested, seenPeople: Uint32Array.from(people) };
};

/** Before it lie all but the newest share of the events; found among an even sample of them. */
const momentOf = ({ events }: ReadHistory, share: number): number => {
  const step = Math.max(1, Math.floor(events.times.length / TIMES_SAMPLED));
  const times = Float64Array.from(
    { length: Math.ceil(events.times.length / step) },
    (_, k) => events.times[k * step]!,
  ).sort();
  return times[Math.floor(times.length * (1 - share))] ?? 0;
};

const shuffled = (count: number, random: SeededRandom): Uint32Array => {
  const order = Uint32Array.from({ length: count }, (_, person) => person);
  for (let left = count - 1; left > 0; left--) {
    const other = random.below(left + 1);
    [order[left], order[other]] = [order[other]!, order[left]!];
  }
  return order;
};

const testedPerson = (view: HoldOut['view'], person: number): TestedPerson | undefined => {
  const before = sequenceHistory(view, person);
  if (before.items.length === 0) return undefined;
  const whole = sequenceHistory({ history: view.history, kinds: view.kinds }, person);
  const known = new Set(before.items);
  const targets = new Set<number>();
  let firstAt = Number.POSITIVE_INFINITY;
  for (let k = 0; k < whole.items.length; k++) {
    const at = whole.times![k]!;
    if (at < view.before || known.has(whole.items[k]!)) continue;
    targets.add(whole.items[k]!);
    firstAt = Math.min(firstAt, at);
  }
  return targets.size === 0 ? undefined : { person, targets, firstAt };
};
