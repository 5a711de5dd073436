/** Lists: how they are asked for, and what every one of them answers. */
import Type from 'typebox';
import type { ItemId } from '../ids.ts';
import {
  API_LIMITS,
  booleanField,
  choiceField,
  eventIdField,
  integerField,
  itemIdField,
  listIdField,
  type Message,
  mapOf,
  nextCursorField,
  nullable,
  numberField,
  offsetField,
  partitionField,
  request,
  textField,
  timeField,
  tookMsField,
} from './fields.ts';
import { afterParameter, cursorParameter, limitParameter } from './parameters.ts';

/** One id, or the parameter repeated: `exclude=a&exclude=b`. */
const excludeParameter = Type.Unsafe<ItemId | readonly ItemId[]>({
  ...itemIdField('Items to leave out; repeat the parameter for several.'),
  type: ['string', 'array'],
  items: itemIdField(),
  maxItems: API_LIMITS.excludeMax,
});

const listParameters = {
  limit: Type.Optional(limitParameter),
  cursor: Type.Optional(cursorParameter),
  placement: Type.Optional(
    textField({
      description: 'Where on the site the list will be shown.',
      minLength: 1,
      examples: ['home'],
    }),
  ),
  category: Type.Optional(
    textField({ description: 'Only items of this category.', minLength: 1, examples: ['crime'] }),
  ),
  filter: Type.Optional(
    textField({
      description:
        'Only items whose attributes fit: =, !=, <, <=, >, >=, in, and, or, not, brackets.',
      minLength: 1,
      maxLength: 1_024,
      examples: ['year>=1990 and genre in (Drama, Comedy)'],
    }),
  ),
  exclude: Type.Optional(excludeParameter),
  after: Type.Optional(afterParameter),
};

/** For lists made for someone. */
export const RecommendationsQuery = request({
  ...listParameters,
  includeSeen: Type.Optional(
    booleanField('True lets items in that the person has seen.', { default: false }),
  ),
  explain: Type.Optional(booleanField('False leaves the reasons out.', { default: true })),
  diversity: Type.Optional(
    numberField({
      description: '0 keeps the order of scores, 1 looks at difference alone.',
      minimum: 0,
      maximum: 1,
      examples: [0.2],
    }),
  ),
});
export type RecommendationsQuery = Message<typeof RecommendationsQuery>;

/** For lists that are the same for everyone. */
export const ListQuery = request(listParameters);
export type ListQuery = Message<typeof ListQuery>;

export const SIMILARITIES = [
  'together',
  'taste',
  'embedding',
  'content',
  'graph',
  'blend',
] as const;

export const SimilarQuery = request({
  ...listParameters,
  by: Type.Optional(
    choiceField(SIMILARITIES, {
      description: 'What makes items alike; the best blend where absent.',
      examples: ['together'],
    }),
  ),
});
export type SimilarQuery = Message<typeof SimilarQuery>;

export const LIST_NAMES = ['trending', 'popular', 'latest', 'top-rated'] as const;
export type ListName = (typeof LIST_NAMES)[number];

export const ListParams = request({
  name: choiceField(LIST_NAMES, {
    description:
      'Which list. Where nothing trends, what is popular answers instead, or else what is new.',
    examples: ['trending'],
  }),
});
export type ListParams = Message<typeof ListParams>;

/** What goes with a basket. */
export const NextItemsRequest = request({
  itemIds: Type.Array(itemIdField(), {
    description: 'The basket, in the order in which it was filled.',
    minItems: 1,
    maxItems: API_LIMITS.excludeMax,
    examples: [['heat-1995', 'ronin-1998']],
  }),
  limit: Type.Optional(limitParameter),
  category: Type.Optional(textField({ description: 'Only items of this category.', minLength: 1 })),
  placement: Type.Optional(textField({ description: 'Where it will be shown.', minLength: 1 })),
});
export type NextItemsRequest = Message<typeof NextItemsRequest>;

export const Reason = Type.Object(
  {
    part: Type.String({ description: 'The part of the score that it explains.' }),
    share: numberField({ description: 'Of the score.', examples: [0.6] }),
    text: Type.String({
      description: 'For people.',
      examples: ['People who liked Ronin also liked this'],
    }),
    because: Type.Array(
      Type.Object({
        eventId: eventIdField('The event.'),
        itemId: itemIdField('What it was done to.'),
        title: Type.String({ examples: ['Ronin'] }),
        kind: Type.String({ examples: ['rating'] }),
        ageMs: integerField({ description: 'How long ago.', minimum: 0, examples: [1200] }),
      }),
      { description: 'The person’s own events that led here.' },
    ),
  },
  { description: 'Why the item is here.' },
);
export type Reason = Message<typeof Reason>;

export const ListEntry = Type.Object({
  itemId: itemIdField(),
  rank: integerField({ description: 'From 1, over all pages.', minimum: 1, examples: [1] }),
  scoreRank: Type.Optional(
    integerField({
      description: 'The rank that the score alone would have given, where diversity moved it.',
      minimum: 1,
      examples: [3],
    }),
  ),
  score: numberField({ description: 'The sum of the parts.', examples: [0.83] }),
  title: Type.String({ examples: ['Heat'] }),
  parts: mapOf(Type.Number(), {
    description: 'What each source adds to the score.',
    examples: [{ together: 0.5, trending: 0.33 }],
  }),
  reasons: Type.Array(Reason, { description: 'The strongest first.' }),
});
export type ListEntry = Message<typeof ListEntry>;

/** The cold-start ladder, best first. */
export const RUNGS = [
  'personalised',
  'session',
  'content',
  'category-trend',
  'trend',
  'latest',
] as const;
export type Rung = (typeof RUNGS)[number];

export const AsOf = Type.Object(
  {
    eventTime: nullable(timeField('Time of the newest event in it; null before the first.')),
    partition: nullable(partitionField('Partition of the log that holds the person’s events.')),
    offset: nullable(offsetField('The last record of that partition that was taken in.')),
    itemTime: nullable(timeField('What the items’ counters cover; the lowest of all partitions.')),
    freshnessMs: nullable(
      integerField({
        description: 'From the newest event’s arrival until its effect could be read.',
        minimum: 0,
        examples: [4],
      }),
    ),
    stale: Type.Optional(
      booleanField(
        'True while the state cannot be read, or is being made again: then this comes from memory.',
      ),
    ),
  },
  { description: 'What the answer was computed from.' },
);
export type AsOf = Message<typeof AsOf>;

export const Held = Type.Object({
  part: Type.String({ description: 'The source that keeps silent.', examples: ['together'] }),
  why: Type.String({ examples: ['pairs need 3 people, have 1'] }),
});
export type Held = Message<typeof Held>;

export const ListAnswer = Type.Object(
  {
    listId: listIdField('Name it in events and impressions, so that clicks find their list.'),
    placement: nullable(Type.String()),
    items: Type.Array(ListEntry),
    rung: choiceField(RUNGS, { description: 'The step of the cold-start ladder that answered.' }),
    held: Type.Optional(
      Type.Array(Held, { description: 'Sources that a floor keeps silent, and why.' }),
    ),
    asOf: AsOf,
    models: mapOf(nullable(Type.String()), {
      description: 'Version of each model that had a part in it; null where there is none yet.',
      examples: [{ als: '20260101T030000Z-3f2a' }],
    }),
    configVersion: integerField({
      description: 'Version of the table of kinds.',
      minimum: 0,
      examples: [1],
    }),
    tookMs: tookMsField,
    nextCursor: nextCursorField,
  },
  { description: 'A ranked list that says what it was computed from.' },
);
export type ListAnswer = Message<typeof ListAnswer>;
