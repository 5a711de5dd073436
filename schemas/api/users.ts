/** What is known of a person: what they did, newest first; their vector under the release in use. */
import Type from 'typebox';
import {
  eventIdField,
  integerField,
  itemIdField,
  type Message,
  nextCursorField,
  nullable,
  numberField,
  request,
  timeField,
  userIdField,
} from './fields.ts';
import { AsOf } from './lists.ts';
import { afterParameter, cursorParameter, limitParameter } from './parameters.ts';

export const HistoryQuery = request({
  limit: Type.Optional(limitParameter),
  cursor: Type.Optional(cursorParameter),
  after: Type.Optional(afterParameter),
});
export type HistoryQuery = Message<typeof HistoryQuery>;

export const HistoryEvent = Type.Object({
  eventId: eventIdField('As it was sent, or as the server made it.'),
  itemId: itemIdField(),
  title: Type.String({ description: 'The item’s id where the catalogue does not know it.' }),
  kind: Type.String({ examples: ['rating'] }),
  value: nullable(Type.Number({ examples: [4.5] })),
  occurredAt: timeField('When it happened.'),
});
export type HistoryEvent = Message<typeof HistoryEvent>;

export const HistoryAnswer = Type.Object({
  events: Type.Array(HistoryEvent, { description: 'Newest first; undone ones are gone.' }),
  nextCursor: nextCursorField,
});
export type HistoryAnswer = Message<typeof HistoryAnswer>;

export const SimilarPeopleQuery = request({
  limit: Type.Optional(limitParameter),
  after: Type.Optional(afterParameter),
});
export type SimilarPeopleQuery = Message<typeof SimilarPeopleQuery>;

export const SimilarPerson = Type.Object({
  userId: userIdField(),
  likeness: numberField({
    description: '1 is somebody who chose the very same, 0 nobody who shares anything.',
    examples: [0.42],
  }),
  sharedCount: integerField({
    description: 'Of the newest items of both.',
    minimum: 0,
    examples: [7],
  }),
  shared: Type.Array(Type.Object({ itemId: itemIdField(), title: Type.String() }), {
    description: 'Some of what both chose; what the asking person chose last comes first.',
  }),
});
export type SimilarPerson = Message<typeof SimilarPerson>;

export const SimilarPeopleAnswer = Type.Object(
  { people: Type.Array(SimilarPerson, { description: 'The most alike first.' }) },
  { description: 'People of like taste among those who acted of late.' },
);
export type SimilarPeopleAnswer = Message<typeof SimilarPeopleAnswer>;

export const VectorQuery = request({ after: Type.Optional(afterParameter) });
export type VectorQuery = Message<typeof VectorQuery>;

export const VectorAnswer = Type.Object(
  {
    release: nullable(
      Type.String({
        description: 'Under which it was made; null while none is in use.',
        examples: ['20260101T030000Z-3f2a'],
      }),
    ),
    vector: nullable(
      Type.Array(Type.Number(), {
        description: 'null where the release knows nothing that the person is for.',
      }),
    ),
    asOf: AsOf,
  },
  { description: 'A person’s vector: a function of their state and the release, for inspection.' },
);
export type VectorAnswer = Message<typeof VectorAnswer>;
