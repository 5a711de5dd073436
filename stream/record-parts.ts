/**
 * A slice of records in parts, decoded as they come up: what a part wants of the store is asked for at
 * once, and between two parts others have their turn. A part changes about as many keys as one apply
 * holds: after a flush what is left of it is looked up again, which must not be the whole slice each time.
 */
import type { LogRecord } from '../storage/event-log/event-log.ts';
import type { Pipeline, PreparedRecord } from './pipeline.ts';

const RECORDS_MAX = 1_024;

export function* partsOf<Prepared extends PreparedRecord>(
  slice: readonly LogRecord[],
  pipeline: Pick<Pipeline<Prepared>, 'prepare' | 'keyCountOf'>,
  keysMax: number,
): Generator<readonly Prepared[]> {
  let part: Prepared[] = [];
  let keys = 0;
  for (const log of slice) {
    const record = pipeline.prepare(log);
    part.push(record);
    keys += pipeline.keyCountOf(record);
    if (keys < keysMax && part.length < RECORDS_MAX) continue;
    yield part;
    part = [];
    keys = 0;
  }
  if (part.length > 0) yield part;
}
