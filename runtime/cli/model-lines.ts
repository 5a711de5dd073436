/** Releases and how they did, as lines for the terminal. */
import type { ModelsAnswer, ReleaseAnswer, TrainingAnswer } from '../../schemas/api/models.ts';
import { formatBytes, formatCount, formatSeconds } from '../terminal.ts';

type HoldOut = ModelsAnswer['runs'][number]['holdOut'];

export const holdOutLines = (holdOut: HoldOut): readonly string[] => {
  if (!holdOut || holdOut.scores.length === 0) return [];
  const rows = holdOut.scores.map(({ name, hitRate, ndcg, ndcgMargin }) => [
    name,
    hitRate.toFixed(3),
    `${ndcg.toFixed(4)} ± ${ndcgMargin.toFixed(4)}`,
  ]);
  return [
    `Lists of ten for ${formatCount(holdOut.users)} people, against what they chose later:`,
    ...tableLines(['', 'hit rate', 'NDCG'], rows),
  ];
};

export const releaseLines = ({ inUse, releases, runs, nextAt, whyOff }: ModelsAnswer) => {
  if (releases.length === 0) {
    return [
      whyOff === null ? 'No release yet. `freshet train` makes one.' : `No release: ${whyOff}`,
    ];
  }
  const rows = releases.map((release) => [
    release.version,
    release.isInUse ? 'in use' : release.version === inUse?.formerVersion ? 'before it' : '',
    Object.keys(release.models).join(', '),
    formatBytes(release.sizeBytes),
    ndcgOf(release),
  ]);
  const last = runs.find(({ outcome }) => outcome === 'refused' || outcome === 'failed');
  return [
    ...tableLines(['release', '', 'models', 'size', 'NDCG'], rows),
    ...(last ? [`Run ${last.runId} was ${last.outcome}: ${last.reasons.join('; ')}`] : []),
    ...(nextAt === null ? [] : [`The next training begins at ${nextAt}.`]),
  ];
};

export const releaseDetailLines = (release: ReleaseAnswer): readonly string[] => [
  `Release ${release.version}${release.isInUse ? ', in use' : ''}`,
  `Published ${release.createdAt}, ${formatBytes(release.sizeBytes)}`,
  `From ${formatCount(release.history.events)} events of ${formatCount(release.history.users)} people on ` +
    `${formatCount(release.history.items)} items` +
    (release.history.eventsCut > 0 ? `; ${formatCount(release.history.eventsCut)} were cut` : ''),
  ...tableLines(
    ['model', 'trained', 'seconds'],
    Object.entries(release.models).map(([kind, { trainedAt, seconds }]) => [
      kind,
      trainedAt,
      seconds.toFixed(1),
    ]),
  ),
  ...holdOutLines(release.holdOut),
];

const ndcgOf = ({ holdOut }: ReleaseAnswer): string =>
  holdOut.scores.find(({ name }) => name === 'blend')?.ndcg.toFixed(4) ?? '';

const tableLines = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
};

const STAGES: Readonly<Record<TrainingAnswer['stage'], string>> = {
  reading: 'reading',
  trying: 'trying on later choices',
  fitting: 'fitting',
  publishing: 'publishing',
};

/** What a training is at, how fast it goes and how long it will take. */
export const trainingLine = (training: TrainingAnswer): string => {
  const { stage, model, eventsRead, sharePerMinute, remainingMs } = training;
  const what = model === null ? STAGES[stage] : `${STAGES[stage]} ${model}`;
  return [
    what,
    ...(stage === 'reading' && eventsRead > 0 ? [`${formatCount(eventsRead)} events`] : []),
    ...(sharePerMinute === null ? [] : [`${percentText(sharePerMinute)} a minute`]),
    ...(remainingMs === null ? [] : [`${formatSeconds(Math.ceil(remainingMs / 1_000))} left`]),
  ].join(', ');
};

const percentText = (share: number): string =>
  `${share < 0.1 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;
