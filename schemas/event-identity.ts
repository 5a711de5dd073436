/**
 * What makes two events the same event, and what makes them say the same: used by the edge, which
 * tells duplicates early, and by the stream, whose verdict counts. Both must agree for ever.
 */
import { hash32 } from './hash.ts';
import type { SubjectId } from './ids.ts';
import type { ImpressionRecord, InteractionRecord } from './records.ts';

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

/** (source, eventId, subject) as one text; a zero character cannot occur in an id. */
export const eventIdentity = (
  event: Pick<InteractionRecord, 'source' | 'eventId'>,
  subject: SubjectId,
): string => `${event.source}\0${event.eventId}\0${subject}`;

/** All that an impression says, as one text: it has no id, and said again it is the same one. */
export const impressionIdentity = (
  { source, listId, placement, occurredAt, items }: ImpressionRecord,
  subject: SubjectId,
): string => {
  const shown = items.map(({ itemId, rank }) => `${itemId}\0${rank}`);
  return [source, listId, subject, placement ?? '', occurredAt, ...shown].join('\0');
};

/**
 * Of what an event says, without when: a client that leaves the time to the server gets another one
 * when it sends the event again, and must not be told that it contradicts itself. The first time
 * holds.
 */
export const payloadHash = (
  record: Pick<InteractionRecord, 'itemId' | 'kind' | 'value' | 'context'>,
): number => {
  let hash = hash32(record.itemId, hash32(record.kind) | 0);
  hash = mixNumber(hash, record.value ?? Number.NaN);
  const undoes = record.context?.undoes;
  return undoes ? hash32(undoes, hash) | 0 : hash | 0;
};

const mixNumber = (hash: number, value: number): number => {
  float[0] = value;
  let mixed = Math.imul(hash ^ floatWords[0]!, 0x85ebca6b);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed ^ floatWords[1]!, 0xc2b2ae35);
  return mixed ^ (mixed >>> 13);
};
