/** The catalogue: writing items, reading one with its counters, searching. */
import Type from 'typebox';
import { errorFields } from './errors.ts';
import {
  API_LIMITS,
  booleanField,
  choiceField,
  integerField,
  itemIdField,
  type Message,
  mapOf,
  nextCursorField,
  nullable,
  numberField,
  Position,
  request,
  textField,
  timeField,
  tookMsField,
} from './fields.ts';
import { cursorParameter, limitParameter } from './parameters.ts';

const TITLE_LENGTH_MAX = 512;
const ATTRIBUTE_LENGTH_MAX = 1024;
const LINK_LENGTH_MAX = 2048;

const names = (description: string, example: readonly string[]) =>
  Type.Array(textField({ description: 'A name.', minLength: 1 }), {
    description,
    maxItems: 200,
    examples: [example],
  });

const AttributeValue = Type.Unsafe<string | number | boolean>({
  type: ['string', 'number', 'boolean'],
  maxLength: ATTRIBUTE_LENGTH_MAX,
});

const itemFields = {
  title: textField({
    description: 'What people read.',
    maxLength: TITLE_LENGTH_MAX,
    examples: ['Heat'],
  }),
  categories: Type.Optional(names('Such as genres.', ['crime', 'thriller'])),
  tags: Type.Optional(names('Finer than categories.', ['heist'])),
  people: Type.Optional(names('Directors, authors, artists.', ['Michael Mann'])),
  attributes: Type.Optional(
    mapOf(AttributeValue, {
      description: 'Whatever else filters and rules should know.',
      maxProperties: 100,
      propertyNames: { type: 'string', minLength: 1, maxLength: 128 },
      examples: [{ year: 1995, director: 'Michael Mann' }],
    }),
  ),
  publishedAt: Type.Optional(nullable(timeField('When it first appeared.'))),
  availableFrom: Type.Optional(nullable(timeField('Shown in no list before.'))),
  expiresAt: Type.Optional(nullable(timeField('Shown in no list from then on.'))),
  available: Type.Optional(booleanField('False takes it out of every list at once.')),
  price: Type.Optional(
    nullable(
      numberField({ description: 'In the site’s own currency.', minimum: 0, examples: [3.99] }),
    ),
  ),
  hidden: Type.Optional(booleanField('True takes it out of every list at once.')),
  image: Type.Optional(
    nullable(
      textField({
        description: 'Address of a picture.',
        maxLength: LINK_LENGTH_MAX,
        examples: ['https://films.example/heat.jpg'],
      }),
    ),
  ),
};

/** The whole of an item, as `POST /v1/items` takes it. */
export const ItemInput = request(
  { itemId: itemIdField(), ...itemFields },
  { description: 'An item; fields that are absent take their defaults.' },
);
export type ItemInput = Message<typeof ItemInput>;

/** The whole of an item whose id is in the path (PUT). */
export const ItemReplacement = request(itemFields, {
  description: 'The whole item; fields that are absent take their defaults.',
});
export type ItemReplacement = Message<typeof ItemReplacement>;

/** What changes of an item (PATCH); fields that are absent stay, null takes one away. */
export const ItemPatch = request(
  { ...itemFields, title: Type.Optional(itemFields.title) },
  { description: 'What changes; fields that are absent stay as they are.', minProperties: 1 },
);
export type ItemPatch = Message<typeof ItemPatch>;

/** A batch whose items are checked one by one. */
export const ItemsEnvelope = request({
  items: Type.Array(Type.Unknown(), { minItems: 1, maxItems: API_LIMITS.batchMax }),
});
export type ItemsEnvelope = Message<typeof ItemsEnvelope>;

export const ItemsRequest = Type.Unsafe<ItemInput | { readonly items: readonly ItemInput[] }>({
  type: 'object',
  description: 'One item, or a batch.',
  if: { required: ['items'] },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own keyword
  then: request({
    items: Type.Array(ItemInput, { minItems: 1, maxItems: API_LIMITS.batchMax }),
  }),
  else: ItemInput,
});

/** The answer to POST, PUT, PATCH and DELETE alike. */
export const ItemsAnswer = Type.Object(
  {
    accepted: integerField({ description: 'How many are now durable.', minimum: 0, examples: [1] }),
    refused: Type.Array(
      Type.Object({
        index: integerField({ description: 'Its place in the request, from 0.', minimum: 0 }),
        itemId: nullable(Type.String({ description: 'As it was sent.' })),
        ...errorFields,
      }),
      { description: 'Those that were not taken, and why.' },
    ),
    positions: Type.Array(Position, { description: 'Where in the catalogue’s log they ended.' }),
  },
  { description: 'The next answer of any list already goes by it.' },
);
export type ItemsAnswer = Message<typeof ItemsAnswer>;

export const ItemCounters = Type.Object(
  {
    interactions: Type.Number({ description: 'Ever, undone ones included.', examples: [311] }),
    popularity: Type.Number({ description: 'Weighted and decayed over months.', examples: [87.4] }),
    trend: Type.Number({
      description: 'How much faster it is picked of late than usual.',
      examples: [1.7],
    }),
    ratingCount: Type.Number({ examples: [52] }),
    ratingMean: nullable(Type.Number({ examples: [4.1] })),
    ratingHistogram: Type.Array(Type.Number(), {
      description: 'How many of half a star, one star … five stars.',
      examples: [[0, 1, 0, 2, 1, 5, 6, 17, 9, 11]],
    }),
  },
  { description: 'As of the last event taken in.' },
);
export type ItemCounters = Message<typeof ItemCounters>;

export const Item = Type.Object(
  {
    itemId: itemIdField(),
    title: Type.String({ examples: ['Heat'] }),
    categories: Type.Array(Type.String(), { examples: [['crime', 'thriller']] }),
    tags: Type.Array(Type.String()),
    people: Type.Array(Type.String()),
    attributes: mapOf(AttributeValue, { description: 'Whatever else is known of it.' }),
    publishedAt: nullable(timeField('When it first appeared.')),
    availableFrom: nullable(timeField('Shown in no list before.')),
    expiresAt: nullable(timeField('Shown in no list from then on.')),
    available: Type.Boolean(),
    price: nullable(Type.Number()),
    hidden: Type.Boolean(),
    image: nullable(Type.String()),
    updatedAt: timeField('When the catalogue last heard of it.'),
    visible: Type.Boolean({ description: 'Whether lists may show it now.' }),
    counters: ItemCounters,
  },
  { description: 'An item with its live counters.' },
);
export type Item = Message<typeof Item>;

export const ITEM_SORTS = ['match', 'popular', 'trending', 'latest', 'top-rated', 'title'] as const;

export const ItemSearchQuery = request({
  search: Type.Optional(
    textField({
      description:
        'Beginnings of words of the title or of people; accents are folded, one typo is forgiven.',
      examples: ['amelie'],
    }),
  ),
  category: Type.Optional(textField({ description: 'Only items of it.', examples: ['crime'] })),
  sort: Type.Optional(
    choiceField(ITEM_SORTS, {
      description: 'The order; match × popularity where something is searched, else popularity.',
    }),
  ),
  limit: Type.Optional(limitParameter),
  cursor: Type.Optional(cursorParameter),
});
export type ItemSearchQuery = Message<typeof ItemSearchQuery>;

export const ItemSearchAnswer = Type.Object({
  items: Type.Array(Item),
  nextCursor: nextCursorField,
  tookMs: tookMsField,
});
export type ItemSearchAnswer = Message<typeof ItemSearchAnswer>;
