/** Sending interactions, and the kinds that they may be of. */
import Type from 'typebox';
import { errorFields } from './errors.ts';
import {
  API_LIMITS,
  choiceField,
  EITHER_SUBJECT,
  eventIdField,
  integerField,
  itemIdField,
  listIdField,
  type Message,
  nullable,
  numberField,
  Position,
  request,
  sessionIdField,
  sourceField,
  textField,
  timeField,
  userIdField,
} from './fields.ts';

const EventContext = request(
  {
    listId: Type.Optional(listIdField('The list that the item was picked from.')),
    rank: Type.Optional(
      integerField({
        description: 'Its place in that list, from 1.',
        minimum: 1,
        maximum: 10_000,
        examples: [3],
      }),
    ),
    placement: Type.Optional(
      textField({
        description: 'Where on the site the list was.',
        minLength: 1,
        examples: ['home'],
      }),
    ),
    undoes: Type.Optional(eventIdField('For kind `undo`: the event that it takes back.')),
  },
  { description: 'What led to the event.' },
);

/** One interaction. */
export const EventInput = request(
  {
    eventId: Type.Optional(
      eventIdField(
        'With the source, it identifies the event for seven days: sent again, it counts once. Made by the server where absent.',
      ),
    ),
    source: Type.Optional(sourceField),
    userId: Type.Optional(userIdField('Who did it. Either this or sessionId.')),
    sessionId: Type.Optional(sessionIdField('The anonymous session that did it.')),
    itemId: itemIdField('What it was done to.'),
    kind: textField({
      description: 'What was done: a name from `GET /v1/kinds`.',
      minLength: 1,
      examples: ['rating'],
    }),
    value: Type.Optional(
      numberField({
        description: 'How much, where the kind takes a value: stars, or the share watched.',
        examples: [4.5],
      }),
    ),
    occurredAt: Type.Optional(
      timeField('When it happened; at most 7 days ago. The time of arrival where absent.'),
    ),
    context: Type.Optional(EventContext),
  },
  { description: 'Something that a person did to an item.', ...EITHER_SUBJECT },
);
export type EventInput = Message<typeof EventInput>;

/**
 * A batch whose events are not looked into: each is checked apart (against `EventInput`), so that a
 * bad one is refused by its index and the others are taken.
 */
export const EventsEnvelope = request({
  events: Type.Array(Type.Unknown(), { minItems: 1, maxItems: API_LIMITS.batchMax }),
});
export type EventsEnvelope = Message<typeof EventsEnvelope>;

/** One event, or `{events: […]}`; as NDJSON, one event a line. */
export const EventsRequest = Type.Unsafe<EventInput | { readonly events: readonly EventInput[] }>({
  type: 'object',
  description:
    'One event, or a batch: one of a wrong shape refuses all of it, one that says something impossible is refused alone.',
  if: { required: ['events'] },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own keyword
  then: request({
    events: Type.Array(EventInput, {
      description: 'A batch, taken in this order.',
      minItems: 1,
      maxItems: API_LIMITS.batchMax,
    }),
  }),
  else: EventInput,
  examples: [{ userId: 'ada', itemId: 'heat-1995', kind: 'rating', value: 4.5 }],
});

export const RefusedEvent = Type.Object({
  index: integerField({
    description: 'Its place in the request, from 0.',
    minimum: 0,
    examples: [2],
  }),
  eventId: nullable(Type.String({ description: 'As it was sent.', examples: ['e-17'] })),
  ...errorFields,
});
export type RefusedEvent = Message<typeof RefusedEvent>;

export const EventsAnswer = Type.Object(
  {
    accepted: integerField({
      description: 'How many events are now durable, duplicates not among them.',
      minimum: 0,
      examples: [1],
    }),
    duplicates: integerField({
      description: 'How many had been taken before and changed nothing.',
      minimum: 0,
      examples: [0],
    }),
    refused: Type.Array(RefusedEvent, { description: 'Those that were not taken, and why.' }),
    eventIds: Type.Array(nullable(Type.String()), {
      description: 'The id of each event in the order of the request; null where it was refused.',
      examples: [['0191f0a2-7c3e-7b1a-9d52-3f4e5a6b7c8d']],
    }),
    positions: Type.Array(Position, {
      description:
        'How far the log reaches with these events, by partition. As `after` of a list: wait until it shows them.',
    }),
  },
  { description: 'Sent only once the accepted events are durable.' },
);
export type EventsAnswer = Message<typeof EventsAnswer>;

export const KindsAnswer = Type.Object({
  configVersion: integerField({ description: 'Version of the table.', minimum: 0, examples: [1] }),
  kinds: Type.Array(
    Type.Object({
      name: Type.String({ description: 'As events name it.', examples: ['rating'] }),
      description: Type.String({ description: 'What it means.' }),
      weight: Type.Number({ description: 'How much one counts, before decay.', examples: [1] }),
      polarity: choiceField(['positive', 'negative', 'by-own-mean', 'none'], {
        description: 'Whether it speaks for the item or against it.',
      }),
      value: Type.Union(
        [
          Type.Object({
            min: Type.Number(),
            max: Type.Number(),
            required: Type.Boolean(),
            scalesWeight: Type.Boolean(),
            meaning: Type.String(),
          }),
          Type.Null(),
        ],
        { description: 'The range and meaning of `value`; null where the kind takes none.' },
      ),
      halfLifeMs: Type.Number({ description: 'After this long it counts half.' }),
      seenForMs: nullable(
        Type.Number({ description: 'How long the item counts as seen; null for ever.' }),
      ),
    }),
  ),
});
export type KindsAnswer = Message<typeof KindsAnswer>;
