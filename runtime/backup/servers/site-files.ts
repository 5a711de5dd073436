/** Where in a backup of a site things lie, and the backup as something to read a site from. */
import { join } from 'node:path';
import type { Logger } from '../../../schemas/environment.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { NO_OFFSET, type StatePartition } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { openDirectoryArtifactStore } from '../../../storage/artifact-store/directory-artifact-store.ts';
import { openMemoryEventLog } from '../../../storage/event-log/memory-event-log.ts';
import { KEY_PARTITION, KEY_TOPIC } from '../../../storage/event-log/sealing/key-topic.ts';
import { readPersonKeys } from '../../../storage/event-log/sealing/shared-keys.ts';
import type { CoveredPartition, Row } from '../../../storage/warehouse/warehouse.ts';
import type { LogPlace, Sealing, SiteSource } from '../../moving/site-source.ts';
import { randomBytes } from '../../random.ts';
import { type Frame, framesIn } from './framed-file.ts';
import type { SiteManifest } from './site-manifest.ts';

export const logFileOf = (directory: string, { topic, partition }: LogPlace): string =>
  join(directory, 'log', `${topic}.${partition}.frames.zst`);

export const stateFileOf = (directory: string, partition: StatePartition): string =>
  join(directory, 'state', `${partition}.frames.zst`);

export const rowsFileOf = (directory: string, place: CoveredPartition): string =>
  join(directory, 'warehouse', `${placeNameOf(place)}.frames.zst`);

export const artifactsOf = (directory: string): string => join(directory, 'artifacts');

export const placeNameOf = ({ table, topic, partition }: CoveredPartition): string =>
  `${table}.${topic}.${partition}`;

const KEYS: LogPlace = { topic: KEY_TOPIC, partition: KEY_PARTITION };

/** Out of the records that were copied of the topic of keys. */
const sealingOf = async (slices: AsyncIterable<readonly Frame[]>): Promise<Sealing | undefined> => {
  const log = openMemoryEventLog({
    topics: [{ spec: TOPICS.peopleKeys, partitionCount: 1 }],
    random: () => 0,
  });
  for await (const slice of slices) await log.append(KEY_TOPIC, KEY_PARTITION, slice);
  return readPersonKeys({ log, randomBytes });
};

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A map has no form in JSON; as an object it is taken in again. */
export const bytesOfRow = (row: Row): Uint8Array =>
  encoder.encode(
    JSON.stringify(row, (_, value: unknown) =>
      value instanceof Map ? Object.fromEntries(value) : value,
    ),
  );

const rowOf = (bytes: Uint8Array): Row => JSON.parse(decoder.decode(bytes)) as Row;

export const sourceOfBackup = async (
  directory: string,
  manifest: SiteManifest,
  logger: Logger,
): Promise<SiteSource> => {
  const artifactStore = await openDirectoryArtifactStore({
    directory: artifactsOf(directory),
    logger,
  });
  return {
    counts: manifest.counts,
    async topic(name) {
      const topic = manifest.topics[name];
      if (topic) return topic;
      throw new FreshetError('backup_damaged', { directory, problem: `no topic ${name}` });
    },
    async *records(place, from) {
      for await (const slice of framesIn(logFileOf(directory, place))) {
        if (slice.at(-1)!.offset < from) continue;
        yield slice.filter(({ offset }) => offset >= from);
      }
    },
    sealing: () => sealingOf(framesIn(logFileOf(directory, KEYS))),
    position: async (partition) => manifest.positions[partition],
    async *entries(partition) {
      for await (const slice of framesIn(stateFileOf(directory, partition))) {
        yield slice.map(({ key, value }) => ({
          key: decoder.decode(key!),
          value: value ?? undefined,
        }));
      }
    },
    releases: async () => [...(await artifactStore.list())].reverse(),
    release: (version) => artifactStore.read(version),
    covered: async (place) => manifest.covered[placeNameOf(place)] ?? NO_OFFSET,
    async *rows(place, from) {
      for await (const slice of framesIn(rowsFileOf(directory, place))) {
        const wanted = slice.filter(({ offset }) => offset >= from);
        if (wanted.length > 0) yield wanted.map(({ value }) => rowOf(value!));
      }
    },
  };
};
