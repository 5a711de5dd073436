/**
 * How long imports take, into the embedded log in a temporary directory, without the stream:
 * `node bench/ingest/import-time.ts PATH…`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runImport } from '../../ingest/import/import-run.ts';
import { LogBackfillSink } from '../../ingest/import/log-backfill-sink.ts';
import { openDataset } from '../../ingest/import/open-dataset.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { planTopics } from '../../runtime/topic-plan.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';

for (const path of process.argv.slice(2)) {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-import-time-'));
  const log = await openLmdbEventLog({
    directory: join(directory, 'log'),
    topics: planTopics({ userPartitions: 4, itemPartitions: 4 }),
    clock: systemClock,
    random: systemRandom,
  });
  const { dataset, close } = await openDataset(path);
  try {
    const cpuBefore = process.cpuUsage();
    const report = await runImport(dataset, {
      sink: new LogBackfillSink({ log, clock: systemClock }),
      kinds: kindTable(DEFAULT_KINDS),
      clock: systemClock,
      temporaryDirectory: directory,
    });
    const cpu = process.cpuUsage(cpuBefore);
    console.log(JSON.stringify(report));
    console.log(
      `${report.format}: ${report.events} events, ${report.items} items; read ${(report.readMs / 1000).toFixed(1)} s, ` +
        `send ${(report.sendMs / 1000).toFixed(1)} s, CPU ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s`,
    );
  } finally {
    close();
    await log.close();
    await rm(directory, { recursive: true, force: true });
  }
}
