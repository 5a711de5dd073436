/** What a person did, newest first. */
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
