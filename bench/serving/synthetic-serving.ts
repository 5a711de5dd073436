/**
 * Serving over an embedded log and state that hold the synthetic world, with its routes, in a directory
 * that goes with the process: what servers are made of that are measured or have their releases swapped.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { systemClock, threadIdleMs } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { planTopics } from '../../runtime/topic-plan.ts';
import type { Logger } from '../../schemas/environment.ts';
import { DEFAULT_KINDS } from '../../schemas/kinds.ts';
import type { ServingOptions } from '../../serving/options.ts';
import { createServing, type Serving } from '../../serving/serving.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import { openLmdbStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import { unguardedHttpServer } from '../../test/unguarded-http-server.ts';
import { writeSyntheticWorld } from './synthetic-world.ts';

const PARTITIONS = { userPartitions: 4, itemPartitions: 4 } as const;

export interface SyntheticServingOptions {
  readonly items: number;
  readonly people: number;
  readonly neighbours: number;
  readonly logger: Logger;
  readonly openStore: (eventLog: EventLog) => Promise<ArtifactStore>;
  readonly options?: Partial<ServingOptions>;
}

export interface SyntheticServing {
  readonly eventLog: EventLog;
  readonly serving: Serving;
  readonly app: FastifyInstance;
  /** The port, once everything can be served; the process then ends with its parent. */
  listen(): Promise<number>;
}

/** Written, not yet started. */
export const openSyntheticServing = async (
  given: SyntheticServingOptions,
): Promise<SyntheticServing> => {
  const { items, people, neighbours, logger } = given;
  const directory = await mkdtemp(join(tmpdir(), 'freshet-serving-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const topics = planTopics(PARTITIONS);
  const eventLog = await openLmdbEventLog({
    directory: join(directory, 'log'),
    topics,
    writableTopics: topics.map(({ spec }) => spec.name),
    clock: systemClock,
    random: systemRandom,
  });
  const stateStore = await openLmdbStateStore({ directory: join(directory, 'state') });
  await writeSyntheticWorld(eventLog, stateStore, {
    items,
    people,
    historyEvents: 50,
    neighbours,
    seed: 1,
    now: systemClock.now(),
    ...PARTITIONS,
  });
  const serving = createServing({
    eventLog,
    stateStore,
    artifactStore: await given.openStore(eventLog),
    liveBus: createInProcessLiveBus({ name: 'synthetic' }),
    clock: systemClock,
    idleMs: threadIdleMs,
    random: systemRandom,
    logger,
    kinds: DEFAULT_KINDS,
    partitions: PARTITIONS,
    ...(given.options ? { options: given.options } : {}),
  });
  const app = await unguardedHttpServer(systemClock.monotonicMs, logger);
  serving.registerRoutes(app);
  return {
    eventLog,
    serving,
    app,
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 });
      return (app.server.address() as AddressInfo).port;
    },
  };
};

/** For a server that is a child: it goes when it is told to, or its parent is gone. */
export const endWithParent = (): void => {
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
};
