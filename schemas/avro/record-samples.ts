/**
 * One plain and one brim-full example of every record, for tests, golden bytes and benchmarks. Never
 * change one that golden bytes were made from: add another.
 */

import { catalogueItem } from '../catalogue-item.fixture.ts';
import {
  type EventId,
  epochMs,
  type ItemId,
  type ListId,
  type LogId,
  offset,
  partitionIndex,
  type SessionId,
  type UserId,
} from '../ids.ts';
import type { NamedRecord, PairDelta } from '../records.ts';

const at = (ms: number) => epochMs(1_700_000_000_000 + ms);

const INTERACTION: NamedRecord = {
  name: 'Interaction',
  record: {
    source: 'site',
    eventId: '0191f0a2-7c3e-7b1a-9d52-3f4e5a6b7c8d' as EventId,
    userId: 'ada' as UserId,
    sessionId: null,
    itemId: 'heat-1995' as ItemId,
    kind: 'rating',
    value: 4.5,
    occurredAt: at(0),
    receivedAt: at(40),
    backfill: null,
    sequence: null,
    context: {
      listId: 'l-42' as ListId,
      rank: 3,
      placement: 'home',
      undoes: null,
    },
  },
};

const SEQUENCED_INTERACTION: NamedRecord = {
  name: 'Interaction',
  record: {
    source: 'import',
    eventId: '__proto__' as EventId,
    userId: null,
    sessionId: 'séance-🎬' as SessionId,
    itemId: '../etc' as ItemId,
    kind: 'undo',
    value: -0.1,
    occurredAt: epochMs(-1),
    receivedAt: at(41),
    backfill: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    sequence: Number.MAX_SAFE_INTEGER,
    context: { listId: null, rank: null, placement: null, undoes: 'constructor' as EventId },
  },
};

const IMPRESSION: NamedRecord = {
  name: 'Impression',
  record: {
    source: 'site',
    listId: 'l-42' as ListId,
    placement: 'home',
    userId: 'ada' as UserId,
    sessionId: null,
    items: [
      { itemId: 'heat-1995' as ItemId, rank: 1, propensity: 0.25 },
      { itemId: 'amélie-2001' as ItemId, rank: 2, propensity: null },
    ],
    models: JSON.parse('{"als":"20260101T030000Z-3f2a","__proto__":"a plain key"}'),
    experiment: 'diversity',
    variant: 'b',
    occurredAt: at(0),
    receivedAt: at(7),
  },
};

const CATALOGUE_ITEM: NamedRecord = {
  name: 'CatalogueItem',
  record: {
    itemId: 'heat-1995' as ItemId,
    title: 'Heat',
    categories: ['crime', 'thriller'],
    tags: ['heist'],
    people: ['Michael Mann', 'Al Pacino', 'Robert De Niro'],
    attributes: { year: 1995, director: 'Michael Mann', colour: true },
    publishedAt: epochMs(819_072_000_000),
    availableFrom: epochMs(-1),
    expiresAt: epochMs(253_402_300_799_999),
    available: false,
    price: 3.99,
    hidden: true,
    image: 'https://films.example/heat.jpg',
    updatedAt: at(0),
  },
};

const BARE_CATALOGUE_ITEM: NamedRecord = {
  name: 'CatalogueItem',
  record: catalogueItem('x', { title: '', updatedAt: at(0) }),
};

const CONTROL: NamedRecord = {
  name: 'Control',
  record: {
    kind: 'promotion',
    subject: '20260101T030000Z-3f2a',
    at: at(0),
    body: '{"reason":"better on the hold-out"}',
  },
};

const pair = (index: number): PairDelta => ({
  neighbour: index % 5,
  forward: index % 2 === 0,
  weight: 0.8 ** index,
  sign: index === 4 ? -1 : 1,
  at: at(index),
});

const ITEM_SIGNALS: NamedRecord = {
  name: 'ItemSignals',
  record: {
    sourceLogId: 'k3j9x0q2m5n8p1r4t7v6' as LogId,
    sourceTopic: 'interactions',
    sourcePartition: partitionIndex(3),
    firstOffset: offset(128_000),
    lastOffset: offset(128_063),
    clock: at(40),
    landmark: null,
    itemIds: [
      'heat-1995',
      'ronin-1998',
      'amélie-2001',
      'toy-story-1995',
      '__proto__',
      'saw-2004',
    ].map((id) => id as ItemId),
    signals: [
      {
        sourceOffset: offset(128_000),
        item: 0,
        subjectHash: -1_234_567_890,
        counts: [{ weight: 1, sign: 1, at: at(0) }],
        ratings: [{ value: 4.5, sign: 1, at: at(0) }],
        pairs: [0, 1, 2, 3, 4].map(pair),
        catalogue: null,
      },
      ...[1, 2, 3, 4, 5].map((item) => ({
        sourceOffset: offset(128_000),
        item,
        subjectHash: -1_234_567_890,
        counts: [],
        ratings: [],
        pairs: [pair(item)],
        catalogue: null,
      })),
    ],
  },
};

const CATALOGUE_SIGNALS: NamedRecord = {
  name: 'ItemSignals',
  record: {
    sourceLogId: 'k3j9x0q2m5n8p1r4t7v6' as LogId,
    sourceTopic: 'catalogue',
    sourcePartition: partitionIndex(0),
    firstOffset: offset(0),
    lastOffset: offset(1),
    clock: at(0),
    landmark: at(-86_400_000),
    itemIds: ['heat-1995' as ItemId],
    signals: [
      {
        sourceOffset: offset(0),
        item: 0,
        subjectHash: 0,
        counts: [],
        ratings: [{ value: 2, sign: -1, at: at(0) }],
        pairs: [],
        catalogue: { categories: ['crime', 'thriller'], deleted: false },
      },
    ],
  },
};

const DEAD_LETTER: NamedRecord = {
  name: 'DeadLetter',
  record: {
    topic: 'events-in',
    partition: partitionIndex(1),
    offset: offset(77),
    reason: 'bad_record',
    message: 'Expected a readable record, got 0 bytes.',
    key: Uint8Array.of(0, 255),
    value: new Uint8Array(0),
    at: at(0),
  },
};

const KEYLESS_DEAD_LETTER: NamedRecord = {
  name: 'DeadLetter',
  record: { ...DEAD_LETTER.record, key: null, value: Uint8Array.of(0xde, 0xad, 0xbe, 0xef) },
};

const FORGET: NamedRecord = {
  name: 'Forget',
  record: { userId: 'ada' as UserId, requestId: 'r-1', receivedAt: at(0) },
};

/** By the name of their golden file. */
export const RECORD_SAMPLES: Readonly<Record<string, NamedRecord>> = {
  'interaction-rating': INTERACTION,
  'interaction-sequenced': SEQUENCED_INTERACTION,
  impression: IMPRESSION,
  'catalogue-item': CATALOGUE_ITEM,
  'catalogue-item-bare': BARE_CATALOGUE_ITEM,
  control: CONTROL,
  'item-signals': ITEM_SIGNALS,
  'item-signals-catalogue': CATALOGUE_SIGNALS,
  'dead-letter': DEAD_LETTER,
  'dead-letter-keyless': KEYLESS_DEAD_LETTER,
  forget: FORGET,
};
