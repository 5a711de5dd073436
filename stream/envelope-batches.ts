/**
 * Envelopes to one target in batches that the log takes, in their order. A stream that is far behind may
 * have more to say to one target than fits a batch; marks are by source offset, so what a crash leaves of
 * several batches is told from what is sent again.
 */
import type { EventLogLimits } from '../storage/event-log/event-log.ts';
import type { Envelope } from './signal-batch.ts';

export const batchesOf = (
  envelopes: readonly Envelope[],
  { batchRecordsMax, batchBytesMax }: Pick<EventLogLimits, 'batchRecordsMax' | 'batchBytesMax'>,
): readonly (readonly Envelope[])[] => {
  const batches: Envelope[][] = [];
  let bytes = 0;
  for (const envelope of envelopes) {
    const last = batches.at(-1);
    bytes += envelope.bytes.length;
    if (last !== undefined && last.length < batchRecordsMax && bytes <= batchBytesMax) {
      last.push(envelope);
    } else {
      batches.push([envelope]);
      bytes = envelope.bytes.length;
    }
  }
  return batches;
};
