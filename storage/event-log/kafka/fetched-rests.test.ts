import { describe, expect, it } from 'vitest';
import { epochMs, type LogId, type Offset, offset } from '../../../schemas/ids.ts';
import { FetchedRests } from './fetched-rests.ts';
import { encodeRecordBatch, FetchedRecords } from './record-batch.ts';
import type { Place } from './topic-place.ts';

const placeOf = (name: string, cleanup: 'delete' | 'compact' = 'delete'): Place => ({
  kafkaName: `site.${name}`,
  partition: 0,
  info: { name, logId: 'log' as LogId, partitionCount: 1, cleanup },
});

/** Three records, of which one was taken. */
const begun = (): FetchedRecords => {
  const records = ['a', 'b', 'c'].map((text) => ({
    key: null,
    value: Buffer.from(text),
    timestamp: epochMs(1),
  }));
  const bytes = encodeRecordBatch(records, { producerId: 7n, producerEpoch: 0, firstSequence: 0 });
  const corrupt = (at: Offset, problem: string) => new Error(`corrupt at ${at}: ${problem}`);
  const fetched = new FetchedRecords({ bytes, from: offset(0), aborted: [], corrupt });
  fetched.take({ recordsMax: 1, bytesMax: 1_000 });
  return fetched;
};

const clockAt = (times: { nowMs: number }) => ({ monotonicMs: () => times.nowMs });

describe('what a fetch brought too much', () => {
  it('is for whoever reads on from there, once', () => {
    const rests = new FetchedRests(clockAt({ nowMs: 0 }));
    const place = placeOf('interactions');
    rests.keep(place, begun());
    expect(rests.take(place, offset(2))).toBeUndefined();
    expect(rests.take(placeOf('impressions'), offset(1))).toBeUndefined();
    const [next] = rests.take(place, offset(1))!.take({ recordsMax: 1, bytesMax: 1_000 });
    expect(next).toMatchObject({ offset: 1, value: Buffer.from('b') });
    expect(rests.take(place, offset(1))).toBeUndefined();
  });

  it('is let go of after a second', () => {
    const times = { nowMs: 0 };
    const rests = new FetchedRests(clockAt(times));
    rests.keep(placeOf('interactions'), begun());
    times.nowMs = 1_001;
    expect(rests.take(placeOf('interactions'), offset(1))).toBeUndefined();
  });

  it('is not kept where a record may have to be gone at once, nor when there is none left', () => {
    const rests = new FetchedRests(clockAt({ nowMs: 0 }));
    rests.keep(placeOf('people-keys', 'compact'), begun());
    expect(rests.take(placeOf('people-keys', 'compact'), offset(1))).toBeUndefined();
    const taken = begun();
    taken.take({ recordsMax: 10, bytesMax: 1_000 });
    taken.take({ recordsMax: 10, bytesMax: 1_000 });
    rests.keep(placeOf('interactions'), taken);
    expect(rests.take(placeOf('interactions'), offset(3))).toBeUndefined();
  });

  it('is that of sixteen readers at most', () => {
    const rests = new FetchedRests(clockAt({ nowMs: 0 }));
    const places = Array.from({ length: 17 }, (_, at) => placeOf(`topic-${at}`));
    for (const place of places) rests.keep(place, begun());
    const kept = places.filter((place) => rests.take(place, offset(1)) !== undefined);
    expect(kept).toEqual(places.slice(1));
  });
});
