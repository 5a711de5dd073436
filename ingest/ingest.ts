/**
 * The edge of Freshet put together: the queues into the log, the memory of recent events, and the
 * intakes that the HTTP routes and the simulated audience share.
 */
import type { Position } from '../schemas/api/fields.ts';
import type { Clock, CrashPoint, Logger, RandomSource } from '../schemas/environment.ts';
import type { FreshetError } from '../schemas/errors.ts';
import type { ItemId, Offset, PartitionIndex } from '../schemas/ids.ts';
import type { KindTable } from '../schemas/kinds.ts';
import type { CatalogueItemRecord, InteractionRecord } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { CatalogueWriter } from './catalogue/catalogue-writer.ts';
import { DeadLetterDesk } from './dead-letters/dead-letter-desk.ts';
import { type AppendQueue, openAppendQueue, QueueBudget, type Seal } from './edge/append-queue.ts';
import { createEventIds } from './edge/event-ids.ts';
import { EventIntake } from './edge/event-intake.ts';
import { ImpressionIntake } from './edge/impression-intake.ts';
import { RecentIndex } from './edge/recent-index.ts';
import { seedRecentIndex } from './edge/recent-index-seed.ts';
import { StreamPace } from './edge/stream-pace.ts';
import { ForgetDesk } from './forgetting/forget-desk.ts';
import type { Forgetting } from './forgetting/forgetting.ts';
import type { BackfillSink } from './import/backfill-sink.ts';
import { LogBackfillSink } from './import/log-backfill-sink.ts';
import { DEFAULT_INGEST_OPTIONS, type IngestOptions } from './options.ts';

export interface IngestDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly kinds: KindTable;
  /** Version of the table of kinds, as answers carry it. */
  readonly configVersion: number;
  readonly options?: Partial<IngestOptions>;
  /** How the log seals what is about people; where left out, it does not. */
  readonly seal?: Seal;
  /** How the instance forgets people; where left out, it cannot. */
  readonly forgetting?: Forgetting;
  /** For the fault harness; does nothing where left out. */
  readonly crashPoint?: CrashPoint;
  /** The item as serving has it now; undefined where there is none. */
  readonly currentItem: (itemId: ItemId) => CatalogueItemRecord | undefined;
  /** Resolves once lists go by these positions of the catalogue; left out, nobody waits. */
  readonly untilItemsShown?: (positions: readonly Position[]) => Promise<void>;
  /** Up to where the stream has taken in a partition of the interactions; left out, nobody waits. */
  readonly covered?: (partition: PartitionIndex) => Offset;
  /** Told of each event on its way to the log, before anything counts it; must not wait. */
  readonly onAccepted?: (event: InteractionRecord) => void;
  /** The disk can no longer be trusted: the instance has to stop. Called once. */
  readonly onStorageFailed: (error: FreshetError) => void;
  /** Something broke that nothing here can mend: the process has to end. */
  readonly onFatal?: (error: Error) => void;
}

export interface Ingest {
  readonly events: EventIntake;
  readonly impressions: ImpressionIntake;
  readonly catalogue: CatalogueWriter;
  /** Imports go past the queues: they keep one append outstanding themselves. */
  readonly imports: BackfillSink;
  readonly deadLetters: DeadLetterDesk;
  readonly forgets: ForgetDesk | undefined;
  /** Throws while nothing is taken in. */
  readonly checkOpen: () => void;
  readonly kinds: KindTable;
  readonly configVersion: number;
  readonly options: IngestOptions;
  /** Why nothing can be taken in; undefined while all is well. */
  problem(): string | undefined;
  /** Bytes waiting for their append. */
  queuedBytes(): number;
  /** Remembers what the log's end holds. Until then a duplicate may be answered as accepted. */
  seed(): Promise<number>;
  /** Refuses what comes from now on and waits for what is under way. */
  close(): Promise<void>;
}

export const openIngest = async (deps: IngestDeps): Promise<Ingest> => {
  const options = { ...DEFAULT_INGEST_OPTIONS, ...deps.options };
  const { log, clock, kinds, logger, crashPoint = () => undefined } = deps;
  const budget = new QueueBudget(options.queueBytesMax);
  let failure: FreshetError | undefined;
  const onStorageFailed = (error: FreshetError): void => {
    if (failure) return;
    failure = error;
    logger.error('Nothing more is written', { error });
    budget.refuse(error);
    deps.onStorageFailed(error);
  };
  const queueOf = (topic: string, pace?: StreamPace): Promise<AppendQueue> =>
    openAppendQueue({
      log,
      topic,
      budget,
      clock,
      appendWithin: options.appendWithin,
      crashPoint,
      onStorageFailed,
      ...(deps.seal ? { seal: deps.seal } : {}),
      ...(pace ? { pace } : {}),
    });
  const interactions = await queueOf(TOPICS.interactions.name, await paceOf(deps, options));
  const impressions = await queueOf(TOPICS.impressions.name);
  const catalogue = await queueOf(TOPICS.catalogue.name);
  const recent = new RecentIndex(options.recentEventsMax);
  const recentImpressions = new RecentIndex(options.recentImpressionsMax);
  const seeding = { log, windowMs: options.ageMax, clock };
  const seedImpressions = (): Promise<number> =>
    seedRecentIndex({
      ...seeding,
      topic: TOPICS.impressions.name,
      recent: recentImpressions,
      capacity: options.recentImpressionsMax,
    });
  const forgets =
    deps.forgetting && forgetDeskOf(deps, deps.forgetting, { queue: interactions, budget });
  await forgets?.open();
  return {
    events: new EventIntake({
      queue: interactions,
      budget,
      recent,
      kinds,
      clock,
      newEventId: createEventIds(deps.random),
      limits: options,
      ...(deps.onAccepted ? { onAccepted: deps.onAccepted } : {}),
    }),
    impressions: new ImpressionIntake({
      queue: impressions,
      budget,
      recent: recentImpressions,
      seed: seedImpressions,
      clock,
      limits: options,
    }),
    catalogue: new CatalogueWriter({
      queue: catalogue,
      budget,
      clock,
      currentItem: deps.currentItem,
      untilShown: deps.untilItemsShown ?? (async () => undefined),
      recentItemsMax: options.recentItemsMax,
    }),
    imports: new LogBackfillSink({ log, clock, crashPoint }),
    deadLetters: new DeadLetterDesk({ log, clock }),
    forgets,
    checkOpen: () => budget.check(),
    kinds,
    configVersion: deps.configVersion,
    options,
    problem: () => failure?.message,
    queuedBytes: () => budget.bytes,
    async seed() {
      const events = await seedRecentIndex({
        ...seeding,
        topic: TOPICS.interactions.name,
        recent,
        capacity: options.recentEventsMax,
      });
      return events + (await seedImpressions());
    },
    async close() {
      budget.close();
      await forgets?.stop();
      await Promise.all([interactions, impressions, catalogue].map((queue) => queue.drain()));
    },
  };
};

const forgetDeskOf = (
  { log, clock, logger, random, crashPoint = () => undefined, onFatal = throwLater }: IngestDeps,
  forgetting: Forgetting,
  edge: { readonly queue: AppendQueue; readonly budget: QueueBudget },
): ForgetDesk => {
  const newId = createEventIds(random);
  return new ForgetDesk({
    ...edge,
    forgetting,
    log,
    clock,
    logger,
    crashPoint,
    onFatal,
    newRequestId: () => newId().replace(/^e-/, 'f-'),
  });
};

const throwLater = (error: Error): void =>
  queueMicrotask(() => {
    throw error;
  });

const paceOf = async (
  { covered, log, clock }: IngestDeps,
  { aheadOfStreamMax: aheadMax }: IngestOptions,
): Promise<StreamPace | undefined> => {
  if (covered === undefined) return undefined;
  const { partitionCount } = await log.topic(TOPICS.interactions.name);
  return new StreamPace({ covered, partitionCount, aheadMax, clock });
};
