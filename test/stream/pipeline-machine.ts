/**
 * A pipeline as the operator contract wants it: records in, signals and dead letters out, state as
 * values under keys. Envelopes are taken apart, since their cuts are the batches'.
 */
import { decodeRecordAs } from '../../schemas/avro/record-codec.ts';
import type { StatePartition } from '../../schemas/ids.ts';
import type { ItemSignalsRecord } from '../../schemas/records.ts';
import type { LogRecord } from '../../storage/event-log/event-log.ts';
import type { OperatorMachine, StoredValues } from '../../stream/operators/operator.contract.ts';
import type { Pipeline } from '../../stream/pipeline.ts';

const accessTo = (values: StoredValues) => ({
  partition: 'test.0' as StatePartition,
  store: {
    getMany: async (_: StatePartition, keys: readonly string[]) =>
      keys.map((key) => values.get(key)),
    scan: async (_: StatePartition, { prefix }: { readonly prefix: string }) =>
      [...values]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, value]) => ({ key, value })),
  },
});

export const loadPipeline = async (
  pipeline: Pipeline,
  values: StoredValues,
): Promise<OperatorMachine<LogRecord>> => {
  await pipeline.open(accessTo(values));
  // What is stored at load time; later saves stay visible through the pipeline's own cache.
  const stored = new Map(values);
  return {
    take: (log) => {
      const record = pipeline.prepare(log);
      const wanted = new Set<string>();
      pipeline.prefetch(record, wanted);
      for (const key of wanted) pipeline.load(key, stored.get(key));
      pipeline.take(record);
      return [
        pipeline.envelopes().map(({ target, bytes }) => [target, signalsOf(bytes)]),
        pipeline.deadLetters().map(({ offset, reason }) => [offset, reason]),
      ];
    },
    save: (target) => {
      for (const { key, value } of pipeline.changes()) {
        if (value === undefined) target.delete(key);
        else target.set(key, value);
      }
      pipeline.applied();
    },
  };
};

/** Each signal with names in place of the envelope's indexes. */
export const signalsOf = (bytes: Uint8Array): unknown[] => {
  const envelope: ItemSignalsRecord = decodeRecordAs('ItemSignals', bytes);
  const nameOf = (index: number): string => envelope.itemIds[index]!;
  return envelope.signals.map((signal) => ({
    ...signal,
    item: nameOf(signal.item),
    pairs: signal.pairs.map((pair) => ({ ...pair, neighbour: nameOf(pair.neighbour) })),
    clock: envelope.clock,
    landmark: envelope.landmark,
  }));
};
