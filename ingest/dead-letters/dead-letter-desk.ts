/**
 * Where an operator looks at what the stream has set aside, and tries a letter once more after its
 * cause is gone (its kind is configured by now, say). Trying again appends the very same bytes to
 * the end of the partition that they came from: dedupe sees to it that a letter tried twice counts
 * once, and one whose cause remains comes back as another letter.
 *
 * Only interactions can be tried again. An item's newest state stands in the catalogue anyway, an
 * older one must not come back over it; and envelopes are the stream's own.
 */
import type { DeadLetter, LetterEvent } from '../../schemas/api/dead-letters.ts';
import type { Position } from '../../schemas/api/fields.ts';
import { formatTime } from '../../schemas/api/time.ts';
import { decodeRecordAs } from '../../schemas/avro/record-codec.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type Offset, offset, type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import { DEAD_LETTER_BYTES_MAX, type DeadLetterRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { readableRecord } from '../readable-record.ts';

const TOPIC = TOPICS.deadLetters.name;
const PARTITION = partitionIndex(0);
const SLICE_BYTES_MAX = 1_048_576;

interface Place {
  readonly partition: PartitionIndex;
  readonly offset: Offset;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[];
  readonly nextCursor: string | null;
}

export class DeadLetterDesk {
  readonly #log: EventLog;
  readonly #clock: Clock;

  constructor({ log, clock }: { readonly log: EventLog; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The newest letters, or the newest before the one that the cursor names. */
  async newest(page: {
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<DeadLetterPage> {
    const { low, end } = await this.#log.watermarks(TOPIC, PARTITION);
    const before = page.cursor === undefined ? end : Math.min(end, placeOf(page.cursor).offset);
    const from = Math.max(low, before - page.limit);
    const records = await this.#read(offset(from), before);
    return {
      deadLetters: records
        .filter(({ value }) => value !== null)
        .map(letterOf)
        .reverse(),
      nextCursor: from > low ? idOf(offset(from)) : null,
    };
  }

  /** Resolves to where it now stands, once that is durable. */
  async replay(id: string): Promise<Position> {
    const letter = await this.#find(id);
    if (!isReplayable(letter)) {
      throw new FreshetError('not_replayable', { id, topic: letter.topic });
    }
    const record = { key: letter.key, value: letter.value, timestamp: this.#clock.now() };
    const { topic, partition } = letter;
    const { lastOffset } = await this.#log.append(topic, partition, [record]);
    return { partition, offset: lastOffset };
  }

  async #find(id: string): Promise<DeadLetterRecord> {
    const place = placeOf(id);
    const { low, end } = await this.#log.watermarks(TOPIC, PARTITION);
    const isThere = place.partition === PARTITION && place.offset >= low && place.offset < end;
    const [record] = isThere ? await this.#read(place.offset, place.offset + 1) : [];
    if (!record?.value) throw new FreshetError('not_found', { what: `dead letter ${id}` });
    return decodeRecordAs('DeadLetter', record.value);
  }

  async #read(from: Offset, end: number): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    const limits = { recordsMax: end - from, bytesMax: SLICE_BYTES_MAX };
    for await (const slice of partitionSlices(this.#log, TOPIC, PARTITION, {
      from,
      to: end,
      limits,
    })) {
      records.push(...slice);
    }
    return records;
  }
}

const idOf = (at: Offset): string => `${PARTITION}-${at}`;

const placeOf = (id: string): Place => {
  const [partition = 0, at = 0] = id.split('-').map(Number);
  return { partition: partitionIndex(partition), offset: offset(at) };
};

const isReplayable = ({ topic, value }: DeadLetterRecord): boolean =>
  topic === TOPICS.interactions.name && value.length > 0 && value.length < DEAD_LETTER_BYTES_MAX;

const letterOf = ({ offset: at, value }: LogRecord): DeadLetter => {
  const letter = decodeRecordAs('DeadLetter', value!);
  const { topic, partition, offset: standsAt, reason, message } = letter;
  return {
    id: idOf(at),
    reason,
    message,
    topic,
    partition,
    offset: standsAt,
    receivedAt: formatTime(letter.at),
    bytes: letter.value.length,
    event: eventOf(letter),
    replayable: isReplayable(letter),
  };
};

const eventOf = ({ value }: DeadLetterRecord): LetterEvent | null => {
  const named = readableRecord(value);
  if (named?.name !== 'Interaction') return null;
  const { eventId, userId, sessionId, itemId, kind, value: given, occurredAt } = named.record;
  return {
    eventId,
    userId,
    sessionId,
    itemId,
    kind,
    value: given,
    occurredAt: formatTime(occurredAt),
  };
};
