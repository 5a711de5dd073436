/**
 * Sending an import to a running server: its items, its sorted and numbered events, and the record of
 * how far it is. Made for `freshet import`; a batch that is sent twice changes nothing.
 */
import Type from 'typebox';
import type { EpochMs } from '../ids.ts';
import {
  API_LIMITS,
  choiceField,
  integerField,
  itemIdField,
  type Message,
  nullable,
  numberField,
  request,
  textField,
} from './fields.ts';

const TITLE_LENGTH_MAX = 512;
const NAMES_MAX = 200;
const EVENTS_MAX = 20_000;

const epochMsField = (description: string) =>
  Type.Unsafe<EpochMs>({ type: 'integer', description, examples: [1_767_225_600_000] });

export const ImportParams = request({
  id: Type.String({
    pattern: '^[0-9a-f]{64}$',
    description: 'SHA-256 of the contents.',
    'x-says': '64 hexadecimal digits',
  }),
});
export type ImportParams = Message<typeof ImportParams>;

export const ImportRecord = request({
  status: choiceField(['running', 'done'], { description: 'Whether all of it is sent.' }),
  source: textField({ description: 'In words.', examples: ['MovieLens (CSV)'] }),
  items: integerField({ description: 'How many.', minimum: 0 }),
  events: integerField({ description: 'How many.', minimum: 0 }),
  eventsSent: integerField({ description: 'Events before this number are durable.', minimum: 0 }),
  shiftMs: numberField({ description: 'Added to every time of the source.' }),
  startedAt: epochMsField('When it began.'),
  finishedAt: nullable(epochMsField('When it was done.')),
});
export type ImportRecord = Message<typeof ImportRecord>;

const names = Type.Array(textField({ description: 'A name.', minLength: 1 }), {
  maxItems: NAMES_MAX,
});

const ImportItem = request({
  itemId: itemIdField(),
  title: textField({ description: 'What people read.', maxLength: TITLE_LENGTH_MAX }),
  categories: names,
  tags: names,
  people: names,
  attributes: Type.Unsafe<Record<string, string | number | boolean>>({
    type: 'object',
    maxProperties: 100,
    additionalProperties: { type: ['string', 'number', 'boolean'], maxLength: 1024 },
  }),
  publishedAt: nullable(epochMsField('When it first appeared.')),
  availableFrom: nullable(epochMsField('Shown in no list before.')),
  expiresAt: nullable(epochMsField('Shown in no list from then on.')),
  available: Type.Boolean(),
  price: nullable(Type.Number()),
  hidden: Type.Boolean(),
  image: nullable(Type.String({ maxLength: 2048 })),
  updatedAt: epochMsField('When it was read.'),
});

export const ImportItemsRequest = request({
  items: Type.Array(ImportItem, { minItems: 1, maxItems: API_LIMITS.batchMax }),
});
export type ImportItemsRequest = Message<typeof ImportItemsRequest>;

/** As rows, because they are many: sequence, userId, sessionId, itemId, kind, value, occurredAt. */
export type ImportEventRow = readonly [
  sequence: number,
  userId: string | null,
  sessionId: string | null,
  itemId: string,
  kind: string,
  value: number | null,
  occurredAt: number,
];

export const ImportEventsRequest = request({
  events: Type.Array(Type.Array(Type.Unknown(), { minItems: 7, maxItems: 7 }), {
    description: 'Rows of sequence, userId, sessionId, itemId, kind, value, occurredAt.',
    minItems: 1,
    maxItems: EVENTS_MAX,
    examples: [[[0, 'ada', null, 'heat-1995', 'rating', 4.5, 1_767_225_600_000]]],
  }),
});
export type ImportEventsRequest = Message<typeof ImportEventsRequest>;

export const ImportAnswer = Type.Object({
  durable: Type.Literal(true, { description: 'Sent only once it is.' }),
});
export type ImportAnswer = Message<typeof ImportAnswer>;
