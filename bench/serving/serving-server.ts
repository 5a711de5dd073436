/**
 * The server that `recommend-speed.ts` measures, in a process of its own: serving over an embedded log
 * and state, or (`--bare`) nothing but node:http with an answer of the same size.
 *
 * Prints one line of JSON once it listens: its port, its memory, the size of an answer.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../runtime/clock.ts';
import { planTopics } from '../../runtime/topic-plan.ts';
import { createHttpServer } from '../../runtime/http/server.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { Logger } from '../../schemas/environment.ts';
import { DEFAULT_KINDS } from '../../schemas/kinds.ts';
import { createServing } from '../../serving/serving.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import { MemoryArtifactStore } from '../../storage/artifact-store/memory-artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import { openLmdbStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import { promote } from '../../test/serving/promotion.ts';
import { syntheticRelease } from './synthetic-release.ts';
import { writeSyntheticWorld } from './synthetic-world.ts';

const { values } = parseArgs({
  options: {
    bare: { type: 'boolean', default: false },
    bytes: { type: 'string', default: '5000' },
    items: { type: 'string', default: '10000' },
    people: { type: 'string', default: '20000' },
    /** Length of the vectors of a release; 0 for lists without one. */
    release: { type: 'string', default: '0' },
  },
});
const PARTITIONS = { userPartitions: 4, itemPartitions: 4 } as const;
const logger: Logger = {
  debug() {},
  info() {},
  warn: (message, fields) => console.error(message, fields),
  error: (message, fields) => console.error(message, fields),
};

const listenBare = async (): Promise<void> => {
  const body = Buffer.alloc(Number(values.bytes), 'x');
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  };
  const server = createServer((_request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
  });
};

/** Holds the release that is in use, where there is to be one. */
const storeOfReleases = async (eventLog: EventLog): Promise<ArtifactStore> => {
  const store = new MemoryArtifactStore();
  const dimensions = Number(values.release);
  if (dimensions === 0) return store;
  const items = Number(values.items);
  const release = syntheticRelease({ version: 'synthetic', items, dimensions, seed: 1 });
  await store.publish(release.manifest, release.files);
  await promote(eventLog, 'synthetic', { at: systemClock.now() });
  return store;
};

const listenServing = async (): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-serving-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const eventLog = await openLmdbEventLog({
    directory: join(directory, 'log'),
    topics: planTopics(PARTITIONS),
    writableTopics: planTopics(PARTITIONS).map(({ spec }) => spec.name),
    clock: systemClock,
    random: systemRandom,
  });
  const stateStore = await openLmdbStateStore({ directory: join(directory, 'state') });
  await writeSyntheticWorld(eventLog, stateStore, {
    items: Number(values.items),
    people: Number(values.people),
    historyEvents: 50,
    neighbours: 64,
    seed: 1,
    now: systemClock.now(),
    ...PARTITIONS,
  });
  const before = process.memoryUsage();
  const serving = createServing({
    eventLog,
    stateStore,
    artifactStore: await storeOfReleases(eventLog),
    liveBus: createInProcessLiveBus({ name: 'bench' }),
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
  const startedMs = systemClock.monotonicMs();
  await serving.start();
  const startMs = systemClock.monotonicMs() - startedMs;
  await app.listen({ host: '127.0.0.1', port: 0 });
  const after = process.memoryUsage();
  const answer = await app.inject('/v1/users/p0/recommendations');
  console.log(
    JSON.stringify({
      port: (app.server.address() as AddressInfo).port,
      startMs,
      answerBytes: answer.rawPayload.length,
      itemBytes: serving.status().memory.itemBytes / Number(values.items),
      heapBytesPerItem:
        (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) /
        Number(values.items),
    }),
  );
  process.on('message', (message) => {
    if (message === 'status') process.send?.(serving.status());
  });
};

await (values.bare ? listenBare() : listenServing());
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
