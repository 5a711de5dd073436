/**
 * Every topic of the log, once: who writes it, how it is keyed, what becomes of old records.
 * `partitionsBy` says what decides how many partitions it has: the setting for users, the setting
 * for items, or always one.
 */
import { partitionIndex } from './ids.ts';

export type CleanupPolicy = 'delete' | 'compact';

export interface TopicSpec {
  readonly name: string;
  readonly partitionsBy: 'user' | 'item' | 'one';
  readonly cleanup: CleanupPolicy;
  /** What the record key is. Equal keys share a partition. */
  readonly key: string;
  /** Names of the Avro records that it carries. */
  readonly records: readonly string[];
  /** Whether a record with a subject for its key is unreadable without that subject's own key. */
  readonly isSealed?: true;
  /** Of a compacted topic: what was replaced or removed is to be gone from the disks within moments. */
  readonly isShredded?: true;
  /** Whether it is there only where several processes share a log. */
  readonly isShared?: true;
}

export const TOPICS = {
  eventsIn: {
    name: 'events-in',
    partitionsBy: 'user',
    cleanup: 'delete',
    key: 'anything: untrusted producers outside write it',
    records: ['Interaction', 'Impression'],
    isShared: true,
  },
  interactions: {
    name: 'interactions',
    partitionsBy: 'user',
    cleanup: 'delete',
    key: 'subject (u:<userId> or s:<sessionId>)',
    records: ['Interaction', 'Forget'],
    isSealed: true,
  },
  impressions: {
    name: 'impressions',
    partitionsBy: 'user',
    cleanup: 'delete',
    key: 'subject (u:<userId> or s:<sessionId>)',
    records: ['Impression'],
    isSealed: true,
  },
  catalogue: {
    name: 'catalogue',
    partitionsBy: 'item',
    cleanup: 'compact',
    key: 'itemId',
    records: ['CatalogueItem'],
  },
  control: {
    name: 'control',
    partitionsBy: 'one',
    cleanup: 'compact',
    key: 'what the record is about, for example import:<sha256>',
    records: ['Control'],
  },
  itemSignals: {
    name: 'item-signals',
    partitionsBy: 'item',
    cleanup: 'delete',
    key: 'none: the partition is given',
    records: ['ItemSignals'],
  },
  deadLetters: {
    name: 'dead-letters',
    partitionsBy: 'one',
    cleanup: 'delete',
    key: 'that of the record set aside; the partition is given',
    records: ['DeadLetter'],
    isSealed: true,
  },
  peopleKeys: {
    name: 'people-keys',
    partitionsBy: 'one',
    cleanup: 'compact',
    key: 'a place in the tree of keys, as storage/event-log/sealing/key-topic.ts says',
    records: [],
    isShredded: true,
    isShared: true,
  },
} as const satisfies Record<string, TopicSpec>;

export type TopicName = (typeof TOPICS)[keyof typeof TOPICS]['name'];

/** The control log: the one partition that says what was decided for all. */
export const CONTROL_LOG = { topic: TOPICS.control.name, partition: partitionIndex(0) } as const;
