/** How many bytes each partition of a topic takes on the disk of the broker that is asked. */
import type { ProtocolCall } from './protocol-call.ts';
import { WireWriter } from './wire-writer.ts';

const DESCRIBE_LOG_DIRS_API = { key: 35, version: 1, name: 'DescribeLogDirs' };

export const logSizesCall = (
  topic: string,
  partitions: readonly number[],
): ProtocolCall<ReadonlyMap<number, number>> => {
  const body = new WireWriter().int32(1).string(topic).int32(partitions.length);
  for (const partition of partitions) body.int32(partition);
  return {
    api: DESCRIBE_LOG_DIRS_API,
    body,
    read: (reader) => {
      const throttledMs = reader.int32();
      const answer = new Map<number, number>();
      reader.array(() => {
        reader.int16();
        reader.string();
        reader.array(() => {
          reader.string();
          reader.array(() => {
            const partition = reader.int32();
            const bytes = reader.int64();
            reader.int64();
            const isMoving = reader.int8() !== 0;
            if (!isMoving) answer.set(partition, (answer.get(partition) ?? 0) + bytes);
          });
        });
      });
      return { throttledMs, answer };
    },
  };
};
