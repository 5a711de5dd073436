/** `start --dataset`: a data set in the place of the demo's films, its last event moved to now. */
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { runImport } from '../../ingest/import/import-run.ts';
import { LogBackfillSink } from '../../ingest/import/log-backfill-sink.ts';
import { openDataset } from '../../ingest/import/open-dataset.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { CommandContext } from '../cli/command.ts';
import { progressBars, reportLines } from '../cli/import-command.ts';
import type { Instance } from '../embedded/instance.ts';

export const datasetNameOf = (path: string): string => `dataset:${basename(path)}`;

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
