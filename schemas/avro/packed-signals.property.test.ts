import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFreshetError } from '../errors.ts';
import type { EpochMs, ItemId, LogId, Offset, PartitionIndex } from '../ids.ts';
import type { ItemSignalsRecord } from '../records.ts';
import {
  COUNT,
  DeltaColumns,
  PAIR_BACKWARD,
  PAIR_FORWARD,
  packSignals,
  RATING,
  SignalsWriter,
  unpackSignals,
} from './packed-signals.ts';
import { encodeRecord } from './record-codec.ts';

/** Often the same one again: then its bytes are repeated. */
const anyAt = fc
  .oneof(fc.integer({ min: -1e12, max: 4e12 }), fc.constantFrom(0, 1_755_000_000_000))
  .map((at) => at as EpochMs);
const sign = fc.constantFrom(1 as const, -1 as const);
const anyWeight = fc.double({ noNaN: true, noDefaultInfinity: true });
const ITEMS = ['a', '__proto__', '🎬', 'heat-1995', 'x'.repeat(128)] as ItemId[];
const anyItem = fc.nat({ max: ITEMS.length - 1 });
const FIRST = 1_000;
const LAST = 5_000_000_000;

const anySignal = fc.record({
  sourceOffset: fc.integer({ min: FIRST, max: LAST }).map((at) => at as Offset),
  item: anyItem,
  subjectHash: fc.integer(),
  counts: fc.array(fc.record({ weight: anyWeight, sign, at: anyAt }), { maxLength: 2 }),
  ratings: fc.array(fc.record({ value: anyWeight, sign, at: anyAt }), { maxLength: 2 }),
  pairs: fc.array(
    fc.record({ neighbour: anyItem, forward: fc.boolean(), weight: anyWeight, sign, at: anyAt }),
    { maxLength: 5 },
  ),
  catalogue: fc.constant(null),
});
const anyCatalogueSignal = fc
  .record({ categories: fc.array(fc.constantFrom('drama', 'œuvre')), deleted: fc.boolean() })
  .map((catalogue) => ({
    sourceOffset: FIRST as Offset,
    item: 0,
    subjectHash: 0,
    counts: [],
    ratings: [],
    pairs: [],
    catalogue,
  }));
const anyEnvelope: fc.Arbitrary<ItemSignalsRecord> = fc.record({
  sourceLogId: fc.constant('log-1' as LogId),
  sourceTopic: fc.constantFrom('interactions', 'catalogue'),
  sourcePartition: fc.nat({ max: 64 }).map((index) => index as PartitionIndex),
  firstOffset: fc.constant(FIRST as Offset),
  lastOffset: fc.constant(LAST as Offset),
  clock: anyAt,
  landmark: fc.option(anyAt),
  itemIds: fc.constant(ITEMS),
  signals: fc.array(fc.oneof(anySignal, anySignal, anyCatalogueSignal), { maxLength: 6 }),
});

const write = (record: ItemSignalsRecord): Uint8Array => {
  const writer = new SignalsWriter();
  for (const id of record.itemIds) writer.addItem(id);
  for (const { sourceOffset, item, subjectHash, catalogue, ...rest } of record.signals) {
    if (catalogue !== null) {
      writer.addCatalogue(sourceOffset, item, catalogue);
      continue;
    }
    const deltas = new DeltaColumns();
    const add = (sort: number, weight: number, delta: { sign: number; at: number }, other = 0) => {
      const at = deltas.next();
      deltas.sorts[at] = sort;
      deltas.weights[at] = weight;
      deltas.signs[at] = delta.sign;
      deltas.ats[at] = delta.at;
      deltas.neighbours[at] = other;
    };
    for (const pair of rest.pairs) {
      add(pair.forward ? PAIR_FORWARD : PAIR_BACKWARD, pair.weight, pair, pair.neighbour);
    }
    for (const rating of rest.ratings) add(RATING, rating.value, rating);
    for (const count of rest.counts) add(COUNT, count.weight, count);
    for (let at = 0; at < deltas.count; at++)
      deltas.nexts[at] = at + 1 < deltas.count ? at + 1 : -1;
    const first = deltas.count > 0 ? 0 : -1;
    writer.addSignal({ offset: sourceOffset, item, subjectHash }, deltas, first);
  }
  const { itemIds: _, signals: __, ...head } = record;
  return writer.finish(head);
};

describe('packed signals', () => {
  it('are written to the bytes that the general codec writes', () => {
    fc.assert(
      fc.property(anyEnvelope, (record) => {
        expect(Buffer.from(write(record)).equals(encodeRecord('ItemSignals', record))).toBe(true);
      }),
    );
  });

  it('are read from the bytes that the general codec writes', () => {
    fc.assert(
      fc.property(anyEnvelope, (record) => {
        expect(unpackSignals(encodeRecord('ItemSignals', record))).toEqual(packSignals(record));
      }),
    );
  });

  it('are refused as bad_record or unknown_schema when damaged, and never half read', () => {
    fc.assert(
      fc.property(anyEnvelope, fc.nat(), fc.nat({ max: 255 }), (record, where, byte) => {
        const bytes = Buffer.from(encodeRecord('ItemSignals', record));
        const cut = bytes.subarray(0, where % bytes.length);
        expect(refusalOf(cut)).toMatch(/bad_record|unknown_schema/);
        bytes[where % bytes.length] = byte;
        expect(refusalOf(bytes)).toMatch(/bad_record|unknown_schema|read/);
      }),
    );
  });
});

const refusalOf = (bytes: Uint8Array): string => {
  try {
    unpackSignals(bytes);
    return 'read';
  } catch (error) {
    return isFreshetError(error) ? error.code : String(error);
  }
};
