/** Why an item is in a person's list or not; lists for a posted history; items by title. */
import Type from 'typebox';
import { EventInput } from './events.ts';
import {
  API_LIMITS,
  booleanField,
  choiceField,
  integerField,
  itemIdField,
  type Message,
  mapOf,
  nullable,
  numberField,
  request,
  textField,
  tookMsField,
  userIdField,
} from './fields.ts';
import {
  AsOf,
  Held,
  ListAnswer,
  Reason,
  RecommendationsQuery,
  RUNGS,
  SimilarQuery,
} from './lists.ts';

export const ExplanationParams = request({ id: userIdField(), itemId: itemIdField() });
export type ExplanationParams = Message<typeof ExplanationParams>;

const { category, filter, exclude, includeSeen, after } = RecommendationsQuery.properties;

export const ExplanationQuery = request({ category, filter, exclude, includeSeen, after });
export type ExplanationQuery = Message<typeof ExplanationQuery>;

export const REMOVALS = [
  'unknown',
  'hidden',
  'unavailable',
  'not-yet-available',
  'expired',
  'excluded',
  'hidden-by-person',
  'seen',
  'category',
  'filter',
] as const;
/** What keeps an item out of a list. */
export type Removal = (typeof REMOVALS)[number];

export const ExplanationAnswer = Type.Object(
  {
    itemId: itemIdField(),
    title: Type.String({ examples: ['Heat'] }),
    rank: nullable(
      integerField({
        description: 'Its rank by score; null where it is in no list.',
        minimum: 1,
        examples: [4],
      }),
    ),
    score: numberField({ description: 'The sum of the parts.', examples: [0.83] }),
    parts: mapOf(Type.Number(), { description: 'What each source adds to the score.' }),
    reasons: Type.Array(Reason, { description: 'The strongest first.' }),
    removedBy: nullable(
      Type.Object({
        rule: choiceField(REMOVALS, { description: 'What keeps it out.' }),
        text: Type.String({
          description: 'For people.',
          examples: ['You have seen it: lists leave out what was seen.'],
        }),
      }),
    ),
    stars: nullable(
      Type.Object(
        {
          value: numberField({ description: 'The most likely.', examples: [4.2] }),
          low: numberField({ description: 'One in ten would be lower.', examples: [3.1] }),
          high: numberField({ description: 'One in ten would be higher.', examples: [5] }),
        },
        { description: 'The rating that the person would give; null where no model can tell.' },
      ),
    ),
    rung: choiceField(RUNGS, { description: 'The step of the cold-start ladder that answered.' }),
    held: Type.Optional(Type.Array(Held, { description: 'Sources that a floor keeps silent.' })),
    asOf: AsOf,
    models: ListAnswer.properties.models,
    configVersion: integerField({ description: 'Version of the table of kinds.', minimum: 0 }),
    tookMs: tookMsField,
  },
  { description: 'Why an item is in a person’s list, or why not.' },
);
export type ExplanationAnswer = Message<typeof ExplanationAnswer>;

const { eventId, itemId, kind, value, occurredAt } = EventInput.properties;

export const PostedHistoryRequest = request(
  {
    events: Type.Array(request({ eventId, itemId, kind, value, occurredAt }), {
      description: 'What the person did, oldest first where times are absent.',
      maxItems: API_LIMITS.batchMax,
    }),
    limit: RecommendationsQuery.properties.limit,
    placement: RecommendationsQuery.properties.placement,
    category,
    filter,
    exclude: Type.Optional(
      Type.Array(itemIdField(), {
        description: 'Items to leave out.',
        maxItems: API_LIMITS.excludeMax,
      }),
    ),
    includeSeen: Type.Optional(booleanField('True lets items of the history in.')),
    explain: Type.Optional(booleanField('False leaves the reasons out.')),
    diversity: RecommendationsQuery.properties.diversity,
  },
  { description: 'A list for a history that is not stored.' },
);
export type PostedHistoryRequest = Message<typeof PostedHistoryRequest>;

export const SimilarByTitleQuery = request({
  title: textField({ description: 'A title, or its beginning.', minLength: 1, examples: ['Heat'] }),
  limit: SimilarQuery.properties.limit,
  by: SimilarQuery.properties.by,
});
export type SimilarByTitleQuery = Message<typeof SimilarByTitleQuery>;

/** What an ambiguous title is answered with. */
export const TitleCandidatesAnswer = Type.Object({
  candidates: Type.Array(
    Type.Object({
      itemId: itemIdField(),
      title: Type.String({ examples: ['Heat'] }),
      publishedAt: nullable(Type.String()),
    }),
    { description: 'Items that the title may mean; ask again with one’s id.' },
  ),
});
export type TitleCandidatesAnswer = Message<typeof TitleCandidatesAnswer>;
