/** A promotion, written into the control log as whoever trains or decides would write it. */
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import { partitionIndex } from '../../schemas/ids.ts';
import { PROMOTION, type Promotion } from '../../schemas/release.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';

export const promote = async (
  eventLog: EventLog,
  version: string | null,
  { formerVersion = null, at }: { readonly formerVersion?: string | null; readonly at: EpochMs },
): Promise<void> => {
  const promotion: Promotion = { version, formerVersion, by: 'person' };
  const value = encodeRecord('Control', {
    kind: PROMOTION,
    subject: version ?? '',
    at,
    body: JSON.stringify(promotion),
  });
  await eventLog.append(TOPICS.control.name, partitionIndex(0), [
    { key: new TextEncoder().encode(PROMOTION), value, timestamp: at },
  ]);
};
