/**
 * The trial of a release: its models, fitted on what happened before the hold-out's moment, beside
 * those counts that lists go by in any case, and the release in use. Half of the tested people choose
 * the blend's weights, the other half judge.
 *
 * The release in use may have been trained on part of the hold-out. So it is judged, and the candidate
 * against it, only by people who chose something new after it was made; too few of them, and nothing
 * is said.
 */
import { partOf } from '../algorithms/model/fit-context.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { HoldOutScore } from '../schemas/release.ts';
import type { CatalogueItem } from './content-model.ts';
import { countedSources, POPULAR } from './counted-sources.ts';
import {
  BLEND,
  blendScore,
  fitWeights,
  listsOf,
  scoresOf,
  type TestedSource,
} from './evaluation.ts';
import { type Duel, faultsOfQuality } from './gate.ts';
import { historiesFor } from './histories/training-histories.ts';
import type { HoldOut } from './hold-out.ts';
import type { FitTools, ModelRecipe } from './model-recipes.ts';
import type { HoldOutOptions } from './options.ts';

/** The release in use, as far as a trial needs it. */
export interface FormerRelease {
  readonly createdAt: EpochMs;
  readonly models: readonly TestedSource[];
  readonly weights: ReadonlyMap<string, number>;
}

export interface Trial {
  readonly people: number;
  readonly scores: readonly HoldOutScore[];
  /** By part. */
  readonly weights: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
  /** What could not be told. */
  readonly remarks: readonly string[];
}

export const tryModels = async (
  holdOut: HoldOut,
  recipes: readonly ModelRecipe[],
  former: FormerRelease | undefined,
  tools: FitTools & { readonly catalogue: readonly CatalogueItem[] },
): Promise<Trial> => {
  const { options, context } = tools;
  const fitting = partOf(context, { start: 0, end: 0.7 });
  const counted = await countedSources(holdOut, { ...tools, context: fitting });
  const fitted: TestedSource[] = [];
  for (const [place, recipe] of recipes.entries()) {
    const share = { start: place / recipes.length, end: (place + 1) / recipes.length };
    const histories = historiesFor(recipe.view, holdOut.view, holdOut.seenPeople);
    const model = await recipe.fit(histories, { ...tools, context: partOf(fitting, share) });
    fitted.push({ ...recipe, model });
  }
  if (holdOut.tested.length < options.holdOut.peopleMin) return untold(holdOut, options.holdOut);
  const sources = [...fitted, ...counted];
  const parts = sources.map(({ part }) => part);
  const choosers = holdOut.tested.filter((_, place) => place % 2 === 0);
  const judges = holdOut.tested.filter((_, place) => place % 2 === 1);
  const listing = partOf(context, { start: 0.7, end: 1 });
  const weights = await fitWeights(
    parts,
    await listsOf(sources, holdOut, choosers, listing),
    context,
  );
  const tested = await listsOf(sources, holdOut, judges, listing);
  const scores = scoresOf(parts, weights, tested, options.holdOut);
  const named = (name: string): HoldOutScore => scores.find((score) => score.name === name)!;
  const duel = former && (await duelWith(former, { sources, counted, weights, holdOut }, tools));
  const verdict = { candidate: named(BLEND), popularity: named(POPULAR), duel };
  return {
    people: judges.length,
    scores: duel ? [...scores, duel.former] : scores,
    weights,
    faults: faultsOfQuality(verdict, options.gate),
    remarks: former && !duel ? [NO_DUEL] : [],
  };
};

const NO_DUEL =
  'Too few people chose something new after the release in use was made to compare with it.';

const untold = ({ tested }: HoldOut, { peopleMin }: HoldOutOptions): Trial => ({
  people: tested.length,
  scores: [],
  weights: new Map(),
  faults: [],
  remarks: [
    `Lists were not tested: ${tested.length} people chose something new of late, ${peopleMin} are needed.`,
  ],
});

interface Rival {
  readonly sources: readonly TestedSource[];
  readonly counted: readonly TestedSource[];
  readonly weights: ReadonlyMap<string, number>;
  readonly holdOut: HoldOut;
}

/** Candidate and release in use before the same judges, who chose after the latter was made. */
const duelWith = async (
  former: FormerRelease,
  { sources, counted, weights, holdOut }: Rival,
  { options, context }: FitTools,
): Promise<Duel | undefined> => {
  const judges = holdOut.tested.filter(({ firstAt }) => firstAt > former.createdAt);
  if (judges.length < options.holdOut.peopleMin) return undefined;
  const quiet = { ...context, onProgress: () => {} };
  const scored = async (
    name: string,
    side: readonly TestedSource[],
    sideWeights: ReadonlyMap<string, number>,
  ): Promise<HoldOutScore> => {
    const lists = await listsOf(side, holdOut, judges, quiet);
    const parts = side.map(({ part }) => part);
    return blendScore(name, parts, sideWeights, lists, options.holdOut);
  };
  return {
    candidate: await scored(BLEND, sources, weights),
    former: await scored('release in use', [...former.models, ...counted], former.weights),
  };
};
