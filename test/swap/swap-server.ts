/**
 * The server whose releases are swapped: serving over an embedded log and state with the synthetic
 * world in them, releases from the directory that it is given. It prints its port; told over the
 * channel to promote a version, it writes the promotion into the control log and answers once lists go
 * by it or it was refused.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { writeSyntheticWorld } from '../../bench/serving/synthetic-world.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createHttpServer } from '../../runtime/http/server.ts';
import { systemRandom } from '../../runtime/random.ts';
import { planTopics } from '../../runtime/topic-plan.ts';
import type { Logger } from '../../schemas/environment.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { DEFAULT_KINDS } from '../../schemas/kinds.ts';
import { createServing, type Serving } from '../../serving/serving.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import { openLmdbStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import { promote } from '../serving/promotion.ts';
import type { Promoted, SwapServerFacts } from './swap-messages.ts';

const { values } = parseArgs({
  options: {
    artifacts: { type: 'string', default: '' },
    items: { type: 'string', default: '5000' },
    people: { type: 'string', default: '5000' },
  },
});
const PARTITIONS = { userPartitions: 4, itemPartitions: 4 } as const;
const LOOK_AGAIN_MS = 2 as DurationMs;
/** Refused releases are what this is about: they are counted, not printed. */
const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const directory = await mkdtemp(join(tmpdir(), 'freshet-swap-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const topics = planTopics(PARTITIONS);
const eventLog: EventLog = await openLmdbEventLog({
  directory: join(directory, 'log'),
  topics,
  writableTopics: topics.map(({ spec }) => spec.name),
  clock: systemClock,
  random: systemRandom,
});
const stateStore = await openLmdbStateStore({ directory: join(directory, 'state') });
await writeSyntheticWorld(eventLog, stateStore, {
  items: Number(values.items),
  people: Number(values.people),
  historyEvents: 50,
  neighbours: 32,
  seed: 1,
  now: systemClock.now(),
  ...PARTITIONS,
});
const serving: Serving = createServing({
  eventLog,
  stateStore,
  artifactStore: await openDirectoryArtifactStore({ directory: values.artifacts, logger }),
  liveBus: createInProcessLiveBus({ name: 'swap' }),
  clock: systemClock,
  random: systemRandom,
  logger,
  kinds: DEFAULT_KINDS,
  partitions: PARTITIONS,
});
const app = await createHttpServer({
  basePath: '',
  trustedProxies: [],
  allowedOrigins: [],
  requestsPerSecond: 0,
  logger,
  monotonicMs: systemClock.monotonicMs,
});
serving.registerRoutes(app);
await serving.start();
await app.listen({ host: '127.0.0.1', port: 0 });

const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();

/** Settled as soon as it is in use, or refused. */
const promoted = async (version: string): Promise<Promoted> => {
  const before = serving.status().release!;
  await promote(eventLog, version, { formerVersion: before.version, at: systemClock.now() });
  for (;;) {
    const {
      version: inUse,
      refusedCount,
      refused,
      loadMs,
      memoryBytes,
    } = serving.status().release!;
    if (inUse === version) return { isInUse: true, inUse, reason: null, loadMs, memoryBytes };
    if (refusedCount > before.refusedCount) {
      const reason = refused.at(-1)!.reason;
      return { isInUse: false, inUse, reason, loadMs, memoryBytes };
    }
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
};

process.on('message', (message: { readonly promote?: string; readonly delays?: true }) => {
  if (message.promote !== undefined) {
    void promoted(message.promote).then((answer) => process.send?.(answer));
    return;
  }
  process.send?.({ p99Ms: delays.percentile(99) / 1e6, maxMs: delays.max / 1e6 });
  delays.reset();
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));

const facts: SwapServerFacts = { port: (app.server.address() as AddressInfo).port };
console.log(JSON.stringify(facts));
