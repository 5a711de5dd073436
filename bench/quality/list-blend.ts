/** The product's own blend (`algorithms/blend`) as a row of a ranking table. */
import { type BlendRecipe, blend, blendFeatures } from '../../algorithms/blend/blend.ts';
import type { ChoiceExample } from '../../algorithms/blend/blend-weights.ts';
import { type SourceList, topList } from '../../algorithms/blend/source-list.ts';
import type { Blend } from './contender.ts';

export interface ListBlendSettings {
  /** How many items each source proposes. */
  readonly limit: number;
}

export const listBlend = (
  name: string,
  recipe: BlendRecipe,
  { limit }: ListBlendSettings,
): Blend => ({
  name,
  parts: recipe.map((source) => source.name),
  settings: { rule: 'w · log(1 + p ÷ ε) over the sources’ lists', recipe, limit },
  combine(parts, into) {
    into.fill(0);
    const { items, scores } = blend(recipe, listsOf(parts, limit));
    items.forEach((item, candidate) => {
      into[item] = scores[candidate]!;
    });
  },
});

const listsOf = (parts: readonly Float64Array[], limit: number): SourceList[] =>
  parts.map((scores) => topList(scores, { limit }));

/** What the weights learn from: one person's candidates, and which of them was taken. */
export const choiceExample = (
  recipe: BlendRecipe,
  parts: readonly Float64Array[],
  { limit, taken, seen }: ListBlendSettings & { readonly taken: number; readonly seen: Uint8Array },
): ChoiceExample | null => {
  const { items, parts: features } = blendFeatures(recipe, listsOf(parts, limit));
  const kept: number[] = [];
  items.forEach((item, candidate) => {
    if (seen[item] === 0) kept.push(candidate);
  });
  const place = kept.findIndex((candidate) => items[candidate] === taken);
  if (place < 0) return null;
  const rows = kept.flatMap((candidate) => [
    ...features.subarray(candidate * recipe.length, (candidate + 1) * recipe.length),
  ]);
  return { features: Float64Array.from(rows), taken: place };
};
