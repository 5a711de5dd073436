/** The lists that serving makes of what stores hold, at one fixed time, whatever the stores are. */
import { setTimeout as sleepFor, setImmediate as turn } from 'node:timers/promises';
import { systemRandom } from '../../runtime/random.ts';
import type { PartitionCounts } from '../../runtime/topic-plan.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { Clock } from '../../schemas/environment.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import { DEFAULT_KINDS } from '../../schemas/kinds.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { createServing } from '../../serving/serving.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { createStreamFixture, DAY_MS, T0 } from '../stream/stream-fixture.ts';
import { unguardedHttpServer } from '../unguarded-http-server.ts';

export interface ServedStores {
  readonly eventLog: EventLog;
  readonly stateStore: StateStore;
  readonly artifactStore: ArtifactStore;
}

export const clockAt = (now: EpochMs): Clock => ({
  now: () => now,
  monotonicMs: () => performance.now(),
  sleep: (duration, signal) => sleepFor(duration, undefined, signal ? { signal } : {}),
});

/** After the synthetic days of the tests. */
export const dayAfter: Clock = clockAt((T0 + DAY_MS) as EpochMs);

type MadeList = Pick<ListAnswer, 'items' | 'rung' | 'models'>;

export const listsOn = async (
  stores: ServedStores,
  given: {
    readonly people: readonly string[];
    readonly partitions: PartitionCounts;
    readonly clock?: Clock;
  },
): Promise<readonly MadeList[]> => {
  const { people, partitions, clock = dayAfter } = given;
  const { liveBus } = createStreamFixture(partitions).deps;
  const serving = createServing({
    ...stores,
    liveBus,
    clock,
    random: systemRandom,
    logger: silentLogger,
    kinds: DEFAULT_KINDS,
    partitions,
  });
  const app = await unguardedHttpServer(clock.monotonicMs);
  serving.registerRoutes(app);
  try {
    await serving.start();
    // What a start goes on loading behind the first answers is to be there before them: these are kept.
    await serving.poll();
    while (serving.status().content.missing! > 0) await turn();
    const lists: MadeList[] = [];
    for (const person of people) {
      const answer = await app.inject(`/v1/users/${person}/recommendations`);
      const { items, rung, models } = answer.json<ListAnswer>();
      lists.push({ items, rung, models });
    }
    await serving.stop();
    return lists;
  } finally {
    await app.close();
  }
};
