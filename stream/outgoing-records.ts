/**
 * What a flush sends before it is applied: envelopes to `item-signals`, one ordered append a target and
 * all targets beside each other, and what was set aside to the dead letters. Resolves once all of it is
 * durable (I4).
 */
import { encodeRecord } from '../schemas/avro/record-codec.ts';
import type { EpochMs, PartitionIndex } from '../schemas/ids.ts';
import type { DeadLetterRecord } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { batchesOf } from './envelope-batches.ts';
import type { Envelope } from './signal-batch.ts';

const FIRST_PARTITION = 0 as PartitionIndex;
const DEAD_LETTERS_AT_ONCE = 100;

/** `between` is called after each target but the last. */
export const appendEnvelopes = async (
  eventLog: EventLog,
  {
    envelopes,
    timestamp,
  }: { readonly envelopes: readonly Envelope[]; readonly timestamp: EpochMs },
  between: () => void,
): Promise<void> => {
  if (envelopes.length === 0) return;
  const byTarget = Map.groupBy(envelopes, ({ target }) => target);
  let left = byTarget.size;
  const sends = [...byTarget].map(async ([target, parts]) => {
    for (const batch of batchesOf(parts, eventLog.limits)) {
      const records = batch.map(({ bytes }) => ({ key: null, value: bytes, timestamp }));
      await eventLog.append(TOPICS.itemSignals.name, target, records);
    }
    left--;
    if (left > 0) between();
  });
  const settled = await Promise.allSettled(sends);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};

export const appendDeadLetters = async (
  eventLog: EventLog,
  letters: readonly DeadLetterRecord[],
): Promise<void> => {
  for (let from = 0; from < letters.length; from += DEAD_LETTERS_AT_ONCE) {
    const records = letters.slice(from, from + DEAD_LETTERS_AT_ONCE).map((letter) => ({
      key: letter.topic === TOPICS.interactions.name ? letter.key : null,
      value: encodeRecord('DeadLetter', letter),
      timestamp: letter.at,
    }));
    await eventLog.append(TOPICS.deadLetters.name, FIRST_PARTITION, records);
  }
};
