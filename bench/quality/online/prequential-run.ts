/**
 * One prequential pass: each event is ranked by every model against all items that anybody has
 * touched before and that the person has not, and learned afterwards. An item that nobody has
 * touched before cannot be ranked and counts as missed, for every model alike. The blend adds
 * z-scores over the ranked items.
 */
import type { PrequentialPlan } from '../../../algorithms/splits/prequential.ts';
import { seconds } from '../contender.ts';
import type { OnlineModel, OnlineSize } from './online-model.ts';

export interface OnlineEvent {
  readonly user: number;
  readonly item: number;
  readonly time: number;
}

export interface OnlineBlend {
  readonly name: string;
  /** Model name → weight. */
  readonly weights: Readonly<Record<string, number>>;
  /** Ranks for a person without history. */
  readonly coldStart: string;
}

export interface OnlineRun {
  /** Per event, in order. */
  readonly users: Uint32Array;
  /** Rank from 0 of each event's item, by model; Infinity where it could not be ranked. */
  readonly ranks: ReadonlyMap<string, Float64Array>;
  readonly spentSeconds: ReadonlyMap<string, number>;
  readonly unknownItems: number;
  readonly refreshes: number;
}

export interface OnlineTask {
  readonly plan: PrequentialPlan<OnlineEvent>;
  readonly size: OnlineSize;
  readonly models: readonly OnlineModel[];
  readonly blends: readonly OnlineBlend[];
  /** Refresh once so many events, or this share of all learned ones, have come since the last. */
  readonly refreshEvents: number;
  readonly refreshShare: number;
  /** Refresh at the first event of each such span of time instead. */
  readonly refreshEvery?: number;
}

export const runPrequential = async (task: OnlineTask): Promise<OnlineRun> => {
  const { plan, size, models, blends } = task;
  const count = plan.steps.reduce((sum, step) => sum + step.length, 0);
  const names = [...models, ...blends].map(({ name }) => name);
  const users = new Uint32Array(count);
  const ranks = new Map(names.map((name) => [name, new Float64Array(count)]));
  const spentSeconds = new Map(names.map((name) => [name, 0]));
  const scores = new Map(names.map((name) => [name, new Float64Array(size.itemCount)]));
  const histories: number[][] = Array.from({ length: size.userCount }, () => []);
  const isKnown = new Uint8Array(size.itemCount);
  const places = openPlaces(size.itemCount);
  let learned = 0;
  let learnedAtRefresh = 0;
  let refreshes = 0;
  let unknownItems = 0;
  let place = 0;
  let lastSpan: number | undefined;

  const timed = (name: string, start: number): void => {
    spentSeconds.set(name, spentSeconds.get(name)! + seconds() - start);
  };
  const learn = ({ user, item }: OnlineEvent): void => {
    const history = histories[user]!;
    for (const model of models) {
      const start = seconds();
      model.learn(user, history, item);
      timed(model.name, start);
    }
    history.push(item);
    isKnown[item] = 1;
    learned += 1;
  };
  const refresh = async (): Promise<void> => {
    for (const model of models) {
      const start = seconds();
      await model.refresh?.();
      timed(model.name, start);
    }
    refreshes += 1;
    learnedAtRefresh = learned;
  };
  const rankAll = ({ user, item }: OnlineEvent): void => {
    const history = histories[user]!;
    users[place] = user;
    const open = openItems(isKnown, history, places);
    const rank = (name: string, into: Float64Array): void => {
      ranks.get(name)![place] = isKnown[item] ? rankOf(into, item, open) : Infinity;
    };
    for (const model of models) {
      const start = seconds();
      const into = scores.get(model.name)!;
      model.score(user, history, into);
      timed(model.name, start);
      rank(model.name, into);
    }
    const scales = new Map<string, Scale>();
    const scaleOf = (name: string): Scale => {
      const known = scales.get(name) ?? scaleOver(scores.get(name)!, open);
      scales.set(name, known);
      return known;
    };
    for (const blend of blends) {
      const start = seconds();
      const into = scores.get(history.length === 0 ? blend.coldStart : blend.name)!;
      if (history.length > 0) blendScores(blend.weights, { scores, scaleOf, open, into });
      timed(blend.name, start);
      rank(blend.name, into);
    }
    if (!isKnown[item]) unknownItems += 1;
    place += 1;
  };

  const isDue = (time: number): boolean => {
    if (task.refreshEvery !== undefined) {
      const span = Math.floor(time / task.refreshEvery);
      if (span === lastSpan) return false;
      lastSpan = span;
      return true;
    }
    const due = Math.max(task.refreshEvents, task.refreshShare * learnedAtRefresh);
    return learned - learnedAtRefresh >= due;
  };

  for (const event of plan.warmUp) learn(event);
  await refresh();
  for (const step of plan.steps) {
    if (isDue(step[0]!.time)) await refresh();
    for (const event of step) rankAll(event);
    for (const event of step) learn(event);
  }
  return { users, ranks, spentSeconds, unknownItems, refreshes };
};

interface OpenPlaces {
  readonly isSeen: Uint8Array;
  readonly items: Uint32Array;
}

const openPlaces = (itemCount: number): OpenPlaces => ({
  isSeen: new Uint8Array(itemCount),
  items: new Uint32Array(itemCount),
});

/** What is ranked: all that anybody has met and this person has not, in order; valid until the next call. */
const openItems = (
  isKnown: Uint8Array,
  history: readonly number[],
  { isSeen, items }: OpenPlaces,
): Uint32Array => {
  for (const seen of history) isSeen[seen] = 1;
  let count = 0;
  for (let item = 0; item < isKnown.length; item++) {
    if (isKnown[item] === 1 && isSeen[item] === 0) items[count++] = item;
  }
  for (const seen of history) isSeen[seen] = 0;
  return items.subarray(0, count);
};

/** Items above the target; of those that tie with it, the half. */
const rankOf = (scores: Float64Array, target: number, open: Uint32Array): number => {
  const wanted = scores[target]!;
  let above = 0;
  let equal = 0;
  for (let k = 0; k < open.length; k++) {
    const score = scores[open[k]!]!;
    if (score > wanted) above += 1;
    else if (score === wanted && open[k] !== target) equal += 1;
  }
  return above + equal / 2;
};

interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

const scaleOver = (scores: Float64Array, open: Uint32Array): Scale => {
  let sum = 0;
  let squares = 0;
  for (let k = 0; k < open.length; k++) {
    const score = scores[open[k]!]!;
    sum += score;
    squares += score * score;
  }
  const mean = sum / open.length;
  return { mean, deviation: Math.sqrt(Math.max(squares / open.length - mean * mean, 0)) };
};

interface BlendGround {
  readonly scores: ReadonlyMap<string, Float64Array>;
  scaleOf(model: string): Scale;
  readonly open: Uint32Array;
  readonly into: Float64Array;
}

const blendScores = (
  weights: OnlineBlend['weights'],
  { scores, scaleOf, open, into }: BlendGround,
): void => {
  into.fill(0);
  for (const [part, weight] of Object.entries(weights)) {
    const { mean, deviation } = scaleOf(part);
    if (!(deviation > 0)) continue;
    const of = scores.get(part)!;
    const slope = weight / deviation;
    for (let k = 0; k < open.length; k++) {
      const item = open[k]!;
      into[item]! += slope * (of[item]! - mean);
    }
  }
};
