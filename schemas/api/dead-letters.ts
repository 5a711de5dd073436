/** What was set aside because it could not be taken in: looking at it, and trying it once more. */
import Type from 'typebox';
import {
  booleanField,
  eventIdField,
  idField,
  integerField,
  itemIdField,
  type Message,
  nextCursorField,
  nullable,
  numberField,
  offsetField,
  partitionField,
  request,
  textField,
  timeField,
} from './fields.ts';
import { limitParameter } from './parameters.ts';

const LETTER_ID_PATTERN = '^\\d{1,9}-\\d{1,15}$';

const letterIdField = Type.String({
  description: 'Partition and offset within the dead letters.',
  pattern: LETTER_ID_PATTERN,
  examples: ['0-12'],
  'x-says': 'the id of a dead letter such as 0-12',
});

export const DeadLetterParams = request({ id: letterIdField });
export type DeadLetterParams = Message<typeof DeadLetterParams>;

export const DeadLettersQuery = request({
  limit: Type.Optional(limitParameter),
  cursor: Type.Optional(letterIdField),
});
export type DeadLettersQuery = Message<typeof DeadLettersQuery>;

/** Whatever kind it was sent with: the reason may be that nobody knows that kind. */
const LetterEvent = Type.Object({
  eventId: eventIdField('The event.'),
  userId: nullable(idField({ description: 'The person.', examples: ['ada'] })),
  sessionId: nullable(idField({ description: 'The anonymous session.', examples: [null] })),
  itemId: itemIdField(),
  kind: textField({ description: 'The kind of feedback.', examples: ['click'] }),
  value: nullable(numberField({ description: 'Its value.', examples: [4.5] })),
  occurredAt: timeField('When it happened.'),
});
export type LetterEvent = Message<typeof LetterEvent>;

const DeadLetter = Type.Object({
  id: letterIdField,
  reason: Type.String({ description: 'Code of the error.', examples: ['bad_record'] }),
  message: Type.String({ description: 'The error in words.' }),
  topic: Type.String({ description: 'Where in the log it stands.', examples: ['interactions'] }),
  partition: partitionField('Partition of that topic.'),
  offset: offsetField('Offset in that partition.'),
  receivedAt: timeField('When it was received.'),
  bytes: integerField({ description: 'How much of it is kept, 64 KiB at most.', minimum: 0 }),
  event: nullable(LetterEvent),
  replayable: booleanField('Whether it can be tried again as it is.'),
});
export type DeadLetter = Message<typeof DeadLetter>;

export const DeadLettersAnswer = Type.Object({
  deadLetters: Type.Array(DeadLetter, { description: 'Newest first.' }),
  nextCursor: nextCursorField,
});
export type DeadLettersAnswer = Message<typeof DeadLettersAnswer>;

export const DeadLetterReplayAnswer = Type.Object({
  partition: partitionField('Partition of the log that it now stands in once more.'),
  offset: offsetField('Offset in the partition; `after` waits for it.'),
});
export type DeadLetterReplayAnswer = Message<typeof DeadLetterReplayAnswer>;
