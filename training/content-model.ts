/**
 * Likeness by content, for a trial: what lists find by comparing items' words, found among the items of
 * the catalogue's copy in the warehouse. It is made to weigh the source in the blend and thrown away:
 * lists compare items by the catalogue as it is at that moment, so there is nothing to train, and
 * nothing that a release should hold.
 */
import { type ItemContent, itemTokens } from '../algorithms/content/item-tokens.ts';
import { fitTfIdf, type TfIdfModel } from '../algorithms/content/tf-idf.ts';
import type { History } from '../algorithms/histories/histories.ts';
import type { ItemModel } from '../algorithms/model/item-model.ts';
import type { ItemId } from '../schemas/ids.ts';
import { WAREHOUSE_TABLES } from '../schemas/tables.ts';
import type { Row, Warehouse } from '../storage/warehouse/warehouse.ts';
import { chosenIn } from './people-model.ts';

/** What lists look at: the newest items of a person, and of each so many that are alike. */
const CHOSEN_MAX = 24;
const NEIGHBOURS_MAX = 32;

const PRESENT = {
  name: 'read the catalogue',
  sql: `SELECT itemId, title, categories, tags, people, attributes FROM (
      SELECT * FROM ${WAREHOUSE_TABLES.items.name} FINAL ORDER BY offset DESC LIMIT 1 BY itemId
    ) WHERE NOT deleted`,
};

export interface CatalogueItem extends ItemContent {
  readonly itemId: string;
}

export const readCatalogue = async (
  warehouse: Warehouse,
  signal?: AbortSignal,
): Promise<readonly CatalogueItem[]> => {
  const items: CatalogueItem[] = [];
  for await (const rows of warehouse.stream(PRESENT, {}, signal)) {
    for (const row of rows) items.push(itemOf(row));
  }
  return items;
};

const itemOf = (row: Row): CatalogueItem => ({
  itemId: row.itemId as string,
  title: row.title as string,
  categories: row.categories as readonly string[],
  tags: row.tags as readonly string[],
  people: row.people as readonly string[],
  attributes: JSON.parse(row.attributes as string) as ItemContent['attributes'],
});

export class ContentModel implements Pick<ItemModel, 'itemCount' | 'score'> {
  readonly itemCount: number;
  readonly #model: TfIdfModel;
  /** Which document an item is, and which item a document; −1 for none. */
  readonly #documentOf: Int32Array;
  readonly #itemOf: Int32Array;
  readonly #lists = new Map<number, readonly (readonly [item: number, likeness: number])[]>();

  /** `itemIds` are those that count: item i is the i-th. */
  constructor(catalogue: readonly CatalogueItem[], itemIds: readonly ItemId[]) {
    this.itemCount = itemIds.length;
    this.#model = fitTfIdf(catalogue.map((item) => itemTokens(item)));
    const places = new Map<string, number>(itemIds.map((id, item) => [id, item]));
    this.#itemOf = Int32Array.from(catalogue, ({ itemId }) => places.get(itemId) ?? -1);
    this.#documentOf = new Int32Array(itemIds.length).fill(-1);
    this.#itemOf.forEach((item, document) => {
      if (item >= 0) this.#documentOf[item] = document;
    });
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    for (const { item, weight } of chosenIn(history, CHOSEN_MAX)) {
      for (const [alike, likeness] of this.#alike(item)) scores[alike]! += weight * likeness;
    }
  }

  #alike(item: number): readonly (readonly [item: number, likeness: number])[] {
    const known = this.#lists.get(item);
    if (known !== undefined) return known;
    const document = this.#documentOf[item]!;
    const found = document < 0 ? [] : this.#model.similar(document, NEIGHBOURS_MAX);
    const list = found
      .map(({ index, score }) => [this.#itemOf[index]!, score] as const)
      .filter(([alike]) => alike >= 0);
    this.#lists.set(item, list);
    return list;
  }
}
