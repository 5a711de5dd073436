/** Record batches to partitions that one broker leads, acknowledged by every replica that is in sync. */
import { type Offset, offset } from '../../../schemas/ids.ts';
import type { ProtocolCall } from './protocol-call.ts';
import type { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: Offset;
}

const PRODUCE_API = { key: 0, version: 7, name: 'Produce' };
const ALL_IN_SYNC = -1;
const ENVELOPE_BYTES = 300;

/** At most one batch for each partition. */
export const produceCall = (
  batches: readonly PartitionBatch[],
  replicationMsMax: number,
): ProtocolCall<readonly PartitionAnswer[]> => {
  const bytes = batches.reduce((sum, { batch }) => sum + batch.length + ENVELOPE_BYTES, 0);
  const body = new WireWriter(bytes).string(null).int16(ALL_IN_SYNC).int32(replicationMsMax);
  const topics = Map.groupBy(batches, ({ topic }) => topic);
  body.int32(topics.size);
  for (const [topic, ofTopic] of topics) {
    body.string(topic).int32(ofTopic.length);
    for (const { partition, batch } of ofTopic) {
      body.int32(partition).int32(batch.length).raw(batch);
    }
  }
  return { api: PRODUCE_API, body, read: readAnswers };
};

const readAnswers = (
  reader: WireReader,
): { readonly throttledMs: number; readonly answer: readonly PartitionAnswer[] } => {
  const answers = reader.array(() => {
    const topic = reader.string() ?? '';
    return reader.array(() => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      const baseOffset = offset(reader.int64());
      reader.skip(8 + 8);
      return { topic, partition, errorCode, baseOffset };
    });
  });
  return { answer: answers.flat(), throttledMs: reader.int32() };
};
