/** `freshet import`: brings events and items that exist already. */
import { tmpdir } from 'node:os';
import { parseColumnMap } from '../../ingest/import/column-map.ts';
import type { ImportProgress } from '../../ingest/import/import-options.ts';
import { type ImportReport, runImport } from '../../ingest/import/import-run.ts';
import { openDataset } from '../../ingest/import/open-dataset.ts';
import type { ProblemSummary } from '../../ingest/import/problem-log.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { formatCount, formatSeconds, type ProgressLine, type Terminal } from '../terminal.ts';
import { type CommandSpec, EXIT_DONE } from './command.ts';
import { openWriteTarget } from './write-target.ts';

const PHASE_NAMES: Readonly<Record<ImportProgress['phase'], string>> = {
  counting: 'Looking',
  reading: 'Reading',
  items: 'Writing items',
  events: 'Writing events',
};

export const importCommand: CommandSpec = {
  name: 'import',
  usage: '<path>',
  wordsMax: 1,
  summary:
    'Imports MovieLens, Kaggle’s The Movies Dataset, an export, or any CSV or NDJSON file; can be repeated.',
  flags: [
    {
      name: 'map',
      value: 'MAP',
      help: 'Which column is which field: userId=user,itemId=product,kind:=purchase',
    },
    { name: 'file', value: 'NAME', help: 'The file of a folder or zip to read by its columns.' },
    { name: 'sample-items', value: 'N', help: 'Only the N items with the most events.' },
    { name: 'shift-to-now', help: 'Move all times so that the last event happens now.' },
    { name: 'broken-lines-max', value: 'N', help: 'Stop after so many unreadable lines (1000).' },
    { name: 'url', value: 'URL', help: 'A server elsewhere; else the data directory’s own.' },
  ],
  examples: [
    'freshet import ml-latest-small.zip',
    'freshet import the-movies-dataset/ --sample-items 5000',
    'freshet import orders.csv --map userId=customer,itemId=sku,occurredAt=date,kind:=purchase',
  ],
  async run(context) {
    const { clock, terminal, stopping } = context;
    const [path] = context.words;
    if (path === undefined) {
      throw new FreshetError('bad_usage', { problem: 'Expected a path to import, got none.' });
    }
    const map = context.text('map');
    const file = context.text('file');
    const opened = await openDataset(path, {
      ...(map === undefined ? {} : { map: parseColumnMap(map) }),
      ...(file === undefined ? {} : { file }),
    });
    const target = await openWriteTarget(context, { mayMakeDirectory: true });
    const bars = progressBars(terminal);
    try {
      const sampleItems = context.integer('sample-items', { min: 1, max: 10_000_000 });
      const brokenLinesMax = context.integer('broken-lines-max', { min: 0, max: 1_000_000_000 });
      const report = await runImport(
        opened.dataset,
        {
          sink: target.sink,
          kinds: kindTable(DEFAULT_KINDS),
          clock,
          temporaryDirectory: tmpdir(),
          onProgress: bars.show,
          signal: stopping,
        },
        {
          ...(sampleItems === undefined ? {} : { sampleItems }),
          ...(brokenLinesMax === undefined ? {} : { brokenLinesMax }),
          ...(context.isOn('shift-to-now') ? { shiftTo: clock.now() } : {}),
        },
      );
      bars.end();
      for (const line of reportLines(report, target.name)) terminal.line(line);
      return EXIT_DONE;
    } finally {
      opened.close();
      await target.close();
    }
  },
};

/** One bar a phase, one after the other. */
export const progressBars = (terminal: Terminal) => {
  let current: { phase: string; bar: ProgressLine; last: ImportProgress } | undefined;
  const end = (): void => {
    if (current) current.bar.end(`${formatCount(current.last.done)} ${current.last.unit}`);
    current = undefined;
  };
  return {
    show(progress: ImportProgress): void {
      if (current?.phase !== progress.phase) {
        end();
        const bar = terminal.progress(PHASE_NAMES[progress.phase]);
        current = { phase: progress.phase, bar, last: progress };
      }
      current.last = progress;
      current.bar.update(progress.done, progress.total);
    },
    end,
  };
};

export const reportLines = (report: ImportReport, target: string): readonly string[] => [
  `${report.format}: ${formatCount(report.items)} items, ${formatCount(report.events)} events of ` +
    `${formatCount(report.subjects)} people into ${target}`,
  `Outcome: ${report.outcome}. Read in ${formatSeconds(report.readMs / 1000)}, written in ` +
    `${formatSeconds(report.sendMs / 1000)}.`,
  ...problemLines('Left out', report.broken),
  ...problemLines('Put right', report.cleaned),
  ...report.notes,
];

export const problemLines = (
  heading: string,
  problems: readonly ProblemSummary[],
): readonly string[] =>
  problems.flatMap(({ problem, count, examples }) => [
    `${heading}: ${formatCount(count)} × ${problem}`,
    ...examples.map(({ place, text }) => `  ${place}: ${text}`),
  ]);
