/**
 * The server that `recommend-speed.ts` measures, in a process of its own: serving over an embedded log
 * and state, or (`--bare`) nothing but node:http with an answer of the same size, or (`--serialise`) with
 * a list of another server of this kind, turned into JSON for each request.
 *
 * Prints one line of JSON once it listens: its port, its memory, the size of an answer.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { systemClock } from '../../runtime/clock.ts';
import type { Logger } from '../../schemas/environment.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import { MemoryArtifactStore } from '../../storage/artifact-store/memory-artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { promote } from '../../test/serving/promotion.ts';
import { syntheticRelease } from './synthetic-release.ts';
import { endWithParent, openSyntheticServing } from './synthetic-serving.ts';

const { values } = parseArgs({
  options: {
    bare: { type: 'boolean', default: false },
    bytes: { type: 'string', default: '5000' },
    /** The port of a server whose list is written anew for each request; 0 for none. */
    serialise: { type: 'string', default: '0' },
    items: { type: 'string', default: '10000' },
    people: { type: 'string', default: '20000' },
    /** Length of the vectors of a release; 0 for lists without one. */
    release: { type: 'string', default: '0' },
  },
});
const LOOK_AGAIN_MS = 20 as DurationMs;
const logger: Logger = {
  debug() {},
  info() {},
  warn: (message, fields) => console.error(message, fields),
  error: (message, fields) => console.error(message, fields),
};

const JSON_TYPE = 'application/json; charset=utf-8';

const listenBare = (bodyOf: () => Buffer): void => {
  const server = createServer((_request, response) => {
    const body = bodyOf();
    response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': body.length });
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
  });
};

const listOf = async (port: string): Promise<unknown> => {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/users/p0/recommendations`);
  return answer.json();
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
  const items = Number(values.items);
  const { serving, app, listen } = await openSyntheticServing({
    items,
    people: Number(values.people),
    neighbours: 64,
    logger,
    openStore: storeOfReleases,
  });
  const before = process.memoryUsage();
  const startedMs = systemClock.monotonicMs();
  await serving.start();
  const startMs = systemClock.monotonicMs() - startedMs;
  const port = await listen();
  // Lists of what is alike are found between other work after a start: that is not what is measured.
  while (serving.status().content.missing !== 0) await systemClock.sleep(LOOK_AGAIN_MS);
  const after = process.memoryUsage();
  const answer = await app.inject('/v1/users/p0/recommendations');
  const grownBytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  console.log(
    JSON.stringify({
      port,
      startMs,
      answerBytes: answer.rawPayload.length,
      itemBytes: serving.status().memory.itemBytes / items,
      heapBytesPerItem: grownBytes / items,
    }),
  );
  process.on('message', (message) => {
    if (message === 'status') process.send?.(serving.status());
  });
};

if (values.serialise !== '0') {
  const list = await listOf(values.serialise);
  listenBare(() => Buffer.from(JSON.stringify(list)));
} else if (values.bare) {
  const body = Buffer.alloc(Number(values.bytes), 'x');
  listenBare(() => body);
} else {
  await listenServing();
}
endWithParent();
