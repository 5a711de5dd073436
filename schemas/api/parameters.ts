/** Parameters in paths and queries that several calls share, and how `after` is read and written. */
import Type from 'typebox';
import { type Offset, offset, type PartitionIndex, partitionIndex } from '../ids.ts';
import {
  API_LIMITS,
  integerField,
  itemIdField,
  type Message,
  type Position,
  request,
  sessionIdField,
  userIdField,
} from './fields.ts';

export const UserParams = request({ id: userIdField() });
export type UserParams = Message<typeof UserParams>;

export const SessionParams = request({ id: sessionIdField() });
export type SessionParams = Message<typeof SessionParams>;

export const ItemParams = request({ id: itemIdField() });
export type ItemParams = Message<typeof ItemParams>;

export const LIST_LIMIT_DEFAULT = 10;

export const limitParameter = integerField({
  description: 'How many to answer with.',
  minimum: 1,
  maximum: API_LIMITS.listMax,
  default: LIST_LIMIT_DEFAULT,
  examples: [10],
});

export const cursorParameter = Type.String({
  description: '`nextCursor` of the page before; pages never repeat an item.',
  minLength: 1,
  maxLength: API_LIMITS.cursorLengthMax,
});

const AFTER_PATTERN = '^\\d{1,9}:\\d{1,15}(,\\d{1,9}:\\d{1,15})*$';

export const afterParameter = Type.String({
  description:
    'Waits until these positions, as `POST /v1/events` answered them, are taken in: `partition:offset`, with commas between.',
  pattern: AFTER_PATTERN,
  maxLength: 4096,
  examples: ['0:17,3:4'],
  'x-says': 'positions such as 0:17,3:4',
});

/** What `after` asks to wait for; of a partition named twice the later offset. */
export const parseAfter = (after: string): ReadonlyMap<PartitionIndex, Offset> => {
  const positions = new Map<PartitionIndex, Offset>();
  for (const pair of after.split(',')) {
    const [partition, wanted] = pair.split(':').map(Number) as [number, number];
    const index = partitionIndex(partition);
    positions.set(index, offset(Math.max(wanted, positions.get(index) ?? 0)));
  }
  return positions;
};

/** The `after` that waits for what an answer's `positions` say. */
export const formatAfter = (positions: readonly Position[]): string =>
  positions.map((position) => `${position.partition}:${position.offset}`).join(',');
