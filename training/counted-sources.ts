/**
 * What lists go by without a release, made of the same histories as the tested models: what is popular,
 * what is chosen together and next, what people alike chose, and what is alike by content. So each can
 * be weighed in the blend beside the models.
 */
import { DEFAULT_ITEM_ITEM_OPTIONS, fitItemItem } from '../algorithms/neighbourhood/item-item.ts';
import {
  DEFAULT_TRANSITION_OPTIONS,
  fitTransitions,
} from '../algorithms/neighbourhood/transitions.ts';
import { fitItemPopularity } from '../algorithms/popularity/item-popularity.ts';
import { type CatalogueItem, ContentModel } from './content-model.ts';
import type { TestedSource } from './evaluation.ts';
import { historiesFor } from './histories/training-histories.ts';
import type { HoldOut } from './hold-out.ts';
import type { FitTools } from './model-recipes.ts';
import { PeopleModel } from './people-model.ts';

export const POPULAR = 'popular';
/** Dense rows a pair of items: beyond so many the trial goes without co-visitation and content. */
const PAIR_ITEMS_MAX = 30_000;

export const countedSources = async (
  holdOut: HoldOut,
  tools: FitTools & { readonly catalogue: readonly CatalogueItem[] },
): Promise<readonly TestedSource[]> => {
  const { view, seenPeople } = holdOut;
  const histories = historiesFor('sequences', view, seenPeople);
  const { people } = tools.options;
  const source = (
    part: string,
    sees: TestedSource['view'],
    model: TestedSource['model'],
  ): TestedSource => ({ part, view: sees, isLogit: false, model });
  const found = [source(POPULAR, 'sequences', fitItemPopularity(histories))];
  if (people.peopleMax > 0) {
    found.push(source('people', 'weighted', new PeopleModel(histories, people)));
  }
  if (histories.itemCount > PAIR_ITEMS_MAX) return found;
  const quiet = { ...tools.context, onProgress: () => {} };
  const pairs = await fitItemItem(histories, DEFAULT_ITEM_ITEM_OPTIONS, quiet);
  const steps = await fitTransitions(histories, DEFAULT_TRANSITION_OPTIONS, quiet);
  found.push(source('together', 'sequences', pairs), source('next', 'sequences', steps));
  if (tools.catalogue.length > 0) {
    const content = new ContentModel(tools.catalogue, view.history.itemIds);
    found.push(source('content', 'weighted', content));
  }
  return found;
};
