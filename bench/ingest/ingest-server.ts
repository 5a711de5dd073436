/**
 * The edge alone over the embedded log, for measuring it: no stream, no serving. Prints its port, ends
 * with its standard input.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerIngestRoutes } from '../../ingest/http/routes.ts';
import { openIngest } from '../../ingest/ingest.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { planTopics } from '../../runtime/topic-plan.ts';
import type { Logger } from '../../schemas/environment.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import { unguardedHttpServer } from '../../test/unguarded-http-server.ts';

const logger: Logger = { debug() {}, info() {}, warn: console.error, error: console.error };
const directory = mkdtempSync(join(tmpdir(), 'freshet-ingest-'));
const log = await openLmdbEventLog({
  directory,
  topics: planTopics({ userPartitions: 4, itemPartitions: 4 }),
  clock: systemClock,
  random: systemRandom,
});
const ingest = await openIngest({
  log,
  clock: systemClock,
  random: systemRandom,
  logger,
  kinds: kindTable(DEFAULT_KINDS),
  configVersion: 1,
  currentItem: () => undefined,
  onStorageFailed: () => process.exit(1),
});
const app = await unguardedHttpServer(systemClock.monotonicMs, logger);
registerIngestRoutes(app, ingest);
await app.listen({ port: 0, host: '127.0.0.1' });
const address = app.server.address();
console.log(typeof address === 'object' ? address?.port : address);
process.stdin.resume().on('end', async () => {
  await app.close();
  await ingest.close();
  const { user, system } = process.cpuUsage();
  console.log(
    JSON.stringify({ counters: ingest.events.counters, cpuSeconds: (user + system) / 1e6 }),
  );
  await log.close();
  rmSync(directory, { recursive: true, force: true });
  process.exit(0);
});
