/**
 * `start --dataset`: a data set in the place of the demo's films, its last event moved to now, and
 * its people as the audience that goes on from there.
 */
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import type { AudienceWorld } from '../../ingest/audience/audience-world.ts';
import { datasetWorld } from '../../ingest/audience/dataset-people.ts';
import { ratersIn } from '../../ingest/audience/raters.ts';
import { catalogueIn } from '../../ingest/catalogue/logged-catalogue.ts';
import { runImport } from '../../ingest/import/import-run.ts';
import { LogBackfillSink } from '../../ingest/import/log-backfill-sink.ts';
import { openDataset } from '../../ingest/import/open-dataset.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import type { CommandContext } from '../cli/command.ts';
import { progressBars, reportLines } from '../cli/import-command.ts';
import type { AudienceFacts } from '../data-directory.ts';
import type { Instance } from '../instance.ts';

const PREFIX = 'dataset:';

export const datasetNameOf = (path: string): string => `${PREFIX}${basename(path)}`;

export const isDatasetName = (name: string | null): boolean => name?.startsWith(PREFIX) === true;

/** undefined where the data set brought no ratings. */
export const datasetWorldOf = async (
  log: EventLog,
  { seed, endsAt }: AudienceFacts,
): Promise<AudienceWorld | undefined> => {
  const raters = await ratersIn(log);
  if (raters.length === 0) return undefined;
  return datasetWorld({ catalogue: await catalogueIn(log), raters, seed, endsAt });
};

export const bringDataset = async (
  instance: Instance,
  path: string,
  context: CommandContext,
): Promise<void> => {
  const { clock, terminal, stopping } = context;
  const opened = await openDataset(path);
  const bars = progressBars(terminal);
  try {
    const report = await runImport(
      opened.dataset,
      {
        sink: new LogBackfillSink({ log: instance.log, clock }),
        kinds: kindTable(DEFAULT_KINDS),
        clock,
        temporaryDirectory: tmpdir(),
        onProgress: bars.show,
        signal: stopping,
      },
      context.isOn('keep-times') ? {} : { shiftTo: clock.now() },
    );
    bars.end();
    for (const line of reportLines(report, instance.directory.paths.root)) terminal.line(line);
  } finally {
    opened.close();
  }
};
