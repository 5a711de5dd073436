/** A model in a table: what it scores, what it cost, and the seed of its randomness, if any. */
import type { History } from '../../algorithms/histories/histories.ts';
import type { ItemModel } from '../../algorithms/model/item-model.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';

/** Whom and what a contender scores for. `user` is the row in the training data. */
export interface Question {
  readonly user: number;
  readonly history: History;
}

export interface Contender {
  readonly name: string;
  readonly fitSeconds: number;
  readonly modelBytes: number;
  readonly seed: number | null;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly note?: string;
  score(question: Question, scores: Float64Array): void;
}

/** Monotonic seconds. */
export const seconds = (): number => performance.now() / 1000;

export interface FitPlan<Model extends ItemModel> {
  readonly name: string;
  readonly seed?: number;
  readonly settings?: object;
  readonly note?: string;
  fit(): Promise<Model> | Model;
}

export const contenderOf = async <Model extends ItemModel>(
  plan: FitPlan<Model>,
): Promise<Contender & { readonly model: Model }> => {
  const start = seconds();
  const model = await plan.fit();
  const fitSeconds = seconds() - start;
  console.error(`  ${plan.name}: fitted in ${fitSeconds.toFixed(1)} s`);
  return {
    name: plan.name,
    fitSeconds,
    modelBytes: model.sizeBytes,
    seed: plan.seed ?? null,
    settings: { ...plan.settings },
    note: plan.note,
    model,
    score: ({ history }, scores) => model.score(history, scores),
  };
};

export const randomContender = (seed: number): Contender => ({
  name: 'random',
  fitSeconds: 0,
  modelBytes: 0,
  seed,
  score({ user }, scores) {
    const random = seededRandom(seed).fork(user);
    for (let item = 0; item < scores.length; item++) scores[item] = random.next();
  },
});

/** A contender made of others' scores: `combine` gets one array per part, in order. */
export interface Blend {
  readonly name: string;
  readonly parts: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly note?: string;
  /** `seen` holds 1 for the items of the history. */
  combine(parts: readonly Float64Array[], into: Float64Array, seen: Uint8Array): void;
}
