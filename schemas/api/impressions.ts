/** Telling what was really shown. */
import Type from 'typebox';
import { errorFields } from './errors.ts';
import {
  API_LIMITS,
  EITHER_SUBJECT,
  integerField,
  itemIdField,
  listIdField,
  type Message,
  mapOf,
  numberField,
  Position,
  request,
  sessionIdField,
  sourceField,
  textField,
  timeField,
  userIdField,
} from './fields.ts';

/** One list that was shown. */
export const ImpressionInput = request(
  {
    source: Type.Optional(sourceField),
    listId: listIdField(),
    placement: Type.Optional(
      textField({ description: 'Where on the site.', minLength: 1, examples: ['home'] }),
    ),
    userId: Type.Optional(userIdField('Who saw it. Either this or sessionId.')),
    sessionId: Type.Optional(sessionIdField('The anonymous session that saw it.')),
    items: Type.Array(
      request({
        itemId: itemIdField(),
        rank: integerField({
          description: 'Its place, from 1.',
          minimum: 1,
          maximum: 10_000,
          examples: [1],
        }),
        propensity: Type.Optional(
          numberField({
            description: 'How likely it was to be shown there, where a policy chose by chance.',
            minimum: 0,
            maximum: 1,
            examples: [0.25],
          }),
        ),
      }),
      { description: 'What was shown, by rank.', minItems: 1, maxItems: API_LIMITS.batchMax },
    ),
    models: Type.Optional(
      mapOf(textField({ description: 'Version.' }), {
        description: 'Versions of the models that made the list, as its answer named them.',
        maxProperties: 32,
        examples: [{ als: '20260101T030000Z-3f2a' }],
      }),
    ),
    experiment: Type.Optional(textField({ description: 'The experiment it was part of.' })),
    variant: Type.Optional(textField({ description: 'The variant that the person was given.' })),
    occurredAt: Type.Optional(timeField('When it was shown; the time of arrival where absent.')),
  },
  { description: 'A list that a person was really shown.', ...EITHER_SUBJECT },
);
export type ImpressionInput = Message<typeof ImpressionInput>;

/** A batch whose impressions are checked one by one. */
export const ImpressionsEnvelope = request({
  impressions: Type.Array(Type.Unknown(), { minItems: 1, maxItems: API_LIMITS.batchMax }),
});
export type ImpressionsEnvelope = Message<typeof ImpressionsEnvelope>;

export const ImpressionsRequest = Type.Unsafe<
  ImpressionInput | { readonly impressions: readonly ImpressionInput[] }
>({
  type: 'object',
  description: 'One impression, or a batch.',
  if: { required: ['impressions'] },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own keyword
  then: request({
    impressions: Type.Array(ImpressionInput, { minItems: 1, maxItems: API_LIMITS.batchMax }),
  }),
  else: ImpressionInput,
});

export const ImpressionsAnswer = Type.Object({
  accepted: integerField({
    description: 'How many are now durable, duplicates not among them.',
    minimum: 0,
    examples: [1],
  }),
  duplicates: integerField({
    description:
      'How many say what was said before of the same list, person, items and time, and were not kept again.',
    minimum: 0,
    examples: [0],
  }),
  refused: Type.Array(
    Type.Object({
      index: integerField({ description: 'Its place in the request, from 0.', minimum: 0 }),
      ...errorFields,
    }),
    { description: 'Those that were not taken, and why.' },
  ),
  positions: Type.Array(Position, { description: 'Where in the impressions’ log they ended.' }),
});
export type ImpressionsAnswer = Message<typeof ImpressionsAnswer>;
