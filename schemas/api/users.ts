/** What is known of a person: what they did, newest first; their vector under the release in use. */
import Type from 'typebox';
import {
  eventIdField,
  itemIdField,
  type Message,
  nextCursorField,
  nullable,
  request,
  timeField,
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
