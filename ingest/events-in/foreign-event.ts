/**
 * A record by a schema of somebody else's, as the request that it means: fields of the names that the
 * HTTP interface has are taken, at every level, others passed over. So a producer's schema may have more
 * fields than we know, and grow; what it says of them is checked like any request.
 */
import { EventInput } from '../../schemas/api/events.ts';
import { ImpressionInput } from '../../schemas/api/impressions.ts';
import { formatTime } from '../../schemas/api/time.ts';
import type { ForeignSchema } from '../../schemas/avro/foreign-schema.ts';
import type { EpochMs } from '../../schemas/ids.ts';

export type OutsideKind = 'event' | 'impression';

/** What has items is an impression, what has one item an event; undefined for what is neither. */
export const kindOfSchema = ({ fields }: ForeignSchema): OutsideKind | undefined => {
  if (fields.has('items')) return 'impression';
  return fields.has('itemId') ? 'event' : undefined;
};

/** The last time that a date can name. */
const TIME_MAX_MS = 8.64e15;

export const requestOf = (
  kind: OutsideKind,
  record: Readonly<Record<string, unknown>>,
): Record<string, unknown> => {
  const taken = knownOf(record, kind === 'event' ? EventInput : ImpressionInput);
  const { occurredAt, ...rest } = taken as Record<string, unknown>;
  return occurredAt === undefined ? rest : { ...rest, occurredAt: timeOf(occurredAt) };
};

/** A plain number is taken for milliseconds. */
const timeOf = (value: unknown): unknown =>
  typeof value === 'number' && Math.abs(value) <= TIME_MAX_MS
    ? formatTime(value as EpochMs)
    : value;

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
}

const knownOf = (value: unknown, shape: object): unknown => {
  const { properties, items } = shape as Shape;
  if (items !== undefined && Array.isArray(value)) {
    return value.map((each) => knownOf(each, items));
  }
  if (properties === undefined || !isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(properties)
      .map(
        ([name, inner]) => [name, Object.hasOwn(value, name) ? value[name] : null, inner] as const,
      )
      .filter(([, found]) => found !== null)
      .map(([name, found, inner]) => [name, knownOf(found, inner)]),
  );
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  !ArrayBuffer.isView(value) &&
  !Array.isArray(value);
