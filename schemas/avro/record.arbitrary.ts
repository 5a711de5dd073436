/** Random records for property tests: every field in the whole range of what may be written. */
import fc from 'fast-check';
import type { NamedRecord } from '../records.ts';

const id = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', '../etc', 'amélie-🎬', 'x'.repeat(128)),
  fc.uuid(),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 70 }),
);
const text = fc.oneof(id, fc.constant(''), fc.constant('ß'.repeat(3000)));
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 });
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const long = fc.maxSafeInteger();
const int = fc.integer();
const time = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
const sign = fc.constantFrom(1, -1);
const map = <T>(values: fc.Arbitrary<T>) =>
  fc.dictionary(text, values, { maxKeys: 5, noNullPrototype: false });
const list = <T>(values: fc.Arbitrary<T>) => fc.array(values, { maxLength: 6 });

const subject = fc.oneof(
  fc.record({ userId: id, sessionId: fc.constant(null) }),
  fc.record({ userId: fc.constant(null), sessionId: id }),
);

const interaction = fc
  .record({
    source: text,
    eventId: id,
    itemId: id,
    kind: text,
    value: orNull(number),
    occurredAt: time,
    receivedAt: time,
    backfill: orNull(text),
    sequence: orNull(long),
    context: orNull(
      fc.record({
        listId: orNull(id),
        rank: orNull(int),
        placement: orNull(text),
        undoes: orNull(id),
      }),
    ),
    subject,
  })
  .map(({ subject: who, ...rest }) => ({ name: 'Interaction', record: { ...rest, ...who } }));

const impression = fc
  .record({
    source: text,
    listId: id,
    placement: orNull(text),
    items: list(fc.record({ itemId: id, rank: int, propensity: orNull(number) })),
    models: map(text),
    experiment: orNull(text),
    variant: orNull(text),
    occurredAt: time,
    receivedAt: time,
    subject,
  })
  .map(({ subject: who, ...rest }) => ({ name: 'Impression', record: { ...rest, ...who } }));

const catalogueItem = fc
  .record({
    itemId: id,
    title: text,
    categories: list(text),
    tags: list(text),
    people: list(text),
    attributes: map(fc.oneof(text, number, fc.boolean())),
    publishedAt: orNull(time),
    availableFrom: orNull(time),
    expiresAt: orNull(time),
    available: fc.boolean(),
    price: orNull(number),
    hidden: fc.boolean(),
    image: orNull(text),
    updatedAt: time,
  })
  .map((record) => ({ name: 'CatalogueItem', record }));

const signalOver = (items: number, first: number) =>
  fc.record({
    sourceOffset: fc.integer({ min: first, max: first + 1000 }),
    item: fc.nat({ max: items - 1 }),
    subjectHash: int,
    counts: list(fc.record({ weight: number, sign, at: time })),
    ratings: list(fc.record({ value: number, sign, at: time })),
    pairs: list(
      fc.record({
        neighbour: fc.nat({ max: items - 1 }),
        forward: fc.boolean(),
        weight: number,
        sign,
        at: time,
      }),
    ),
    catalogue: orNull(fc.record({ categories: list(text), deleted: fc.boolean() })),
  });

const itemSignals = fc
  .record({ itemIds: fc.array(id, { minLength: 1, maxLength: 6 }), first: fc.nat() })
  .chain(({ itemIds, first }) =>
    fc.record({
      sourceLogId: id,
      sourceTopic: text,
      sourcePartition: int,
      firstOffset: fc.constant(first),
      lastOffset: fc.constant(first + 1000),
      clock: time,
      landmark: orNull(time),
      itemIds: fc.constant(itemIds),
      signals: list(signalOver(itemIds.length, first)),
    }),
  )
  .map((record) => ({ name: 'ItemSignals', record }));

const deadLetter = fc
  .record({
    topic: text,
    partition: int,
    offset: long,
    reason: text,
    message: text,
    key: orNull(fc.uint8Array({ maxLength: 40 })),
    value: fc.uint8Array({ maxLength: 400 }),
    at: time,
  })
  .map((record) => ({ name: 'DeadLetter', record }));

export const anyRecord = fc.oneof(
  interaction,
  impression,
  catalogueItem,
  itemSignals,
  deadLetter,
) as unknown as fc.Arbitrary<NamedRecord>;
