import { describe, expect, it } from 'vitest';
import { unpackSignals } from '../schemas/avro/packed-signals.ts';
import {
  type EpochMs,
  type ItemId,
  type LogId,
  NO_OFFSET,
  type Offset,
  type PartitionIndex,
} from '../schemas/ids.ts';
import { SignalBatch } from './signal-batch.ts';

const AT = 1_755_000_000_000 as EpochMs;
/** Three generations of what a batch remembers of items. */
const MANY = 50_000;

const newBatch = (): SignalBatch =>
  new SignalBatch({
    source: {
      logId: 'log-1' as LogId,
      topic: 'interactions',
      partition: 0 as PartitionIndex,
    },
    marks: [NO_OFFSET],
    envelopeItemsMax: MANY,
  });

const idOf = (number: number): ItemId => `item-${number}` as ItemId;

describe('a signal batch', () => {
  it('writes one signal of an item whose reference it has long forgotten', () => {
    const batch = newBatch();
    const heat = 'heat' as ItemId;
    const kept = batch.refOf(heat);
    for (let number = 0; number < MANY; number++) batch.refOf(idOf(number));
    batch.begin(7 as Offset, 1, AT);
    batch.count(kept, 1, 1, AT);
    batch.count(batch.refOf(heat), 2, 1, AT);
    batch.pair(kept, batch.refOf(idOf(1)), 3, 1, AT);
    const [envelope] = batch.take();
    const { itemIds, signalCount, weights, deltaEnds } = unpackSignals(envelope!.bytes);
    expect([...itemIds].sort()).toEqual(['heat', 'item-1']);
    expect(signalCount).toBe(2);
    expect([...deltaEnds]).toEqual([3, 4]);
    expect([...weights]).toEqual([1, 2, 3, 3]);
  });

  it('keeps what it knows of an item that is used again within two generations', () => {
    const batch = newBatch();
    const heat = batch.refOf('heat' as ItemId);
    for (let number = 0; number < MANY; number++) {
      batch.refOf(idOf(number));
      if (number % 1_000 === 0) expect(batch.refOf('heat' as ItemId)).toBe(heat);
    }
  });

  it('begins every event anew: what an item had of the last one is not written twice', () => {
    const batch = newBatch();
    const heat = batch.refOf('heat' as ItemId);
    batch.begin(1 as Offset, 1, AT);
    batch.count(heat, 1, 1, AT);
    batch.begin(2 as Offset, 1, AT);
    batch.count(heat, 5, 1, AT);
    const { offsets, weights, deltaEnds } = unpackSignals(batch.take()[0]!.bytes);
    expect([...offsets]).toEqual([1, 2]);
    expect([...deltaEnds]).toEqual([1, 2]);
    expect([...weights]).toEqual([1, 5]);
  });
});
