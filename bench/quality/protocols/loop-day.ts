/**
 * Plots for the docs of how lists age after the nightly training: by the hours since, and by how much
 * the person whose list it is has done since.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hitAtRank } from '../../../algorithms/metrics/ranking.ts';
import type { PrequentialPlan } from '../../../algorithms/splits/prequential.ts';
import { lineChartSvg } from '../../line-chart.ts';
import type { OnlineEvent, OnlineRun } from '../online/prequential-run.ts';

const HOUR_MS = 3_600_000;
/** Fewer events than this make no point. */
const EVENTS_PER_POINT = 200;
const DEEDS_MAX = 12;

export const drawTheDay = (
  names: readonly string[],
  { ranks }: OnlineRun,
  { warmUp, steps }: PrequentialPlan<OnlineEvent>,
  nightMs: number,
): void => {
  const ranked = steps.flat();
  const since = deedsSinceNight([...warmUp, ...ranked], nightMs).slice(warmUp.length);
  const seriesBy = (xOf: (place: number) => number) =>
    names.map((name) => ({ name, points: recallBy(xOf, ranks.get(name)!) }));
  draw('learning-loop-day.svg', {
    title: 'Lists during the day',
    xLabel: 'hours since the nightly training',
    series: seriesBy((place) => Math.floor((ranked[place]!.time % nightMs) / HOUR_MS)),
  });
  draw('learning-loop-deeds.svg', {
    title: 'Lists of people who act',
    xLabel: 'what the person has chosen since the nightly training',
    series: seriesBy((place) => Math.min(since[place]!, DEEDS_MAX)),
  });
};

/** Of each event, how many of the same person's came before it since the last night. */
const deedsSinceNight = (events: readonly OnlineEvent[], nightMs: number): readonly number[] => {
  const counts = new Map<string, number>();
  return events.map(({ user, time }) => {
    const key = `${user} ${Math.floor(time / nightMs)}`;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return count;
  });
};

const recallBy = (
  xOf: (place: number) => number,
  ranks: Float64Array,
): (readonly [x: number, recall: number])[] => {
  const found = new Map<number, { hits: number; count: number }>();
  ranks.forEach((rank, place) => {
    const x = xOf(place);
    const at = found.get(x) ?? { hits: 0, count: 0 };
    found.set(x, { hits: at.hits + hitAtRank(rank, 10), count: at.count + 1 });
  });
  return [...found]
    .filter(([, { count }]) => count >= EVENTS_PER_POINT)
    .map(([x, { hits, count }]) => [x, hits / count] as const)
    .sort(([one], [other]) => one - other);
};

const IMAGES = join(import.meta.dirname, '../../../docs/images');

const draw = (file: string, chart: Omit<Parameters<typeof lineChartSvg>[0], 'yLabel'>): void => {
  mkdirSync(IMAGES, { recursive: true });
  writeFileSync(join(IMAGES, file), lineChartSvg({ ...chart, yLabel: 'recall@10' }));
};
