/** What a list was asked for, read once from the query of any route or the params of a channel. */
import type { ItemId } from '../schemas/ids.ts';
import type { Catalogue } from './catalogue.ts';
import { type PageCursor, readPageCursor } from './cursor.ts';
import { type ItemPredicate, parseFilter } from './filters/filter-expression.ts';

/** The parameters that lists have in common, as the schemas let them through. */
export interface ListParameters {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly placement?: string | undefined;
  readonly category?: string | undefined;
  readonly filter?: string | undefined;
  readonly exclude?: ItemId | readonly ItemId[] | undefined;
  readonly includeSeen?: boolean | undefined;
  readonly explain?: boolean | undefined;
  readonly diversity?: number | undefined;
}

export interface ListQuestion {
  /** All that decides the list but its page: a cursor holds for the same question alone. */
  readonly text: string;
  readonly limit: number;
  readonly placement: string | null;
  readonly page: PageCursor;
  readonly category: number | undefined;
  readonly predicate: ItemPredicate | undefined;
  readonly excluded: ReadonlySet<number>;
  readonly includeSeen: boolean;
  readonly explain: boolean;
  readonly diversity: number;
}

export const LIMIT_DEFAULT = 10;

/** `about`: the person, item or name that the list is for. */
export const questionOf = (
  about: string,
  parameters: ListParameters,
  given: { readonly catalogue: Catalogue; readonly diversity: number },
): ListQuestion => {
  const { catalogue } = given;
  const { category, filter, includeSeen = false, diversity = given.diversity } = parameters;
  const text = JSON.stringify([about, category, filter, includeSeen, diversity]);
  const page = readPageCursor(parameters.cursor, text, catalogue.slots);
  return {
    text,
    limit: parameters.limit ?? LIMIT_DEFAULT,
    placement: parameters.placement ?? null,
    page,
    category: category === undefined ? undefined : catalogue.findCategory(category),
    predicate: filter === undefined ? undefined : parseFilter(filter),
    excluded: excludedSlots(parameters.exclude, catalogue),
    includeSeen,
    explain: parameters.explain ?? true,
    diversity,
  };
};

const excludedSlots = (exclude: ListParameters['exclude'], catalogue: Catalogue): Set<number> => {
  const ids = typeof exclude === 'string' ? [exclude] : (exclude ?? []);
  const slots = ids.map((id) => catalogue.slots.find(id));
  return new Set(slots.filter((slot) => slot !== undefined));
};
